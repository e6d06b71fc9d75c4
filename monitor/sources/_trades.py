"""A page of an agent's closed trades: good rows become trades, a bad one is skipped and blocks no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from monitor.model import Side, Trade
from monitor.outside import line
from monitor.sources._snapshot import BadAnswerError, parse, read_cursor

PAGE_ROWS = 500
LONGEST = 200
"""Characters of an id or a name."""
MOST_DIGITS = 18
"""Before the decimal point."""
MOST_PLACES = 40
"""Behind the decimal point; beyond them a figure is nonsense, and a trap for whoever writes it out."""
LATEST = 1e11
"""Seconds since the epoch; a time in milliseconds is above it."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one page held."""

    trades: tuple[Trade, ...]
    skipped: tuple[str, ...]
    """Why rows were skipped, a sentence each."""
    next: str | None
    """Cursor behind this page."""
    more: bool


def read_page(agent: str, body: bytes) -> Page:
    """Read a page `{"trades": [row, ...], "next": cursor, "more": bool}`. Errors: BadAnswerError."""
    # Numbers stay the text they were sent as: money becomes Decimal without passing through a float.
    document = parse(body, parse_float=str, parse_int=str, parse_constant=str)
    rows, more = document.get("trades"), document.get("more", False)
    if not isinstance(rows, list) or not isinstance(more, bool):
        raise BadAnswerError("answered no page of trades: `trades` must be a list and `more` true or false")
    if len(rows) > PAGE_ROWS:  # each costs time that belongs to the other agents
        raise BadAnswerError(f"answered {len(rows)} trades where {PAGE_ROWS} were asked for")
    trades: list[Trade] = []
    skipped: list[str] = []
    for row in rows:
        try:
            trades.append(_trade(agent, row))
        except ValueError as error:
            skipped.append(line(str(error)))
    return Page(tuple(trades), tuple(skipped), read_cursor(document, "next"), more)


def _trade(agent: str, row: Any) -> Trade:
    if not isinstance(row, dict):
        raise ValueError("a trade is not an object")  # noqa: TRY004 - every fault of a row is a ValueError
    side = row.get("side")
    if side not in ("long", "short"):
        raise ValueError("side is neither long nor short")
    size = _decimal(row, "size")
    if size <= 0:
        raise ValueError("size is not above 0")
    return Trade(
        agent=agent,
        id=_text(row, "id"),
        strategy=_text(row, "strategy"),
        asset=_text(row, "asset"),
        side=Side(side),
        size=size,
        entry_price=_decimal(row, "entry_price"),
        exit_price=_decimal(row, "exit_price"),
        entry_time=_time(row, "entry_time"),
        exit_time=_time(row, "exit_time"),
        fees=_decimal(row, "fees", Decimal(0)),
        slippage=_decimal(row, "slippage", Decimal(0)),
        funding=_decimal(row, "funding", Decimal(0)),
        venue=_maybe(row, "venue"),
        exit_reason=_maybe(row, "exit_reason"),
        tag=_maybe(row, "tag"),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        raise ValueError(f"{name} is not 1 to {LONGEST} printable characters")
    return value


def _maybe(row: Mapping[str, Any], name: str) -> str:
    """Text that may be left out."""
    return "" if row.get(name) in (None, "") else _text(row, name)


def _decimal(row: Mapping[str, Any], name: str, default: Decimal | None = None) -> Decimal:
    value = row.get(name)
    if value is None and default is not None:
        return default
    try:
        number = Decimal(value) if isinstance(value, str) and len(value) <= LONGEST else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ValueError(f"{name} is not a number")
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MOST_DIGITS or not isinstance(exponent, int) or abs(exponent) > MOST_PLACES:
        raise ValueError(f"{name} is larger or finer than any price")
    return number


def _time(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    try:
        seconds = _seconds(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        seconds = None
    if seconds is None or not 0 <= seconds < LATEST:
        raise ValueError(f"{name} is neither seconds since 1970 nor an ISO date")
    return round(seconds, 6)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
