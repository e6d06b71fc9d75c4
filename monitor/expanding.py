"""Moments and drawdown of every return since a reset, kept up to date return by return in sixteen numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

from monitor.statistics import Moments, Path


class Expanding:
    """Every return since a reset: `moments` and `path` as `monitor.statistics` reckons them, in 16 numbers.

    Central moments are updated as by Pebay (2008). An outlier stays in them, as it does in those reckoned at once.
    """

    __slots__ = (
        "d2", "d3", "d4", "deepest", "high", "level", "log_m2", "log_mean", "m2", "m3", "m4", "mean", "n", "target",
    )  # fmt: skip

    def __init__(self, target: float = 0.0) -> None:
        self.target = target
        self.n = 0
        self.mean = self.m2 = self.m3 = self.m4 = 0.0
        self.d2 = self.d3 = self.d4 = 0.0
        self.log_mean = self.log_m2 = 0.0
        self.level = self.high = 1.0
        self.deepest = 0.0

    def push(self, made: float) -> None:
        """Take the return of one more step; NaN is none."""
        if not math.isfinite(made):
            return
        n = self.n = self.n + 1
        off = made - self.mean
        part = off / n
        part2, term = part * part, off * part * (n - 1)
        m2, m3 = self.m2, self.m3
        self.mean += part
        self.m4 += term * part2 * (n * n - 3 * n + 3) + 6.0 * part2 * m2 - 4.0 * part * m3
        self.m3 = m3 + term * part * (n - 2) - 3.0 * part * m2
        self.m2 = m2 + term
        below = made - self.target
        if below < 0.0:
            square = below * below
            self.d2 += square
            self.d3 += square * below
            self.d4 += square * square
        log = (math.log1p(made) if made > -1.0 else -math.inf) - self.log_mean
        self.log_mean += log / n
        self.log_m2 += log * log * (n - 1) / n
        level = self.level = self.level * (1.0 + made)
        if level > self.high:
            self.high = level
        elif level < self.high * (1.0 - self.deepest):
            self.deepest = 1.0 - level / self.high

    def first(self) -> tuple[int, float, float]:
        """The first three of `moments`: n, mean and m2."""
        return self.n, self.mean, self.m2 / self.n if self.n else math.nan

    def moments(self) -> Moments:
        """Moments of all returns."""
        n = self.n
        if not n:
            return Moments(0, *[math.nan] * 8)
        logs = self.log_m2 / (n - 1) if n > 1 and math.isfinite(self.log_m2) else math.nan
        central = (self.m2 / n, self.m3 / n, self.m4 / n, self.d2 / n, self.d3 / n, self.d4 / n)
        return Moments(n, self.mean, *central, logs)

    def path(self) -> Path:
        """Growth and drawdowns since the reset."""
        if not (self.high < math.inf and math.isfinite(self.level)):
            return Path(math.nan, math.nan, math.nan)
        return Path(self.level, 1.0 - self.level / self.high, self.deepest)

    def to_json(self) -> dict[str, float | None]:
        """The state as JSON; None is what was out of all bounds."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        made = cls()
        try:
            for name in cls.__slots__:
                value = data[name]
                if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
                    raise ValueError(f"{name} is no number")  # noqa: TRY301, TRY004 -- told as one sentence below
                setattr(made, name, math.nan if value is None else value)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"these are not stored figures: {error}") from None
        if not isinstance(made.n, int) or made.n < 0:
            raise ValueError("these are not stored figures: n is no count")
        return made


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
