"""Where profit and loss came from: exact sums over closed trades, by any one dimension."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from monitor.model import EXACT, Trade


def _hour(trade: Trade) -> str:
    return f"{int(trade.entry_time // 3600) % 24:02d}"


KEYS: Mapping[str, Callable[[Trade], str]] = {
    "strategy": lambda trade: trade.strategy,
    "asset": lambda trade: trade.asset,
    "hour": _hour,
    "side": lambda trade: trade.side.value,
}
"""Dimension -> a trade's place in it; the hour is the entry's, UTC, "00" to "23"."""


@dataclass(frozen=True, slots=True)
class Line:
    """The trades of one place, money summed exactly: net = gross - fees - slippage."""

    key: str
    """Untrusted text for strategies and assets."""
    trades: int
    wins: int
    """Trades with a net above 0."""
    gross: Decimal
    fees: Decimal
    slippage: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class Attribution:
    """Profit and loss along one dimension; the lines sum exactly to the total."""

    by: str
    lines: tuple[Line, ...]
    """Hours in their order; everything else by net, best first."""
    total: Line
    fee_drag: Decimal | None
    """Percent of the gross moves that went to fees: 100 x sum of fees / sum of |gross|; None when nothing moved."""


def _line(key: str, trades: Iterable[Trade]) -> Line:
    count = wins = 0
    gross = fees = slippage = Decimal(0)
    for trade in trades:
        of_trade, cost = trade.gross, trade.slippage_cost
        count += 1
        wins += of_trade - trade.fees - cost > 0
        gross += of_trade
        fees += trade.fees
        slippage += cost
    return Line(key, count, wins, gross, fees, slippage, gross - fees - slippage)


def attribute(trades: Iterable[Trade], by: str) -> Attribution:
    """Split the trades' profit and loss by one of KEYS. Errors: ValueError naming the dimensions there are."""
    key = KEYS.get(by)
    if key is None:
        *names, last = KEYS
        raise ValueError(f"profit and loss cannot be split by {by[:40]!r}; choose {', '.join(names)} or {last}")
    places: dict[str, list[Trade]] = {}
    everything = list(trades)
    for trade in everything:
        places.setdefault(key(trade), []).append(trade)
    with localcontext(EXACT):
        lines = [_line(place, places[place]) for place in sorted(places)]
        total = _line("total", everything)
        moved = sum((abs(trade.gross) for trade in everything), Decimal(0))
        fee_drag = Context(prec=28).divide(100 * total.fees, moved) if moved else None
    if by != "hour":
        lines.sort(key=lambda line: line.net, reverse=True)
    return Attribution(by, tuple(lines), total, fee_drag)
