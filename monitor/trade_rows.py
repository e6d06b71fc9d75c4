"""A row of text becomes a closed trade, or is refused by its column and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from monitor.currency import CurrencyError, converted, currency
from monitor.model import Side, Trade

LONGEST = 200
"""Characters of an id or a name."""
MOST_DIGITS = 18
"""Before the decimal point."""
MOST_PLACES = 40
"""Behind it; beyond them a figure is nonsense, and a trap for whoever writes it out."""
LATEST = 1e11
"""Seconds since the epoch; a time in milliseconds is above it."""
EARLIEST = 1e8
"""Seconds since the epoch (1973); nobody's trades are older."""
UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""What times can be counted in -> how many of it are a second."""

_PLAIN = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}(?:\.[0-9]{{1,{MOST_PLACES}}})?").fullmatch
_SIDES = {"long": Side.LONG, "short": Side.SHORT, "buy": Side.LONG, "sell": Side.SHORT}
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_NEEDED: Any = object()


class LayoutError(ValueError):
    """The columns of a file do not fit; the message is one sentence."""


class RowError(ValueError):
    """A row is no trade: the column, "" for the row as a whole, and why, without a subject."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column} {why}".strip())
        self.column = column
        self.why = why


@dataclass(frozen=True, slots=True)
class Layout:
    """What a person says of a file beside what stands in it."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Field -> the column it stands in, where that is not its own name."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Field -> what holds where its cell is empty or missing."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Currency, upper case -> what one is worth."""
    time_unit: str = "s"
    """What times that are numbers count since 1970: one of UNITS."""
    currency: str = ""
    """The currency of money where an asset names none."""


def name(cell: str) -> str:
    """1 to LONGEST printable characters. Errors: ValueError."""
    found = cell.strip()
    if not 0 < len(found) <= LONGEST or not found.isprintable():
        raise ValueError(f"is not 1 to {LONGEST} printable characters")
    return found


def number(cell: str) -> Decimal:
    """A number with every digit it was written with. Errors: ValueError."""
    return Decimal(cell) if _PLAIN(cell) else _odd_number(cell.strip())


def size(cell: str) -> Decimal:
    """A number above 0. Errors: ValueError."""
    found = number(cell)
    if found <= 0:
        raise ValueError("is not above 0: a short is said by its side")
    return found


def _odd_number(cell: str) -> Decimal:
    try:
        found = Decimal(cell) if len(cell) <= LONGEST and cell.isascii() and "_" not in cell else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise ValueError("is not a number" + (": write 1234.5 without commas" if "," in cell else ""))
    exponent = found.as_tuple().exponent
    if found.adjusted() >= MOST_DIGITS or not isinstance(exponent, int) or abs(exponent) > MOST_PLACES:
        raise ValueError("is larger or finer than any price")
    return found


def side(cell: str) -> Side:
    """Which way a trade was: long or buy, short or sell. Errors: ValueError."""
    found = _SIDES.get(cell) or _SIDES.get(cell.strip().lower())
    if found is None:
        raise ValueError("is neither long nor short, buy nor sell")
    return found


def truth(cell: str) -> bool:
    """Yes or no. Errors: ValueError."""
    found = _TRUTHS.get(cell.strip().lower())
    if found is None:
        raise ValueError("is neither true nor false")
    return found


def time_in(unit: str) -> Callable[[str], float]:
    """A reader of times: ISO 8601, UTC where no zone is said, or a number of `unit` since 1970; returns seconds.

    Its errors: ValueError. A time that was plainly counted in another unit is refused, not guessed at.
    """
    scale = UNITS[unit]

    def read(cell: str) -> float:
        if cell[4:5] == "-":
            return _dated(cell)
        try:
            seconds = float(cell) if scale == 1 else (int(cell) if cell.isdecimal() else float(cell)) / scale
        except (ValueError, OverflowError):
            return _dated(cell)
        if not EARLIEST <= seconds < LATEST:
            _doubted(cell, seconds, unit)
        return round(seconds, 6)

    return read


def _dated(cell: str) -> float:
    try:
        when = datetime.fromisoformat(cell.strip())
        seconds = round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp(), 6)
    except (ValueError, OverflowError):
        seconds = -1.0
    if not 0 <= seconds < LATEST:
        raise ValueError("is neither seconds since 1970 nor an ISO date")
    return seconds


def _doubted(cell: str, seconds: float, unit: str) -> None:
    """Refuse a number of seconds that no trade was made at. Errors: ValueError."""
    for other, word, above in (("ns", "nano", 1e17), ("us", "micro", 1e14), ("ms", "milli", LATEST)):
        if unit == "s" and above <= seconds < above * 1e3:
            raise ValueError(f"is in {word}seconds: say --time-unit {other}")
    if not 0 <= seconds < LATEST:
        raise ValueError(f"is no time in {unit} since 1970")
    if unit != "s":
        raise ValueError(f"is before 1973 in {unit}: is it in seconds, without --time-unit?")
    if len(cell) == len("20260131") and _is_day(cell):
        raise ValueError("is a date without dashes: write it like 2026-01-31")


def _is_day(cell: str) -> bool:
    try:
        return date.fromisoformat(cell).year >= 1970  # noqa: PLR2004 - the epoch
    except ValueError:
        return False


_readers: Mapping[str, tuple[Callable[[str], Any], Any]] = {
    "id": (name, _NEEDED),
    "strategy": (lru_cache(maxsize=4096)(name), _NEEDED),
    "asset": (lru_cache(maxsize=4096)(name), _NEEDED),
    "side": (side, _NEEDED),
    "size": (size, _NEEDED),
    "entry_price": (number, _NEEDED),
    "exit_price": (number, _NEEDED),
    "entry_time": (_dated, _NEEDED),
    "exit_time": (_dated, _NEEDED),
    "fees": (number, _NEEDED),
    "slippage": (number, Decimal(0)),
    "funding": (number, Decimal(0)),
    "venue": (lru_cache(maxsize=4096)(name), ""),
    "exit_reason": (lru_cache(maxsize=4096)(name), ""),
    "tag": (lru_cache(maxsize=4096)(name), ""),
    "paper": (truth, False),
    "fee_currency": (lru_cache(maxsize=4096)(currency), ""),
}
FIELDS = tuple(_readers)
"""Everything that can stand in a row."""
NEEDED = tuple(each for each, (_, blank) in _readers.items() if blank is _NEEDED)
"""What must stand in a row, or be given a default; where fees are 0 somebody says so."""
_TIMES = ("entry_time", "exit_time")
_ORDER = [each.name for each in fields(Trade)]
_FEES, _EXIT, _ASSET = (_ORDER.index(each) for each in ("fees", "exit_price", "asset"))
_ENTERED, _LEFT = (_ORDER.index(each) for each in _TIMES)


class RowReader:
    """Makes trades of one agent out of rows of cells that stand in the same columns."""

    def __init__(self, agent: str, columns: Sequence[str], layout: Layout) -> None:
        """`columns`: the name of each cell. Errors: LayoutError, one sentence."""
        self.width = len(columns)
        self.unread = tuple(each for each in columns if each not in wanted(layout))
        """Columns that nobody asked for."""
        self._rates, self._home = layout.rates, layout.currency.upper()
        self._values: list[Any] = [agent if each == "agent" else None for each in _ORDER]
        self._plan: list[tuple[int, int, str, Callable[[str], Any], Any]] = []
        missing = [each for each in NEEDED if wanted_as(each, layout) not in columns and each not in layout.defaults]
        missing += [each for each in layout.columns if layout.columns[each] not in columns and each not in missing]
        if missing:
            raise LayoutError(_lacking(missing, columns, layout))
        for each, (reads, blank) in _readers.items():
            self._place(each, time_in(layout.time_unit) if each in _TIMES else reads, blank, columns, layout)

    def _place(self, each: str, read: Callable[[str], Any], blank: Any, columns: Sequence[str], layout: Layout) -> None:
        if each in layout.defaults:
            try:
                blank = read(layout.defaults[each])
            except ValueError as error:
                raise LayoutError(f"What is set for {each} {error}.") from None
        at = _ORDER.index(each) if each in _ORDER else len(_ORDER)  # what is no field of a trade stands behind them
        if at == len(self._values):
            self._values.append(blank)
        self._values[at] = blank
        column = wanted_as(each, layout)
        if column in columns:
            if columns.count(column) > 1:
                raise LayoutError(f"The column {column[:60]} stands there twice: rename one of them.")
            self._plan.append((at, columns.index(column), column, read, blank))

    def __call__(self, cells: Sequence[str] | RowError) -> Trade:
        """The trade of one row; a row that could not be read says why. Errors: RowError."""
        if isinstance(cells, RowError):
            raise cells
        if len(cells) != self.width:
            raise RowError("", f"has {len(cells)} cells where {self.width} columns are named")
        values = self._values.copy()
        for at, index, column, read, blank in self._plan:
            cell = cells[index]
            try:
                values[at] = read(cell) if cell else blank
            except ValueError as error:
                if cell.strip():
                    raise RowError(column, str(error)) from None
                values[at] = blank
            if values[at] is _NEEDED:
                raise RowError(column, "is empty")
        if values[_LEFT] < values[_ENTERED]:
            raise RowError("exit_time", "is before entry_time")
        paid_in = values.pop()
        if paid_in:
            try:
                values[_FEES] = converted(
                    values[_FEES], paid_in, values[_ASSET], values[_EXIT], self._rates, self._home
                )
            except CurrencyError as error:
                raise RowError("fee_currency", str(error)) from None
        return Trade(*values)


def wanted_as(each: str, layout: Layout) -> str:
    """The column that a field is read from."""
    return layout.columns.get(each, each)


def wanted(layout: Layout) -> tuple[str, ...]:
    """Every column that can be read, in the order of FIELDS."""
    return tuple(wanted_as(each, layout) for each in FIELDS)


def _lacking(missing: Iterable[str], columns: Sequence[str], layout: Layout) -> str:
    first = next(iter(missing))
    others = ", ".join(each[:30] for each in columns if each not in wanted(layout))[:200]
    there = f" (there is {others})" if others else ""
    mend = {"fees": "--set fees=0", "slippage": "--set slippage=0"}.get(first, f"--set {first}=...")
    return (
        f"There is no column {wanted_as(first, layout)[:60]}{there}: "
        f"name the one that holds it with --map {first}=COLUMN, or say it for every row with {mend}."
    )
