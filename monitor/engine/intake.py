"""Observations go to the desk one batch at a time, and are kept and tried again when it cannot take them."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from monitor.ports import Observation, StoreError

Observe = Callable[[Sequence[Observation]], Awaitable[None]]

GATHER = 0.03
"""Seconds to wait for others once one has arrived."""
BATCH = 500
CAPACITY = 20_000
TRIES = 2
"""Failures of a batch, other than the store's, before its observations are tried one by one."""

log = structlog.get_logger()


def complain(event: str, error: BaseException, **what: object) -> None:
    """Log an error with its kind and where it came from; messages and values may hold secrets, a StoreError's not."""
    kind = str(error) if isinstance(error, StoreError) else type(error).__name__
    log.error(event, error=kind, frames="".join(traceback.format_tb(error.__traceback__)), **what)


class Intake:
    """A bounded queue in front of `observe`."""

    def __init__(self, observe: Observe, *, capacity: int = CAPACITY, retry_after: float = 1.0) -> None:
        self._observe = observe
        self._capacity = capacity
        self._retry_after = retry_after
        self._pending: deque[Observation] = deque()
        self._arrived = asyncio.Event()
        self._closing = asyncio.Event()
        self._failures = 0
        self._one_by_one = 0
        self.dropped = 0
        """Observations that were lost."""
        self.trouble: str | None = None
        """Why what has arrived cannot be handed over now."""

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, observation: Observation) -> None:
        """Take an observation; beyond the capacity the oldest is dropped and counted."""
        if observation.trades:
            self._unload(observation.sample.agent)
        self._pending.append(observation)
        self._trim()
        self._arrived.set()

    def close(self) -> None:
        """Let `run` end once everything is handed over, or at the first failure."""
        self._closing.set()
        self._arrived.set()

    async def run(self) -> None:
        """Hand over what arrives, until closed."""
        while self._pending or not self._closing.is_set():
            if not self._pending:
                self._arrived.clear()
                await self._arrived.wait()
                await self._rest(GATHER)
            elif not await self._hand_over():
                if self._closing.is_set():
                    return
                await self._rest(self._retry_after)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _hand_over(self) -> bool:
        """Hand over one batch; False when it failed and waits to be tried again."""
        size = min(len(self._pending), 1 if self._one_by_one else BATCH)
        batch = [self._pending.popleft() for _ in range(size)]
        try:
            await self._observe(batch)
        except Exception as error:  # noqa: BLE001 - the desk must go on whatever fails
            return self._failed(batch, error)
        except asyncio.CancelledError:
            self._pending.extendleft(reversed(batch))  # to be told of at the end
            raise
        if self._failures:
            log.info("observations are stored again", waiting=len(self._pending))
        self._failures = 0
        self.trouble = None
        self._one_by_one = max(0, self._one_by_one - 1)
        return True

    def _failed(self, batch: Sequence[Observation], error: Exception) -> bool:
        """Keep a batch to try it again; True when it was one bad observation, tried alone, and is dropped instead.

        One observation that nobody can digest must not blind the desk to all others.
        """
        digestible = isinstance(error, StoreError)
        if self._one_by_one and not digestible:
            self._one_by_one -= 1
            self.dropped += 1
            complain("an observation was dropped", error, agent=batch[0].sample.agent)
            return True
        if not self._failures:
            complain("observations could not be stored, they are kept and tried again", error)
        self._failures += 1
        self.trouble = str(error) if digestible else type(error).__name__
        if self._failures >= TRIES and not digestible:
            self._one_by_one = len(batch)
        self._pending.extendleft(reversed(batch))
        self._trim()
        return False

    def _unload(self, agent: str) -> None:
        """Take the trades out of what waits of an agent: all reads began at the stored cursor, the newest has them."""
        for index, each in enumerate(self._pending):
            if each.trades and each.sample.agent == agent:
                self._pending[index] = replace(each, trades=(), cursor=None)

    def _trim(self) -> None:
        while len(self._pending) > self._capacity:
            self._pending.popleft()
            self.dropped += 1
