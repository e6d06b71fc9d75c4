"""Figures kept up to date return by return, O(1) each, and the same as those reckoned at once."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from monitor.expanding import Expanding
from monitor.record import MIN_RETURNS
from monitor.series import Floats
from monitor.statistics import FLAT, Moments, Path, path

__all__ = ["Expanding", "Live", "Rolling", "live"]

_LARGEST = 1_000_000
"""Steps of a window at most."""
_LARGEST_LOG = 700.0
"""Of growth in a year that can still be written."""
_FAR = 4.0
"""Variances by which the mean may be off the centre of the sums."""


class Rolling:
    """The last `size` steps of a grid: `moments` and `path` of them as `monitor.statistics` reckons them.

    A step without a return is NaN: it takes its place, and counts for nothing else. The window is a queue of two
    stacks: sums from each step of the older part to its end, and sums over what came since. Nothing is ever taken off
    a sum, so that a return of a million leaves nothing behind when it leaves, and every `size` steps the older part is
    summed anew. Amortised O(1); memory is 14 numbers a step.
    """

    __slots__ = (
        "_at", "_back", "_centre", "_deepest", "_front", "_head", "_high", "_level", "_log_level", "_low", "_ring",
        "size", "target",
    )  # fmt: skip

    def __init__(self, size: int, target: float = 0.0) -> None:
        """`target`: the return of a step below which one is a loss. Errors: ValueError (size not 1..1,000,000)."""
        if not 1 <= size <= _LARGEST:
            raise ValueError(f"a window has 1 to {_LARGEST} steps, not {size}")
        self.size = size
        self.target = target
        self._ring = array("d")
        self._at = 0
        self._level = self._high = self._low = self._deepest = 0.0
        self._flip()

    def push(self, made: float) -> None:
        """Take the return of one more step; the oldest of a full window leaves."""
        ring = self._ring
        if len(ring) < self.size:
            ring.append(made)
        else:
            if self._head == len(self._front[0]) - 1:
                self._flip()
            self._head += 1
            ring[self._at] = made
            self._at = (self._at + 1) % self.size
        if not math.isfinite(made):
            return
        back, off, below = self._back, made - self._centre, made - self.target
        square = off * off
        back[0] += 1.0
        back[1] += off
        back[2] += square
        back[3] += square * off
        back[4] += square * square
        if below < 0.0:
            square = below * below
            back[5] += square
            back[6] += square * below
            back[7] += square * square
        log = math.log1p(made) - self._log_level if made > -1.0 else -math.inf
        back[8] += log
        back[9] += log * log
        level = self._level = self._level * (1.0 + made)
        if level > self._high:
            self._high = level
        elif level < self._high * (1.0 - self._deepest):
            self._deepest = 1.0 - level / self._high
        if level < self._low:  # noqa: PLR1730 -- a call takes longer, and this is the tick
            self._low = level

    def first(self) -> tuple[int, float, float]:
        """The first three of `moments`: n, mean and m2."""
        head, front, back = self._head, self._front, self._back
        n = front[0][head] + back[0]
        if not n:
            return 0, math.nan, math.nan
        off, square = (front[1][head] + back[1]) / n, (front[2][head] + back[2]) / n
        m2 = square - off * off
        # Far from where it was summed, a variance would be a small difference of large numbers.
        if off * off > _FAR * m2 and abs(off) > FLAT * (1.0 + abs(self._centre)):
            self._flip()
            head, front = self._head, self._front
            off, square = front[1][head] / n, front[2][head] / n
            m2 = square - off * off
        return int(n), self._centre + off, max(m2, 0.0)

    def moments(self) -> Moments:
        """Moments of the returns in the window."""
        n, mean, m2 = self.first()
        if not n:
            return Moments(0, *[math.nan] * 8)
        head = self._head
        _, s1, s2, s3, s4, d2, d3, d4, l1, l2 = (
            (front[head] + back) / n for front, back in zip(self._front[:10], self._back, strict=True)
        )
        square = s1 * s1
        m3 = s3 - 3.0 * s1 * s2 + 2.0 * square * s1
        m4 = max(s4 - 4.0 * s1 * s3 + 6.0 * square * s2 - 3.0 * square * square, 0.0)
        logs = max(l2 - l1 * l1, 0.0) * n / (n - 1) if n > 1 and math.isfinite(l2) else math.nan
        return Moments(n, mean, m2, m3, m4, d2, d3, d4, logs)

    def path(self) -> Path:
        """Growth and drawdowns of the window; its start counts as a peak."""
        head = self._head
        start, high, deepest = self._front[10][head], self._front[11][head], self._front[12][head]
        level = self._level
        if not (0.0 < start < math.inf and self._high < math.inf and high < math.inf):
            values = self.values()
            return path(values[np.isfinite(values)])
        across = 1.0 - self._low / high if self._low < high else 0.0
        return Path(level / start, 1.0 - level / max(high, self._high), max(deepest, self._deepest, across))

    def values(self) -> Floats:
        """The window, oldest first, NaN where a step has no return."""
        ring = np.array(self._ring)
        return np.concatenate((ring[self._at :], ring[: self._at]))

    def _flip(self) -> None:
        """Sum the whole window anew, from each of its steps to the end."""
        values = self.values()
        known = np.isfinite(values)
        with np.errstate(all="ignore"):
            self._centre = float(np.median(values[known])) if known.any() else 0.0
            self._log_level = math.log1p(self._centre) if self._centre > -1.0 else 0.0
            off = np.where(known, values - self._centre, 0.0)
            below = np.where(known, np.minimum(values - self.target, 0.0), 0.0)
            logs = np.where(known, np.log1p(np.maximum(values, -1.0)) - self._log_level, 0.0)
            powers = (
                known.astype(np.float64),
                *(off**power for power in (1, 2, 3, 4)),
                *(below**power for power in (2, 3, 4)),
                *(logs, logs * logs),
            )
            level = np.concatenate(([1.0], np.cumprod(np.where(known, 1.0 + values, 1.0))))
            high, low = (_backwards(each, level) for each in (np.maximum, np.minimum))
            deepest = 1.0 - _backwards(np.fmin, low / level)
            suffixes = [np.concatenate((_backwards(np.add, each), [0.0])) for each in powers]
        self._front = tuple(array("d", each.tobytes()) for each in (*suffixes, level, high, deepest))
        self._head = 0
        self._back = [0.0] * 10
        self._level = float(level[-1])
        self._high, self._low, self._deepest = 0.0, math.inf, 0.0

    def to_json(self) -> dict[str, Any]:
        """The state as JSON: the window itself."""
        values = [each if math.isfinite(each) else None for each in self.values().tolist()]
        return {"size": self.size, "target": self.target, "values": values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        try:
            made = cls(int(data["size"]), float(data["target"]))
            values = [math.nan if each is None else float(each) for each in data["values"]]
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise ValueError(f"this is not a stored window of returns: {error}") from None
        if len(values) > made.size:
            raise ValueError("this is not a stored window of returns: it is longer than its size")
        made._ring.extend(values)
        made._flip()
        return made


def _backwards(by: np.ufunc, values: Floats) -> Floats:
    accumulated: Floats = by.accumulate(values[::-1])[::-1]
    return accumulated


class Live(NamedTuple):
    """What the guide's ratios are now, without intervals; None is undefined."""

    sharpe: float | None
    max_drawdown: float | None
    calmar: float | None


def live(
    window: Rolling | Expanding,
    periods: float,
    risk_free: float = 0.0,
    *,
    need: int = MIN_RETURNS,
    raised: int = MIN_RETURNS,
) -> Live:
    """Sharpe ratio, max drawdown and Calmar ratio of a window now, the same as `monitor.statistics` reckons them.

    `periods` are the returns of a year, `risk_free` is a period's; the ratios need `need` and `raised` returns.
    """
    n, mean, m2 = window.first()
    growth, _, deepest = window.path()
    if n < need:
        return Live(None, deepest if n and not math.isnan(deepest) else None, None)
    spread = math.sqrt(m2 * n / (n - 1))
    sharpe = (mean - risk_free) / spread * math.sqrt(periods) if FLAT * (1.0 + abs(mean)) <= spread < math.inf else None
    if math.isnan(deepest):
        return Live(sharpe, None, None)
    calmar = None
    if n >= raised and growth > 0.0 and deepest >= FLAT:
        log = math.log(growth) * periods / n
        calmar = math.expm1(log) / deepest if log < _LARGEST_LOG else None
    return Live(sharpe, deepest, calmar)
