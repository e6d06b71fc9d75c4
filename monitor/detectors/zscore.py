"""The guide's detector: how many standard deviations a return is from those before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.detector import Detector, Found, Moves, State, Tick
from monitor.recent import LARGEST, WARM_UP, alarms, judged

THRESHOLD = 3.0
"""|z| above which a return is an anomaly."""
FLAT = 1e-10
"""Standard deviation below which nothing is said."""
RECENT = 20
"""Newest returns that the regime score compares with the rest."""
EVERY = 30.0 / 0.0036
"""Seconds between two false pages at 30 s a sample, if returns were Gaussian: P(|t(98)| > 3) is 0.36 %."""


@dataclass(frozen=True, slots=True)
class Score:
    """What the detector says of one return; what is not known yet, or not defined, is None."""

    z: float | None
    """(return - mean) / standard deviation (n - 1) of the baseline: the window without the return itself."""
    n: int
    """Returns in the baseline."""
    need: int
    """Returns the baseline needs."""
    anomaly: bool
    direction: Literal["gain", "loss"] | None
    """Of an anomaly."""
    volatility: float | None
    """Standard deviation (n - 1) of the window, per step."""
    regime: float | None
    """|s(last 20) - s(rest)| / s(rest), s the standard deviation; the rest is at least 20 returns."""


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) of at least two values."""
    mean = math.fsum(values) / len(values)
    return mean, math.hypot(*[value - mean for value in values]) / math.sqrt(len(values) - 1)


def score(window: Sequence[float]) -> Score:
    """Judge the newest of at most 100 finite returns, the newest last."""
    values = [max(-LARGEST, min(LARGEST, each)) for each in window]
    baseline, z = values[:-1], None
    if len(baseline) >= WARM_UP:
        mean, deviation = spread(baseline)
        z = None if deviation < FLAT else (values[-1] - mean) / deviation
    anomaly = z is not None and abs(z) > THRESHOLD
    direction: Literal["gain", "loss"] | None = None
    if z is not None and anomaly:
        direction = "gain" if z > 0 else "loss"
    volatility = spread(values)[1] if len(values) >= WARM_UP else None
    return Score(z, len(baseline), WARM_UP, anomaly, direction, volatility, _regime(values))


def _regime(window: Sequence[float]) -> float | None:
    if len(window) < WARM_UP + RECENT:
        return None
    rest = spread(window[:-RECENT])[1]
    return None if rest < FLAT else abs(spread(window[-RECENT:])[1] - rest) / rest


def step(state: State, tick: Tick, moves: Moves) -> Mapping[str, Found]:
    """|z| > 3 of the newest return, for agents that are judged so: gains and losses, whatever the budget."""
    del moves
    rows, newest, baselines = judged(state, tick, "zscore")
    if not len(rows):
        return {}
    spreads = [spread(each) for each in baselines]
    odd = [
        deviation >= FLAT and abs(value - mean) / deviation > THRESHOLD
        for value, (mean, deviation) in zip(newest.tolist(), spreads, strict=True)
    ]
    return {"zscore": alarms(rows, tick, odd, [deviation for _, deviation in spreads], EVERY)}


detector = Detector("zscore", (), step)
