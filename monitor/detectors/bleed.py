"""A steady loss: small moves that are losing on the whole, more than chance lets happen at any time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.detector import Detector, Field, Floats, Found, Moves, State, Tick, found

SHARE = 0.12
"""Of an agent's budget."""
RATES: Floats = np.array([0.02, 0.05, 0.1, 0.2, 0.4])
"""Bets on a loss, small to large: the larger, the sooner a strong one is seen."""
_CLIP = 3.0
_WIDEST = 50.0
_MEMORY = 5_000.0
_TRACE = 0.4
"""Rate by which the begin of a loss is looked for."""


def step(state: State, tick: Tick, moves: Moves) -> Mapping[str, Found]:
    """An e-detector of a mean below 0 (Shin, Ramdas and Rinaldo 2022): R <- (R + 1)(1 - rate y), y the clipped move.

    While the mean is not below 0, the mean of R over the rates reaches A less often than once in A samples. Nothing is
    said where the clipped moves lose and the whole ones win: many small losses pay for few large gains there.
    """
    del tick
    rows = moves.rows
    z = moves.x / moves.scale
    y = np.minimum(np.maximum(z, -_CLIP), _CLIP) / _CLIP
    share = 1.0 / np.minimum(moves.n + 1.0, _MEMORY)
    clipped, whole = state["bleed_clipped"], state["bleed_whole"]
    clipped[rows] += share * (y - clipped[rows])
    whole[rows] += share * (np.minimum(np.maximum(z, -_WIDEST), _WIDEST) / _CLIP - whole[rows])
    bets = (state["bleed_bets"][rows] + 1.0) * (1.0 - RATES * y[:, None]) * moves.ready[:, None]
    state["bleed_bets"][rows] = bets
    level = np.cumsum(bets, axis=1)[:, -1]
    _trace(state, moves, y)
    full = moves.ready & (level / len(RATES) >= moves.allowed * moves.active / SHARE)
    if not full.any():
        return {}
    odd = full & ~((clipped[rows] < 0) & (whole[rows] > 0))
    n = np.maximum(state["bleed_moves"][rows], 1.0)
    what = {"since": state["bleed_since"][rows], "value": state["bleed_sum"][rows] / n, "typical": moves.scale}
    every = moves.allowed * moves.pace / SHARE
    told = found(rows, odd, time=moves.time, n=n, every=every, **what)
    for name in ("bleed_bets", "bleed_trace", "bleed_sum", "bleed_moves"):
        state[name][rows[full]] = 0.0
    return {"bleed": told}


def _trace(state: State, moves: Moves, y: Floats) -> None:
    """Keep since when it has been losing: since the bet on it was last worth nothing."""
    rows = moves.rows
    worth = state["bleed_trace"][rows]
    new = worth <= 0
    state["bleed_since"][rows] = np.where(new, moves.since, state["bleed_since"][rows])
    state["bleed_sum"][rows] = np.where(new, 0.0, state["bleed_sum"][rows]) + moves.raw
    state["bleed_moves"][rows] = np.where(new, 0.0, state["bleed_moves"][rows]) + 1.0
    state["bleed_trace"][rows] = np.maximum(worth + np.log1p(-_TRACE * y), 0.0)


detector = Detector(
    "bleed",
    (
        Field("bleed_bets", len(RATES)),
        *map(Field, ("bleed_clipped", "bleed_whole", "bleed_trace", "bleed_since", "bleed_sum", "bleed_moves")),
    ),
    step,
)
