"""The only door between people and machines: what may be asked of the desk, and what it answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitor import orders
from monitor.alerts import lifecycle
from monitor.alerts.alert import Alert, Silence, State
from monitor.alerts.runbooks import Runbook
from monitor.attribution import Attribution, attribute
from monitor.book import KEPT, Book
from monitor.detectors.zscore import Score
from monitor.fleet import AgentState, matching_step
from monitor.model import Agent, CashFlow, Order, OrderState, Sample
from monitor.performance import Performance, measure
from monitor.ports import AgentControl, Clock, Observation, Store
from monitor.turn import Setup

DAY = 86_400.0
LONGEST_SILENCE = DAY
FLOW_NEAR = 600.0
"""Seconds around the time a person gives in which a cash flow's step is looked for."""


class DeskError(Exception):
    """What was asked cannot be done; the message is one sentence for the person who asked."""


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
    alerts: tuple[Alert, ...]
    """Open alerts, worst first."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An alert after somebody acknowledged it; `changed` is False when somebody had done so before."""

    alert: Alert
    changed: bool


class Desk:
    """A fleet of agents, its alerts and its orders. Every method that changes something stores it before it is true."""

    def __init__(
        self,
        setup: Setup,
        *,
        store: Store,
        controls: Mapping[str, AgentControl],
        runbooks: Mapping[str, Runbook],
        clock: Clock,
        currency: str = "USD",
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.agents = setup.agents
        self.rules = setup.rules
        self.runbooks = runbooks
        self.currency = currency
        self.skipped: Mapping[str, int] = {}
        """Polls left out, by agent: what the engine counts."""
        self._book = Book(setup, store, clock, told)
        self._store = store
        self._controls = controls

    async def start(self, untold: Collection[str] = ()) -> None:
        """Find the situation again from what is stored. `untold`: alerts whose pages will not arrive any more."""
        await self._book.open(untold)

    async def stop(self) -> None:
        """Keep every agent's state, so that the next start is quick."""
        await self._book.close()

    def now(self) -> float:
        """The desk's time, seconds since the epoch."""
        return self._book.clock.now()

    def cursor(self, agent: str) -> str | None:
        """Where to go on reading an agent's trades."""
        return self._book.situation.cursors.get(agent)

    def urgent(self) -> Collection[str]:
        """Agents whose order waits to be proven: worth a look at once."""
        waiting, now = (OrderState.REQUESTED, OrderState.ACCEPTED), self.now()
        return [
            agent.id
            for agent in self.agents.values()
            if (order := self._book.situation.orders.get(agent.id)) is not None
            and order.state in waiting
            and now - order.requested < agent.limits.confirm_within
        ]

    async def observe(self, batch: Sequence[Observation]) -> None:
        """Fold a batch of observations in, and store what follows from it in one transaction."""
        async with self._book.turn() as turn:
            for each in batch:
                turn.observe(each)

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
        found = self.agents[_pick(name, self.agents, "agent")]
        return self._status(found, [alert for alert in self.alerts() if alert.agent == found.id])

    def score(self, agent: str) -> Score | None:
        """The guide's z-score of an agent's newest return."""
        state = self._book.situation.states.get(agent)
        return None if state is None else state.score

    def alerts(self) -> tuple[Alert, ...]:
        """Open alerts: worst first, then newest first."""
        alerts = [alert for alert in self._book.situation.alerts.values() if alert.open]
        return tuple(sorted(alerts, key=lambda each: (-each.severity, -(each.fired or each.opened))))

    async def alert(self, name: str) -> Alert:
        """An alert by id or by an unambiguous beginning of it, resolved ones by whole id. Errors: DeskError."""
        current = {alert.id: alert for alert in self.alerts()}
        if name not in current:
            past = await self._store.alert(name)
            if past is not None:
                return past
        return current[_pick(name, current, "open alert")]

    def silences(self) -> tuple[Silence, ...]:
        """Silences in force, the one that ends first first."""
        now = self.now()
        return tuple(
            sorted((each for each in self._book.situation.silences if each.ends > now), key=lambda each: each.ends)
        )

    async def acknowledge(self, alert: str, by: str, note: str = "") -> Acknowledgement:
        """Acknowledge an open alert. Errors: DeskError (no such alert, already over)."""
        found = await self.alert(alert)
        async with self._book.turn() as turn:
            newest = self._book.situation.alerts.get(found.fingerprint)
            if newest is not None and newest.id == found.id:
                found = newest
            if not found.open:
                raise DeskError(f"{found.id} is already over: nothing is left to acknowledge.")
            taken, events = lifecycle.acknowledge(found, by, self.now(), note)
            if events:
                turn.put(taken, events)
        return Acknowledgement(taken, bool(events))

    async def silence(self, alert: str, duration: float, by: str, reason: str) -> Silence:
        """Hold back the pages of an alert's trouble for `duration` seconds (at most 24 h). Errors: DeskError."""
        if not 0 < duration <= LONGEST_SILENCE:
            raise DeskError("A silence lasts 24 h at most: give a duration such as 30m or 2h.")
        found, now = await self.alert(alert), self.now()
        silence = Silence(_id(found.fingerprint, by, now), found.fingerprint, found.id, now, now + duration, by, reason)
        async with self._book.turn() as turn:
            turn.silence(silence)
        return silence

    def takes_orders(self, agent: str) -> bool:
        """Whether an agent has a control."""
        return agent in self._controls

    def require_control(self, agent: str) -> Agent:
        """The agent, if it can be ordered. Errors: DeskError (no such agent, no control)."""
        target = self.agent(agent).agent
        if target.id not in self._controls:
            raise DeskError(f"No control is set for {target.id}: give it one in the settings, so that it takes orders.")
        return target

    async def order(self, agent: str, action: str, by: str, reason: str = "") -> Order:
        """Order an agent to `pause` or `resume`; return once it is confirmed, refused, or its time is up.

        Errors: DeskError (no such agent, no control).
        """
        target = self.require_control(agent)
        now = self.now()
        order = Order(_id(target.id, action, now), target.id, action, by, now, reason)
        return await orders.give(self._book, self._controls[target.id], target, order)

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

    def standing(self) -> tuple[Alert, ...]:
        """Alerts found at the first start about which nobody has decided yet."""
        return tuple(each for each in self.alerts() if each.standing and each.state is State.FIRING)

    async def answer_standing(self, accept: bool, by: str) -> tuple[Alert, ...]:
        """Accept what was found at the first start (acknowledged), or keep it (paged like any other)."""
        answered = []
        async with self._book.turn() as turn:
            for alert in self.standing():
                if accept:
                    moved, events = lifecycle.acknowledge(alert, by, self.now(), "accepted as found at the first start")
                else:
                    moved, events = lifecycle.keep(alert, by, self.now())
                turn.put(moved, events)
                answered.append(moved)
        return tuple(answered)

    async def attribution(self, by: str, agent: str | None = None, since: float = 0.0) -> Attribution:
        """Profit and loss by strategy, asset or hour, from stored trades. Errors: DeskError."""
        name = None if agent is None else self.agent(agent).agent.id
        trades = await self._store.trades(name, since)
        try:
            return await asyncio.to_thread(attribute, trades, by)
        except ValueError as error:
            raise DeskError(str(error)) from error

    async def performance(self, agent: str) -> Performance:
        """The guide's seven figures of one agent, from stored samples, flows and trades. Errors: DeskError."""
        target = self.agent(agent).agent
        since = self.now() - KEPT
        samples = await self._store.samples(target.id, since)
        flows = await self._store.flows(target.id, since)
        trades = await self._store.trades(target.id, since)
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
            pause=order if order is not None and order.action == "pause" else None,
            alerts=tuple(alerts),
        )


def _pick(name: str, known: Iterable[str], what: str) -> str:
    """The one of `known` that is called `name` or alone begins with it."""
    names = list(known)
    if name in names:
        return name
    found = [each for each in names if name and each.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DeskError(f"Several {what}s begin with {name!r}: {', '.join(found[:10])}. Write more of the name.")
    if not names:
        raise DeskError(f"There is no {what}.")
    raise DeskError(f"There is no {what} {name!r}: there are {', '.join(names[:20])}.")


def _id(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:8]
