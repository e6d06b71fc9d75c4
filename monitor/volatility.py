"""How large a move is typical of an agent: a slow and a quick variance of its moves, which flat time does not touch."""

from __future__ import annotations

import numpy as np

from monitor.detector import CHOICES, NEVER, Field, Flags, Floats, Moves, Rows, State, Tick

WARM = 200
"""Moves before anything statistical pages."""
LEARNS = 30
"""Moves before distributions learn: until then the typical move is a guess."""
_CLIP = 16.0
"""A squared move counts at most so many times the variance: one wild value leaves it of use."""
_WILD = 2_500.0
"""Beyond so many times it says nothing of the next moves: a price of nowhere, a unit that was lost."""
_SLOW = 0.0002
_MEAN, _NEWS, _KEEP = 0.01, 0.06, 0.93
"""Of the quick variance: the slow one's part, the newest square's, its own."""
_MEMORY = 40_320.0
"""Samples over which the share of moving ones is reckoned; a day of them counts if that is more."""
_DAY = 2_880.0
_STILL = 1e-9
"""A smaller return is arithmetic, not a move."""
_PACE = 0.02
_LARGEST = 1e100
_LEAST = 1e-24

FIELDS = (
    Field("samples"),
    Field("moves"),
    Field("skipped"),
    Field("active"),
    Field("lately"),
    Field("unit"),
    Field("pace"),
    Field("slow"),
    Field("quick"),
)
"""samples: with a return; moves: those whose return is not 0; skipped: samples without a return; active, lately: share
of moves, over two weeks and a day; unit: seconds that one interval lasts, for good; pace: seconds from a sample to the
next; slow, quick: variances of one interval."""
_BUDGET = CHOICES.index("budget")


def moves(state: State, tick: Tick) -> Moves:
    """Find the rows that moved, and what is typical of them; counts samples, and learns their pace and activity."""
    known = np.isfinite(tick.returns) & (tick.elapsed > 0)
    state["skipped"][~known] += 1.0
    state["samples"][known] += 1.0
    _keep_pace(state, tick, known)
    moved = known & (np.abs(tick.returns) > _STILL)
    many = np.maximum(state["samples"], 1.0)
    for name, memory in (("active", _MEMORY), ("lately", _DAY)):
        share = known / np.minimum(many, memory)
        state[name][:] += share * (moved - state[name])
    rows = moved.nonzero()[0]
    raw = np.minimum(np.maximum(tick.returns[rows], -_LARGEST), _LARGEST)
    pace, unit, n = state["pace"][rows], state["unit"][rows], state["moves"][rows]
    lasted = np.maximum(tick.elapsed[rows], np.minimum(pace, unit)) / unit
    x = raw / np.sqrt(lasted)
    _begin(state, rows[n == 0], x[n == 0])
    active = np.maximum(state["active"][rows], state["lately"][rows])
    return Moves(
        rows=rows,
        time=tick.time[rows],
        since=tick.time[rows] - tick.elapsed[rows],
        raw=raw,
        x=x,
        scale=np.sqrt(state["quick"][rows]),
        n=n,
        active=active,
        pace=pace,
        allowed=tick.allowed[rows] / pace,
        ready=(n >= WARM) & (tick.choice[rows] == _BUDGET) & (tick.allowed[rows] < NEVER),
    )


def learn(state: State, of: Moves) -> None:
    """Take moves into both variances: to be done after every detector has seen them."""
    rows, square = of.rows, of.x * of.x
    slow, quick = state["slow"][rows], state["quick"][rows]
    weight = np.maximum(1.0 / (of.n + 1.0), _SLOW)
    state["slow"][rows] = np.maximum(slow + weight * (np.minimum(square, _CLIP * slow) - slow), _LEAST)
    news = np.where(square > _WILD * quick, quick, np.minimum(square, _CLIP * quick))
    state["quick"][rows] = np.maximum(_MEAN * slow + _NEWS * news + _KEEP * quick, _LEAST)
    state["moves"][rows] = of.n + 1.0


def _begin(state: State, rows: Rows, x: Floats) -> None:
    """The first move of a row is what is typical of it until there are more."""
    if len(rows):
        state["slow"][rows] = state["quick"][rows] = np.maximum(x * x, _LEAST)


def _keep_pace(state: State, tick: Tick, known: Flags) -> None:
    """Learn how far apart samples are; a long gap counts as a few."""
    new = state["unit"] <= 0
    if new.any():
        state["unit"][new] = state["pace"][new] = tick.interval[new]
    pace = state["pace"]
    gap = np.minimum(np.maximum(tick.elapsed, pace / 10), pace * 10)
    pace[:] = np.where(known, pace + _PACE * (gap - pace), pace)
