"""The composition root: the only place that knows every concrete part, builds them, starts and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
from collections.abc import Mapping, Sequence

import structlog

from bot import cards, command, heartbeat
from bot.access import Access
from bot.chat import ChatPlatform
from bot.command import Command
from bot.delivery import obituary
from bot.digests import Digests
from bot.format import tell_times_in
from bot.heartbeat import Heartbeat, Signs
from bot.minder import GRACE, mind
from bot.outbox import Outbox
from bot.pulse import Pulse, World
from bot.router import Router
from bot.routine import Routine
from bot.running import Chats, Crew, around, elsewhere, version
from bot.settings import Problem, Settings
from bot.web import Face, Health, serving
from bot.wiring import built_controls, built_sources, chosen, discover_platforms, venues
from monitor import rule, sources
from monitor.alerts import runbooks
from monitor.alerts.alert import Notification
from monitor.desk import Desk
from monitor.engine.clock import SteadyClock
from monitor.engine.local import Chore, Engine
from monitor.exposition import prometheus_text
from monitor.guard import Guard
from monitor.ports import AuditEntry, Change, StoreError
from monitor.situation import Setup
from monitor.storage import Database, open_store

HOUSEKEEPING = 30.0
"""Seconds between two looks for samples that are past their time."""
REVIEW = 5.0
"""Seconds between two looks whether an agent's figures are to be reckoned anew."""
DRAIN = 1.0
"""Seconds that stopping may wait for messages on their way."""
PATIENCE = 30.0
"""Seconds a part may stand still before the desk is not well; the interval of the dead man's switch if shorter."""
LONGEST_TRIAL = 5.0
"""Seconds between two trial writes at most."""

log = structlog.get_logger()


async def serve(app: App) -> int:
    """Run a desk until SIGINT or SIGTERM; returns the exit code. Errors: StoreError, SettingsError."""
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

        `platforms`, `commands`: in place of those that are found. `grace`: seconds for which the store may refuse
        before that is told.

        Errors: SettingsError, ValueError, RunbookError.
        """
        self.settings = settings
        tell_times_in(settings.timezone)
        found = discover_platforms(settings) if platforms is None else platforms
        self.platforms = {platform.name: platform for platform in found}
        self._chats = Chats(self.platforms)
        self._commands = command.discover() if commands is None else commands
        self._access = Access(settings.people)
        self._runbooks = runbooks.load(settings.runbooks)
        self._grace = grace
        kinds = sources.discover()
        self._sources = {each.agent.id: chosen(settings, each.source, kinds) for each in settings.fleet}
        self._controls = dict(built_controls(settings))
        self._remote = elsewhere(settings)
        self._version = version()
        self._channels = tuple(dict.fromkeys((*self.platforms, *settings.channels)))
        self._own = tuple(each for each in self.platforms if each not in settings.channels)
        """Chats that hear of everything: no phone is called for each small thing."""
        self._patience = min(PATIENCE, settings.dead_mans_every)
        self._stack = contextlib.AsyncExitStack()
        self._ready = False
        self._pulse: Pulse | None = None
        self._heartbeat: Heartbeat | None = None
        self.port: int | None = None
        """Where its web face listens."""
        self.desk: Desk
        self.store: Database
        self.engine: Engine
        self.outbox: Outbox
        self.router: Router
        self._crew: Crew

    async def start(self) -> None:
        """Open the store, find the situation again, listen, deliver, then watch. Errors: StoreError, SettingsError."""
        try:
            self._begun = asyncio.get_running_loop().time()
            self._crew = Crew(self._stack)
            await self._show()
            clock, away = await self._open()
            await self._listen(away)
            await self._watch(clock)
            self._ready = True
        except BaseException:
            await self.stop()
            raise

    async def serve(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Errors: whatever ended a part that must not end."""
        await self._crew.until(stop)

    async def stop(self) -> None:
        """Stop watching, then listening, then telling; keep the situation; close the store."""
        self._ready = False
        await self._stack.aclose()

    async def _show(self) -> None:
        """Show from the first moment on how the desk is. Errors: SettingsError (its port is taken)."""
        listen = self.settings.web
        if listen is None:
            return
        host, _, port = listen.rpartition(":")
        face = Face(lambda: self._ready, self._health, self._metrics)
        try:
            self.port = await self._stack.enter_async_context(serving(host, int(port), face))
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None) or 0
            why = os.strerror(number) if number > 0 else str(error)
            sentence = f"{listen} cannot be listened at ({why}): choose another port, or end the program that has it."
            raise self.settings.error([Problem(("web", "listen"), sentence)]) from None

    async def _open(self) -> tuple[SteadyClock, float | None]:
        """Open the store and find the situation again; gives for how long nobody watched, None at the first start."""
        settings, stack = self.settings, self._stack
        self.store = await open_store(settings.database)
        stack.push_async_callback(self.store.close)
        await self.store.save_people(settings.people)
        newest = await self.store.newest()
        clock = SteadyClock(floor=newest)
        plan = around(settings.plan(self._channels), self._own)
        self.desk = Desk(
            Setup({each.id: each for each in settings.agents}, rule.discover(), plan),
            store=self.store,
            controls=self._controls,
            runbooks=self._runbooks,
            clock=clock,
            currency=settings.currency,
            told=self._wake,
            secrets=settings.secrets,
        )
        draw = functools.partial(cards.draw, self.desk, {each.name: each for each in settings.people})
        self.outbox = Outbox(self.store, self.platforms, draw, clock, channels=self._channels, dead=self._bury)
        stale = await self.store.orphaned(self._channels, clock.now())
        away = max(0.0, clock.now() - newest) if newest else None
        await self.desk.start(untold=stale)
        stack.push_async_callback(self.desk.stop)
        return clock, away

    async def _listen(self, away: float | None) -> None:
        """Begin to deliver and to hear."""
        self.router = Router(
            self._commands,
            self._access,
            self.desk,
            self._audit,
            self.states,
            inbox=self.store,
            mail=self.store,
        )
        await self.store.commit(Change(notifications=cards.still_open(self.desk, self._own, away)))
        for platform in self.platforms.values():
            self._stack.push_async_callback(platform.stop)
        self._crew.spawn(self.outbox.run(), "outbox")
        self._stack.push_async_callback(self._drain)
        for platform in self.platforms.values():
            self._crew.spawn(self._chats.keep(platform, self.router.handle), f"platform {platform.name}")

    async def _watch(self, clock: SteadyClock) -> None:
        """Begin to poll, to let time pass, and to say that all is well."""
        session = sources.fleet_session(max(agent.interval for agent in self.settings.agents))
        self._stack.push_async_callback(session.close)
        means = sources.Means(session, clock, self.desk.stir)
        built = built_sources(self.settings, self._sources, means)
        for each in built.values():
            self._stack.push_async_callback(each.close)
        agents = self.desk.agents
        self.desk.wells = {name: functools.partial(each.well, agents[name]) for name, each in built.items()}
        self.desk.venues = venues(self.settings)
        self.engine = Engine(
            self.settings.agents,
            built,
            self.desk.observe,
            cursors=self.desk.cursor,
            clock=clock,
            urgent=self.desk.urgent,
            chores=(
                Chore("housekeeping", HOUSEKEEPING, self.desk.housekeep),
                Chore("review of figures", REVIEW, self.desk.review),
            ),
        )
        self.desk.skipped = self.engine.skipped
        await self.engine.start()
        self._stack.push_async_callback(self.engine.stop)
        self._pulse = pulse = Pulse(self.desk, self.store, self.engine, clock, self._world())
        self._crew.spawn(pulse.run(), "pulse")
        self._crew.spawn(Guard(self.desk).run(), "guard")
        if self.settings.digests:
            digests = Digests(self.desk, self.store, self._wake, self.settings.digests)
            self._crew.spawn(digests.run(), "digests")
        self._crew.spawn(pulse.write(min(LONGEST_TRIAL, self._patience / 4)), "trial writes")
        self._crew.spawn(mind(lambda: pulse.refused, clock.now, self.platforms.values(), self._grace), "minder")
        if self.settings.dead_mans_switch is not None:
            self._heartbeat = Heartbeat(
                self.settings.dead_mans_switch, self.settings.dead_mans_every, lambda: self._health().why
            )
            self._crew.spawn(self._heartbeat.run(), "dead man's switch")
        log.info("watching", agents=len(built), telling=", ".join(self._channels) or "nobody")

    def _world(self) -> World:
        settings = self.settings
        routine = Routine(self.desk, self.store, self._wake, drill=settings.drill, digest=settings.digest)
        return World(
            chats=self._troubles,
            heard=lambda: {name: each.heard for name, each in self.platforms.items()},
            remote=self._remote.__contains__,
            routine=routine.look,
        )

    def states(self) -> Mapping[str, str]:
        """How each chat, and the engine, is doing, in a few words."""
        engine = f"{self.engine.overruns} ticks late" if self.engine.overruns else "on time"
        store = {"database": self.engine.trouble} if self.engine.trouble else {}
        switch = self._heartbeat.trouble if self._heartbeat is not None else None
        return {
            **{name: why or "up" for name, why in self._troubles().items()},
            **store,
            **({"dead man's switch": switch} if switch else {}),
            "engine": engine,
        }

    def _troubles(self) -> Mapping[str, str | None]:
        """Channel -> why it cannot be relied on, None while all is well."""
        return self._chats.troubles(self._channels, self.outbox.trouble)

    def _health(self) -> Health:
        signs = Signs(ready=False) if self._pulse is None else self._pulse.signs(ready=self._ready)
        why, checks = heartbeat.judge(signs, self._patience), heartbeat.checks(signs, self._patience)
        return Health(why, checks, asyncio.get_running_loop().time() - self._begun, self._version)

    async def _metrics(self, milliseconds: bool) -> bytes:
        if self._pulse is None:
            return b""
        pinged = None if self._heartbeat is None else self._heartbeat.pinged
        health = self._health()
        figures = self._pulse.figures(self._version, well=health.why is None, pinged=pinged)
        make = functools.partial(prometheus_text, milliseconds=milliseconds)
        return await asyncio.to_thread(make, figures, self.desk.status(), self.settings.currency)

    def _wake(self) -> None:
        self.outbox.wake()

    async def _bury(self, row: Notification, why: str) -> None:
        """Tell the other chats of a message that its own will never take."""
        await self.store.commit(Change(notifications=obituary(row, why, self._own, self.desk.now())))
        self._wake()

    async def _drain(self) -> None:
        """Let the messages on their way arrive, for a moment."""
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(DRAIN):
                while (await self.store.undelivered())[0]:
                    self.outbox.wake()
                    await asyncio.sleep(0.05)

    async def _audit(self, entry: AuditEntry) -> None:
        await self.store.commit(Change(audit=(entry,)))
