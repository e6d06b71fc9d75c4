"""What one value of the file may look like, each with a sentence that says what to write instead."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import zoneinfo
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from bot.quantities import shown

_LONGEST_LABEL = 64
_LARGEST_RATE = 10**12


class Table(BaseModel):
    """A table of the file; what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that somebody most likely meant."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def text(pattern: str, sentence: str) -> BeforeValidator:
    """Take a text that matches the whole pattern; the sentence says what to write instead."""
    matches = re.compile(pattern)

    def read(value: object) -> str:
        if not isinstance(value, str) or not matches.fullmatch(value):
            raise ValueError(f"{shown(value)} {sentence}")
        return value

    return BeforeValidator(read)


def _time_zone(value: object) -> dt.tzinfo:
    if value == "UTC":
        return dt.UTC
    try:
        return zoneinfo.ZoneInfo(value if isinstance(value, str) else "")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(str(value), zoneinfo.available_timezones())
        hint = f'did you mean "{near}"?' if near else 'write one like "Europe/Berlin", or "UTC".'
        raise ValueError(f"{shown(value)} is not a known time zone: {hint}") from None


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f'{shown(value)} is not a table: write {{ venue = "binance" }}.')  # noqa: TRY004 -- pydantic lets a TypeError through
    for name, label in value.items():
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,31}", name):
            raise ValueError(f"{shown(name)} is not a label's name: use a-z, 0-9 and _, at most 32 characters.")
        if not isinstance(label, str) or len(label) > _LONGEST_LABEL or not label.isprintable():
            raise ValueError(f"{name} = {shown(label)} is not a label: write a text of at most 64 characters.")
    return value


Url = Annotated[str, text(r"https?://[^\s/]+\S*", "is not an address: write it with http:// or https://.")]
AgentId = Annotated[
    str, text(r"[a-z0-9][a-z0-9_-]{0,31}", "is not an agent's id: use a-z, 0-9, - and _, at most 32 characters.")
]
Name = Annotated[str, text(r"\w[\w .'-]{0,39}", "is not a name: use letters, at most 40 characters.")]
ConsoleId = Annotated[str, text(r"\w[\w.@-]{0,63}", 'is not a console id: write the user name there, such as "ana".')]
SlackId = Annotated[str, text(r"[UW][A-Z0-9]{2,20}", "is not a Slack member id: it looks like U0123ABCD.")]
SlackChannel = Annotated[str, text(r"[CGD][A-Z0-9]{2,20}", "is not a channel's id: it looks like C0123456789.")]
Listen = Annotated[str, text(r"[\w.-]+:[0-9]{1,5}", 'is not an address to listen at: write it like "127.0.0.1:8484".')]


def _rate(value: object) -> Decimal:
    try:
        rate = Decimal(str(value).replace(",", "")) if isinstance(value, str | int | float) else Decimal("NaN")
    except InvalidOperation:
        rate = Decimal("NaN")
    if isinstance(value, bool) or not rate.is_finite() or not 0 < rate < _LARGEST_RATE:
        raise ValueError(f'{shown(value)} is not a rate: write what one of it is worth, such as "1.0835".')
    return rate


Rate = Annotated[Decimal, PlainValidator(_rate)]
Currency = Annotated[str, text(r"[A-Z]{3,5}", 'is not a currency: write three to five capitals, such as "USD".')]
PathText = Annotated[str, text(r"[^\x00-\x1f]{1,4096}", "is not a path.")]
Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
TimeZone = Annotated[dt.tzinfo, BeforeValidator(_time_zone)]
