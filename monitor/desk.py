"""The only door between people and machines: what may be asked of the desk, and what it answers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from monitor.accounts import Accounts, Curve
from monitor.alerts.alert import Alert
from monitor.alerts.runbooks import Runbook
from monitor.answers import Acknowledgement, Alarmed, DeskError, IncidentStatus, Judged, Times, Why, pick
from monitor.around import around
from monitor.book import KEPT, Book
from monitor.detectors.zscore import Score
from monitor.fleet import AgentState, paper
from monitor.handling import Log
from monitor.hindsight import Retold, stored
from monitor.live import LiveFigures, Streams
from monitor.model import Agent, Sample, Trade
from monitor.order import HOLDS, Order, StopMark
from monitor.ports import AgentControl, Clock, Observation, Store, StoreError
from monitor.replay import replay as told_again
from monitor.rule import View
from monitor.situation import Setup
from monitor.turn import Folded, Turn

COURSE = 12
"""Points in which the course of an equity is told."""
AROUND = 7_200.0
"""Seconds told up to a statistical finding, and at least twice as many as it judged."""
MOST_REPLAYED = 200_000
"""Samples that are replayed for somebody who asks in a chat."""
LONGEST_REPLAY = 60.0
"""Seconds that it may take."""
FARTHEST = 6 * 86_400.0
"""Seconds that such a finding is told of at most: before that not every sample is kept."""
log = structlog.get_logger()
__all__ = [
    "Acknowledgement",
    "AgentStatus",
    "Alarmed",
    "Curve",
    "Desk",
    "DeskError",
    "IncidentStatus",
    "Judged",
    "Log",
    "Retold",
    "Times",
    "Why",
]


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What the desk knows of one agent now."""

    agent: Agent
    sample: Sample | None
    """The newest sample; None before the first."""
    answered: Sample | None
    """The newest sample with an answer."""
    missed: int
    """Polls without an answer, in a row."""
    skipped: int
    """Polls left out because the one before was still under way."""
    drawdown: float | None
    loss: float | None
    score: Score | None
    """The guide's z-score of the newest return, and how volatile it has been."""
    pause: Order | None
    """The newest pause or stop since which nobody resumed it; with `ended` when its time is over."""
    alerts: tuple[Alert, ...]
    """Open alerts, worst first."""
    restarts_1h: int | None = None
    """How often its process began anew in the last hour, as far as it was seen."""
    paper: bool = False
    """Whether it trades without money."""
    live: LiveFigures | None = None
    """Its figures of the last 24 h, as the desk reckons them; None until it has, after a start."""
    course: tuple[float | None, ...] = ()
    """Equity net of cash flows at even times of the loss window, the newest last; None where it was not known."""
    moves: int = 0
    """Samples in which its equity moved: as many as its detectors have learned from."""


class Desk(Accounts):
    """A fleet of agents, its alerts and its orders. Every method that changes something stores it before it is true."""

    def __init__(
        self,
        setup: Setup,
        *,
        store: Store,
        controls: Mapping[str, Sequence[AgentControl]],
        runbooks: Mapping[str, Runbook],
        clock: Clock,
        currency: str = "USD",
        told: Callable[[], None] = lambda: None,
        secrets: Collection[str] = (),
    ) -> None:
        super().__init__(setup, Book(setup, store, clock, told), store, controls, secrets)
        self.runbooks = runbooks
        self.currency = currency
        self.skipped: Mapping[str, int] = {}
        """Polls left out, by agent: what the engine counts."""
        self._stirred: set[str] = set()
        self._replaying = asyncio.Lock()
        self._reviewed = {}
        self._streams = Streams()

    async def start(self, untold: Collection[str] = ()) -> None:
        """Find the situation again from what is stored. `untold`: incidents whose pages will not arrive any more."""
        await self._book.open(untold)

    async def stop(self) -> None:
        """Keep every agent's state, so that the next start is quick."""
        await self._book.close()

    def cursor(self, agent: str) -> str | None:
        """Where to go on reading an agent's trades."""
        return self._book.situation.cursors.get(agent)

    def urgent(self) -> Collection[str]:
        """Agents whose next report somebody waits for, or of which something new was heard: worth a look at once."""
        return {*self._book.waited, *self._stirred}

    async def observe(self, batch: Sequence[Observation]) -> None:
        """Fold a batch of observations in, and store what follows from it in one transaction."""
        known = await self._told_before(batch)
        async with self._book.turn() as turn:
            for each in batch:
                await self._take_in(turn, each.flows)
            for side_by_side in _rounds(batch):
                for folded in turn.fold([(each, known[id(each)]) for each in side_by_side]):
                    turn.judge(folded, await self._around(folded, turn) if folded.alarms else {})
        for each in batch:
            self._streams.push(each.sample, each.trades)
        self._stirred.difference_update(each.sample.agent for each in batch)

    async def _around(self, folded: Folded, turn: Turn) -> Mapping[str, str]:
        """What happened around what was found; nothing where that fails, since no page is lost for a word about it.

        Errors: StoreError.
        """
        try:
            return await around(folded, self._store, turn)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the words, the finding is told
            log.error("what happened around a finding is not told", agent=folded.agent.id, error=type(error).__name__)  # noqa: TRY400 - its message may hold what nobody is to read
            return {}

    async def _told_before(self, batch: Sequence[Observation]) -> Mapping[int, Sequence[Trade]]:
        """What is known of the trades of each observation before it, by its `id`: stored, or told earlier in the batch.

        The reads of a batch that is tried again began at one cursor: one trade may be in several of them.
        """
        known: dict[int, Sequence[Trade]] = {}
        told: dict[tuple[str, str], Trade] = {}
        for each in batch:
            found = await self._store.known(each.trades) if each.trades else []
            before = {(trade.agent, trade.id): trade for trade in found}
            mine = {(trade.agent, trade.id): trade for trade in each.trades}
            known[id(each)] = list((before | {key: told[key] for key in mine.keys() & told.keys()}).values())
            told |= mine
        return known

    async def housekeep(self) -> None:
        """Delete some of the raw samples that are past their time; asked again and again."""
        await self._store.forget(self.now() - KEPT, 2000)

    def status(self) -> tuple[AgentStatus, ...]:
        """Every agent, in the order of the settings."""
        alerts: defaultdict[str, list[Alert]] = defaultdict(list)
        for alert in self.alerts():
            alerts[alert.agent].append(alert)
        return tuple(self._status(agent, alerts[agent.id]) for agent in self.agents.values())

    def agent(self, name: str) -> AgentStatus:
        """One agent, by id or by an unambiguous beginning of it. Errors: DeskError."""
        found = self.agents[pick(name.lower(), self.agents, "agent")]
        return self._status(found, [alert for alert in self.alerts() if alert.agent == found.id])

    def score(self, agent: str) -> Score | None:
        """The guide's z-score of an agent's newest return."""
        state = self._book.situation.states.get(agent)
        return None if state is None else state.baseline.score

    def turn(self) -> contextlib.AbstractAsyncContextManager[Turn]:
        """One turn: what is done in it is stored when the block ends, or none of it is true. Errors: StoreError."""
        return self._book.turn()

    def view(self, agent: str) -> View | None:
        """What the rules are shown of an agent now; None before its first sample."""
        state = self._book.situation.states.get(agent)
        order = self._book.situation.orders.get(agent)
        figures = self._book.situation.figures.get(agent)
        return None if state is None else state.view(self.agents[agent], order, figures)

    def standing_orders(self) -> Mapping[str, Order]:
        """Agent -> its newest standing order that was not refused."""
        return {name: each for name, each in self._book.situation.orders.items() if name in self.agents}

    def marks(self) -> Mapping[tuple[str, str], StopMark]:
        """How far each stop without a person has come."""
        return self._book.situation.marks

    def stir(self, agent: str) -> None:
        """Look at an agent at once."""
        self._stirred.add(agent)

    async def alarmed(self, incident: str) -> Alarmed:
        """What the first statistical finding of an incident judged, with equity and flows around it.

        Where the detector has found something newer since, or is not known, the alert's own numbers. Errors: DeskError.
        """
        status = await self.incident(incident)
        alert = min(status.alerts, key=lambda each: each.opened, default=None) or await self.alert(incident)
        state, over = self._book.situation.states.get(alert.agent), alert.resolved or self.now()
        if state is None:
            raise DeskError(f"Nothing is known of {alert.agent}.")
        found = next((each for each in state.alarms if each.detector == alert.rule and each.time <= over), None)
        time = alert.opened if found is None else found.time
        since = time - self.agents[alert.agent].interval if found is None else found.since
        begin = max(time - max(AROUND, 2 * (time - since)), self.now() - FARTHEST, 0.0)
        curve = await self.curve(alert.agent, begin)
        return Alarmed(
            alert,
            others=len({each.agent for each in status.alerts} - {alert.agent}),
            since=since,
            time=time,
            value=alert.value if found is None else found.value,
            typical=alert.threshold if found is None else found.typical,
            n=None if found is None else found.n,
            every=None if found is None else found.every,
            equity=curve.equity,
            flows=curve.flows,
        )

    async def replay(self, agent: str, period: float, false_pages: float | None = None) -> Retold:
        """What would have been paged over the last seconds of an agent's stored past, as the settings are now.

        `false_pages`: a week, in place of those that it is allowed. One at a time, and not for long. Errors: DeskError.
        """
        target, time = self.agents[self._name(agent)], asyncio.get_running_loop().time
        if self._replaying.locked():
            raise DeskError("Another replay is under way: ask again in a minute.")
        async with self._replaying:
            if false_pages is not None:
                target = replace(target, false_pages=false_pages)
            now = self.now()
            history, hours = await stored(self._store, target, max(0.0, now - period), now, MOST_REPLAYED)
            if not 0 < len(history.times) <= MOST_REPLAYED:
                many = f"More than {MOST_REPLAYED:,} samples are" if len(history.times) else "Nothing is"
                raise DeskError(f"{many} stored of {target.id} in that time: ask for another period.")
            late, given_up = time() + LONGEST_REPLAY, threading.Event()

            def patient(_done: float) -> None:
                if given_up.is_set() or time() > late:
                    raise DeskError(f"That takes longer than {LONGEST_REPLAY:.0f} s: ask for a shorter period.")

            setup = self._book.setup
            try:
                found = await asyncio.to_thread(told_again, [history], setup.rules, setup.plan, patient)
            finally:  # a thread cannot be cancelled, and a desk that is told to end waits for it
                given_up.set()
        return Retold(history, hours, found)

    def _status(self, agent: Agent, alerts: Sequence[Alert]) -> AgentStatus:
        state = self._book.situation.states.get(agent.id) or AgentState.of(agent)
        order = self._book.situation.orders.get(agent.id)
        return AgentStatus(
            agent=agent,
            sample=state.sample,
            answered=state.answered,
            missed=state.missed,
            skipped=self.skipped.get(agent.id, 0),
            drawdown=state.curve.drawdown,
            loss=state.losses.loss,
            score=state.baseline.score,
            moves=state.baseline.moves,
            restarts_1h=state.restarts_1h(self.now()),
            paper=paper(agent, state.answered),
            pause=order if order is not None and order.action in HOLDS else None,
            alerts=tuple(alerts),
            course=state.losses.course(COURSE),
            live=self._streams.of(agent.id, self.now()),
        )


def _rounds(batch: Sequence[Observation]) -> list[list[Observation]]:
    """The observations in their order, those of one agent in different rounds."""
    rounds: list[list[Observation]] = []
    many: Counter[str] = Counter()
    for each in batch:
        agent = each.sample.agent
        if many[agent] == len(rounds):
            rounds.append([])
        rounds[many[agent]].append(each)
        many[agent] += 1
    return rounds
