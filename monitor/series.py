"""Equity over time, net of the cash people move: returns, drawdown, loss in a window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from monitor.grid import Floats, added, even_grid, grid_returns, growths, moved, observations, typical_spacing

__all__ = [
    "BUCKETS",
    "EquityCurve",
    "Floats",
    "LossWindow",
    "Mark",
    "even_grid",
    "grid_returns",
    "growth",
    "growths",
    "moved",
    "observations",
    "step_return",
    "typical_spacing",
]

BUCKETS = 288  # marks of a loss window: five minutes apart in 24 h


def growth(before: float, after: float, flow: float) -> float | None:
    """1 + `step_return` of known equities; None when undefined."""
    if not (before > 0 and math.isfinite(before + abs(flow))):
        return None
    # A deposit as large as what was there before or is there after would turn a fee on the new money into a loss of
    # everything: it counts as there from the step's start.
    early = 0 < flow >= min(before, after)
    grown = after / (before + flow) if early else (after - flow) / before
    return max(grown, 0.0) if math.isfinite(grown) else None


def step_return(before: float | None, after: float | None, flow: float = 0.0) -> float | None:
    """Time-weighted return of one step net of a cash flow within it: (after - flow) / before - 1, at least -1.

    A deposit not smaller than `before` or `after` counts as there from the start: after / (before + flow) - 1. None
    when undefined: `before` is missing or not positive, or something is not finite.
    """
    if before is None or after is None:
        return None
    grown = growth(before, after, flow)
    return None if grown is None else grown - 1.0


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r:.40} is not a finite number")
    return float(value)


def _maybe(value: Any) -> float | None:
    return None if value is None else _number(value)


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """The time-weighted equity index of one agent and how far it is below its peak; every figure stays finite.

    The first positive equity is index 1 and the first peak, so that the first loss counts. Where equity is at or below
    zero because it was lost, the drawdown is 1 and the index waits: positive again without a deposit, it goes on from
    the last positive equity; with one, the curve starts anew at index 1 and drawdown 0. An account emptied by a
    withdrawal keeps index and drawdown, and goes on with the next money. `max_drawdown` never forgets.
    """

    time: float | None = None
    """Of the last fold."""
    equity: float | None = None
    """Last known, money."""
    anchor: float | None = None
    """Equity at which `index` stands; not above 0 in an emptied account."""
    pending: float = 0.0
    """Money moved since the anchor."""
    index: float = 1.0
    peak: float = 1.0
    drawdown: float | None = None
    """Share below the peak, 0..1; None before the first positive equity."""
    max_drawdown: float | None = None

    def fold(self, time: float, equity: float | None, flow: float = 0.0) -> EquityCurve:
        """Fold in equity at a time and the money moved since the fold before; None is an unknown equity.

        Times not after the last one change nothing.
        """
        if not math.isfinite(time) or (self.time is not None and time <= self.time):
            return self
        pending = added(self.pending, flow)
        if equity is None or not math.isfinite(equity):
            return replace(self, time=time, pending=pending)
        if self.anchor is None:
            return self._started(time, equity) if equity > 0 else replace(self, time=time, equity=equity, pending=0.0)
        if self.anchor > 0 and (self.equity or 0.0) <= 0 < equity and pending > 0:
            return self._started(time, equity)
        grown = growth(self.anchor, equity, pending)
        index = self.index if grown is None else self.index * grown
        if index <= 0:
            return EquityCurve(time, equity, self.anchor, pending, self.index, self.peak, 1.0, 1.0)
        if not math.isfinite(index):
            index = self.index
        peak = max(self.peak, index)
        drawdown = 1.0 - index / peak
        worst = max(self.max_drawdown or 0.0, drawdown)
        return EquityCurve(time, equity, equity, 0.0, index, peak, drawdown, worst)

    def _started(self, time: float, equity: float) -> EquityCurve:
        return EquityCurve(time, equity, equity, drawdown=0.0, max_drawdown=self.max_drawdown or 0.0)

    def to_json(self) -> dict[str, float | None]:
        """The state as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        try:
            time, equity, anchor = (_maybe(data[name]) for name in ("time", "equity", "anchor"))
            pending, index, peak = (_number(data[name]) for name in ("pending", "index", "peak"))
            drawdown, worst = _maybe(data["drawdown"]), _maybe(data["max_drawdown"])
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"this is not a stored equity curve: {error}") from None
        if not 0 < index <= peak:
            raise ValueError("this is not a stored equity curve: its index is not between 0 and its peak")
        return cls(time, equity, anchor, pending, index, peak, drawdown, worst)


class Mark(NamedTuple):
    """Equity at a time, with all the money moved until then."""

    time: float
    equity: float
    flows: float
    deposits: float


@dataclass(frozen=True, slots=True)
class LossWindow:
    """Money an agent lost in the trailing window, net of cash flows, from at most 290 marks.

    The window starts at the newest mark that is at least `window` old (so up to window / 288 early, and after a gap at
    what was last known before it), or at the oldest mark while there is less history.
    """

    window: float = 86_400.0
    """Seconds."""
    marks: tuple[Mark, ...] = ()
    last: Mark | None = None
    time: float | None = None
    """Of the last fold."""
    flows: float = 0.0
    """Money moved in all, in less out."""
    deposits: float = 0.0
    """Money moved in, in all."""

    def fold(self, time: float, equity: float | None, flow: float = 0.0) -> LossWindow:
        """Fold in equity at a time and the money moved since the fold before; None is an unknown equity.

        Times not after the last one change nothing.
        """
        if not math.isfinite(time) or (self.time is not None and time <= self.time):
            return self
        flows = added(self.flows, flow)
        deposits = added(self.deposits, max(flow, 0.0))
        if equity is None or not math.isfinite(equity):
            return replace(self, time=time, flows=flows, deposits=deposits)
        last = Mark(time, equity, flows, deposits)
        marks = self.marks
        if not marks or time - marks[-1].time >= self.window / BUCKETS:
            marks = (*marks, last)
        passed = 0
        while passed + 1 < len(marks) and marks[passed + 1].time <= time - self.window:
            passed += 1
        return LossWindow(self.window, marks[passed:] if passed else marks, last, time, flows, deposits)

    @property
    def loss(self) -> float | None:
        """Money lost in the window, negative is a gain; None when unknown."""
        if self.last is None:
            return None
        start = self.marks[0]
        loss = start.equity + (self.last.flows - start.flows) - self.last.equity
        return loss if math.isfinite(loss) else None

    @property
    def base(self) -> float | None:
        """Money that was there to lose: equity at the start of the window and every deposit since; None when unknown.

        Withdrawals are not taken off: paying out after a small loss must not make it a large share.
        """
        if self.last is None:
            return None
        base = self.marks[0].equity + (self.last.deposits - self.marks[0].deposits)
        return base if math.isfinite(base) else None

    def course(self, points: int) -> tuple[float | None, ...]:
        """Equity net of flows in even parts of the window, the newest last: the last known of each, or None."""
        if self.last is None:
            return ()
        found: list[float | None] = [None] * points
        for mark in (*self.marks, self.last):
            part = points - 1 - int((self.last.time - mark.time) / self.window * points)
            if part >= 0:
                found[part] = mark.equity - (mark.flows - self.last.flows)
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """The state as JSON."""
        return {
            "window": self.window,
            "marks": [list(mark) for mark in self.marks],
            "last": None if self.last is None else list(self.last),
            "time": self.time,
            "flows": self.flows,
            "deposits": self.deposits,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        try:
            marks = tuple(_mark(each) for each in data["marks"])
            last = None if data["last"] is None else _mark(data["last"])
            flows, deposits = _number(data["flows"]), _number(data["deposits"])
            state = cls(_number(data["window"]), marks, last, _maybe(data["time"]), flows, deposits)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"this is not a stored loss window: {error}") from None
        if (last is None) != (not marks) or len(marks) > BUCKETS + 2:
            raise ValueError("this is not a stored loss window: its marks do not fit together")
        return state


def _mark(data: Any) -> Mark:
    time, equity, flows, deposits = data
    return Mark(_number(time), _number(equity), _number(flows), _number(deposits))
