"""Messages to one chat take turns, no faster than Telegram allows, and the urgent ones go first."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import enum
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0


class Urgency(enum.IntEnum):
    """Who goes first."""

    PAGE = 0
    NEWS = 1
    ANSWER = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """What Telegram takes in one chat: `burst` messages at once, then one in `every` seconds.

    A group takes `group` a minute, of which `kept` are for pages alone.
    """

    burst: int = 5
    every: float = 1.0
    group: int = 20
    kept: int = 4


class Lane:
    """The turns of one chat."""

    def __init__(self, pace: Pace, *, group: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._group = group
        self._clock = clock
        self._tokens = float(pace.burst)
        self._counted = clock()
        self._sent: deque[float] = deque()
        self._blocked = 0.0
        self._order = itertools.count()
        self._waiting: list[tuple[Urgency, int]] = []
        self._changed = asyncio.Event()

    async def turn(self, urgency: Urgency) -> None:
        """Return when it is this message's turn."""
        mine = (urgency, next(self._order))
        bisect.insort(self._waiting, mine)
        self._wake()
        try:
            while True:
                first = self._waiting[0] == mine
                wait = self.wait(urgency) if first else None
                if wait == 0:
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
            self._tokens -= 1
            self._sent.append(self._clock())
        finally:
            self._waiting.remove(mine)
            self._wake()

    def block(self, seconds: float) -> None:
        """Let nothing go for so long: Telegram asked for it."""
        self._blocked = max(self._blocked, self._clock() + seconds)
        self._wake()

    @property
    def blocked(self) -> float:
        """Seconds for which Telegram still wants nothing."""
        return max(0.0, self._blocked - self._clock())

    def wait(self, urgency: Urgency) -> float:
        """Seconds until a message that stands first may go."""
        now = self._clock()
        self._tokens = min(float(self._pace.burst), self._tokens + (now - self._counted) / self._pace.every)
        self._counted = now
        while self._sent and self._sent[0] <= now - MINUTE:
            self._sent.popleft()
        short = max(0.0, (1 - self._tokens) * self._pace.every)
        return max(short, self._minute(urgency, now), self.blocked)

    def _minute(self, urgency: Urgency, now: float) -> float:
        allowed = self._pace.group - (0 if urgency is Urgency.PAGE else self._pace.kept)
        if not self._group or len(self._sent) < allowed:
            return 0.0
        return self._sent[len(self._sent) - allowed] + MINUTE - now

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
