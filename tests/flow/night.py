"""A whole desk over a real database, on a clock that the test turns, with agents that say what they are told to."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import cards
from bot.outbox import Outbox
from bot.platforms.memory import Memory
from monitor import rule
from monitor.alerts import runbooks
from monitor.alerts.plan import Plan
from monitor.desk import Desk
from monitor.model import Agent, Limits, LossLimit, Sample, Trade
from monitor.ports import AgentControl, Observation
from monitor.storage import Database, open_store
from monitor.turn import Setup
from tests.stores import new_database

EVENING = 1_790_000_000.0
LIMITS = Limits(min_balance=100.0, hard_loss=LossLimit(share=0.3))


class Hand:
    """A clock that stands until it is turned."""

    def __init__(self, time: float = EVENING) -> None:
        self.time = time

    def now(self) -> float:
        return self.time


class Obedient:
    """A control whose agent says yes to everything."""

    async def reach(self, agent: Agent) -> None:
        """Everybody hears it."""

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the shape of the port
        return "ok"


class Night:
    """One night of a desk; `restart` ends it and finds it again from its file."""

    def __init__(
        self, file: Path, agents: tuple[Agent, ...], controls: Mapping[str, AgentControl], hold: float
    ) -> None:
        self.clock = Hand()
        self.agents = agents
        self.hold = hold
        self.platforms: tuple[str, ...] = ("console",)
        self._file = file
        self._controls = controls
        self.store: Database
        self.desk: Desk
        self.chat: Memory

    async def start(self) -> None:
        self.store = await open_store(str(self._file))
        self.chat = Memory("console", self.clock.now)
        await self.chat.start(_nobody)
        setup = Setup({agent.id: agent for agent in self.agents}, rule.discover(), Plan(self.platforms, hold=self.hold))
        self.desk = Desk(setup, store=self.store, controls=self._controls, runbooks=runbooks.load(), clock=self.clock)
        self._outbox = Outbox(
            self.store, {"console": self.chat}, functools.partial(cards.draw, self.desk, {}), self.clock
        )
        await self.desk.start(await self.store.orphaned(self.platforms, self.clock.now()))
        self._worker = asyncio.create_task(self._outbox.run())

    async def stop(self) -> None:
        self._worker.cancel()
        await asyncio.wait((self._worker,))
        await self.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def see(
        self,
        agent: str = "alpha",
        *,
        after: float = 30.0,
        trades: tuple[Trade, ...] = (),
        deliver: bool = True,
        **says: Any,
    ) -> None:
        """Turn the clock and let an agent say something; what is left out is a calm night."""
        self.clock.time += after
        sample = Sample(agent, self.clock.time, **says) if "error" in says else self.calm(agent, **says)
        await self.desk.observe([Observation(sample, trades)])
        await self.desk.tick()
        if deliver:
            await self.delivered()

    def calm(self, agent: str, **says: Any) -> Sample:
        calm = Sample(
            agent, self.clock.time, status="ok", paused=False, equity=10_000.0, balance=10_000.0, heartbeat_age=1.0
        )
        return replace(calm, **says)

    async def delivered(self) -> None:
        """Wait until everything in the outbox has been told."""
        self._outbox.wake()
        async with asyncio.timeout(5):
            while (await self.store.undelivered())[0]:
                self._outbox.wake()
                await asyncio.sleep(0.002)

    def pages(self) -> list[str]:
        """Titles of the new messages since the start (not the edits)."""
        return [message.title for _, message in self.chat.sent]


async def _nobody(*_: object) -> None:
    """Nobody types."""


@contextlib.asynccontextmanager
async def night(
    folder: Path,
    *,
    limits: Limits = LIMITS,
    names: tuple[str, ...] = ("alpha",),
    controls: Mapping[str, AgentControl] | None = None,
    hold: float = 0.0,
    seen_before: bool = True,
    change: Callable[[Agent], Agent] = lambda agent: agent,
) -> AsyncIterator[Night]:
    """A running night; with `seen_before` every agent has been calm for a while, so that nothing is 'found'."""
    agents = tuple(change(Agent(name, limits=limits)) for name in names)
    one = Night(new_database(folder), agents, controls or {}, hold)
    await one.start()
    try:
        if seen_before:
            for _ in range(3):
                for name in names:
                    await one.see(name, after=30.0 / len(names))
        yield one
    finally:
        await one.stop()
