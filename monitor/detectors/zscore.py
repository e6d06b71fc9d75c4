"""The guide's detector: how many standard deviations a return is from those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

WINDOW = 100
"""Returns kept, the newest included."""
WARM_UP = 20
"""Returns a baseline needs."""
THRESHOLD = 3.0
"""|z| above which a return is an anomaly."""
FLAT = 1e-10
"""Standard deviation below which nothing is said."""
RECENT = 20
"""Newest returns that the regime score compares with the rest."""
LARGEST = 1e100
"""A return beyond it is taken as it, so that no sum, square or quotient overflows."""


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


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) of at least two values."""
    mean = math.fsum(values) / len(values)
    return mean, math.hypot(*[value - mean for value in values]) / math.sqrt(len(values) - 1)


def _regime(window: Sequence[float]) -> float | None:
    if len(window) < WARM_UP + RECENT:
        return None
    rest = _spread(window[:-RECENT])[1]
    return None if rest < FLAT else abs(_spread(window[-RECENT:])[1] - rest) / rest


@dataclass(frozen=True, slots=True)
class ZScore:
    """A window of returns, newest last; folding one in gives the next window and what is said of the return."""

    window: tuple[float, ...] = ()

    def fold(self, r: float | None) -> tuple[ZScore, Score]:
        """Judge one return and take it into the window; None and what is not finite is skipped, with z None."""
        if r is None or not math.isfinite(r):
            return self, self._score(None, len(self.window))
        r = max(-LARGEST, min(LARGEST, r))
        baseline = self.window[1 - WINDOW :]
        z = None
        if len(baseline) >= WARM_UP:
            mean, deviation = _spread(baseline)
            z = None if deviation < FLAT else (r - mean) / deviation
        after = ZScore((*baseline, r))
        return after, after._score(z, len(baseline))

    def _score(self, z: float | None, n: int) -> Score:
        anomaly = z is not None and abs(z) > THRESHOLD
        direction: Literal["gain", "loss"] | None = None
        if z is not None and anomaly:
            direction = "gain" if z > 0 else "loss"
        volatility = _spread(self.window)[1] if len(self.window) >= WARM_UP else None
        return Score(z, n, WARM_UP, anomaly, direction, volatility, _regime(self.window))

    def to_json(self) -> list[float]:
        """The state as JSON."""
        return list(self.window)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        if not isinstance(data, list) or len(data) > WINDOW:
            raise ValueError(f"a stored z-score is a list of at most {WINDOW} returns")
        for value in data:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
                raise ValueError("a stored z-score holds finite returns only")
        return cls(tuple(float(value) for value in data))
