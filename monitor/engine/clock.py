"""The desk's time: the wall clock's when that is ahead, the steady clock's when the wall clock was set back."""

from __future__ import annotations

import time
from collections.abc import Callable

TOLERANCE = 1.0
"""Seconds the wall clock may be ahead before the desk's time follows it at once."""


class SteadyClock:
    """Time that never runs backwards, in seconds since the epoch, UTC, to the microsecond.

    It starts at the wall clock or at `floor` (the newest stored time), whichever is later, and keeps the pace of the
    monotonic clock. A wall clock that is set forward (a suspended machine, a correction) is followed; one that is set
    back is not: the desk's time runs on, ahead by `drift`.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        floor: float = 0.0,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = max(wall(), floor) - monotonic()
        self._last = 0.0

    def now(self) -> float:
        """Seconds since the epoch; never less than the last answer."""
        steady = self._monotonic() + self._offset
        ahead = self._wall() - steady
        if ahead > TOLERANCE:
            self._offset += ahead
            steady += ahead
        self._last = max(self._last, round(steady, 6))
        return self._last

    @property
    def drift(self) -> float:
        """Seconds, to the millisecond, by which the desk's time is ahead of the wall clock; 0 when it is not."""
        return max(0.0, round(self.now() - self._wall(), 3))
