"""Durations, shares, money and loss limits as people write them in settings and chat, and how they are written back."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

from monitor.model import AmountOrShare, Samples

Read = TypeVar("Read")

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|s|m|h|d|w))+")
_DURATION_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d|w)")
_SHARE = re.compile(rf"({_NUMBER}) ?%")
_MONEY = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:\.[0-9]{1,9})?")
_SAMPLES = re.compile(r"([0-9]{1,6}) samples")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_SHOWN = 40


def shown(value: object) -> str:
    """Write a value as it stood in the file, for an error: at most 40 characters, without control characters."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value)
    text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _number(value: object) -> float | None:
    """A finite number that is not a bool."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def duration(value: object) -> float:
    """Read "30s", "5m" or "1h30m" (ms, s, m, h, d, w) or a plain number of seconds; returns seconds.

    Errors: ValueError with one sentence.
    """
    number = _number(value)
    if number is not None and number >= 0:
        return number
    text = value.strip().lower() if isinstance(value, str) else ""
    if not _DURATION.fullmatch(text):
        raise ValueError(f'{shown(value)} is not a duration: write "30s", "5m" or "1h30m".')
    # In whole milliseconds as far as they are whole, so that "1h30m" is 5400 and "300ms" is 0.3, not a hair beside it.
    parts = [Decimal(figure) * Decimal(str(_UNITS[unit])) for figure, unit in _DURATION_PART.findall(text)]
    return float(sum(parts, Decimal(0)))


def share(value: object) -> float:
    """Read "15%"; returns 0..1. A bare number is refused: 0.15 and 15 would both look right. Errors: ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    found = _SHARE.fullmatch(text)
    if found is None:
        raise ValueError(f'{shown(value)} is not a share: write "{_percent_meant(value)}".')
    read = float(Decimal(found[1]) / 100)
    if not 0 < read <= 1:
        raise ValueError(f'{shown(value)} is out of range: a share is more than "0%" and at most "100%".')
    return read


def _percent_meant(value: object) -> str:
    """Guess the share somebody meant by a number without a percent sign."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        number = 0.0
    percent = number if number > 1 else number * 100
    return f"{percent:g}%" if 0 < percent <= 100 else "15%"  # noqa: PLR2004 -- a hundred percent


def money(value: object) -> float:
    """Read 100, 99.5, "100" or "1,000.50" in the desk's currency; returns the amount, 0 or more. Errors: ValueError."""
    number = _number(value)
    if number is not None and 0 <= number < 1e15:  # noqa: PLR2004 -- beyond it a float no longer holds cents
        return number
    text = value.strip() if isinstance(value, str) else ""
    if not _MONEY.fullmatch(text):
        raise ValueError(f'{shown(value)} is not an amount of money: write 100 or "1,000.50", without a currency.')
    return float(text.replace(",", ""))


def loss(value: object) -> AmountOrShare:
    """Read "5%" as a share of equity and anything else as money; returns the limit, above 0. Errors: ValueError."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return AmountOrShare(share=share(value))
    try:
        amount = money(value)
    except ValueError:
        raise ValueError(
            f'{shown(value)} is not a loss limit: write a share like "5%" or an amount like 500.'
        ) from None
    if amount == 0:
        raise ValueError(f'{shown(value)} is not a loss limit: every agent would break it; write "5%" or 500.')
    return AmountOrShare(amount=amount)


def bound(value: object) -> AmountOrShare:
    """Read "150%" as a share of equity, at most 10,000 %, and anything else as money, above 0. Errors: ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    found = _SHARE.fullmatch(text)
    if found is None:
        try:
            amount = money(value)
        except ValueError:
            amount = 0.0
        if amount == 0:
            raise ValueError(f'{shown(value)} is no bound: write a share of equity like "150%" or an amount like 500.')
        return AmountOrShare(amount=amount)
    read = float(Decimal(found[1]) / 100)
    if not 0 < read <= 100:  # noqa: PLR2004 -- a hundred times the equity
        raise ValueError(f'{shown(value)} is out of range: write more than "0%" and at most "10000%".')
    return AmountOrShare(share=read)


def ratio(value: object) -> float:
    """Read a plain number above 0 and at most 1000. Errors: ValueError."""
    number = _number(value)
    if number is None or not 0 < number <= 1000:  # noqa: PLR2004 -- no venue lends more
        raise ValueError(f"{shown(value)} is not a number above 0 and at most 1000: write 3 or 2.5.")
    return number


def or_off(read: Callable[[object], Read]) -> Callable[[object], Read | None]:
    """Read as `read` does, or "off" as none."""
    return lambda value: None if value == "off" else read(value)


def spell(seconds: float) -> str:
    """Write a duration as `duration` reads it, whole milliseconds: 5400 -> "1h30m", 0.2 -> "200ms"."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def within(low: float, high: float) -> Callable[[object], float]:
    """Read a duration between `low` and `high` seconds, both allowed."""

    def read(value: object) -> float:
        seconds = duration(value)
        if not low <= seconds <= high:
            raise ValueError(f'{shown(value)} is out of range: write "{spell(low)}" to "{spell(high)}".')
        return seconds

    return read


def limit_or_off(value: object) -> float | None:
    """Read a share, or "off" as no limit."""
    return None if value == "off" else share(value)


def span_or_off(value: object) -> float | None:
    """Read a duration from 1 s to 30 days, or "off" as none."""
    return None if value == "off" else within(1.0, 30 * 86_400.0)(value)


def samples_or_span_or_off(value: object) -> float | Samples | None:
    """Read "20 samples" (2 to 100,000 of an agent's own), a duration from 1 s to 30 days, or "off" as none."""
    found = _SAMPLES.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        try:
            return span_or_off(value)
        except ValueError as error:
            raise ValueError(f'{str(error)[:-1]}, or "20 samples", or "off".') from None
    if not 2 <= int(found[1]) <= 100_000:  # noqa: PLR2004 -- one stands still by itself
        raise ValueError(f'{shown(value)} is out of range: write "2 samples" to "100000 samples".')
    return Samples(int(found[1]))


def time_of_day(value: object) -> dt.time:
    """Read "09:00" (or TOML's 09:00:00) as a time by the clock of some place. Errors: ValueError."""
    if isinstance(value, dt.time) and value.tzinfo is None:
        return value
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{shown(value)} is not a time of day: write it like "09:00".')
    return dt.time(int(found[1]), int(found[2]))


def hours(value: object) -> tuple[dt.time, dt.time]:
    """Read "22:00-07:00"; over midnight when the second is the earlier. Errors: ValueError."""
    begins, dash, ends = value.partition("-") if isinstance(value, str) else ("", "", "")
    try:
        read = time_of_day(begins), time_of_day(ends)
    except ValueError:
        read = None
    if not dash or read is None:
        raise ValueError(f'{shown(value)} are no hours of the day: write them like "22:00-07:00".')
    if read[0] == read[1]:
        raise ValueError(f'{shown(value)} begins when it ends: write two times, like "22:00-07:00".')
    return read


def whole(low: int, high: int) -> Callable[[object], int]:
    """Read a whole number between `low` and `high`, written as a number or as digits."""

    def read(value: object) -> int:
        digits = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value.strip())
        number = int(value) if isinstance(value, str) and digits else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise ValueError(f"{shown(value)} is not a whole number from {low} to {high}.")
        return number

    return read


Interval = Annotated[float, BeforeValidator(within(0.1, 86_400.0))]
Timeout = Annotated[float, BeforeValidator(within(0.1, 60.0))]
Span = Annotated[float, BeforeValidator(within(0.1, 30 * 86_400.0))]
Wait = Annotated[float, BeforeValidator(within(0.0, 86_400.0))]
SpanOrOff = Annotated[float | None, BeforeValidator(span_or_off)]
SamplesOrSpanOrOff = Annotated[float | Samples | None, BeforeValidator(samples_or_span_or_off)]
TimeOfDay = Annotated[dt.time, BeforeValidator(time_of_day)]
Hours = Annotated[tuple[dt.time, dt.time], BeforeValidator(hours)]
DrawdownLimit = Annotated[float | None, BeforeValidator(limit_or_off)]
Money = Annotated[float, BeforeValidator(money)]
Loss = Annotated[AmountOrShare, BeforeValidator(loss)]
Bound = Annotated[AmountOrShare, BeforeValidator(bound)]
BoundOrOff = Annotated[AmountOrShare | None, BeforeValidator(or_off(bound))]
Ratio = Annotated[float, BeforeValidator(ratio)]
ShareOrOff = DrawdownLimit
CountOrOff = Annotated[int | None, BeforeValidator(or_off(whole(2, 100_000)))]
Count = Annotated[int, BeforeValidator(whole(1, 1000))]
TelegramId = Annotated[int, BeforeValidator(whole(-(10**15), 10**15))]
