"""What looks like a secret is taken out of a log before anybody sees it: rather a word too many than a key too few."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import quote

MASK = "••••"
SHORTEST = 6
"""Characters of a known secret that is looked for; a shorter one is a word."""
LONGEST_LINE = 300

# A name is found wherever it ends (accessToken, BINANCE_API_SECRET); the short ones only as a word of their own or of a
# camel's hump, since a monkey is no key.
_LONG = (
    r"token|secrets?|passw(?:or)?ds?|passphrase|(?:api|access|private|secret)[ _-]?keys?|mnemonic|authorization"
    r"|cookies?|signature|credentials?|session[_-]?id|webhook"
)
_WORDS = (
    r"(?<![a-z0-9])(?:key|pwd|auth|sign|seed|session|jwt)|(?-i:(?<=[a-z0-9])(?:Key|Pwd|Auth|Sign|Seed|Session|Jwt))"
)
_NAME = rf"(?:{_LONG}|{_WORDS})(?:[_-]?(?:id|key|value|url|token))?(?:[_-]?[0-9]{{1,3}})?"
_SENTENCE = r"(?:mnemonic|cookies?|passphrase|authorization|(?<![a-z0-9])seed|(?-i:(?<=[a-z0-9])Seed))"
# Between a name and its value: quotes that may be escaped, then = or : or > or %3D, or the comma of a pair of texts.
_IS = r"(?:(?:\\{0,8}[\"'])?[ \t]*(?:=>|:=|[=:]|>(?=[^\s<])|%3D)[ \t]*|\\{0,8}[\"'],[ \t]*(?=b?\\{0,8}[\"']))"
# A quote that nobody closes goes to the end of its line. Each of these takes what it has begun: no text is read twice.
_VALUE = (
    r"(?:[bru]{0,2}(?:\\+\"[^\"\n]*\"?|\\+'[^'\n]*'?|\"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\"?|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?)"
    r"|\[[^\]\n]*\]?|\{[^}\n]*\}?|(?:(?:bearer|basic|token)[ \t]+)?[^\s,;&\"'<>]+)"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]{1,40}-----.*?(?:-----END [A-Z ]{1,40}-----|\Z)", re.DOTALL), MASK),
    # What is left of a key whose first lines are not among those that were asked for.
    (re.compile(r"(?m)(?<!\S)[A-Za-z0-9+/=]{1,76}(?=\n[^\n]{0,80}-----END )|(?<!\S)[A-Za-z0-9+/]{60,76}={0,2}$"), MASK),
    (re.compile(r"\b([Bb]earer|BEARER)[ \t]+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    (re.compile(r"\b([Bb]asic|BASIC|[Dd]igest)[ \t]+(?=[a-z+/]*[A-Z0-9])[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,100}):[^\s/]{1,200}@"), rf"\1:{MASK}@"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://)[^\s/:@]{16,200}@"), rf"\1{MASK}@"),
    (re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}"), MASK),
    (re.compile(r"(?<![0-9])[0-9]{6,12}:[A-Za-z0-9_-]{30,}"), MASK),
    (re.compile(r"(?<![A-Za-z0-9])(?:xox[a-z]|xapp)[.-][A-Za-z0-9.-]{6,}"), MASK),
    (re.compile(r"(?i)((?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks)/)[^\s\"'>]{4,}"), rf"\1{MASK}"),
    (
        re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])|(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}"),
        MASK,
    ),
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,}|(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}"
        ),
        MASK,
    ),
    (re.compile(r"(?<![0-9a-fA-F])(?:0x)?[0-9a-fA-F]{64,}"), MASK),
    (re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{40,}"), MASK),
    (re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}={1,2}"), MASK),
    # A sentence of words under such a name: the words of a wallet, a cookie with its parts.
    (re.compile(rf"(?i)({_SENTENCE}(?:[ _-]?[a-z]{{1,10}})?{_IS})[^\n]+"), rf"\1{MASK}"),
    (re.compile(rf"(?i)({_NAME}{_IS}){_VALUE}"), rf"\1{MASK}"),
    (
        re.compile(rf"(?i)((?<![a-z0-9-])--(?:[a-z0-9]{{1,20}}-){{0,4}}(?:{_LONG}|key|pwd|seed)[ \t]+){_VALUE}"),
        rf"\1{MASK}",
    ),
)
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-9:;?]{0,32}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]"
)
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def redacted(text: str, secrets: Collection[str] = ()) -> str:
    """Take out known secrets, and whatever looks like one; the number of lines may shrink, where a key spans several.

    Escapes and what cannot be seen go first: a colour between a name and its value would hide both from these rules.
    A transaction's hash looks like a private key, and is taken out too.
    """
    known = sorted({form for each in secrets for form in _forms(each)}, key=len, reverse=True)
    text = _UNSEEN.sub("", _ESCAPES.sub("", _without(text, known)))
    text = _without(text, known)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def bounded(lines: Sequence[str], most_lines: int, most_chars: int) -> tuple[list[str], int]:
    """The newest lines that have room, oldest first, and how many older ones have none; each printable and not long."""
    kept: list[str] = []
    room = most_chars
    for each in reversed(lines[max(0, len(lines) - most_lines) :]):
        clean = _printable(each)
        room -= len(clean) + 1
        if room < 0 and kept:
            break
        kept.append(clean[:most_chars])
    return kept[::-1], len(lines) - len(kept)


def _forms(secret: str) -> Iterator[str]:
    """A secret as it stands, in an address, and inside a text of JSON."""
    if len(secret) >= SHORTEST:
        yield from (secret, quote(secret, safe="", errors="replace"), json.dumps(secret)[1:-1])


def _without(text: str, known: Sequence[str]) -> str:
    for each in known:
        text = text.replace(each, MASK)
    return text


def _printable(line: str) -> str:
    """A line without escapes and control characters, of at most LONGEST_LINE characters."""
    visible = "".join(
        each if each.isprintable() else " " for each in _ESCAPES.sub("", line[: 4 * LONGEST_LINE]) if each != "\r"
    ).rstrip()
    return visible if len(visible) <= LONGEST_LINE else f"{visible[: LONGEST_LINE - 1]}…"
