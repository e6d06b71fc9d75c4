"""Tukey's fences: a return far outside the middle half of those before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.detector import Detector, Found, Moves, State, Tick
from monitor.recent import alarms, judged

FENCE = 3.0
"""Interquartile ranges beyond the quartiles from which on a return is "far out" (Tukey 1977)."""
EVERY = 30.0 / 0.000014
"""Seconds between two false pages at 30 s a sample, if returns were Gaussian and the quartiles known."""


def step(state: State, tick: Tick, moves: Moves) -> Mapping[str, Found]:
    """The newest return lies outside [Q1 - 3 IQR, Q3 + 3 IQR] of the 99 before it, quartiles as of numpy.quantile.

    Nothing is said where the middle half is one value: between trades every move would be an anomaly.
    """
    del moves
    rows, newest, baselines = judged(state, tick, "iqr")
    if not len(rows):
        return {}
    quartiles = [np.quantile(each, (0.25, 0.75)).tolist() for each in baselines]
    odd = [
        high > low and not low - FENCE * (high - low) <= value <= high + FENCE * (high - low)
        for value, (low, high) in zip(newest.tolist(), quartiles, strict=True)
    ]
    return {"iqr": alarms(rows, tick, odd, [high - low for low, high in quartiles], EVERY)}


detector = Detector("iqr", (), step)
