"""One turn of the desk: what has been seen or ordered in, the next situation and one change to store out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from monitor.alerts import lifecycle
from monitor.alerts.alert import Kind, Notification
from monitor.alerts.board import Board
from monitor.alerts.draft import Told
from monitor.detector import Alarm
from monitor.fleet import AgentState, fold_each, told_apart
from monitor.kept import VERSION, pack
from monitor.model import Agent, CashFlow, Finding, Limits, Reset, Sample, Severity, Trade, Verdict
from monitor.obeying import betrayed, proven, shrunk
from monitor.order import Order, StopMark
from monitor.performance import Performance
from monitor.ports import AuditEntry, Change, Observation, Snapshot
from monitor.rule import DESK, Rule, View
from monitor.situation import Setup, Situation
from monitor.vitals import Vitals

SNAPSHOT_EVERY = 3600.0
"""Seconds between two snapshots of an agent."""


class Folded(NamedTuple):
    """An observation that has been folded in, and is still to be judged."""

    agent: Agent
    seen: Observation
    before: AgentState
    state: AgentState | None
    """None: it brought no newer sample, and there is nothing to judge."""

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What the detectors found with it."""
        return () if self.state is None else self.state.found


class Turn:
    """Builds the next situation from the last; nothing of it is true before the change has been stored."""

    def __init__(self, situation: Situation, setup: Setup, now: float) -> None:
        self.setup = setup
        self.now = now
        self.board = Board(situation.ledger, setup.plan, setup.labels, now)
        """The alerts, to be moved."""
        self._states = dict(situation.states)
        self._cursors = dict(situation.cursors)
        self._flows = dict(situation.flows)
        self._orders = dict(situation.orders)
        self._marks = dict(situation.marks)
        self._introducing = dict(situation.introducing)
        self._snapshots = dict(situation.snapshots)
        self._figures = dict(situation.figures)
        self._samples: list[Sample] = []
        self._trades: list[Trade] = []
        self._new_cursors: dict[str, str] = {}
        self._new_flows: list[CashFlow] = []
        self._resets: list[Reset] = []
        self._new_orders: list[Order] = []
        self._new_marks: list[StopMark] = []
        self._audit: list[AuditEntry] = []
        self._new_snapshots: list[Snapshot] = []
        self._stale: list[tuple[str, float]] = []

    def observe(self, seen: Observation, known: Sequence[Trade] = ()) -> None:
        """Fold one observation in and judge it. `known`: what is stored of its trades already."""
        for folded in self.fold([(seen, known)]):
            self.judge(folded)

    def fold(self, batch: Sequence[tuple[Observation, Sequence[Trade]]]) -> list[Folded]:
        """Fold observations of different agents in: figures, and what is usual of them; `judge` each of them then.

        With each, what is stored of its trades already. One of an unknown agent is left out.
        """
        mine = [(self.setup.agents[seen.sample.agent], seen, known) for seen, known in batch if self._watches(seen)]
        agents = [agent for agent, _, _ in mine]
        before = [self._states.get(agent.id) or AgentState.of(agent) for agent in agents]
        flows = [self._flows.get(agent.id, ()) for agent in agents]
        after = fold_each(agents, before, [seen.sample for _, seen, _ in mine], flows)
        return [
            self._booked(agent, seen, known, states)
            for (agent, seen, known), states in zip(mine, zip(before, after, strict=True), strict=True)
        ]

    def _watches(self, seen: Observation) -> bool:
        return seen.sample.agent in self.setup.agents

    def _booked(
        self, agent: Agent, seen: Observation, known: Sequence[Trade], states: tuple[AgentState, AgentState]
    ) -> Folded:
        """Take the trades of an observation in."""
        before, state = states
        trades = told_apart(agent, seen.sample, seen.trades)
        self._trades += trades
        if seen.cursor is not None:
            self._cursors[agent.id] = self._new_cursors[agent.id] = seen.cursor
        new = state is not before
        if new:
            self._samples.append(seen.sample)
        self._states[agent.id] = state = state.booked(agent, trades, known, seen.sample if new else None)
        return Folded(agent, seen, before, state if new else None)

    def judge(self, folded: Folded, around: Mapping[str, str] = MappingProxyType({})) -> None:
        """What follows from an observation: orders it proves, findings.

        `around`: what happened around what a detector found just now, by its key.
        """
        agent, seen, before, state = folded
        if state is None:
            return
        if around:
            state = state.explained(around)
            self._states[agent.id] = state
        self._prove(agent, seen, before.answered)
        self._judge(agent, state, standing=agent.id in self._introducing and before.answered is None)
        self._introduce(agent, state)
        self._keep(agent)

    def order(self, order: Order) -> None:
        """Record how far a standing order has come."""
        self._new_orders.append(order)
        self._orders[order.agent] = order

    def errand(self, order: Order) -> None:
        """Record how far an order has come that is done and over: it changes nothing of what stands."""
        self._new_orders.append(order)

    def mark(self, mark: StopMark) -> None:
        """Record how far a stop without a person has come."""
        self._new_marks.append(mark)
        self._marks[mark.agent, mark.when] = mark

    def audit(self, entry: AuditEntry) -> None:
        """Record what the desk did by itself, and why."""
        self._audit.append(entry)

    def withdraw(self, order: Order, previous: Order | None) -> None:
        """Record that an order was refused: the one before it is in force again, unless a newer one is."""
        self._new_orders.append(order)
        newest = self._orders.get(order.agent)
        if newest is None or newest.id != order.id:
            return
        if previous is None:
            self._orders.pop(order.agent, None)
        else:
            self._orders[order.agent] = previous

    def flows(self, agent: str) -> tuple[CashFlow, ...]:
        """An agent's cash flows as they are known in this turn."""
        return self._flows.get(agent, ())

    def states(self) -> Mapping[str, AgentState]:
        """The state of every agent as it is in this turn."""
        return self._states

    def ordered(self, agent: str) -> Order | None:
        """An agent's newest standing order as it is in this turn."""
        return self._orders.get(agent)

    def state(self, agent: str) -> AgentState | None:
        """An agent's state as it is in this turn."""
        return self._states.get(agent)

    def flow(self, flow: CashFlow, state: AgentState | None) -> None:
        """Record a cash flow, with the agent's state folded anew where it is of a step that is over."""
        self._new_flows.append(flow)
        known = (*self._flows.get(flow.agent, ()), flow)
        self._flows[flow.agent] = tuple(sorted(known, key=lambda each: each.time))
        live = self._states.get(flow.agent, state)
        if state is None or live is None:
            return
        # Folding an account anew takes every trade since its base: a flow is booked where it stands.
        self._states[flow.agent] = replace(state, reconciliation=live.reconciliation.booked(flows=(flow,)))
        self._stale.append((flow.agent, flow.time))
        self.snapshot(flow.agent)  # what was accepted is kept nowhere else

    def review(self, figures: Performance) -> None:
        """Take in an agent's figures; the rules judge them with its next sample."""
        self._figures[figures.agent] = figures

    def reset(self, reset: Reset) -> None:
        """Record that an agent's figures count anew."""
        self._resets.append(reset)
        self._figures.pop(reset.agent, None)

    def accept(self, agent: str) -> None:
        """Let go what is unexplained so far of an agent, and keep that."""
        state = self._states[agent]
        self._states[agent] = replace(state, reconciliation=state.reconciliation.accepted())
        self.snapshot(agent)

    def vitals(self, vitals: Vitals) -> None:
        """Fold in how the desk itself is."""
        mine = self.board.of_agent(DESK)
        for rule in self.setup.rules.values():
            if rule.desk:
                labels = [alert.labels for alert in mine if alert.rule == rule.key and alert.open]
                for finding in rule.evaluate(vitals, labels):
                    self.board.find(finding, lifecycle.Policy(rule.fire_after(Limits()), rule.clear_after))

    def finish(self) -> tuple[Situation, Change]:
        """Decide who is told, and give the next situation and everything to be stored with it."""
        waits = not all(map(self._introduced, self._introducing))
        ledger, told = self.board.finish(waits=waits)
        situation = Situation(
            states=self._states,
            cursors=self._cursors,
            flows=self._flows,
            orders=self._orders,
            marks=self._marks,
            ledger=ledger,
            introducing=self._introducing,
            snapshots=self._snapshots,
            figures=self._figures,
        )
        return situation, Change(
            samples=self._samples,
            trades=self._trades,
            cursors=self._new_cursors,
            flows=self._new_flows,
            resets=self._resets,
            alerts=told.alerts,
            incidents=told.incidents,
            events=told.events,
            notifications=(*told.notifications, *_pictures(told, self.setup.rules)),
            silences=told.silences,
            overrides=told.overrides,
            orders=self._new_orders,
            stops=self._new_marks,
            audit=self._audit,
            snapshots=self._new_snapshots,
            drop_snapshots=self._stale,
        )

    def snapshot(self, agent: str) -> None:
        """Keep the agent's state as it is now."""
        state = self._states.get(agent)
        if state is not None and state.sample is not None:
            self._snapshots[agent] = state.sample.time
            self._new_snapshots.append(Snapshot(agent, state.sample.time, VERSION, pack(state)))

    def _prove(self, agent: Agent, seen: Observation, before: Sample | None) -> None:
        order = self._orders.get(agent.id)
        if order is None:
            return
        shown = betrayed(order, seen.trades) or proven(order, seen.sample, before) or shrunk(order, seen.sample)
        if shown is not None:
            self.order(shown)

    def _judge(self, agent: Agent, state: AgentState, *, standing: bool) -> None:
        view = state.view(agent, self._orders.get(agent.id), self._figures.get(agent.id))
        if view is None:
            return
        mine = self.board.of_agent(agent.id)
        for rule in self.setup.rules.values():
            if rule.desk:
                continue
            labels = [alert.labels for alert in mine if alert.rule == rule.key and alert.open] if mine else ()
            for finding in rule.evaluate(view, labels):
                if mine or finding.verdict is Verdict.BREACH:  # where no alert is there is nothing to clear
                    policy = lifecycle.Policy(rule.fire_after(agent.limits), rule.clear_after)
                    self.board.find(_graded(finding, view), policy, standing=standing)

    def _introduce(self, agent: Agent, state: AgentState) -> None:
        if agent.id not in self._introducing:
            return
        self._introducing[agent.id] += 1
        if state.answered is not None:
            del self._introducing[agent.id]

    def _introduced(self, agent: str) -> bool:
        """Whether it has been polled often enough to know that it does not answer."""
        return self._introducing[agent] >= self.setup.agents[agent].limits.missed_polls

    def _keep(self, agent: Agent) -> None:
        last = self._snapshots.setdefault(agent.id, self.now)
        if self.now - last >= SNAPSHOT_EVERY:
            self.snapshot(agent.id)


def _pictures(told: Told, rules: Mapping[str, Rule]) -> Iterator[Notification]:
    """A picture for each page of a statistical finding: a message of its own, for which no page waits."""
    of = {each.id: each.rule for each in told.incidents}
    for page in told.notifications:
        rule = rules.get(of.get(page.alert or "", ""))
        if page.kind is Kind.PAGE and rule is not None and rule.statistical:
            key = f"{page.alert}:{page.version}:{Kind.PICTURE}:{page.platform}"
            yield replace(page, key=key, kind=Kind.PICTURE, body={})


def _graded(finding: Finding, view: View) -> Finding:
    """A finding about an agent without money is never CRITICAL."""
    return replace(finding, severity=Severity.WARN) if view.paper and finding.severity > Severity.WARN else finding
