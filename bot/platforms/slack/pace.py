"""A channel takes about one message a second: pages go first, and what Slack asked to wait for waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BURST = 5
"""Messages that may go at once after a pause."""
KEPT = 2
"""Of these, the ones that only pages may use."""


class Pace:
    """A bucket of tokens that fills by one every `every` seconds, and a wait for each method that Slack refused."""

    def __init__(self, every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._tokens = float(BURST)
        self._seen = clock()
        self._pages = 0
        self._held: dict[str, float] = {}

    async def turn(self, *, page: bool) -> None:
        """Wait until a message may go; an answer also waits for every page that waits."""
        self._pages += page
        try:
            while True:
                wait = self._wait(page=page)
                if wait <= 0:
                    break
                await asyncio.sleep(wait)
            self._tokens -= 1
        finally:
            self._pages -= page

    def _wait(self, *, page: bool) -> float:
        now = self._clock()
        if self._every > 0:
            self._tokens = min(BURST, self._tokens + (now - self._seen) / self._every)
        else:
            self._tokens = BURST
        self._seen = now
        need = 1.0 if page else 1.0 + KEPT
        wait = (need - self._tokens) * self._every
        return max(wait, self._every) if self._pages and not page else wait

    def hold(self, method: str, seconds: float) -> None:
        """Slack wants no call of `method` for so long."""
        self._held[method] = max(self._held.get(method, 0.0), self._clock() + seconds)

    def held(self, method: str) -> float:
        """Seconds for which Slack wants no call of `method`; 0.0 when it may be called."""
        return max(0.0, self._held.get(method, 0.0) - self._clock())
