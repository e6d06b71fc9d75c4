"""The only door between people and machines: what may be asked of the desk, and what it answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitor.alerts.alert import Alert
from monitor.alerts.runbooks import Runbook
from monitor.answers import Acknowledgement, DeskError, IncidentStatus, Times, Why, pick
from monitor.attribution import Attribution
from monitor.book import KEPT, Book
from monitor.detectors.zscore import Score
from monitor.earnings import earned
from monitor.fleet import AgentState, matching_step, paper
from monitor.handling import Handling, Log
from monitor.model import Agent, CashFlow, Sample
from monitor.order import HOLDS, Order, StopMark
from monitor.performance import Performance, measure
from monitor.ports import AgentControl, Clock, Observation, Store
from monitor.rule import View
from monitor.turn import Setup, Turn

DAY = 86_400.0
__all__ = ["Acknowledgement", "AgentStatus", "Curve", "Desk", "DeskError", "IncidentStatus", "Log", "Times", "Why"]

FLOW_NEAR = 600.0
"""Seconds around the time a person gives in which a cash flow's step is looked for."""


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
    """The guide's z-score of the newest return: shown, never paged."""
    pause: Order | None
    """The newest pause or stop since which nobody resumed it; with `ended` when its time is over."""
    alerts: tuple[Alert, ...]
    """Open alerts, worst first."""
    restarts_1h: int | None = None
    """How often its process began anew in the last hour, as far as it was seen."""
    paper: bool = False
    """Whether it trades without money."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What an agent was worth since a time, and what happened to it meanwhile."""

    agent: str
    equity: tuple[tuple[float, float | None], ...]
    """(time, money), in order; None where it gave none."""
    flows: tuple[CashFlow, ...]
    alerts: tuple[Alert, ...]
    """Those that fired and were not over before that time, in order of opening."""


class Desk(Handling):
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
        async with self._book.turn() as turn:
            for each in batch:
                turn.observe(each)
        self._stirred.difference_update(each.sample.agent for each in batch)

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
        return None if state is None else state.score

    def turn(self) -> contextlib.AbstractAsyncContextManager[Turn]:
        """One turn: what is done in it is stored when the block ends, or none of it is true. Errors: StoreError."""
        return self._book.turn()

    def view(self, agent: str) -> View | None:
        """What the rules are shown of an agent now; None before its first sample."""
        state = self._book.situation.states.get(agent)
        order = self._book.situation.orders.get(agent)
        return None if state is None else state.view(self.agents[agent], order)

    def standing_orders(self) -> Mapping[str, Order]:
        """Agent -> its newest standing order that was not refused."""
        return {name: each for name, each in self._book.situation.orders.items() if name in self.agents}

    def marks(self) -> Mapping[tuple[str, str], StopMark]:
        """How far each stop without a person has come."""
        return self._book.situation.marks

    def stir(self, agent: str) -> None:
        """Look at an agent at once."""
        self._stirred.add(agent)

    async def record_flow(self, agent: str, amount: Decimal, by: str, at: float | None, note: str = "") -> CashFlow:
        """Record a deposit (+) or withdrawal (-) and return what was stored.

        It belongs to the step whose change of equity is nearest to it (within 5 %): of the 10 min around `at`, or of
        the last 24 h if that is None. Where no step looks like it, it is stored at `at`. Errors: DeskError.
        """
        name, now = self.agent(agent).agent.id, self.now()
        if amount == 0 or not amount.is_finite():
            raise DeskError("A cash flow has an amount: write it as +1000 or -250.50.")
        if at is not None and not now - KEPT <= at <= now:
            raise DeskError("A cash flow can be recorded for the last 7 days, and not for the future.")
        async with self._book.turn() as turn:
            known = self._book.situation.flows.get(name, ())
            around = (now - DAY, None) if at is None else (at - FLOW_NEAR, at + FLOW_NEAR)
            samples = await self._store.samples(name, *around)
            when = matching_step(samples, known, float(amount)) or at
            if when is None:
                raise DeskError(
                    f"Nothing in the last 24 h of {name} looks like {amount:+,}: record it once its equity shows it, "
                    f"or say when it was, for example /flow {name} {amount:+} 12:03."
                )
            flow = CashFlow(name, when, amount, by, note)
            if flow in known:
                return flow
            folded = (await self._book.restore(name, (*known, flow), before=when))[0]
            turn.flow(flow, folded)
        return flow

    async def attribution(
        self,
        by: str | Sequence[str],
        agent: str | None = None,
        since: float = 0.0,
        until: float | None = None,
        *,
        paper: bool = False,
    ) -> Attribution:
        """Profit and loss by one or two dimensions, of trades closed in since <= time < until, live or paper.

        Errors: DeskError.
        """
        name = None if agent is None else self.agent(agent).agent.id
        try:
            return await earned(self._store, by, name, since, until, paper=paper)
        except ValueError as error:
            raise DeskError(str(error)) from error

    async def curve(self, agent: str, since: float) -> Curve:
        """An agent's equity since a time, as it was sampled, with its cash flows and alerts. Errors: DeskError."""
        name, now = self.agent(agent).agent.id, self.now()
        samples = await self._store.samples(name, since)
        flows = await self._store.flows(name, since)
        opened = await self._store.opened_between(min(since, now - KEPT), now)
        alerts = {each.id: each for each in (*opened, *self.alerts()) if each.agent == name and each.fired is not None}
        return Curve(
            name,
            tuple((each.time, each.equity) for each in samples),
            tuple(flows),
            tuple(
                sorted(
                    (each for each in alerts.values() if each.resolved is None or each.resolved >= since),
                    key=lambda each: each.opened,
                )
            ),
        )

    async def performance(self, agent: str) -> Performance:
        """The guide's seven figures of one agent, from stored samples, flows and trades. Errors: DeskError."""
        target = self.agent(agent).agent
        since = self.now() - KEPT
        samples = await self._store.samples(target.id, since)
        flows = await self._store.flows(target.id, since)
        mode = self.agent(target.id).paper
        trades = [each for each in await self._store.trades(target.id, since) if each.paper is mode]
        try:
            return await asyncio.to_thread(measure, target.id, samples, flows, trades, spacing=target.interval)
        except ValueError as error:
            raise DeskError(str(error)) from error

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
            score=state.score,
            restarts_1h=state.restarts_1h(self.now()),
            paper=paper(agent, state.answered),
            pause=order if order is not None and order.action in HOLDS else None,
            alerts=tuple(alerts),
        )
