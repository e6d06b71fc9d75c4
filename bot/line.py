"""A command line is cleaned, bounded, split and quoted in one way, whether it was typed or pressed."""

from __future__ import annotations

from bot.chat import Button
from bot.format import plain

LONGEST = 1_000
"""Characters of a line that is still read."""
BUTTON_BYTES = 64
"""What the narrowest chat (Telegram) lets a button carry."""
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "‘": "’", "«": "»"}  # noqa: RUF001 -- what phones make of quotes


def split(line: str) -> tuple[str, ...]:
    """Split a line into words; quotes around words keep them together, and a quote without its pair is a character."""
    words: list[str] = []
    rest = plain(line)
    while rest:
        closing = _QUOTES.get(rest[0])
        end = _closes(rest, closing) if closing else -1
        if end > 0:
            words.append(rest[1:end])
            rest = rest[end + 1 :].lstrip()
        else:
            word, _, rest = rest.partition(" ")
            words.append(word)
    return tuple(words)


def _closes(rest: str, closing: str) -> int:
    """Where a word that began with a quote ends: at a closing quote before a blank or the end; -1 for nowhere."""
    end = rest.find(closing, 1)
    while end != -1 and rest[end + 1 : end + 2] not in ("", " "):
        end = rest.find(closing, end + 1)
    return end


def quote(word: str) -> str:
    """Write one word so that `split` reads it back."""
    if word and split(word) == (word,):
        return word
    mark = "'" if '"' in word else '"'
    return f"{mark}{word}{mark}"


def button(label: str, *words: str) -> tuple[Button, ...]:
    """Make a button that types `words`; nothing when they are longer than a chat lets a button carry."""
    line = " ".join(quote(word) for word in words)
    return (Button(label, line),) if len(line.encode()) <= BUTTON_BYTES else ()
