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

MINUTE = 60.5
"""Seconds in which a group takes so many: a minute, and what the way there may take longer one time than another."""


class Urgency(enum.IntEnum):
    """Who goes first."""

    PAGE = 0
    NEWS = 1
    ANSWER = 2
    EDIT = 3
    """Changes what was said; it leaves room for all others, and the newest one says everything."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What Telegram takes in one chat: `burst` messages at once, then one in `every` seconds.

    A group takes `group` a minute, of which `kept` are for pages alone, and as many again for whatever is no edit. All
    chats together take `overall` in `every` seconds, of which `kept` are for pages alone.
    """

    burst: int = 5
    every: float = 1.0
    group: int = 20
    kept: int = 4
    overall: int = 30


class Window:
    """When the messages of the last `span` seconds went."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._went: deque[float] = deque()

    def add(self, now: float) -> None:
        """One goes."""
        self._went.append(now)

    def wait(self, allowed: int, now: float) -> float:
        """Seconds until there are fewer than `allowed`."""
        while self._went and self._went[0] <= now - self._span:
            self._went.popleft()
        return 0.0 if len(self._went) < allowed else self._went[len(self._went) - max(1, allowed)] + self._span - now


class Lane:
    """The turns of one chat; `road`: when messages of all chats went."""

    def __init__(
        self, pace: Pace, *, group: bool, clock: Callable[[], float] = time.monotonic, road: Window | None = None
    ) -> None:
        self._pace = pace
        self._group = group
        self._clock = clock
        self._road = road or Window(pace.every)
        self._tokens = float(pace.burst)
        self._counted = clock()
        self._minute = Window(MINUTE)
        self._blocked = self._promised = 0.0
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
            self._minute.add(self._clock())
            self._road.add(self._clock())
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
        now, pace = self._clock(), self._pace
        self._tokens = min(float(pace.burst), self._tokens + (now - self._counted) / pace.every)
        self._counted = now
        need = min(2.0 if urgency is Urgency.EDIT else 1.0, float(pace.burst))
        short = max(0.0, (need - self._tokens) * pace.every)
        kept = pace.kept * ((urgency is not Urgency.PAGE) + (urgency is Urgency.EDIT))
        minute = self._minute.wait(pace.group - kept, now) if self._group else 0.0
        road = self._road.wait(pace.overall - (0 if urgency is Urgency.PAGE else pace.kept), now)
        return max(short, minute, road, self.blocked)

    def later(self) -> float:
        """Seconds after which an edit should come again, a minute at most: each is told another time."""
        now = self._clock()
        self._promised = min(max(now + self.wait(Urgency.EDIT), self._promised + self._pace.every), now + MINUTE)
        return self._promised - now

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
