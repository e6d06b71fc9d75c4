"""A desk of values: it answers from what it is given and remembers what it was asked to do."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from monitor.alerts.alert import Alert, State, alert_id, fingerprint
from monitor.alerts.plan import Plan
from monitor.alerts.runbooks import Runbook, Step
from monitor.attribution import Attribution, attribute
from monitor.desk import AgentStatus, Curve, DeskError, Log, Retold
from monitor.digest import Account, Digest, Facts, digest, walk
from monitor.model import Agent, AmountOrShare, CashFlow, Check, Limits, Person, Reset, Sample, Severity, Side, Trade
from monitor.order import STANDING, Order, OrderState
from monitor.orders import Rung
from monitor.past import History
from monitor.performance import Performance, measure
from monitor.ports import AgentControl
from monitor.reconciliation import Reconciliation
from monitor.replay import replay
from monitor.rule import discover
from monitor.series import EquityCurve
from monitor.shift import Shift, shift
from tests.controls import Supervisor, Willing
from tests.fake_alarms import FakeAlarms

NOW = 1_764_072_180.0
"""2025-11-25 12:03:00 UTC."""
ANA = Person("ana", "admin", {"memory": "1", "console": "ana"})
BEN = Person("ben", "viewer", {"memory": "2", "console": "ben"})
OPS = Person("ops", "operator", {"memory": "3"})


def an_agent(name: str = "alpha") -> Agent:
    return Agent(name, {"venue": "sim"}, limits=Limits(min_balance=100.0, hard_loss=AmountOrShare(share=0.05)))


def a_sample(agent: str = "alpha", time: float = NOW - 5.0, equity: float = 8_380.0) -> Sample:
    return Sample(
        agent,
        time,
        status="ok",
        paused=False,
        equity=equity,
        balance=5_000.0,
        open_positions=2,
        pnl_24h=-120.5,
        heartbeat_age=12.0,
        errors_1h=0,
        uptime=7_300.0,
        memory=0.41,
        cpu=0.05,
        venue_latency=0.12,
        poll_latency=0.004,
        checks=(Check("venue", ok=True), Check("wallet", ok=True)),
    )


def an_alert(
    agent: str = "alpha",
    rule: str = "drawdown",
    severity: Severity = Severity.CRITICAL,
    opened: float = NOW - 252.0,
    labels: tuple[tuple[str, str], ...] = (),
) -> Alert:
    of = fingerprint(agent, rule, labels)
    return Alert(
        id=alert_id(of, opened),
        fingerprint=of,
        agent=agent,
        rule=rule,
        labels=labels,
        severity=severity,
        state=State.FIRING,
        version=1,
        opened=opened,
        seen=NOW - 5.0,
        reason=f"{agent} is 16.2% below its peak (limit 15.0%), equity 8,380.00",
        value=0.162,
        threshold=0.15,
        fired=opened,
        paged=opened,
    )


def a_trade(number: int, pnl: str, strategy: str = "trend", agent: str = "alpha") -> Trade:
    entry = NOW - 3_600.0 * number
    return Trade(
        agent,
        str(number),
        strategy,
        "BTC",
        Side.LONG,
        Decimal(1),
        Decimal(100),
        Decimal(100) + Decimal(pnl),
        entry,
        entry + 60.0,
        fees=Decimal("0.10"),
    )


RUNBOOKS: Mapping[str, Runbook] = {
    key: Runbook(
        key,
        f"{key} of {{agent}}",
        Severity.WARN,
        "{agent} is {drawdown} below its peak.",
        (
            Step("Pause {agent}.", "pause {agent}", "It reports paused."),
            Step("Find what loses money.", "pnl by strategy {agent}"),
            Step("Acknowledge.", "ack {alert}"),
        ),
        "The drawdown of {agent} is under {drawdown_limit}.",
    )
    for key in ("anomaly", *discover())
}


class FakeDesk(FakeAlarms):
    """Everything is in lists; `orders_end` is the state in which an order comes back."""

    def __init__(self, *agents: str, alerts: Iterable[Alert] = (), trades: Iterable[Trade] = ()) -> None:
        self.hold(alerts, {person.name: person.role for person in (ANA, BEN, OPS)})
        self.agents = {name: an_agent(name) for name in agents or ("alpha", "beta")}
        self.rules = discover()
        self.runbooks = RUNBOOKS
        self.currency = "USD"
        self.time = NOW
        self.samples: dict[str, Sample] = {name: a_sample(name) for name in self.agents}
        self.trades = list(trades)
        self.orders: list[Order] = []
        self.flows: list[CashFlow] = []
        self.accounts: dict[str, Reconciliation] = {}
        self.curves: dict[str, tuple[tuple[float, float | None], ...]] = {}
        """Agent -> its equity over time, in place of a short one."""
        self.orders_end = OrderState.CONFIRMED
        self.hands: tuple[AgentControl, ...] = (Willing(), Supervisor())
        self.deaf: set[str] = set()
        """Agents that take no orders."""
        self.log: Log | None = None
        """What a log holds, in place of as many lines as are asked for."""

    def now(self) -> float:
        return self.time

    def status(self) -> tuple[AgentStatus, ...]:
        return tuple(self.agent(name) for name in self.agents)

    def agent(self, name: str) -> AgentStatus:
        name = name.lower()
        found = [each for each in self.agents if each == name] or [
            each for each in self.agents if name and each.startswith(name)
        ]
        if len(found) != 1:
            raise DeskError(f"There is no agent {name!r}: there are {', '.join(self.agents)}.")
        sample = self.samples.get(found[0])
        standing = [order for order in self.orders if order.agent == found[0] and order.action in STANDING]
        last = standing[-1] if standing else None
        return AgentStatus(
            agent=self.agents[found[0]],
            sample=sample,
            answered=sample if sample and sample.reachable else None,
            missed=0 if sample and sample.reachable else 2,
            skipped=0,
            drawdown=0.162 if sample else None,
            loss=120.5 if sample else None,
            score=None,
            pause=last if last is not None and last.holds else None,
            alerts=tuple(each for each in self.open if each.agent == found[0]),
        )

    def takes_orders(self, agent: str) -> bool:
        return agent in self.agents and agent not in self.deaf

    def require_control(self, agent: str, action: str = "pause", via: str | None = None) -> tuple[Agent, AgentControl]:
        found = [each for each in self.hands if action in each.abilities and via in (None, each.kind)]
        if not found:
            raise DeskError(f"{agent} cannot be ordered to {action}.")
        return self.agent(agent).agent, found[0]

    def means(self, agent: str, action: str, via: str | None = None) -> str:
        return self.require_control(agent, action, via)[1].abilities[action]

    def next_stop(self, order: Order) -> Rung | None:
        return Rung(self.hands[-1], "stop") if order.action == "pause" else None

    async def logs(self, agent: str, lines: int) -> Log:
        return self.log or Log("pm2", tuple(f"{agent} line {number}" for number in range(lines)), 0)

    async def order(
        self,
        agent: str,
        action: str,
        by: str,
        reason: str = "",
        *,
        via: str | None = None,
        until: float | None = None,
        cause: str = "",
    ) -> Order:
        order = Order(
            str(len(self.orders)),
            self.agent(agent).agent.id,
            action,
            by,
            self.time,
            reason,
            state=self.orders_end,
            confirmed=self.time + 1.2 if self.orders_end is OrderState.CONFIRMED else None,
            control=via or "willing",
            cause=cause,
            until=until,
        )
        self.orders.append(order)
        return order

    def reconciliation(self, agent: str) -> Reconciliation:
        return self.accounts.get(self.agent(agent).agent.id, Reconciliation())

    async def accept_rest(self, agent: str) -> Reconciliation:
        before = self.reconciliation(agent)
        self.accounts[self.agent(agent).agent.id] = before.accepted()
        return before

    async def record_flow(self, agent: str, amount: Decimal, by: str, at: float | None, note: str = "") -> CashFlow:
        flow = CashFlow(self.agent(agent).agent.id, self.time if at is None else at, amount, by, note)
        self.flows.append(flow)
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
        name = None if agent is None else self.agent(agent).agent.id
        end = math.inf if until is None else until
        wanted = (each for each in self.trades if each.paper is paper and since <= each.exit_time < end)
        return attribute([each for each in wanted if name in (None, each.agent)], by)

    async def curve(self, agent: str, since: float) -> Curve:
        name = self.agent(agent).agent.id
        short = tuple((NOW - 30.0 * step, 10_000.0 + step * 37 % 11) for step in range(40, 0, -1))
        flows = tuple(each for each in self.flows if each.agent == name and each.time >= since)
        alerts = tuple(each for each in self.open if each.agent == name)
        equity = tuple(each for each in self.curves.get(name, short) if each[0] >= since)
        return Curve(name, equity, flows, alerts)

    async def reset(self, agent: str, by: str, note: str = "") -> Reset:
        return Reset(self.agent(agent).agent.id, self.time, by, note)

    async def replay(self, agent: str, period: float, false_pages: float | None = None) -> Retold:
        self.asked = (self.agent(agent).agent.id, period, false_pages)
        of = History.of(self.agent(agent).agent, [a_sample(agent, NOW - 30.0 * at) for at in range(20, 0, -1)])
        return Retold(of, 0, replay([of], discover(), Plan(("console",))))

    async def performance(self, agent: str, window: str = "7d") -> Performance:  # noqa: ARG002 - the port's shape
        name = self.agent(agent).agent.id
        steps: Sequence[Sample] = [
            a_sample(name, NOW - 30.0 * step, 10_000.0 + (step * 37 % 11)) for step in range(40, 0, -1)
        ]
        return measure(name, steps, (), [trade for trade in self.trades if trade.agent == name], spacing=30.0)

    async def report(
        self, since: float, until: float, agents: Collection[str] | None = None, left_out: tuple[float, ...] = ()
    ) -> Digest:
        trades = [each for each in self.trades if agents is None or each.agent in agents]
        incidents = [each.incident for each in self.incidents()]
        walks = [
            walk(Account(each, paper=False, curve=EquityCurve(), steps=[(NOW - 60.0, 100.0)]), since, until)
            for name, each in self.agents.items()
            if agents is None or name in agents
        ]
        return digest(Facts(since, until, trades, walks, self.alerts(), incidents), left_out)

    async def shift(self) -> Shift:
        return shift(
            self.time - 3_600.0,
            self.time,
            by_duty=True,
            alerts=self.alerts(),
            incidents=[each.incident for each in self.incidents()],
            events=(),
            orders=self.orders,
            flows=self.flows,
            silences=self.held,
        )
