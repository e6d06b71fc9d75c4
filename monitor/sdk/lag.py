"""A loop that is blocked wakes its sleepers late: by how much is the lag."""

from __future__ import annotations

import asyncio
from collections import deque

STEP = 0.25
"""Seconds between two looks."""
KEPT = 60.0
"""Seconds for which a lag counts."""


class Lag:
    """Measures the lag of the running loop, between `start` and `stop`."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=round(KEPT / STEP))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look; must run in the loop."""
        self._task = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """End that."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def worst(self) -> float | None:
        """The longest lag of the last minute in seconds; None when nothing was measured."""
        if self._task is None or not self._late:
            return None
        since = asyncio.get_running_loop().time() - KEPT
        return round(max((late for at, late in self._late if at > since), default=0.0), 4)

    async def _look(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            due = time() + STEP
            await asyncio.sleep(STEP)
            self._late.append((time(), max(0.0, time() - due)))
