"""What of a past is reckoned at once: the return of every step, and the samples at which a limit may be broken."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from monitor.detector import Flags, Floats, Rows
from monitor.past import History
from monitor.series import BUCKETS, step_return

DOUBT = 1e-7
"""Share by which a bound is taken for lower than it is: whoever judges exactly is asked rather too often."""


class Outline(NamedTuple):
    """Of each sample of a history, shape (n,)."""

    returns: Floats
    """Of the step that ends there, net of cash flows; NaN: there is none, or nobody can tell."""
    elapsed: Floats
    """Seconds of that step; 0 where there is none."""
    suspect: Flags
    """Whether a rule may find something there that is no detector's: to be judged exactly."""


def outline(of: History) -> Outline:
    """The outline of a history; of one whose samples say more than equity every sample is suspect."""
    many = len(of.times)
    returns, elapsed = np.full(many, np.nan), np.zeros(many)
    known = np.flatnonzero(np.isfinite(of.equity))
    made = _returns(of, known)
    returns[known[1:]] = made
    elapsed[known[1:]] = np.where(np.isfinite(made), np.diff(of.times[known]), 0.0)
    if of.samples is not None:
        return Outline(returns, elapsed, np.ones(many, dtype=np.bool_))
    suspect = np.zeros(many, dtype=np.bool_)
    if len(known):
        suspect[known] = _deep(of, known, made) | _lost(of, known)
        odd = known[np.append(False, ~np.isfinite(made)) | (of.equity[known] <= 0)]
        suspect[odd.min(initial=many) :] = True
    return Outline(returns, elapsed, suspect)


def _returns(of: History, known: Rows) -> Floats:
    """The return of each step between known equities, shape (known - 1,): `step_return` of each."""
    before, after = of.equity[known[:-1]], of.equity[known[1:]]
    with np.errstate(all="ignore"):
        grown = np.where(before > 0, after / before, np.nan)
    made: Floats = np.where(np.isfinite(grown), np.maximum(grown, 0.0) - 1.0, np.nan)
    flows: dict[int, float] = {}
    steps = np.searchsorted(of.times[known], [each.time for each in of.flows]) - 1
    for step, each in zip(steps.tolist(), of.flows, strict=True):
        if 0 <= step < len(made):
            flows[step] = flows.get(step, 0.0) + float(each.amount)
    for step, flow in flows.items():
        change = step_return(float(before[step]), float(after[step]), flow)
        made[step] = np.nan if change is None else change
    return made


def _deep(of: History, known: Rows, made: Floats) -> Flags:
    """Where equity may be further below its peak than the limit."""
    limit = of.agent.limits.drawdown
    if limit is None:
        return np.zeros(len(known), dtype=np.bool_)
    index = np.append(1.0, np.cumprod(1.0 + np.where(np.isfinite(made), made, 0.0)))
    deep: Flags = 1.0 - index / np.maximum.accumulate(index) > limit - DOUBT
    return deep


def _lost(of: History, known: Rows) -> Flags:
    """Where more may be lost than the hard limit allows."""
    hard, window = of.agent.limits.hard_loss, of.agent.limits.loss_window
    if hard is None:
        return np.zeros(len(known), dtype=np.bool_)
    times, equity = of.times[known], of.equity[known]
    if hard.amount is None and of.flows:
        return np.ones(len(known), dtype=np.bool_)
    moved = np.append(0.0, np.cumsum([float(each.amount) for each in of.flows]))
    net = equity - moved[np.searchsorted([each.time for each in of.flows], times, side="right")]
    newest = times[np.maximum(np.searchsorted(times, times - window, side="right") - 1, 0)]
    begin = np.maximum(np.searchsorted(times, newest - window / BUCKETS) - 1, 0)
    high = _highest(net.tolist(), begin.tolist())
    if hard.amount is not None:
        lost: Flags = high - net > hard.amount * (1.0 - DOUBT)
    else:
        lost = high * (1.0 - (hard.share or 0.0) * (1.0 - DOUBT)) > net
    return lost


def _highest(values: list[float], begin: list[int]) -> Floats:
    """The highest value from `begin`, which never falls, to each place, the place included."""
    found, left = np.empty(len(values)), deque[int]()
    for at, value in enumerate(values):
        while left and values[left[-1]] <= value:
            left.pop()
        left.append(at)
        while left[0] < begin[at]:
            left.popleft()
        found[at] = values[left[0]]
    return found
