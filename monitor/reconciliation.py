"""An account changes by its trades, by what is open and by the money people move; the rest nobody can explain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Generic, Self, TypeVar

from monitor.model import EXACT, AmountOrShare, CashFlow, Sample, Trade
from monitor.statement import (
    NO_TRADES,
    Parts,
    Point,
    Reconciled,
    Step,
    exact,
    parts_of,
    point,
    read_number,
    read_parts,
    read_point,
    read_step,
    summed,
    written,
)

Row = TypeVar("Row")

SETTLE = 600.0
"""Seconds after which a sample is judged: trades are told late, and a venue's balance lags."""
LIMIT = AmountOrShare(share=0.001)
POINTS = 10
"""Samples that are kept of the settling time, at least that many seconds apart."""
NEEDED = 3
"""Samples at least that must agree."""
OPEN = Decimal("0.01")
"""Share of what open positions are worth by which their P&L may be off: fees on the way, a price some minutes old."""
CLOSES = 7 * 86_400.0
"""Seconds after which the books are closed where everything is explained: the next span begins there."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The reconciliation of one agent, sample by sample, from at most 13 points.

    It begins with the first trade that is told: a source that tells none would look like one whose every trade is
    missing. Each sample is judged again with every trade and flow told later, and counts when it is `settle` old.
    """

    settle: float = SETTLE
    """Seconds."""
    limit: AmountOrShare | None = LIMIT
    """None: nothing is said of a rest."""
    tells: bool = False
    """Whether it ever told a trade."""
    paper: bool | None = None
    why: str | None = NO_TRADES
    """Why the newest sample could not be reconciled."""
    total: Parts = field(default_factory=Parts)
    """Since the base, also of a time after the newest point."""
    base: Point | None = None
    """What everything is measured from; its parts are 0."""
    points: tuple[Point, ...] = ()
    """Of the settling time, the last of them the newest sample."""
    step: Step | None = None

    def under(self, limit: AmountOrShare | None, settle: float) -> Self:
        """The same by other settings."""
        return self if (limit, settle) == (self.limit, self.settle) else replace(self, limit=limit, settle=settle)

    def fold(
        self,
        sample: Sample,
        trades: Sequence[Trade] = (),
        flows: Sequence[CashFlow] = (),
        replaced: Sequence[Trade] = (),
    ) -> Self:
        """Fold in a sample and what was told with it, as `booked` takes it.

        Samples no newer than the last one judged change nothing else.
        """
        state = self.booked(trades, flows, replaced)
        if sample.error is not None or (state.points and sample.time <= state.points[-1].time):
            return state
        if sample.paper is not None and sample.paper is not state.paper:
            anew = state.paper is not None  # the money of a rehearsal and the real one are two accounts
            state = replace(state, paper=sample.paper)
            state = replace(state, base=None, points=(), step=None, total=Parts()) if anew else state
        if not state.tells:
            return state.lacking(NO_TRADES)
        with localcontext(EXACT):
            found = point(sample, state.total)
            return state.lacking(found) if isinstance(found, str) else state.seen(found)

    def lacking(self, why: str) -> Self:
        """The same, with why the newest sample could not be reconciled."""
        return self if self.why == why else replace(self, why=why)

    def booked(
        self, trades: Sequence[Trade] = (), flows: Sequence[CashFlow] = (), replaced: Sequence[Trade] = ()
    ) -> Self:
        """Take in trades and flows, whenever they happened; each once.

        `replaced`: what was known of these trades before; one that is told again unchanged cancels out.
        """
        if not (trades or flows):
            return self
        with localcontext(EXACT):
            told = [(each.exit_time, parts_of(each)) for each in trades]
            told += [(each.exit_time, Parts().plus(parts_of(each), -1)) for each in replaced]
            told += [(each.time, Parts(flows=each.amount)) for each in flows]
            return self._booked(told, tells=self.tells or bool(trades))

    def _booked(self, told: Sequence[tuple[float, Parts]], *, tells: bool) -> Self:
        if self.base is not None:
            told = [each for each in told if each[0] > self.base.time]
        step = self.step
        if step is not None:
            late = (parts for time, parts in told if step.start < time <= step.end)
            step = step._replace(parts=summed(step.parts, late))
        points = tuple(
            each._replace(parts=summed(each.parts, (parts for time, parts in told if time <= each.time)))
            for each in self.points
        )
        total = summed(self.total, (parts for _, parts in told))
        return replace(self, tells=tells, total=total, points=points, step=step)

    def refolded(self, samples: Iterable[Sample], trades: Iterable[Trade], flows: Iterable[CashFlow]) -> Self:
        """The same from stored rows: every sum counted anew, then the samples folded in, each with what came before it.

        `samples`: those since the newest one here, in order. `trades`, `flows`: all since the base, in any order.
        """
        rest = _Rows(trades, lambda each: each.exit_time), _Rows(flows, lambda each: each.time)
        upto = self.points[-1].time if self.points else -math.inf
        state = replace(
            self,
            total=Parts(),
            points=tuple(each._replace(parts=Parts()) for each in self.points),
            step=self.step and self.step._replace(parts=Parts()),
        ).booked(rest[0].until(upto), rest[1].until(upto))
        for sample in samples:
            state = state.fold(sample, rest[0].until(sample.time), rest[1].until(sample.time))
        return state.booked(rest[0].until(math.inf), rest[1].until(math.inf))

    def accepted(self) -> Self:
        """The same, begun anew at the newest sample: what is unexplained so far is let go."""
        return self.based(self.points[-1]) if self.points else self

    def reconciled(self) -> Reconciled | None:
        """How far the change since the base is explained; None before a base is found.

        At the newest sample, or where a rest stands at one of a while ago: what was told since is in it.
        """
        if self.base is None or not self.points:
            return None
        with localcontext(EXACT):
            return self._reconciled(self.base)

    def _reconciled(self, base: Point) -> Reconciled:
        newest = self.points[-1]
        above, run = newest.level > base.level, list[Point]()
        for each in reversed(self.points):
            if not self.beyond(each) or (each.level > base.level) is not above:
                break
            run.append(each)
        stands = self.limit is not None and len(run) == len(self.points)
        at = _clearest([each for each in run if each.time <= newest.time - self.settle / 2]) if stands else newest
        rest, bound = at.level - base.level, self._bound(base, at)
        whole = self.step if run and self.step is not None and abs(self.step.rest - rest) <= bound else None
        return Reconciled(
            since=base.time,
            until=at.time,
            equity=at.equity - base.equity,
            unrealised=at.unrealised - base.unrealised,
            parts=at.parts,
            rest=rest,
            limit=None if self.limit is None else bound,
            beyond=None if not run else whole.end if whole else run[-1].time,
            stands=stands,
            step=whole,
        )

    def _bound(self, base: Point, at: Point) -> Decimal:
        limit = self.limit or LIMIT
        share = exact(limit.share or 0.0) * max(abs(base.equity), abs(at.equity))
        return max(exact(limit.amount or 0.0), share) + OPEN * (base.worth + at.worth)

    def beyond(self, at: Point) -> bool:
        """Whether more is unexplained at a point than is allowed."""
        return self.base is not None and abs(at.level - self.base.level) > self._bound(self.base, at)

    @property
    def settled(self) -> bool:
        """Whether the points are enough and go back for the settling time."""
        points = self.points
        return len(points) >= NEEDED and points[0].time <= points[-1].time - self.settle

    def seen(self, new: Point) -> Self:
        """Take in a point newer than the others, and find a base, or a better one."""
        state = replace(self, points=self._kept(new), step=self._stepped(new), why=None)
        if not state.settled:
            return state
        if self.base is None:
            return state.based(_middle(state.points))
        # What is open is known less exactly: a base without it is better, and so is a recent one.
        better = (new.worth == 0 < self.base.worth) or new.time - self.base.time > CLOSES
        alike = [each for each in state.points if each.worth <= new.worth]
        if not better or len(alike) < NEEDED or any(map(state.beyond, state.points)):
            return state
        return state.based(_middle(alike))

    def _kept(self, new: Point) -> tuple[Point, ...]:
        """The points with a new one: a newest that is too close to the one before it gives way."""
        known = self.points
        close = len(known) > 1 and known[-1].time - known[-2].time < self.settle / POINTS
        known = (*(known[:-1] if close else known), new)
        passed = 0
        while len(known) - passed > NEEDED and known[passed + 1].time <= new.time - self.settle:
            passed += 1
        return known[passed:]

    def _stepped(self, new: Point) -> Step | None:
        """The largest step, unless the rest that it was part of has gone."""
        if self.base is None or not self.points:
            return None
        before, known = self.points[-1], self.step
        change = new.equity - new.unrealised - before.equity + before.unrealised
        step = Step(before.time, new.time, change, new.parts.plus(before.parts, -1))
        if known is None or abs(new.level - self.base.level) < abs(known.rest) / 2:
            return step
        return step if abs(step.rest) >= abs(known.rest) else known

    def based(self, base: Point) -> Self:
        """The same, measured from one of the points on."""
        with localcontext(EXACT):
            points = tuple(
                each._replace(parts=each.parts.plus(base.parts, -1)) for each in self.points if each.time >= base.time
            )
            total = self.total.plus(base.parts, -1)
        return replace(self, base=base._replace(parts=Parts()), points=points, total=total, step=None)

    def to_json(self) -> dict[str, Any]:
        """The state as JSON."""
        limit = self.limit
        return {
            "settle": self.settle,
            "limit": None if limit is None else [limit.amount, limit.share],
            "tells": self.tells,
            "paper": self.paper,
            "why": self.why,
            "total": written(self.total),
            "base": None if self.base is None else written(self.base),
            "points": [written(each) for each in self.points],
            "step": None if self.step is None else written(self.step),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        try:
            limit, base, step = data["limit"], data["base"], data["step"]
            state = cls(
                settle=read_number(data["settle"]),
                limit=None
                if limit is None
                else AmountOrShare(*(None if one is None else read_number(one) for one in limit)),
                tells=data["tells"] is True,
                paper=data["paper"] if isinstance(data["paper"], bool) else None,
                why=None if data["why"] is None else str(data["why"])[:200],
                total=read_parts(data["total"]),
                base=None if base is None else read_point(base),
                points=tuple(read_point(each) for each in data["points"]),
                step=None if step is None else read_step(step),
            )
        except (TypeError, KeyError, ValueError, InvalidOperation) as error:
            raise ValueError(f"this is not a stored reconciliation: {error}") from None
        if len(state.points) > POINTS + NEEDED or (state.base is not None and not state.points):
            raise ValueError("this is not a stored reconciliation: its points do not fit together")
        return state


class _Rows(Generic[Row]):
    """Stored rows, given out in the order of their times."""

    def __init__(self, rows: Iterable[Row], time: Callable[[Row], float]) -> None:
        self._rows = sorted(rows, key=time)
        self._time = time
        self._at = 0

    def until(self, time: float) -> list[Row]:
        """Those not given out yet, up to a time."""
        start = self._at
        while self._at < len(self._rows) and self._time(self._rows[self._at]) <= time:
            self._at += 1
        return self._rows[start : self._at]


def _middle(points: Sequence[Point]) -> Point:
    """The point of the middle level: one at which a trade is told early or late is not it."""
    return sorted(points, key=lambda each: each.level)[(len(points) - 1) // 2]


def _clearest(points: Sequence[Point]) -> Point:
    """The oldest point at which the least was open; the first of these is the newest."""
    return min(reversed(points), key=lambda each: each.worth)
