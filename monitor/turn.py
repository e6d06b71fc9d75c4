"""One turn of the desk: what has been seen or ordered in, the next situation and one change to store out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.alerts import lifecycle, pipeline
from monitor.alerts.alert import Alert, AlertEvent, Notification, Silence, State, fingerprint
from monitor.fleet import VERSION, AgentState
from monitor.model import Agent, CashFlow, Finding, Order, OrderState, Sample, Trade
from monitor.ports import Change, Observation, Snapshot
from monitor.rule import Rule

LONGEST_WAIT = 120.0
"""Seconds that what was found at the first start waits for agents that have not been looked at, to be one message."""
SNAPSHOT_EVERY = 3600.0
"""Seconds between two snapshots of an agent."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What does not change while the desk runs."""

    agents: Mapping[str, Agent]
    rules: Mapping[str, Rule]
    platforms: Sequence[str]
    hold: float = pipeline.HOLD
    """Seconds within which the same trouble is not paged twice."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the desk knows now; made of stored facts alone, so that a restart finds it again."""

    states: Mapping[str, AgentState] = field(default_factory=dict)
    cursors: Mapping[str, str] = field(default_factory=dict)
    flows: Mapping[str, tuple[CashFlow, ...]] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    """Agent -> its newest order that was not refused."""
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    """Fingerprint -> the alert that is not resolved."""
    silences: tuple[Silence, ...] = ()
    last_pages: Mapping[str, float] = field(default_factory=dict)
    """Fingerprint -> time of its last page."""
    introducing: Mapping[str, int] = field(default_factory=dict)
    """Agent that has never answered, new at this start -> polls of it so far: what its first answer shows was so
    before anybody looked."""
    decisions: Mapping[str, str] = field(default_factory=dict)
    """Alert -> why it was last not told, so that each reason is noted once."""
    snapshots: Mapping[str, float] = field(default_factory=dict)
    """Agent -> time of its newest snapshot."""


class Turn:
    """Builds the next situation from the last; nothing of it is true before the change has been stored."""

    def __init__(self, situation: Situation, setup: Setup, now: float) -> None:
        self._setup = setup
        self._now = now
        self._before = situation.alerts
        self._states = dict(situation.states)
        self._cursors = dict(situation.cursors)
        self._flows = dict(situation.flows)
        self._orders = dict(situation.orders)
        self._alerts = dict(situation.alerts)
        self._silences = tuple(each for each in situation.silences if each.ends > now)
        self._last_pages = {mark: at for mark, at in situation.last_pages.items() if at + setup.hold > now}
        self._introducing = dict(situation.introducing)
        self._decisions = dict(situation.decisions)
        self._snapshots = dict(situation.snapshots)
        self._ended: list[Alert] = []
        self._given_up: set[str] = set()
        self._samples: list[Sample] = []
        self._trades: list[Trade] = []
        self._new_cursors: dict[str, str] = {}
        self._new_flows: list[CashFlow] = []
        self._new_orders: list[Order] = []
        self._new_silences: list[Silence] = []
        self._events: list[AlertEvent] = []
        self._notifications: list[Notification] = []
        self._new_snapshots: list[Snapshot] = []
        self._stale: tuple[str, float] | None = None

    def observe(self, seen: Observation) -> None:
        """Fold one observation in: figures, orders it proves, findings. One of an unknown agent is left out."""
        agent = self._setup.agents.get(seen.sample.agent)
        if agent is None:
            return
        before = self._states.get(agent.id) or AgentState.of(agent)
        state = before.fold(seen.sample, self._flows.get(agent.id, ()))
        self._trades += seen.trades
        if seen.cursor is not None:
            self._cursors[agent.id] = self._new_cursors[agent.id] = seen.cursor
        if state is before:
            return
        self._states[agent.id] = state
        self._samples.append(seen.sample)
        self._prove(agent, seen.sample)
        self._judge(agent, state, standing=agent.id in self._introducing and before.answered is None)
        self._introduce(agent, state)
        self._keep(agent)

    def order(self, order: Order) -> None:
        """Record how far an order has come."""
        self._new_orders.append(order)
        self._orders[order.agent] = order

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

    def flow(self, flow: CashFlow, state: AgentState) -> None:
        """Record a cash flow, with the agent's state folded anew."""
        self._new_flows.append(flow)
        known = (*self._flows.get(flow.agent, ()), flow)
        self._flows[flow.agent] = tuple(sorted(known, key=lambda each: each.time))
        self._states[flow.agent] = state
        self._snapshots.pop(flow.agent, None)
        self._stale = (flow.agent, flow.time)

    def silence(self, silence: Silence) -> None:
        """Record a silence."""
        self._new_silences.append(silence)
        self._silences = (*self._silences, silence)

    def give_up(self, alert: Alert) -> None:
        """End an alert whose agent or rule is no longer watched: that is no recovery, and is not told as one."""
        self._given_up.add(alert.id)
        self.put(*lifecycle.abandon(alert, self._now))

    def put(self, alert: Alert, events: Sequence[AlertEvent]) -> None:
        """Record a move of an alert."""
        self._events += events
        if alert.state is State.RESOLVED:
            self._alerts.pop(alert.fingerprint, None)
            self._decisions.pop(alert.id, None)
            self._ended.append(alert)
        else:
            self._alerts[alert.fingerprint] = alert

    def finish(self) -> tuple[Situation, Change]:
        """Decide who is told, and give the next situation and everything to be stored with it."""
        self._tell()
        self._tell_standing()
        self._ended = [self._tell_late(alert) for alert in self._ended]
        changed = [alert for mark, alert in self._alerts.items() if self._before.get(mark) is not alert]
        for alert in (*changed, *self._ended):
            known = self._before.get(alert.fingerprint)
            if known is not None and known.id == alert.id:
                recovered = alert.id not in self._given_up
                self._notifications += pipeline.follow(known, alert, self._setup.platforms, self._now, recovered)
        situation = Situation(
            states=self._states,
            cursors=self._cursors,
            flows=self._flows,
            orders=self._orders,
            alerts=self._alerts,
            silences=self._silences,
            last_pages=self._last_pages,
            introducing=self._introducing,
            decisions=self._decisions,
            snapshots=self._snapshots,
        )
        return situation, Change(
            samples=self._samples,
            trades=self._trades,
            cursors=self._new_cursors,
            flows=self._new_flows,
            alerts=[*changed, *self._ended],
            events=self._events,
            notifications=self._notifications,
            silences=self._new_silences,
            orders=self._new_orders,
            snapshots=self._new_snapshots,
            drop_snapshots=self._stale,
        )

    def snapshot(self, agent: str) -> None:
        """Keep the agent's state as it is now."""
        state = self._states.get(agent)
        if state is not None and state.sample is not None:
            self._snapshots[agent] = state.sample.time
            self._new_snapshots.append(Snapshot(agent, state.sample.time, VERSION, state.to_json()))

    def _prove(self, agent: Agent, sample: Sample) -> None:
        order = self._orders.get(agent.id)
        if order is None or order.state is OrderState.CONFIRMED or sample.time <= order.requested:
            return
        if sample.paused is (order.action == "pause"):
            self.order(replace(order, state=OrderState.CONFIRMED, confirmed=sample.time))

    def _judge(self, agent: Agent, state: AgentState, *, standing: bool) -> None:
        view = state.view(agent, self._orders.get(agent.id))
        if view is None:
            return
        mine = [alert for alert in self._alerts.values() if alert.agent == agent.id]
        for rule in self._setup.rules.values():
            labels = [alert.labels for alert in mine if alert.rule == rule.key and alert.open]
            policy = lifecycle.Policy(rule.fire_after(agent.limits), rule.clear_after)
            for finding in rule.evaluate(view, labels):
                self._move(finding, policy, standing)

    def _move(self, finding: Finding, policy: lifecycle.Policy, standing: bool) -> None:
        mark = fingerprint(finding.agent, finding.rule, finding.labels)
        alert = self._alerts.get(mark)
        moved, events = lifecycle.step(alert, finding, policy, standing=standing)
        if moved is not None and moved is not alert:
            self.put(moved, events)

    def _introduce(self, agent: Agent, state: AgentState) -> None:
        if agent.id not in self._introducing:
            return
        self._introducing[agent.id] += 1
        if state.answered is not None:
            del self._introducing[agent.id]

    def _introduced(self, agent: str) -> bool:
        """Whether it has been polled often enough to know that it does not answer."""
        return self._introducing[agent] >= self._setup.agents[agent].limits.missed_polls

    def _keep(self, agent: Agent) -> None:
        last = self._snapshots.setdefault(agent.id, self._now)
        if self._now - last >= SNAPSHOT_EVERY:
            self.snapshot(agent.id)

    def _tell(self) -> None:
        for mark, alert in list(self._alerts.items()):
            if alert.state is not State.FIRING or alert.paged is not None:
                continue
            decision = self._decide(alert)
            if decision.tell:
                told, rows, event = pipeline.page(alert, self._setup.platforms, self._now)
                self._alerts[mark] = told
                self._notifications += rows
                self._events.append(event)
                self._last_pages[mark] = self._now
                self._decisions.pop(alert.id, None)
            elif self._decisions.get(alert.id) != decision.kind:
                self._decisions[alert.id] = decision.kind
                self._events.append(
                    AlertEvent(alert.id, alert.version, self._now, decision.kind, lifecycle.DESK, decision.reason)
                )

    def _decide(self, alert: Alert) -> pipeline.Decision:
        last = self._last_pages.get(alert.fingerprint)
        return pipeline.decide(
            alert, self._silences, last, self._now, platforms=self._setup.platforms, hold=self._setup.hold
        )

    def _tell_late(self, alert: Alert) -> Alert:
        """Tell of an alert that fired and ended within this one turn: what was seen while nothing could be stored."""
        known = self._before.get(alert.fingerprint)
        new = known is None or known.id != alert.id or known.state is State.PENDING
        if not new or alert.fired is None or not self._decide(alert).tell:
            return alert
        told, rows, event = pipeline.page(alert, self._setup.platforms, self._now)
        self._notifications += [*rows, *pipeline.recovery(told, self._setup.platforms, self._now)]
        self._events.append(event)
        self._last_pages[alert.fingerprint] = self._now
        return told

    def _tell_standing(self) -> None:
        found = [
            alert
            for alert in self._alerts.values()
            if alert.standing and alert.state is State.FIRING and not alert.paged
        ]
        first = min((alert.opened for alert in found), default=self._now)
        if found and (self._now - first >= LONGEST_WAIT or all(map(self._introduced, self._introducing))):
            told, rows = pipeline.standing_notice(found, self._setup.platforms, self._now)
            self._alerts |= {alert.fingerprint: alert for alert in told}
            self._notifications += rows
