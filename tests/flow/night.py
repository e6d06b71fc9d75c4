"""A whole desk over a real database, on a clock that the test turns, with agents that say what they are told to."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot import cards, command
from bot.access import Access
from bot.chat import Message, MessageRef
from bot.outbox import Outbox
from bot.platforms.memory import Memory
from bot.router import Router
from monitor import rule
from monitor.alerts import runbooks
from monitor.alerts.plan import Plan
from monitor.desk import Desk
from monitor.model import Agent, AmountOrShare, Limits, Person, Sample, Trade
from monitor.ports import AgentControl, AuditEntry, Change, Observation
from monitor.rule import Rule
from monitor.situation import Setup
from monitor.storage import Database, open_store
from tests.controls import Willing
from tests.stores import new_database

EVENING = 1_790_000_000.0
CHATS = ("console", "telegram", "slack")
RUNBOOKS = runbooks.load()
PEOPLE = tuple(Person(name, role, dict.fromkeys(CHATS, name)) for name, role in (("ana", "admin"), ("ben", "operator")))
"""A chat calls each by their name."""
LIMITS = Limits(
    min_balance=100.0, hard_loss=AmountOrShare(share=0.3), exposure=AmountOrShare(amount=20_000.0), frozen=90.0
)


class Hand:
    """A clock that stands until it is turned."""

    def __init__(self, time: float = EVENING) -> None:
        self.time = time

    def now(self) -> float:
        return self.time


class Obedient(Willing):
    """A control whose agent says yes to everything."""

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:
        await super().send(agent, action, by, reason)
        return "ok"


@dataclass(frozen=True, slots=True)
class Heard:
    """A new message in a chat, and when."""

    chat: str
    time: float
    message: Message

    @property
    def called(self) -> list[str]:
        """Whom it calls."""
        return [each.name for each in self.message.mentions]


class Chat(Memory):
    """A chat whose messages are kept with their times, past its own end."""

    def __init__(self, name: str, clock: Hand, heard: list[Heard]) -> None:
        super().__init__(name, clock.now)
        self.pictures = name != "console"
        self._hand = clock
        self._heard = heard

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        ref = await super().send(message, under, to=to, key=key)
        self._heard.append(Heard(self.name, self._hand.time, message))
        return ref


class Night:
    """One night of a desk; `restart` ends it and finds it again from its file.

    Between a stop and a start `plan`, `platforms` (the channels) and `agents` may be changed.
    """

    def __init__(
        self,
        file: Path,
        agents: tuple[Agent, ...],
        controls: Mapping[str, Willing | Sequence[AgentControl]],
        plan: Plan,
        chats: tuple[str, ...],
    ) -> None:
        self.clock = Hand()
        self.agents = agents
        self.plan = plan
        self.platforms: tuple[str, ...] = plan.channels
        self.rules = dict(rule.discover())
        self.heard: list[Heard] = []
        """Every new message, restarts or not."""
        self._names = chats
        self._file = file
        self._controls = {
            name: (each,) if isinstance(each, Willing) else tuple(each) for name, each in controls.items()
        }
        self.store: Database
        self.desk: Desk
        self.chats: dict[str, Chat]

    @property
    def chat(self) -> Chat:
        """The first chat."""
        return next(iter(self.chats.values()))

    async def start(self) -> None:
        self.store = await open_store(str(self._file))
        self.chats = {name: Chat(name, self.clock, self.heard) for name in self._names}
        plan = replace(self.plan, channels=self.platforms)
        setup = Setup({agent.id: agent for agent in self.agents}, self.rules, plan)
        self.desk = Desk(setup, store=self.store, controls=self._controls, runbooks=RUNBOOKS, clock=self.clock)
        self._router = Router(command.discover(), Access(PEOPLE), self.desk, self._audit, mail=self.store)
        for chat in self.chats.values():
            await chat.start(self._router.handle)
        draw = functools.partial(cards.draw, self.desk, {each.name: each for each in PEOPLE})
        self._outbox = Outbox(self.store, self.chats, draw, self.clock)
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

    async def wait(self, seconds: float, *, step: float = 10.0, deliver: bool = True) -> None:
        """Let time pass as the desk's pulse does."""
        until = self.clock.time + seconds
        while self.clock.time < until:
            self.clock.time = min(until, self.clock.time + step)
            await self.desk.tick()
            await self.desk.fail_over(await self.store.untaken(self.clock.time - self.desk.plan.failover_after))
            if deliver:
                await self.delivered()

    async def say(self, line: str, by: str = "ana", chat: str | None = None) -> Message:
        """Type a line, let what follows from it be delivered, and give the answer."""
        (answer, *_) = await self.chats[chat or self.chat.name].give(line, by)
        await self.delivered()
        return answer

    async def delivered(self) -> None:
        """Wait until everything in the outbox has been told."""
        self._outbox.wake()
        async with asyncio.timeout(5):
            while (await self.store.undelivered())[0]:
                self._outbox.wake()
                await asyncio.sleep(0.002)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds of what is told, while no time passes."""
        async with asyncio.timeout(5):
            while not holds():
                self._outbox.wake()
                await asyncio.sleep(0.002)

    async def _audit(self, entry: AuditEntry) -> None:
        await self.store.commit(Change(audit=(entry,)))

    def told(self, since: float, chat: str | None = None) -> list[tuple[float, str]]:
        """New messages since a time: how many seconds after it, and their titles; in one chat or in all."""
        return [
            (round(each.time - since, 3), each.message.title)
            for each in self.heard
            if each.time >= since and chat in (None, each.chat)
        ]

    def pages(self) -> list[str]:
        """Titles of the new messages since the start (not the edits)."""
        return [message.title for _, message in self.chat.sent]


@contextlib.asynccontextmanager
async def night(
    folder: Path,
    *,
    limits: Limits = LIMITS,
    names: tuple[str, ...] = ("alpha",),
    controls: Mapping[str, Willing | Sequence[AgentControl]] | None = None,
    hold: float = 0.0,
    plan: Plan | None = None,
    chats: tuple[str, ...] = ("console",),
    seen_before: bool = True,
    rules: tuple[Rule, ...] = (),
    change: Callable[[Agent], Agent] = lambda agent: agent,
) -> AsyncIterator[Night]:
    """A running night; with `seen_before` every agent has been calm for a while, so that nothing is 'found'.

    `plan`: how people are told, without a hold on duplicates by default; `chats`: those that are there; `rules`: some
    beside those that are found.
    """
    agents = tuple(change(Agent(name, limits=limits)) for name in names)
    one = Night(new_database(folder), agents, controls or {}, plan or Plan(chats, hold=hold), chats)
    one.rules |= {each.key: each for each in rules}
    await one.start()
    try:
        if seen_before:
            for _ in range(3):
                for name in names:
                    await one.see(name, after=30.0 / len(names))
        yield one
    finally:
        await one.stop()
