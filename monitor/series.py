"""Equity over time, net of the cash people move: returns, drawdown, loss in a window, even grids."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BUCKETS = 288  # marks of a loss window: five minutes apart in 24 h
GRID_POINTS = 5_000_000  # of an even grid at most: 40 MB
TICK = 1e-6


def _growth(before: float, after: float, flow: float) -> float | None:
    if not (before > 0 and math.isfinite(before + abs(flow))):
        return None
    # A deposit as large as what was there before or is there after would turn a fee on the new money into a loss of
    # everything: it counts as there from the step's start.
    early = 0 < flow >= min(before, after)
    growth = after / (before + flow) if early else (after - flow) / before
    return max(growth, 0.0) if math.isfinite(growth) else None


def step_return(before: float | None, after: float | None, flow: float = 0.0) -> float | None:
    """Time-weighted return of one step net of a cash flow within it: (after - flow) / before - 1, at least -1.

    A deposit not smaller than `before` or `after` counts as there from the start: after / (before + flow) - 1. None
    when undefined: `before` is missing or not positive, or something is not finite.
    """
    if before is None or after is None:
        return None
    growth = _growth(before, after, flow)
    return None if growth is None else growth - 1.0


def _added(total: float, flow: float) -> float:
    """`total` with `flow`; a flow that makes no finite sum is not counted."""
    return total + flow if math.isfinite(total + flow) else total


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
        pending = _added(self.pending, flow)
        if equity is None or not math.isfinite(equity):
            return replace(self, time=time, pending=pending)
        if self.anchor is None:
            return self._started(time, equity) if equity > 0 else replace(self, time=time, equity=equity, pending=0.0)
        if self.anchor > 0 and (self.equity or 0.0) <= 0 < equity and pending > 0:
            return self._started(time, equity)
        growth = _growth(self.anchor, equity, pending)
        index = self.index if growth is None else self.index * growth
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
        flows = _added(self.flows, flow)
        deposits = _added(self.deposits, max(flow, 0.0))
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


def moved(times: Floats, flows: Sequence[tuple[float, float]]) -> Floats:
    """Money moved in each step that ends at an observation; `times` ascend, flows are (time, money).

    A flow belongs to the first observation at or after it; those up to the first observation are part of its equity,
    those after the last are not in it yet.
    """
    money = np.zeros(len(times))
    for time, amount in flows:
        at = int(np.searchsorted(times, time, side="left"))
        if 0 < at < len(times):
            money[at] = _added(float(money[at]), amount)
    return money


def growths(equity: Floats, money: Floats) -> Floats:
    """1 + step_return of each step between observations, NaN where undefined: shape (n - 1,). `money` as of `moved`."""
    before, after, flow = equity[:-1], equity[1:], money[1:]
    with np.errstate(all="ignore"):
        early = (flow > 0) & (flow >= np.minimum(before, after))
        growth: Floats = np.where(early, after / (before + flow), (after - flow) / before)
        growth[~((before > 0) & np.isfinite(before + np.abs(flow)) & np.isfinite(growth))] = np.nan
    return np.maximum(growth, 0.0)


def _grid(times: Floats, step: float) -> Floats:
    if not TICK <= step < math.inf:
        raise ValueError(f"the step of a grid must be a number of seconds, at least a microsecond, not {step}")
    if len(times) == 0:
        return np.empty(0)
    steps = float(times[-1] - times[0]) / step
    if steps >= GRID_POINTS:
        raise ValueError(f"a grid of {step} s over this span has more than {GRID_POINTS} points; take a longer step")
    grid: Floats = times[0] + step * np.arange(math.floor(steps) + 1)
    return grid


def even_grid(times: Floats, values: Floats, step: float, stale: float) -> tuple[Floats, Floats]:
    """Last observation carried forward onto a grid from the first time on, `step` seconds apart.

    `times` ascend; values that are not finite are no observations. A value older than `stale` seconds is not carried:
    the gap is NaN. Returns the grid's times and values. Errors: ValueError (step not positive, too many points).
    """
    known = np.isfinite(times) & np.isfinite(values)
    times, values = times[known], values[known]
    grid = _grid(times, step)
    at = np.searchsorted(times, grid, side="right") - 1
    carried: Floats = np.where(grid - times[at] <= stale, values[at], np.nan)
    return grid, carried


def grid_returns(
    times: Floats, equity: Floats, flows: Sequence[tuple[float, float]], step: float, stale: float
) -> Floats:
    """Time-weighted returns net of flows on the even grid: one a step, NaN where either end is a gap or undefined.

    The returns of all observations within a step are linked. Arguments and errors as for `even_grid` and `moved`.
    """
    known = np.isfinite(times) & np.isfinite(equity)
    times, equity = times[known], equity[known]
    grid, carried = even_grid(times, equity, step, stale)
    steps = growths(equity, moved(times, flows))
    linked = np.ones(len(grid) + 1)
    with np.errstate(all="ignore"):
        np.multiply.at(linked, np.searchsorted(grid, times[1:], side="left"), steps)
    returns = linked[1 : len(grid)] - 1.0
    returns[np.isnan(carried[:-1]) | np.isnan(carried[1:]) | ~np.isfinite(returns)] = np.nan
    return returns


def typical_spacing(times: Floats | Sequence[float]) -> float | None:
    """Median seconds between ascending times; None with fewer than two different ones."""
    spacing = np.diff(np.asarray(times, dtype=np.float64))
    spacing = spacing[np.isfinite(spacing) & (spacing > 0)]
    return float(np.median(spacing)) if len(spacing) else None
