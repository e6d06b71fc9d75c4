"""Where profit and loss came from: exact sums over closed trades, by any one or two dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Context, Decimal, localcontext
from itertools import combinations
from typing import NamedTuple

from monitor.model import EXACT, Trade

DAY = 86_400.0
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST = 2
"""Dimensions that are crossed."""
ALWAYS = -1
"""The span of cells that count all trades."""


def _hour(trade: Trade) -> str:
    return f"{int(trade.entry_time // 3600) % 24:02d}"


def _weekday(trade: Trade) -> str:
    return WEEKDAYS[(int(trade.entry_time // DAY) + 3) % 7]  # the first day of all was a Thursday


DIMENSIONS: Mapping[str, Callable[[Trade], str]] = {
    "strategy": lambda trade: trade.strategy,
    "asset": lambda trade: trade.asset,
    "hour": _hour,
    "weekday": _weekday,
    "side": lambda trade: trade.side.value,
    "venue": lambda trade: trade.venue,
    "exit": lambda trade: trade.exit_reason,
    "tag": lambda trade: trade.tag,
    "agent": lambda trade: trade.agent,
}
"""Dimension -> a trade's place in it; hour ("00" to "23") and weekday are the entry's, UTC."""

STORED = tuple(name for name in DIMENSIONS if name != "agent")
"""Dimensions by which each agent's trades are kept rolled up."""
SPLITS = tuple((name,) for name in STORED) + tuple(combinations(STORED, MOST))
"""Every way to split them: by one, and by two crossed, in the order of STORED."""


@dataclass(slots=True)
class Sums:
    """Trades counted, and their money summed exactly."""

    trades: int = 0
    wins: int = 0
    """Trades with a net above 0."""
    gross: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    slippage: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)
    moved: Decimal = Decimal(0)
    """Sum of |gross|."""

    @classmethod
    def of(cls, trade: Trade) -> Sums:
        """One trade's. Inside `localcontext(EXACT)`, like every sum."""
        gross, slippage = trade.gross, trade.slippage_cost
        net = gross - trade.fees - slippage - trade.funding
        return cls(1, int(net > 0), gross, trade.fees, slippage, trade.funding, abs(gross))

    def add(self, other: Sums, sign: int = 1) -> None:
        """Count others in, or with -1 out again."""
        if sign > 0:
            self.trades += other.trades
            self.wins += other.wins
            self.gross += other.gross
            self.fees += other.fees
            self.slippage += other.slippage
            self.funding += other.funding
            self.moved += other.moved
        else:
            for each in fields(self):
                setattr(self, each.name, getattr(self, each.name) - getattr(other, each.name))


class Cell(NamedTuple):
    """Where a rolled-up sum stands: an agent's trades, live or paper, of a span or ALWAYS, in one place of a split."""

    agent: str
    paper: bool
    by: str
    """Names of the split's dimensions, like "strategy" or "strategy,asset"."""
    span: int
    """When they were closed: days since 1970, UTC, or months where two are crossed; or ALWAYS."""
    first: str
    second: str
    """Empty where the split has one dimension."""


@dataclass(frozen=True, slots=True)
class Line:
    """The trades of one place, money summed exactly: net = gross - fees - slippage - funding."""

    keys: tuple[str, ...]
    """One a dimension; untrusted text."""
    trades: int
    wins: int
    """Trades with a net above 0."""
    gross: Decimal
    fees: Decimal
    slippage: Decimal
    funding: Decimal
    net: Decimal

    @property
    def key(self) -> str:
        """Its place in words."""
        return " x ".join(self.keys)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Profit and loss along one dimension or two crossed; the lines sum exactly to the total."""

    by: tuple[str, ...]
    lines: tuple[Line, ...]
    """Hours and weekdays in their order; everything else by net, best first."""
    total: Line
    fee_drag: Decimal | None
    """Percent of the gross moves that went to fees: 100 x sum of fees / sum of |gross|; None when nothing moved."""


def dimensions(by: str | Sequence[str]) -> tuple[str, ...]:
    """The dimensions of a split, as they are asked for. Errors: ValueError naming those there are."""
    names = (by,) if isinstance(by, str) else tuple(by)
    unknown = next((name for name in names if name not in DIMENSIONS), None)
    if unknown is not None or not names:
        *known, last = DIMENSIONS
        said = repr((unknown or "")[:40])
        raise ValueError(f"profit and loss cannot be split by {said}; choose {', '.join(known)} or {last}")
    if len(names) > MOST or len(set(names)) < len(names):
        raise ValueError("profit and loss is split by one dimension, or by two different ones crossed")
    return names


def attribute(trades: Iterable[Trade], by: str | Sequence[str]) -> Attribution:
    """Split the trades' profit and loss by one or two of DIMENSIONS. Errors: ValueError naming those there are."""
    names = dimensions(by)
    places = [DIMENSIONS[name] for name in names]
    with localcontext(EXACT):
        return assemble(names, ((tuple(place(each) for place in places), Sums.of(each)) for each in trades))


def assemble(by: tuple[str, ...], parts: Iterable[tuple[tuple[str, ...], Sums]]) -> Attribution:
    """Put sums together that were made apart: (place, sums) of any number of places, each as often as it comes."""
    found: dict[tuple[str, ...], Sums] = {}
    total = Sums()
    with localcontext(EXACT):
        for keys, sums in parts:
            found.setdefault(keys, Sums()).add(sums)
        for sums in found.values():
            total.add(sums)
        lines = [_line(keys, found[keys]) for keys in sorted(found) if found[keys].trades]
        whole = _line(("total",), total)
        drag = Context(prec=28).divide(100 * total.fees, total.moved) if total.moved else None
    if not set(by) & {"hour", "weekday"}:
        lines.sort(key=lambda line: line.net, reverse=True)
    elif "weekday" in by:
        at = by.index("weekday")
        lines.sort(key=lambda line: (WEEKDAYS.index(line.keys[at]), line.keys))
    return Attribution(by, tuple(lines), whole, drag)


def _line(keys: tuple[str, ...], of: Sums) -> Line:
    net = of.gross - of.fees - of.slippage - of.funding
    return Line(keys, of.trades, of.wins, of.gross, of.fees, of.slippage, of.funding, net)
