"""Figures, times and foreign text are written the same way everywhere people read them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")
UNKNOWN = "n/a"
_ZONE: list[tzinfo] = [UTC]
_HUGE = 1e15
"""From here on nobody counts digits."""


def plain(text: str, limit: int | None = None) -> str:
    """Make text from outside one harmless line, without escapes and invisible characters, of at most `limit`."""
    bounded = text if limit is None else text[: limit * 4]
    visible = (each if each.isprintable() else " " if each.isspace() else "" for each in _ESCAPES.sub("", bounded))
    line = " ".join("".join(visible).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1]}…"


def block(text: str) -> str:
    """Make text of several lines harmless, keeping its lines and their indents."""
    lines = _ESCAPES.sub("", text).expandtabs(4).splitlines()
    return "\n".join("".join(each for each in line if each.isprintable()).rstrip() for line in lines)


def number(value: float | Decimal | None, digits: int = 2, *, signed: bool = False) -> str:
    """Write 1234.5 as "1,234.50"; what is unknown or not finite is "n/a"."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    sign = "+" if signed else ""
    written = f"{value:{sign},.{digits}f}" if -_HUGE < value < _HUGE else f"{value:{sign}.3e}"
    return written if written.strip("+-0,.") else written.lstrip("+-")


def money(value: float | Decimal | None, currency: str, *, signed: bool = False) -> str:
    """Write an amount with two decimals, thousands separators and its currency."""
    written = number(value, signed=signed)
    return written if written == UNKNOWN else f"{written} {currency}"


def amount(value: Decimal, currency: str) -> str:
    """Write an amount that a person gave, sign first, with every decimal they gave and at least two."""
    exponent = value.normalize().as_tuple().exponent
    digits = max(2, -exponent if isinstance(exponent, int) else 2)
    return f"{value:+,.{digits}f} {currency}"


def share(value: float | None, digits: int = 1) -> str:
    """Write 0.153 as "15.3%"."""
    written = number(None if value is None else value * 100, digits)
    return written if written == UNKNOWN else f"{written}%"


def span(seconds: float | None) -> str:
    """Write a length of time for reading: "120 ms", "1.2 s", "45 s", "4 m 12 s", "2 h 5 m", "3 d 4 h"."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    seconds = max(seconds, 0.0)
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < 10:  # noqa: PLR2004 -- short waits are told to a tenth
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for unit, size, below, small in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit} {rest} {below}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def clock(time: float, now: float) -> str:
    """Write a time as "12:03 UTC", in the desk's time zone, with its date unless it is today's."""
    then, today = datetime.fromtimestamp(time, zone()), datetime.fromtimestamp(now, zone())
    return then.strftime("%H:%M %Z" if then.date() == today.date() else "%Y-%m-%d %H:%M %Z")


def zone() -> tzinfo:
    """The time zone in which times are told and read."""
    return _ZONE[0]


def tell_times_in(chosen: tzinfo) -> None:
    """Choose that time zone, once, at the start."""
    _ZONE[0] = chosen


def lacking(have: int, need: int, what: str = "samples") -> str:
    """Say of an undefined figure what it lacks: "n/a (12 of 30 samples)"."""
    return f"{UNKNOWN} ({have} of {need} {what})"


def count(many: int, what: str) -> str:
    """Write "1 alert", "3 alerts"."""
    return f"{many:,} {what}" if many == 1 else f"{many:,} {what}s"
