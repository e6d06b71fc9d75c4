"""The desk's time: the wall clock's when that is ahead, the steady clock's when the wall clock was set back."""

from __future__ import annotations

import time
from collections.abc import Callable

TOLERANCE = 1.0
"""Seconds the wall clock may be ahead before the desk's time follows it at once."""


DOUBTFUL = 3600.0
"""Seconds ahead from which on the wall clock is believed only after a while: what is old by it is deleted."""
PROOF = 60.0
"""Seconds for which it must."""


class SteadyClock:
    """Time that never runs backwards, in seconds since the epoch, UTC, to the microsecond.

    It starts at the wall clock or at `floor` (the newest stored time), whichever is later, and keeps the pace of the
    monotonic clock. A wall clock that is set forward (a suspended machine, a correction) is followed, if by more than
    an hour only once it has stayed so for a minute; one that is set back is not: the desk's time runs on, ahead by
    `drift`.
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
        self._doubt: float | None = None
        """Since when, by the monotonic clock, the wall clock has been ahead by more than anybody would expect."""
        self.leapt = 0.0
        """Seconds by which it has followed the wall clock ahead, in all."""

    def now(self) -> float:
        """Seconds since the epoch; never less than the last answer."""
        monotonic = self._monotonic()
        steady = monotonic + self._offset
        ahead = self._wall() - steady
        if ahead <= DOUBTFUL:
            self._doubt = None
        elif self._doubt is None:
            self._doubt = monotonic
        if ahead > TOLERANCE and (self._doubt is None or monotonic - self._doubt >= PROOF):
            self._offset += ahead
            self.leapt += ahead
            steady += ahead
        self._last = max(self._last, round(steady, 6))
        return self._last

    @property
    def doubted(self) -> float:
        """Seconds by which the wall clock is ahead and not believed yet; 0 while it is believed."""
        return 0.0 if self._doubt is None else round(self._wall() - self.now(), 3)

    @property
    def drift(self) -> float:
        """Seconds, to the millisecond, by which the desk's time is ahead of the wall clock; 0 when it is not."""
        return max(0.0, round(self.now() - self._wall(), 3))
