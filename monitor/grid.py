"""Observations of equity, however they come, on an even grid of time; a gap stays a gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flows = Sequence[tuple[float, float]] | Floats
"""(time, money) of each; as an array of shape (k, 2)."""

GRID_POINTS = 5_000_000  # of an even grid at most: 40 MB
TICK = 1e-6
"""Seconds: times are told to the microsecond, and two less than half of one apart are the same."""


class Observations(NamedTuple):
    """Known equities in order of time, one for each time, and the money moved in the step that ends at each."""

    times: Floats
    equity: Floats
    money: Floats


def added(total: float, flow: float) -> float:
    """`total` with `flow`; a flow that makes no finite sum is not counted."""
    return total + flow if math.isfinite(total + flow) else total


def observations(times: Floats, equity: Floats, flows: Flows = ()) -> Observations:
    """Bring observations in any order, doubled, with NaN in them, into order; each of shape (n,).

    Of several at one time the first with a known equity counts. What is not finite is no observation. Flows as of
    `moved`: they are kept although the equity of their time is unknown.
    """
    known = np.isfinite(times) & np.isfinite(equity)
    if not known.all():
        times, equity = times[known], equity[known]
    if not np.all(times[1:] > times[:-1]):
        times, first = np.unique(times, return_index=True)
        equity = equity[first]
    return Observations(times, equity, moved(times, flows))


def moved(times: Floats, flows: Flows) -> Floats:
    """Money moved in each step that ends at an observation; `times` ascend, flows are (time, money).

    A flow belongs to the first observation at or after it; those up to the first observation are part of its equity,
    those after the last are not in it yet.
    """
    money = np.zeros(len(times))
    if not len(flows):
        return money
    each = np.asarray(flows, dtype=np.float64).reshape(-1, 2)
    each = each[np.isfinite(each).all(axis=1)]
    at = np.searchsorted(times, each[:, 0], side="left")
    within = (at > 0) & (at < len(times))
    with np.errstate(over="ignore", invalid="ignore"):
        np.add.at(money, at[within], each[within, 1])
    if not np.isfinite(money).all():
        money[:] = 0.0
        for step, amount in zip(at[within].tolist(), each[within, 1].tolist(), strict=True):
            money[step] = added(float(money[step]), amount)
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
    steps = (float(times[-1] - times[0]) + TICK / 2) / step
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
    at = np.searchsorted(times, grid + TICK / 2, side="right") - 1
    carried: Floats = np.where(grid - times[at] <= stale + TICK / 2, values[at], np.nan)
    return grid, carried


def grid_returns(
    times: Floats, equity: Floats, flows: Flows, step: float, stale: float, *, sessions: bool = False
) -> Floats:
    """Time-weighted returns net of flows on the even grid: one a step, NaN where either end is a gap or undefined.

    The returns of all observations within a step are linked. Arguments as for `observations` and `even_grid`. With
    `sessions` no time passes while nothing is observed: a step without an observation is none, and the first one after
    it holds the return since the last. Errors: ValueError, as of `even_grid`.
    """
    return stepped(observations(times, equity, flows), step, stale, sessions=sessions)


def stepped(of: Observations, step: float, stale: float, *, sessions: bool = False) -> Floats:
    """`grid_returns` of observations that are in order."""
    grid, carried = even_grid(of.times, of.equity, step, stale)
    steps = growths(of.equity, of.money)
    at = np.searchsorted(grid + TICK / 2, of.times[1:], side="left")
    linked = np.ones(len(grid) + 1)
    with np.errstate(all="ignore"):
        np.multiply.at(linked, at, steps)
    returns = linked[1 : len(grid)] - 1.0
    gap = np.isnan(carried[:-1]) | np.isnan(carried[1:])
    if sessions:
        gap = np.bincount(at, minlength=len(grid) + 1)[1 : len(grid)] == 0
    returns[gap | ~np.isfinite(returns)] = np.nan
    return returns


def typical_spacing(times: Floats | Sequence[float]) -> float | None:
    """Median seconds between ascending times; None with fewer than two different ones."""
    spacing = np.diff(np.asarray(times, dtype=np.float64))
    spacing = spacing[np.isfinite(spacing) & (spacing > 0)]
    return float(np.median(spacing)) if len(spacing) else None
