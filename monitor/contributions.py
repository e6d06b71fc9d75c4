"""What an agent's money in a window came from: trades, what is open, and the rest; exact, largest first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from statistics import median
from typing import NamedTuple

from monitor.attribution import DIMENSIONS, attribute
from monitor.model import EXACT, CashFlow, Sample, Side, Trade
from monitor.statement import ZERO, exact

NAMED = 3
"""Contributions that are named at most."""
HALF = Decimal("0.5")
"""Share of the result from which on one trade, or one open position, alone is named."""
ENOUGH = Decimal("0.8")
"""Share of the result at which no more names are needed."""
LARGEST = 1e30
"""Money from which on a figure is no figure: below it every sum here is exact."""
USUAL = 5
"""Trades of an asset before the window from which on their median size is the usual one."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is stored about one agent, live or paper as it is, around since < time <= until; more does no harm."""

    since: float
    until: float
    before: Sample | None = None
    """The newest sample with an equity at or before `since`."""
    after: Sample | None = None
    """The newest at or before `until`."""
    trades: Sequence[Trade] = ()
    flows: Sequence[CashFlow] = ()
    earlier: Sequence[Trade] = ()
    """Trades closed before, by which a size is usual."""

    @property
    def measured(self) -> tuple[float, float] | None:
        """The times between which the change of equity is known; None where it is not."""
        before, after = self.before, self.after
        if before is None or after is None or not before.time < after.time:
            return None
        return (before.time, after.time) if _known(before.equity) and _known(after.equity) else None

    @property
    def closed(self) -> list[Trade]:
        """The trades closed in the window, as far as it is measured, each once, in order."""
        return self._between(*self.measured or (self.since, self.until))

    @property
    def judged(self) -> list[Trade]:
        """The trades closed in since < time <= until, each once, in order."""
        return self._between(self.since, self.until)

    def _between(self, start: float, end: float) -> list[Trade]:
        found = {each.id: each for each in self.trades if start < each.exit_time <= end}
        return sorted(found.values(), key=lambda each: (each.exit_time, each.id))

    @property
    def change(self) -> Decimal | None:
        """Money that the equity gained, net of flows, exact; None where it is not known."""
        if self.measured is None or self.before is None or self.after is None:
            return None
        start, end = self.measured
        with localcontext(EXACT):
            moved = sum((each.amount for each in self.flows if start < each.time <= end), ZERO)
            return exact(self.after.equity or 0.0) - exact(self.before.equity or 0.0) - moved

    def times_usual(self, trade: Trade) -> float | None:
        """How many times its size is the median of the trades before of its asset; None with fewer than USUAL."""
        sizes = [each.size for each in self.earlier if each.asset == trade.asset and each.exit_time <= self.since]
        usual = median(sizes) if len(sizes) >= USUAL else ZERO
        ratio = float(trade.size / usual) if usual > 0 else math.inf
        return ratio if math.isfinite(ratio) else None


@dataclass(frozen=True, slots=True)
class Contribution:
    """Money of the window that came from one trade, one strategy, one asset or the open positions in one asset."""

    by: str
    """trade, strategy, asset or position."""
    key: str
    """Its name; of a trade its id, of a position its asset; untrusted text."""
    amount: Decimal
    """Made (positive) or lost in the window; what a trade had made or lost before it is not in it."""
    trades: int = 0
    """How many closed trades are in it."""
    trade: Trade | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """All that is known of a window, one way: the parts and the rest are exactly the change."""

    by: str
    """trade, strategy or asset; by the first two, what is open stands beside them by asset."""
    parts: tuple[Contribution, ...]
    """What goes the way of the result first, largest first."""
    change: Decimal | None

    @property
    def rest(self) -> Decimal | None:
        """What is in no trade and in no position told; None where the change is not known."""
        with localcontext(EXACT):
            return None if self.change is None else self.change - self.told

    @property
    def told(self) -> Decimal:
        """What trades and positions made."""
        with localcontext(EXACT):
            return sum((each.amount for each in self.parts), ZERO)

    @property
    def toward(self) -> tuple[Contribution, ...]:
        """The parts that go the way of the result: of a loss, what lost."""
        gain = (self.change or self.told) > 0
        return tuple(each for each in self.parts if each.amount and (each.amount > 0) is gain)

    @property
    def result(self) -> Decimal:
        """What a large part is measured by: the change, or what went its way if that is more. Not negative."""
        with localcontext(EXACT):
            return max(abs(self.change or ZERO), abs(sum((each.amount for each in self.toward), ZERO)))

    def named(self) -> tuple[Contribution, ...]:
        """The fewest of the largest parts that are ENOUGH of the result; at most NAMED."""
        found, left = list[Contribution](), ENOUGH * self.result
        for each in self.toward[:NAMED]:
            if left <= 0:
                break
            found.append(each)
            left -= abs(each.amount)
        return tuple(found)

    def covered(self, some: Iterable[Contribution]) -> Decimal:
        """The share of the result, 0..1, that some of the parts that go its way are."""
        with localcontext(EXACT):
            made = abs(sum((each.amount for each in some), ZERO))
        return made / self.result if self.result else ZERO

    def share(self, of: Contribution) -> float | None:
        """Its share of the change of equity, 1.2 where others made up for some of it; None where that is not known."""
        return float(of.amount / self.change) if self.change else None


def contributors(rows: Rows) -> tuple[Split, tuple[Contribution, ...]]:
    """What made most of a window's result, by the one split that needs the fewest names, and those names.

    One trade or position that alone made half is named; else strategies or assets, whichever fewer of explain more.
    """
    by_trade, *others = splits(rows)
    alone = by_trade.toward[:1]
    if alone and by_trade.covered(alone) >= HALF:
        return by_trade, alone
    seen, held = (*rows.closed, *rows.earlier), (each.key for each in by_trade.parts if each.by == "position")
    places = {each.strategy for each in seen}, {*(each.asset for each in seen), *held}
    telling = [split for split, known in zip(others, places, strict=True) if len(known) > 1]  # one place says nothing
    chosen = min(telling or others, key=_told_shortly)
    return chosen, chosen.named()


def _told_shortly(split: Split) -> tuple[bool, int, Decimal]:
    """Splits of which few names are enough sort first, then those whose three names are more of the result."""
    named = split.named()
    covered = split.covered(named)
    return covered < ENOUGH, len(named) if covered >= ENOUGH else 0, -covered


def splits(rows: Rows) -> tuple[Split, Split, Split]:
    """The window by trade, by strategy and by asset."""
    closed = rows.closed
    with localcontext(EXACT):
        made, moves = _net_of_before(rows, closed)
        trades = [Contribution("trade", each.id, made[each.id], 1, each) for each in closed]
        held = [Contribution("position", asset, amount) for asset, amount in moves.items()]
        strategies = _grouped("strategy", closed, made, {})
        assets = _grouped("asset", closed, made, moves)
    return (
        _split("trade", [*trades, *held], rows.change),
        _split("strategy", [*strategies, *held], rows.change),
        _split("asset", assets, rows.change),
    )


def _grouped(
    by: str, closed: Iterable[Trade], made: Mapping[str, Decimal], moves: Mapping[str, Decimal]
) -> list[Contribution]:
    place, found = DIMENSIONS[by], {key: (amount, 0) for key, amount in moves.items()}
    for each in closed:
        amount, trades = found.get(place(each), (ZERO, 0))
        found[place(each)] = amount + made[each.id], trades + 1
    return [Contribution(by, key, amount, trades) for key, (amount, trades) in found.items()]


def _split(by: str, parts: list[Contribution], change: Decimal | None) -> Split:
    split = Split(by, tuple(parts), change)
    way = 1 if (change or split.told) > 0 else -1
    ordered = sorted(parts, key=lambda each: (-way * each.amount, each.by, each.key))
    return Split(by, tuple(ordered), change)


def _known(money: float | None) -> bool:
    return money is not None and abs(money) < LARGEST


class _Held(NamedTuple):
    """What is open in one asset on one side."""

    size: float = 0.0
    pnl: Decimal | None = ZERO
    """Money; None where a position does not say."""


def _held(sample: Sample | None) -> dict[tuple[str, Side], _Held] | None:
    """What is open by asset and side; None where nobody can tell, or where its P&L is not in the equity."""
    if sample is None or (sample.positions is None and sample.open_positions != 0):
        return None
    found: dict[tuple[str, Side], _Held] = {}
    for each in sample.positions or ():
        before = found.get((each.asset, each.side), _Held())
        known = _known(each.pnl) and 0 < each.size < math.inf
        pnl = before.pnl + exact(each.pnl or 0.0) if known and before.pnl is not None else None
        found[each.asset, each.side] = _Held(before.size + each.size, pnl)
    listed = sample.open_positions in (None, len(sample.positions or ()))
    balance_alone = sample.equity == sample.balance and any(each.pnl for each in found.values())
    return found if listed and not balance_alone else None


def _net_of_before(rows: Rows, closed: Sequence[Trade]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What each trade made in the window (id -> money) and what is open (asset -> money); inside EXACT.

    What a position showed before the window is no longer of it when a trade closes it: it is taken off the trade.
    """
    made = {each.id: each.net for each in closed}
    moves: dict[str, Decimal] = {}
    before, after = _held(rows.before), _held(rows.after)
    if before is None or after is None or rows.before is None or rows.measured is None:
        return made, moves
    for asset, side in sorted(before.keys() | after.keys()):
        was, now = before.get((asset, side), _Held()), after.get((asset, side), _Held())
        if was.pnl is None or now.pnl is None:
            continue
        ended = [each for each in closed if (each.asset, each.side) == (asset, side)]
        ended = [each for each in ended if each.entry_time <= rows.before.time]
        gone = exact(1.0 - now.size / was.size) * was.pnl if ended and now.size < was.size else ZERO
        for each, part in _shared(gone, ended).items():
            made[each] -= part
        move = now.pnl - was.pnl + gone
        if move:
            moves[asset] = moves.get(asset, ZERO) + move
    return made, moves


def _shared(amount: Decimal, among: Sequence[Trade]) -> Mapping[str, Decimal]:
    """An amount shared out by size (trade's id -> money), so that the parts are exactly the amount."""
    if not amount:
        return {}
    whole = sum((each.size for each in among), ZERO)
    parts = {each.id: exact(float(each.size / whole)) * amount if whole else ZERO for each in among[:-1]}
    return {**parts, among[-1].id: amount - sum(parts.values(), ZERO)}


class Wins(NamedTuple):
    """How many trades of one strategy or asset made money."""

    by: str
    key: str
    """Untrusted text."""
    wins: int
    trades: int


def losing(rows: Rows, usual: float) -> tuple[Wins, ...]:
    """The strategy and the asset that lack most wins among the judged trades, against the usual share of wins, 0..1.

    By wins lacking, not by the share alone: one lost trade of one would be the worst of all. Left out where the trades
    are all of one, or where none lacks any.
    """
    found = []
    for by in ("strategy", "asset"):
        lines = attribute(rows.judged, by).lines
        lacking = [(usual * each.trades - each.wins, Wins(by, each.key, each.wins, each.trades)) for each in lines]
        lack, worst = max(lacking, key=lambda each: each[0], default=(0.0, None))
        if worst is not None and lack > 0 and len(lines) > 1:
            found.append(worst)
    return tuple(found)
