"""A sudden loss: a move far beyond what is typical of the agent, told a sample later, when it has not been undone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.detector import Detector, Field, Flags, Floats, Found, Moves, State, Tick, found
from monitor.tail import EDGES, LEAST, Tail
from monitor.volatility import LEARNS

SHARE = 0.5
"""Of an agent's budget. It is spent on moves of both signs, of which the losses page."""
UNDONE = 0.3
"""A loss of which the next sample leaves at most this share was a price spike."""


def _student(many: float) -> Floats:
    """Weights of a histogram of |t(3)| of variance 1."""
    t = np.append(EDGES[1:-1], np.inf) * np.sqrt(3.0)
    below = 2.0 / np.pi * (1.0 / (np.sqrt(3.0) / t + t / np.sqrt(3.0)) + np.arctan(t / np.sqrt(3.0)))
    return np.diff(np.concatenate([[0.0], below])) * many


TAIL = Tail("shock", _student(300.0), shape=0.15, weight=200.0, floor=0.05)
_HELD = ("held_return", "held_before", "held_typical", "held_time", "held_since", "held_every")


def step(state: State, tick: Tick, moves: Moves) -> Mapping[str, Found]:
    """|x| over the typical move before it is as rare as the budget allows, and x is a loss (McNeil and Frey 2000).

    Told with the next sample, or the next poll without an answer: an undone move is a spike, not a loss.
    """
    told = _told(state, tick)
    rows, z = moves.rows, np.abs(moves.x) / moves.scale
    chance = TAIL.chance(state, rows, z)
    p = chance * moves.active
    odd = moves.ready & (moves.x < 0) & (chance < 1.0) & (p * moves.allowed < SHARE)
    if odd.any():
        typical = np.abs(moves.raw) / z
        held = (moves.raw, state["before"][rows], typical, moves.time, moves.since, moves.pace / np.maximum(p, LEAST))
        for name, value in zip(_HELD, held, strict=True):
            state[name][rows[odd]] = value[odd]
    learned = moves.n >= LEARNS
    TAIL.learn(state, rows[learned], z[learned])
    state["before"][:] = np.where(np.isfinite(tick.returns), tick.returns, state["before"])
    return told


def _told(state: State, tick: Tick) -> Mapping[str, Found]:
    """What was held of the sample before."""
    rows = (state["held_time"] > 0).nonzero()[0]
    if not len(rows):
        return {}
    loss, before, typical, time, since, every = (state[name][rows] for name in _HELD)
    state["held_time"][rows] = 0.0
    after = np.where(np.isfinite(tick.returns[rows]), tick.returns[rows], 0.0)
    undone = _undone(loss, after) | _undone(loss, before)
    what: dict[str, Floats | float] = {
        "time": time,
        "since": since,
        "value": loss,
        "typical": typical,
        "n": 1.0,
        "every": every,
    }
    return {"spike": found(rows, undone, **what), "shock": found(rows, ~undone, **what)}


def _undone(loss: Floats, beside: Floats) -> Flags:
    """Whether a loss and the step beside it leave next to nothing."""
    with np.errstate(all="ignore"):
        alone, both = np.log1p(loss), np.log1p(loss) + np.log1p(beside)
    little: Flags = np.isfinite(both) & (np.abs(both) <= UNDONE * np.abs(alone))
    return little


detector = Detector("shock", (*TAIL.fields, *map(Field, (*_HELD, "before"))), step)
