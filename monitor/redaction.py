"""What looks like a secret is taken out of a log before anybody sees it: rather a word too many than a key too few."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

MASK = "••••"
SHORTEST = 6
"""Characters of a known secret that is looked for; a shorter one is a word."""
LONGEST_LINE = 300
_NAMES = (
    r"(?:[a-z0-9]+[_-]){0,4}(?:token|secret|passwd|password|passphrase|pwd|api[_-]?key|apikey|access[_-]?key|private[_-]?key"
    r"|secret[_-]?key|key|mnemonic|seed(?:[_-]?phrase)?|authorization|auth|cookie|signature|sign|credentials?|session(?:id)?"
    r"|webhook)(?:[_-](?:id|key|value|url|token))?"
)
_SENTENCES = ("mnemonic", "seed", "cookie", "passphrase", "authorization")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]{1,40}-----.*?(?:-----END [A-Z ]{1,40}-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?i)\b(bearer|basic|digest)[ \t]+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,100}):[^\s/@]{1,200}@"), rf"\1:{MASK}@"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), MASK),
    (re.compile(r"(?<![0-9])[0-9]{6,12}:[A-Za-z0-9_-]{30,}"), MASK),
    (re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{6,}|\bxapp-[A-Za-z0-9-]{6,}"), MASK),
    (re.compile(r"(?i)(hooks\.slack\.com/)[^\s\"']{4,}"), rf"\1{MASK}"),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{16,}"), MASK),
    (re.compile(r"\b(?:0x)?[0-9a-fA-F]{64}\b"), MASK),
    (re.compile(r"\b(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{40,100}\b"), MASK),
    # A sentence of words under such a name: the words of a wallet, a cookie with its parts.
    (
        re.compile(
            rf"(?i)([\"']?\b(?:{'|'.join(_SENTENCES)})(?:[_-]?[a-z]{{1,10}})?[\"']?[ \t]*[=:][ \t]*)[^\n]{{1,2000}}"
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            rf"(?i)(\b{_NAMES}\b[\"']?[ \t]*(?:=>|[=:])[ \t]*)"
            r"(\"[^\"\n]{0,2000}\"|'[^'\n]{0,2000}'|[^\s,;&)\]}\"']{1,2000})"
        ),
        rf"\1{MASK}",
    ),
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|[@-Z\\-_])")


def redacted(text: str, secrets: Collection[str] = ()) -> str:
    """Take out known secrets, and whatever looks like one; the number of lines may shrink, where a key spans several.

    A transaction's hash looks like a private key, and is taken out too.
    """
    for each in sorted(secrets, key=len, reverse=True):
        if len(each) >= SHORTEST:
            text = text.replace(each, MASK)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def bounded(lines: Sequence[str], most_lines: int, most_chars: int) -> tuple[list[str], int]:
    """The newest lines that have room, oldest first, and how many older ones have none; each printable and not long."""
    kept: list[str] = []
    room = most_chars
    for each in reversed(lines[-most_lines:]):
        clean = _printable(each)
        room -= len(clean) + 1
        if room < 0 and kept:
            break
        kept.append(clean[:most_chars])
    return kept[::-1], len(lines) - len(kept)


def _printable(line: str) -> str:
    """A line without escapes and control characters, of at most LONGEST_LINE characters."""
    visible = "".join(
        each if each.isprintable() else " " for each in _ESCAPES.sub("", line[: 4 * LONGEST_LINE]) if each != "\r"
    ).rstrip()
    return visible if len(visible) <= LONGEST_LINE else f"{visible[: LONGEST_LINE - 1]}…"
