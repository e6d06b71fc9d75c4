"""The composition root: the only place that knows every concrete part, builds them, starts and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
from collections.abc import Coroutine, Mapping, Sequence

import structlog

from bot import cards, command
from bot.access import Access
from bot.chat import ChatPlatform, Message, TransportError
from bot.command import Command
from bot.format import tell_times_in
from bot.minder import GRACE, Blindness, Minder
from bot.outbox import Outbox
from bot.router import Router
from bot.settings import Settings
from bot.wiring import built_controls, chosen, discover_platforms
from monitor import rule, sources
from monitor.alerts import runbooks
from monitor.desk import Desk
from monitor.engine.clock import SteadyClock
from monitor.engine.local import Chore, Engine
from monitor.ports import AgentSource, AuditEntry, Change, Observation, StoreError
from monitor.storage import Database, open_store
from monitor.turn import Setup

HOUSEKEEPING = 30.0
"""Seconds between two looks for samples that are past their time."""
DRAIN = 1.0
"""Seconds that stopping may wait for messages on their way."""
AGAIN = (1.0, 60.0)
"""Seconds before a platform that failed to start is tried again: at first, at most."""

MIND_PATIENCE = 10.0
"""Seconds a chat may take to be told that the store is broken."""
MIND_EVERY = 1.0
"""Seconds between two looks at the state of the chats."""

log = structlog.get_logger()


async def serve(app: App) -> int:
    """Run a desk until SIGINT or SIGTERM; returns the exit code. Errors: StoreError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    try:
        await app.start()
        await app.serve(stop)
    finally:
        await app.stop()
    return 0


class App:
    """One running desk."""

    def __init__(
        self,
        settings: Settings,
        *,
        platforms: Sequence[ChatPlatform] | None = None,
        commands: Mapping[str, Command] | None = None,
        grace: float = GRACE,
    ) -> None:
        """Read everything that can be wrong.

        `platforms`, `commands`: in place of those that are found. `grace`: seconds of trouble before it is told of.

        Errors: SettingsError, ValueError, RunbookError.
        """
        self.settings = settings
        tell_times_in(settings.timezone)
        found = discover_platforms(settings) if platforms is None else platforms
        self.platforms = {platform.name: platform for platform in found}
        self._commands = command.discover() if commands is None else commands
        self._access = Access(settings.people)
        self._runbooks = runbooks.load(settings.runbooks)
        self._grace = grace
        self._down = dict.fromkeys(self.platforms, "starting")
        """Platform -> why it does not listen yet."""
        kinds = sources.discover()
        self._sources = {each.agent.id: chosen(settings, each.source, kinds) for each in settings.fleet}
        self._controls = dict(built_controls(settings))
        self._stack = contextlib.AsyncExitStack()
        self.desk: Desk
        self.store: Database
        self.engine: Engine
        self.outbox: Outbox
        self.router: Router
        self._broken: asyncio.Future[None]

    async def start(self) -> None:
        """Open the store, find the situation again, listen, deliver, then watch. Errors: StoreError."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop watching, then listening, then telling; keep the situation; close the store."""
        await self._stack.aclose()

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        self._broken = asyncio.get_running_loop().create_future()
        self.store = await open_store(settings.database)
        stack.push_async_callback(self.store.close)
        await self.store.save_people(settings.people)
        clock = SteadyClock(floor=await self.store.newest())
        self.desk = Desk(
            Setup({each.id: each for each in settings.agents}, rule.discover(), tuple(self.platforms)),
            store=self.store,
            controls=self._controls,
            runbooks=self._runbooks,
            clock=clock,
            currency=settings.currency,
            told=self._wake,
        )
        self.outbox = Outbox(self.store, self.platforms, functools.partial(cards.draw, self.desk), clock)
        self.router = Router(self._commands, self._access, self.desk, self._audit, self.states, inbox=self.store)
        stale = await self.store.orphaned(tuple(self.platforms), clock.now())
        await self.desk.start(untold=stale)
        stack.push_async_callback(self.desk.stop)
        await self.store.commit(Change(notifications=cards.still_open(self.desk, tuple(self.platforms))))
        for platform in self.platforms.values():
            stack.push_async_callback(platform.stop)
        self._spawn(self.outbox.run(), "outbox")
        stack.push_async_callback(self._drain)
        for platform in self.platforms.values():
            self._spawn(self._keep(platform), f"platform {platform.name}")
        self._spawn(self._mind(clock), "minder")
        await self._watch(clock)

    async def _watch(self, clock: SteadyClock) -> None:
        session = sources.fleet_session(max(agent.interval for agent in self.settings.agents))
        self._stack.push_async_callback(session.close)
        means = sources.Means(session, clock)
        built: dict[str, AgentSource] = {
            name: kind.build(options, means) for name, (kind, options) in self._sources.items()
        }
        self.engine = Engine(
            self.settings.agents,
            built,
            self._observe,
            cursors=self.desk.cursor,
            clock=clock,
            urgent=self.desk.urgent,
            chores=(Chore("housekeeping", HOUSEKEEPING, self.desk.housekeep),),
        )
        self.desk.skipped = self.engine.skipped
        await self.engine.start()
        self._stack.push_async_callback(self.engine.stop)
        log.info("watching", agents=len(built), telling=", ".join(self.platforms) or "nobody")

    async def serve(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Errors: whatever ended a part that must not end."""
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((stopped, self._broken), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._broken.done():
            self._broken.result()

    def states(self) -> Mapping[str, str]:
        """How each platform, and the engine, is doing, in a few words."""
        engine = f"{self.engine.overruns} ticks late" if self.engine.overruns else "on time"
        store = {"database": self.engine.trouble} if self.engine.trouble else {}
        return {**{name: why or "up" for name, why in self._troubles().items()}, **store, "engine": engine}

    def _troubles(self) -> Mapping[str, str | None]:
        """Platform -> why it cannot be relied on, None while all is well."""
        return {
            name: self._down.get(name) or platform.trouble or self.outbox.trouble.get(name)
            for name, platform in self.platforms.items()
        }

    async def _mind(self, clock: SteadyClock) -> None:
        """Tell the other chats of one that is in trouble, and all of them when the desk cannot store what it sees."""
        minder, blindness = Minder(self._grace), Blindness(self._grace)
        while True:
            await asyncio.sleep(MIND_EVERY)
            message = blindness.look(self.engine.trouble, clock.now())
            if message is not None:
                await self._say_unstored(message)
            rows = minder.look(self._troubles(), clock.now())
            if rows:
                try:
                    await self.store.commit(Change(notifications=rows))
                except StoreError as error:
                    log.warning("a trouble could not be told", error=str(error))
                self.outbox.wake()

    async def _keep(self, platform: ChatPlatform) -> None:
        """Start a platform, again and again if need be; one that is down takes nothing with it."""
        wait, longest = AGAIN
        while True:
            try:
                await platform.start(self.router.handle)
            except Exception as error:  # noqa: BLE001 - whatever a platform raises is its own trouble
                self._down[platform.name] = f"down: {error}"
                log.warning("a platform did not start", platform=platform.name, error=str(error), again_in=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, longest)
            else:
                self._down.pop(platform.name, None)
                await asyncio.Event().wait()

    async def _say_unstored(self, message: Message) -> None:
        """Say something everywhere at once, past the outbox: the store is what is broken."""
        for platform in self.platforms.values():
            try:
                async with asyncio.timeout(MIND_PATIENCE):
                    await platform.send(message)
            except (TransportError, TimeoutError) as error:
                log.warning("a trouble could not be told", platform=platform.name, error=str(error))

    async def _observe(self, batch: Sequence[Observation]) -> None:
        await self.desk.observe(batch)
        for each in batch:
            score = self.desk.score(each.sample.agent)
            if each.sample.equity is not None and score is not None and score.anomaly:
                log.info("anomaly", agent=each.sample.agent, z=round(score.z or 0.0, 2), direction=score.direction)

    def _wake(self) -> None:
        self.outbox.wake()

    async def _drain(self) -> None:
        """Let the messages on their way arrive, for a moment."""
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(DRAIN):
                while (await self.store.undelivered())[0]:
                    self.outbox.wake()
                    await asyncio.sleep(0.05)

    async def _audit(self, entry: AuditEntry) -> None:
        await self.store.commit(Change(audit=(entry,)))

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run a part beside the others until the desk stops; if it fails, the desk cannot go on."""
        task = asyncio.create_task(work, name=name)
        stopping = False

        def ended(task: asyncio.Task[None]) -> None:
            if not stopping and not self._broken.done():
                fault = None if task.cancelled() else task.exception()
                self._broken.set_exception(fault or RuntimeError(f"{name} ended"))

        async def cancel() -> None:
            nonlocal stopping
            stopping = True
            task.cancel()
            await asyncio.wait((task,))

        task.add_done_callback(ended)
        self._stack.push_async_callback(cancel)
