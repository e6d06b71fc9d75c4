"""A return beyond the first or the last percent of those before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.detector import Detector, Found, Moves, State, Tick
from monitor.recent import alarms, judged

TAIL = 0.01
"""Share of the baseline on either side that counts as rare."""
EVERY = 30.0 / 0.03
"""Seconds between two false pages at 30 s a sample, of any distribution: of 99 returns the next is the largest or the
smallest, or near it, in 3 of 100 cases."""


def step(state: State, tick: Tick, moves: Moves) -> Mapping[str, Found]:
    """The newest return lies outside the 1st to 99th percentile of the 99 before it, as of numpy.quantile."""
    del moves
    rows, newest, baselines = judged(state, tick, "percentile")
    if not len(rows):
        return {}
    bounds = [np.quantile(each, (TAIL, 1.0 - TAIL)).tolist() for each in baselines]
    odd = [not low <= value <= high for value, (low, high) in zip(newest.tolist(), bounds, strict=True)]
    return {"percentile": alarms(rows, tick, odd, [max(-low, high) for low, high in bounds], EVERY)}


detector = Detector("percentile", (), step)
