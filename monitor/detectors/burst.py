"""A mis-sized position: the last moves together are far larger than what was typical before them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.detector import Detector, Field, Floats, Found, Moves, State, Tick, found
from monitor.tail import EDGES, LEAST, Tail
from monitor.volatility import LEARNS

SHARE = 0.2
"""Of an agent's budget."""
WINDOW = 16
"""Moves judged together."""
LEFT_OUT = 2
"""Of these, the largest."""
CLUSTERS = 0.3
"""Of rare values one in so many begins a cluster: their windows overlap (extremal index)."""


def _usual(many: float) -> Floats:
    """Weights of a histogram to begin with: log-normal around 0.9, a spread of 30 %."""
    middle = np.log(np.sqrt(EDGES[:-1] * EDGES[1:]))
    weights: Floats = np.exp(-(((middle - np.log(0.9)) / 0.3) ** 2) / 2)
    weights *= many / weights.sum()
    return weights


TAIL = Tail("burst", _usual(1_000.0), shape=0.15, weight=1_600.0, floor=0.001)


def step(state: State, tick: Tick, moves: Moves) -> Mapping[str, Found]:
    """Root mean square of the last moves but the two largest, over what was typical before them.

    A scale that adapts takes a position of ten times the size for a new usual; one taken before the window does not.
    Without its two largest moves neither a single loss is a burst, nor a price spike.
    """
    del tick
    rows = moves.rows
    at = (moves.n % WINDOW).astype(np.intp)
    before = state["burst_scales"][rows, at]
    state["burst_squares"][rows, at] = np.minimum(moves.x * moves.x, 1e200)
    state["burst_scales"][rows, at] = moves.scale
    state["burst_times"][rows, at] = moves.since
    since = state["burst_times"][rows, (at + 1) % WINDOW]
    at = (moves.n >= LEARNS).nonzero()[0]
    if not len(at):
        return {}
    squares = state["burst_squares"][rows[at]]
    ordered = np.sort(squares, axis=1)
    size = np.sqrt(np.cumsum(ordered, axis=1)[:, -1 - LEFT_OUT] / (WINDOW - LEFT_OUT))
    ratio = size / before[at]
    chance = TAIL.chance(state, rows[at], ratio)
    p = chance * moves.active[at] * CLUSTERS
    odd = moves.ready[at] & (chance < 1.0) & (p * moves.allowed[at] < SHARE)
    TAIL.learn(state, rows[at], ratio)
    if not odd.any():
        return {}
    every = moves.pace[at] / np.maximum(p, LEAST)
    what = {"time": moves.time[at], "since": since[at], "value": size, "typical": before[at], "every": every}
    return {"burst": found(rows[at], odd, n=float(WINDOW), **what)}


detector = Detector(
    "burst",
    (
        *TAIL.fields,
        Field("burst_squares", WINDOW),
        Field("burst_scales", WINDOW, 1.0),
        Field("burst_times", WINDOW),
    ),
    step,
)
