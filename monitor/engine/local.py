"""One process polls the whole fleet: ticks by APScheduler, whom to poll by the monotonic clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.engine.intake import Intake, Observe, complain
from monitor.engine.timetable import Timetable
from monitor.model import Agent, Sample
from monitor.ports import AgentSource, Clock, Observation
from monitor.tasks import told_to_end

STILL = 5
"""Ticks that may fail to come before the schedule is set up again."""
STOP_POLLS = 0.7
STOP_INTAKE = 0.7
STOP_CANCEL = 0.2
"""Seconds that stopping may wait for each."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that is due every so often and may fail without harm to the rest (deleting old samples)."""

    name: str
    every: float
    """Seconds."""
    run: Callable[[], Awaitable[object]]


class _Every(BaseTrigger):  # type: ignore[misc] # apscheduler has no type hints
    """Fires every `seconds`, once however far the wall clock has jumped ahead."""

    def __init__(self, seconds: float) -> None:
        self._step = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return max((previous or now) + self._step, now + timedelta(microseconds=1))


class Engine:
    """Polls agents and hands what they answer to `observe`; start it once, then stop it."""

    def __init__(
        self,
        agents: Iterable[Agent],
        sources: Mapping[str, AgentSource],
        observe: Observe,
        *,
        cursors: Callable[[str], str | None],
        clock: Clock,
        urgent: Callable[[], Collection[str]] = tuple,
        chores: Iterable[Chore] = (),
        tick: float | None = None,
        patience: float = 90.0,
        retry_after: float = 1.0,
        time: Callable[[], float] | None = None,
    ) -> None:
        """`sources`: by agent id. `cursors`: stored trades cursor of an agent. `urgent`: agents to look at now.

        `tick`: seconds, by default a tenth of the shortest interval, at most 1. `patience`: seconds after which a poll
        is given up whose source has no time-out of its own. `retry_after`: seconds between two tries when `observe`
        fails. `time`: the monotonic clock, by default the loop's.
        """
        self._agents = {agent.id: agent for agent in agents}
        self._sources = sources
        self._cursors = cursors
        self._clock = clock
        self._urgent = urgent
        self._chores = tuple(chores)
        shortest = min((agent.interval for agent in self._agents.values()), default=10.0)
        self._period = tick or min(1.0, shortest / 10)
        self._patience = patience
        self._intake = Intake(observe, retry_after=retry_after)
        self._time = time
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._complained: set[tuple[str, str]] = set()
        self.skipped: Counter[str] = Counter()
        """Agent id -> polls left out because the one before was still under way."""
        self.ticks = 0
        """Ticks that came."""
        self.overruns = 0
        """Ticks that did not come at their time."""
        self.rearmed = 0
        """Times the schedule was set up again because no tick came."""

    @property
    def waiting(self) -> int:
        """Observations that `observe` has not taken yet."""
        return len(self._intake)

    @property
    def trouble(self) -> str | None:
        """Why observations cannot be stored now; None while they can."""
        return self._intake.trouble

    @property
    def dropped(self) -> int:
        """Observations that were lost, because too many waited or because they could not be taken at all."""
        return self._intake.dropped

    @property
    def silent(self) -> float:
        """Seconds since a tick was due and has not come; 0 while they come."""
        return max(0.0, self._now() - self._ticked - self._period)

    async def start(self) -> None:
        """Begin to poll: each agent at its own point of its first interval."""
        self._now = self._time or asyncio.get_running_loop().time
        self._ticked = self._now()
        self._timetable = Timetable(self._agents.values(), self._ticked)
        self._add_job(self._tick, self._period)
        for chore in self._chores:
            self._add_job(self._begin, chore.every, chore)
        self._scheduler.start()
        self._watching = asyncio.create_task(self._watch())
        self._taking = asyncio.create_task(self._intake.run())

    async def stop(self) -> None:
        """Stop within 2 s: polls and chores under way are cancelled, what has arrived is handed over."""
        if not self._scheduler.running:
            return
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # until it has: a tick that was already on its way has then begun its polls
        under_way = [self._watching, *self._polls.values(), *self._working.values()]
        for task in under_way:
            task.cancel()
        await asyncio.wait(under_way, timeout=STOP_POLLS)
        self._intake.close()
        await asyncio.wait([self._taking], timeout=STOP_INTAKE)
        self._taking.cancel()
        await asyncio.wait([self._taking], timeout=STOP_CANCEL)
        if self._intake:
            log.error("observations were not stored before the end", waiting=len(self._intake))

    def _add_job(self, function: Callable[..., Awaitable[None]], seconds: float, *args: object) -> None:
        self._scheduler.add_job(
            function, _Every(seconds), args, misfire_grace_time=None, coalesce=True, max_instances=1
        )

    async def _tick(self) -> None:
        """Start a poll of every agent that is due; waits for none."""
        now = self._now()
        self.ticks += 1
        self.overruns += max(0, round((now - self._ticked) / self._period) - 1)
        self._ticked = now
        due = self._timetable.due(now, self._polls, self._urgent())
        self.skipped.update(due.skip)
        for agent in due.poll:
            self._polls[agent] = asyncio.create_task(self._poll(self._agents[agent]))

    async def _poll(self, agent: Agent) -> None:
        try:
            async with asyncio.timeout(self._patience):
                observation = await self._sources[agent.id].fetch(agent, self._cursors(agent.id))
        except (Exception, asyncio.CancelledError) as error:  # a fault in one source costs only its agent
            if isinstance(error, asyncio.CancelledError) and told_to_end():
                raise
            observation = Observation(Sample(agent.id, self._clock.now(), error=self._fault(agent, error)))
        finally:
            del self._polls[agent.id]
        self._intake.put(observation)

    def _fault(self, agent: Agent, error: BaseException) -> str:
        kind = type(error).__name__
        if (agent.id, kind) not in self._complained:
            self._complained.add((agent.id, kind))
            complain("a source failed", error, agent=agent.id)
        return f"its source failed with {kind}: Nightdesk's log says where"

    async def _begin(self, chore: Chore) -> None:
        """Start a chore unless it is still under way."""
        if chore.name not in self._working:
            self._working[chore.name] = asyncio.create_task(self._work(chore))

    async def _work(self, chore: Chore) -> None:
        try:
            await chore.run()
        except Exception as error:  # noqa: BLE001 - a chore that fails is tried again at its next time
            complain("a chore failed", error, chore=chore.name)
        finally:
            del self._working[chore.name]

    async def _watch(self) -> None:
        """Set the schedule up again when no tick has come: APScheduler waits for a wall clock that was set back."""
        told = -1.0
        while True:
            await asyncio.sleep(STILL * self._period)  # more than a tick, or setting up would put off the tick for ever
            still = self._now() - self._ticked
            if still > STILL * self._period:
                self.rearmed += 1
                if told != self._ticked:  # once a standstill, however long that lasts
                    told = self._ticked
                    log.warning("no tick came, the schedule is set up again", seconds=round(still, 1))
                for job in self._scheduler.get_jobs():
                    job.reschedule(job.trigger)
