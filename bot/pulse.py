"""The desk's pulse: each second time passes for the alerts, every few seconds the desk looks at itself."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.heartbeat import Signs
from monitor.alerts.routing import TERMINAL
from monitor.desk import AgentStatus, Desk
from monitor.engine.clock import SteadyClock
from monitor.engine.intake import complain
from monitor.engine.local import Engine
from monitor.exposition import Figures
from monitor.mail import Waiting
from monitor.ports import StoreError
from monitor.storage import Database
from monitor.vitals import Vitals

Known = TypeVar("Known")

BEAT = 1.0
LOOK = 5.0
"""Seconds between two looks of the desk at itself."""
MINUTE, WHILE = 60.0, 300.0
"""Seconds for which what was measured counts."""
ANSWERS_WITHIN = 8.0
"""Seconds the database may take for a trial write."""
STUCK = 120.0
"""Seconds after which a chat that does not take what waits for it cannot be relied on."""


class Window:
    """What was measured in the last `span` seconds; times are of one monotonic clock, in order."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._first: float | None = None
        self._kept: deque[tuple[float, float]] = deque()

    def add(self, at: float, amount: float) -> None:
        """Take a measurement."""
        if self._first is None:
            self._first = at
        if amount:
            self._kept.append((at, amount))

    def amounts(self, now: float) -> list[float]:
        """What counts now; nothing that was zero."""
        while self._kept and self._kept[0][0] <= now - self._span:
            self._kept.popleft()
        return [amount for _, amount in self._kept]

    def whole(self, now: float) -> bool:
        """Whether it has been measured for all of the span."""
        return self._first is not None and now - self._first >= self._span


class Growth:
    """How much a count that only grows has grown in the last `span` seconds."""

    def __init__(self, span: float) -> None:
        self.window = Window(span)
        self._last = 0.0

    def add(self, at: float, total: float) -> None:
        """Take what the count is now."""
        self.window.add(at, total - self._last)
        self._last = total

    def grown(self, now: float) -> float:
        """By how much."""
        return sum(self.window.amounts(now))


@dataclass(frozen=True, slots=True)
class World:
    """What the desk's parts say when they are asked."""

    chats: Callable[[], Mapping[str, str | None]]
    """Each chat -> why it cannot be relied on, None while all is well."""
    heard: Callable[[], Mapping[str, float | None]]
    """Each chat -> seconds since its server last answered, None where it does not say."""
    remote: Callable[[str], bool]
    """Whether an agent, by id, runs on another machine."""
    routine: Callable[[], Awaitable[None]]
    """Does what is due by the calendar."""


class Pulse:
    """Lets time pass, measures, and lets the desk's own rules judge it."""

    def __init__(self, desk: Desk, store: Database, engine: Engine, clock: SteadyClock, world: World) -> None:
        self._desk = desk
        self._store = store
        self._engine = engine
        self._clock = clock
        self._world = world
        self._time = asyncio.get_running_loop().time
        self._begun = self._turned = self._stored = self._time()
        self._asking: float | None = None
        """Since when a trial write is under way."""
        self._unwritable: str | None = None
        """Why the last trial write failed."""
        self._stumbled: str | None = None
        """Why the last round failed."""
        self._refusals = 0.0
        """Seconds for which the database refused, in all."""
        self._why: str | None = None
        """Why it last did."""
        self._lag = Window(MINUTE)
        self._ticks, self._late = Growth(MINUTE), Growth(MINUTE)
        self._refused, self._dropped, self._leapt = Growth(WHILE), Growth(WHILE), Growth(WHILE)
        self._waiting: tuple[Waiting, ...] = ()
        self._letters: int | None = None
        self._times: Mapping[str, tuple[int, float]] = {}
        self._timed: float | None = None

    @property
    def refused(self) -> str | None:
        """Why the database does not store now; None while it does."""
        if self._asking is not None and self._time() - self._asking > ANSWERS_WITHIN:
            return f"The database has not answered for {self._time() - self._asking:.0f} s: look at its disk."
        return self._engine.trouble or self._unwritable

    async def run(self) -> None:
        """Beat until cancelled."""
        looked = self._time() - LOOK
        while True:
            before = self._time()
            await asyncio.sleep(BEAT)
            now = self._time()
            self._measure(now, now - before)
            look = now - looked >= LOOK
            looked = now if look else looked
            await self._round(now, look=look)

    async def write(self, every: float) -> None:
        """See every so many seconds whether the database can be written, until cancelled."""
        while True:
            self._asking = self._time()
            try:
                await self._store.probe()
            except StoreError as error:
                self._unwritable = str(error)
            else:
                self._unwritable, self._stored = None, self._time()
            self._asking = None
            await asyncio.sleep(every)

    def signs(self, *, ready: bool) -> Signs:
        """What tells whether the desk works."""
        now, chats = self._time(), self._world.chats()
        return Signs(
            ready=ready,
            ticked=self._engine.silent,
            turned=now - self._turned,
            stored=now - self._stored,
            refused=self.refused,
            chats=stuck(_beyond(chats) or chats, self._ages()),
        )

    def figures(self, version: str, *, well: bool, pinged: float | None) -> Figures:
        """What the desk measures of itself. `pinged`: when the dead man's switch was, by the loop's clock."""
        now, engine = self._time(), self._engine
        return Figures(
            version=version,
            uptime=now - self._begun,
            well=well,
            ticks=engine.ticks,
            ticks_late=engine.overruns,
            rearmed=engine.rearmed,
            waiting=engine.waiting,
            dropped=engine.dropped,
            unstored=self._refusals,
            alerts=self._desk.alerts(),
            incidents=len(self._desk.incidents()),
            undelivered=sum(each.count for each in self._waiting),
            oldest=max(self._ages().values(), default=None),
            dead_letters=self._letters,
            chats={name: why is None for name, why in self._world.chats().items()},
            heard=self._world.heard(),
            drift=self._clock.drift,
            pinged=None if pinged is None else now - pinged,
            times=self._times,
        )

    def _measure(self, now: float, took: float) -> None:
        engine = self._engine
        self._clock.now()
        self._lag.add(now, max(took - BEAT, engine.silent))
        self._ticks.add(now, engine.ticks)
        self._late.add(now, engine.overruns)
        self._dropped.add(now, engine.dropped)
        self._leapt.add(now, self._clock.leapt)
        if self.refused is not None:
            self._why = self.refused
            self._refusals += took
        self._refused.add(now, self._refusals)

    async def _round(self, now: float, *, look: bool) -> None:
        """Do what is due; what fails is tried again with the next beat."""
        try:
            await self._desk.tick()
            await self._desk.fail_over(await self._store.untaken(self._clock.now() - self._desk.plan.failover_after))
            await self._world.routine()
            if look:
                await self._look(now)
        except Exception as error:  # noqa: BLE001 - the desk goes on whatever fails; /health and the switch tell
            kind = type(error).__name__
            if kind != self._stumbled:
                complain("a round of the desk failed", error)
            self._stumbled = kind
        else:
            self._turned, self._stumbled = self._time(), None

    async def _look(self, now: float) -> None:
        """Let the desk's own rules judge it."""
        at = self._clock.now()
        self._waiting = tuple(await self._store.waiting(at))
        self._letters = (await self._store.letters(1))[0]
        if self._timed is None or now - self._timed >= MINUTE:  # over all incidents ever
            self._times, self._timed = await self._desk.times(), now
        remote = [each for each in self._desk.status() if each.answered and self._world.remote(each.agent.id)]
        await self._desk.watch(
            Vitals(
                time=at,
                late=self._lateness(now),
                lag=max(self._lag.amounts(now), default=0.0),
                unstored=self._refused.grown(now),
                store=self._why,
                dropped=int(self._dropped.grown(now)),
                undelivered=self._ages(),
                chats=_beyond(self._world.chats()),
                heard=_beyond(self._world.heard()),
                drift=self._clock.drift,
                jump=max(*self._leapt.window.amounts(now), self._clock.doubted, 0.0),
                remote=len(remote),
                lost=_lost(remote),
                unstaffed=tuple(each.rotation for each in self._desk.duty() if each.person is None),
            )
        )

    def _lateness(self, now: float) -> float | None:
        came, late = self._ticks.grown(now), self._late.grown(now)
        return late / (came + late) if self._ticks.window.whole(now) and came + late else None

    def _ages(self) -> dict[str, float]:
        now = self._clock.now()
        return {each.channel: now - each.oldest for each in self._waiting}


def stuck(chats: Mapping[str, str | None], ages: Mapping[str, float]) -> dict[str, str | None]:
    """Chats with their troubles; those for which a message waits for long are in trouble too.

    A chat may ask to wait for hours. `ages`: channel -> seconds that the oldest message for it waits.
    """
    late = {name: f"a message waits for {age:.0f} s" for name, age in ages.items() if age > STUCK}
    return {name: why or late.get(name) for name, why in chats.items()}


def _beyond(chats: Mapping[str, Known]) -> dict[str, Known]:
    return {name: known for name, known in chats.items() if name != TERMINAL}


def _lost(remote: Iterable[AgentStatus]) -> tuple[float, ...]:
    """When each agent that has missed too many polls last answered."""
    return tuple(
        each.answered.time for each in remote if each.answered and each.missed >= each.agent.limits.missed_polls
    )
