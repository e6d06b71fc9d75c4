"""A channel takes about one message a second: pages go first, and what Slack asked to wait for waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BURST = 5
"""Messages that may go at once after a pause, in one channel; and changes, wherever they are."""
KEPT = 2
"""Of these, the ones that only pages may use."""
CHANGES = 4 / 3
"""How much slower messages are changed than posted: 45 a minute and a burst, of the 50 that Slack surely takes."""
LATEST = 60.0
"""Seconds after which a change that was handed back is tried again at the latest."""
_CHANNELS = 500


class Bucket:
    """Tokens that fill up to BURST, one every `every` seconds; with 0.0 there is always one."""

    def __init__(self, every: float, clock: Callable[[], float]) -> None:
        self._every = every
        self._clock = clock
        self._tokens = float(BURST)
        self._seen = clock()
        self.pages = 0
        """Pages that wait for one."""

    def wait(self, need: float = 1.0) -> float:
        """Seconds until there are so many."""
        now = self._clock()
        more = (now - self._seen) / self._every if self._every > 0 else BURST
        self._tokens, self._seen = min(float(BURST), self._tokens + more), now
        return max(0.0, (need - self._tokens) * self._every)

    def take(self) -> None:
        """Use one up."""
        self._tokens -= 1


class Pace:
    """A bucket for each channel, one for all changes, and a wait for each method and channel that Slack refused.

    `every`: seconds between two messages in one channel, in the long run.
    """

    def __init__(self, every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._channels: dict[str, Bucket] = {}
        self._changes = Bucket(every * CHANGES, clock)
        self._promised = 0.0
        self._held: dict[tuple[str, str], float] = {}

    async def turn(self, channel: str, *, page: bool) -> None:
        """Wait until a message may go; an answer also waits for every page that waits there."""
        bucket = self._bucket(channel)
        bucket.pages += page
        try:
            while True:
                wait = self._wait(bucket, page=page)
                if wait <= 0:
                    break
                await asyncio.sleep(wait)
            bucket.take()
        finally:
            bucket.pages -= page

    def change(self) -> float:
        """Seconds after which a message may be changed: 0.0 is now; whoever is told to wait is told another time.

        Nobody waits here: the newest change of a card says everything, and a page must not stand behind it.
        """
        wait, now = self._changes.wait(), self._clock()
        if wait <= 0:
            self._changes.take()
            return 0.0
        self._promised = min(max(now + wait, self._promised + self._every * CHANGES), now + LATEST)
        return self._promised - now

    def hold(self, method: str, channel: str, seconds: float) -> None:
        """Slack wants no call of `method` for `channel` for so long."""
        now, call = self._clock(), (method, channel)
        self._held = {each: until for each, until in self._held.items() if until > now}
        self._held[call] = max(self._held.get(call, 0.0), now + seconds)

    def held(self, method: str, channel: str) -> float:
        """Seconds for which Slack wants no call of `method` for `channel`; 0.0 when it may be made."""
        return max(0.0, self._held.get((method, channel), 0.0) - self._clock())

    def _bucket(self, channel: str) -> Bucket:
        bucket = self._channels.get(channel)
        if bucket is None:
            while len(self._channels) >= _CHANNELS:
                del self._channels[next(iter(self._channels))]
            bucket = self._channels[channel] = Bucket(self._every, self._clock)
        return bucket

    def _wait(self, bucket: Bucket, *, page: bool) -> float:
        wait = bucket.wait(1.0 if page else 1.0 + KEPT)
        return max(wait, self._every) if bucket.pages and not page else wait
