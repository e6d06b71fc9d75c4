from __future__ import annotations

import asyncio
from collections import UserList
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from monitor import rule
from monitor.alerts.alert import Kind
from monitor.alerts.plan import Plan
from monitor.around import around
from monitor.fleet import AgentState
from monitor.hindsight import caught
from monitor.model import Agent, AmountOrShare, CashFlow, Check, Limits, Sample, Side, Trade
from monitor.outcome import Replayed
from monitor.past import History, Known, rounds
from monitor.ports import Change, Observation
from monitor.replay import JUDGES, replay
from monitor.rule import Rule
from monitor.situation import Setup, Situation
from monitor.turn import Turn

START = 1_790_000_000.0
RULES = rule.discover()
PLAN = Plan(("console",))
LIMITS = Limits(drawdown=0.06, hard_loss=AmountOrShare(share=0.03))
Told = tuple[set[tuple[str, float | None, str, str, str]], list[tuple[float, str]]]
"""Alerts that fired (fingerprint, time, rule, agent, reason), and pages (time, incident)."""


def noisy(seed: int, many: int, agent: str = "alpha", begin: float = START, **odd: float) -> History:
    """A history of fat-tailed moves with losses in it, a gap, unknown equities and a deposit; `odd`: equities by place.

    Its trades win often, and towards the end hardly ever.
    """
    dice = np.random.default_rng(seed)
    made = dice.standard_t(3, many) * 3e-4
    made[[many * 5 // 8, many * 3 // 4]] = -0.02, -0.035
    made[many * 3 // 4 + 30 : many * 3 // 4 + 60] -= 0.0006
    equity = 10_000.0 * np.cumprod(1.0 + made)
    times = begin + 30.0 * np.arange(many, dtype=np.float64)
    times[many // 3 :] += 500.0
    flow = CashFlow(agent, float(times[many * 2 // 3]) - 7.0, Decimal(2_000), "ana")
    equity[times >= flow.time] += 2_000.0
    equity[dice.integers(0, many, many // 40)] = np.nan
    for place, value in odd.items():
        equity[int(place.removeprefix("at"))] = value
    closed = np.sort(dice.uniform(times[0], times[-1], 150)).tolist()
    won = (dice.random(150) < np.where(np.arange(150) < 110, 0.9, 0.1)).tolist()
    trades = [a_trade(agent, at, *each) for at, each in enumerate(zip(closed, won, strict=True))]
    return History(Agent(agent, limits=LIMITS, false_pages=3.0), times, np.asarray(equity), trades, (flow,))


def a_trade(agent: str, number: int, time: float, good: bool) -> Trade:
    worth = Decimal(110 if good else 90)
    return Trade(agent, str(number), "grid", "BTC", Side.LONG, Decimal(1), Decimal(100), worth, time - 20.0, time)


def whole(of: History) -> History:
    """The same with samples that say more, or that are errors."""
    checks = (Check("wallet", ok=True), Check("memory", ok=False)), ()
    samples = [
        Sample(of.agent.id, each.time, error="refused")
        if each.equity is None
        else replace(each, status="ok", balance=each.equity * 0.3, open_positions=at % 5, checks=checks[at % 2])
        for at, each in enumerate(map(of.sample, range(len(of.times))))
    ]
    agent = replace(of.agent, limits=replace(LIMITS, min_balance=2_995.0))
    return History.of(agent, samples, of.trades, of.flows)


def briefly(found: Replayed) -> Told:
    alerts = {(each.fingerprint, each.fired, each.rule, each.agent, each.reason) for each in found.alerts}
    return alerts, [(each.time, each.incident.id) for each in found.pages]


@dataclass
class Plainly:
    """The same by a whole turn for every sample, with every rule, and one for the time that passes."""

    histories: Sequence[History]
    plan: Plan = PLAN
    step: float | None = None
    """Seconds between two looks at what falls due; None: after each sample."""
    rules: Mapping[str, Rule] = field(default_factory=lambda: RULES)
    alerts: dict[str, tuple[str, float | None, str, str, str]] = field(default_factory=dict)
    pages: dict[str, float] = field(default_factory=dict)

    def told(self) -> Told:
        self.setup = Setup({each.agent.id: each.agent for each in self.histories}, self.rules, self.plan)
        self.situation = Situation(introducing={each.agent.id: 0 for each in self.histories})
        self.named = {each.agent.id: each for each in self.histories}
        times = sorted({float(time) for each in self.histories for time in each.times})
        for now, following in zip(times, [*times[1:], times[-1] + 10.0], strict=True):
            self.keep(*self.observed(now).finish())
            for at in [now] if self.step is None else np.arange(now, following, self.step).tolist():
                turn = Turn(self.situation, self.setup, at)
                turn.board.tick()
                self.keep(*turn.finish())
        return set(self.alerts.values()), [(time, incident) for incident, time in self.pages.items()]

    def observed(self, now: float) -> Turn:
        turn, batch = Turn(self.situation, self.setup, now), []
        for of, place in self.at(now):
            last = float(of.times[place - 1]) if place else -1.0
            for flow in of.flows:
                if last < flow.time <= now:
                    turn.flow(flow, turn.state(of.agent.id))
            trades = tuple(each for each in of.trades if last < each.exit_time <= now)
            batch.append((Observation(of.sample(place), trades), ()))
        for folded in turn.fold(batch):
            past = Known(self.named, now)
            turn.judge(folded, asyncio.run(around(folded, past, turn)) if folded.alarms else {})
        return turn

    def at(self, now: float) -> Iterator[tuple[History, int]]:
        for each in self.histories:
            for place in np.flatnonzero(each.times == now):
                yield each, int(place)

    def keep(self, situation: Situation, change: Change) -> None:
        self.situation = situation
        for each in change.alerts:
            if each.fired is not None:
                self.alerts.setdefault(each.id, (each.fingerprint, each.fired, each.rule, each.agent, each.reason))
        for note in change.notifications:
            if note.kind is Kind.PAGE and note.alert is not None:
                self.pages.setdefault(note.alert, note.created)


def test_a_quick_replay_finds_what_a_turn_for_every_sample_finds() -> None:
    histories = [noisy(1, 360), noisy(201, 345, "gamma", START + 600.0)]
    found = briefly(replay(histories, RULES, PLAN))
    assert found == Plainly(histories).told()
    assert {rule for _, _, rule, _, _ in found[0]} >= {"shock", "drawdown", "hard_loss"}
    assert len(found[1]) > 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_it_does_so_whatever_the_past_was(seed: int) -> None:
    histories = [
        noisy(seed, 900),
        noisy(seed + 100, 800, "beta"),
        noisy(seed + 200, 700, "gamma", START + 3_007.0),
        noisy(seed + 300, 400, "delta", START - 70.0, at150=0.0, at151=-5.0, at300=1e-300, at301=1e300),
    ]
    dice = np.random.default_rng(seed)
    bursting, bleeding = (noisy(seed + 400 + at, 1_500, name) for at, name in enumerate(("burst", "bleed")))
    bursting.equity[1_000:] *= np.cumprod(1.0 + dice.normal(0.0, 3e-3, 500))
    bleeding.equity[700:] *= np.cumprod(1.0 - np.full(800, 1.2e-4))
    histories += [bursting, bleeding, whole(noisy(seed + 500, 600, "full"))]
    plan = (PLAN, Plan(("telegram", "slack"), hold=0.0, flap_openings=2), Plan(("slack",), group_by=()))[seed % 3]
    judges = {key: each for key, each in RULES.items() if key in JUDGES}
    found = briefly(replay(histories, RULES, plan))
    assert found == Plainly(histories, plan, rules=judges).told()
    assert {rule for _, _, rule, _, _ in found[0]} >= {
        "shock",
        "burst",
        "bleed",
        "drawdown",
        "hard_loss",
        "low_balance",
    }


@pytest.mark.slow
def test_pages_that_wait_for_others_come_when_the_wait_is_over() -> None:
    histories = [noisy(1, 400), noisy(101, 380, "beta", START + 2.0), noisy(201, 350, "gamma", START + 3.0)]
    plan = Plan(("console",), group_wait=5.0, hold=900.0, group_by=("agent",))
    found = briefly(replay(histories, RULES, plan))
    alerts, pages = Plainly(histories, plan, step=1.0).told()
    assert found[0] == alerts
    assert [incident for _, incident in found[1]] == [incident for _, incident in pages]
    assert [time for time, _ in found[1]] == pytest.approx([time for time, _ in pages], abs=1.0)


def test_rounds_hold_each_agent_once_and_never_part_a_moment() -> None:
    agent = Agent("a")
    told = [np.array(each, dtype=np.float64) for each in ([1, 2, 3, 4], [2, 3], [2.5], [])]
    histories = [History(replace(agent, id=str(at)), each, each) for at, each in enumerate(told)]
    made = [(rows.tolist(), places.tolist()) for rows, places in rounds(histories)]
    assert made == [([0], [0]), ([0, 1, 2], [1, 0, 0]), ([0, 1], [2, 1]), ([0], [3])]
    assert list(rounds([])) == []


def test_bare_equities_are_folded_along_as_one_after_the_other() -> None:
    of = noisy(3, 200, at50=0.0, at51=-3.0)
    one = AgentState.of(of.agent)
    for at in range(len(of.times)):
        one = one.fold(of.sample(at), of.flows)
    known = [(time, equity) for time, equity in zip(of.times.tolist(), of.equity.tolist(), strict=True) if equity < 1e9]
    many = AgentState.of(of.agent).along(of.sample(199), known, of.flows)
    assert replace(many, step=one.step) == one


def test_many_flows_are_read_once_each_and_not_once_a_sample() -> None:
    class Counted(UserList[CashFlow]):
        reads = 0

        def __iter__(self) -> Iterator[CashFlow]:
            for each in self.data:
                self.reads += 1
                yield each

        def __getitem__(self, at: Any) -> Any:
            self.reads += 1
            return self.data[at]

    flows = Counted([CashFlow("alpha", START + 30.0 * at, Decimal(1), "file") for at in range(300)])
    equities = [(START + 30.0 * at, 10_000.0 + at) for at in range(300)]
    AgentState.of(Agent("alpha")).along(Sample("alpha", START + 30.0 * 299, equity=1.0), equities, flows)
    assert flows.reads < 5 * 300


def test_the_smallest_budget_that_catches_a_bad_night_is_named() -> None:
    of = noisy(1, 320)
    of = replace(of, agent=replace(of.agent, limits=Limits(drawdown=None)), trades=())
    loss = float(of.times[200])
    budgets = {"often": 21.0, "seldom": 1 / 13, "never": 1e-9}
    found = caught([of], RULES, PLAN, [loss, START + 30.0], budgets)
    assert [(each.time, each.by, each.page and each.page.incident.rule) for each in found] == [
        (loss, "often", "shock"),
        (START + 30.0, None, None),
    ]


def test_nothing_at_all_is_replayed_to_nothing() -> None:
    found = replay([History.of(Agent("a"), [])], RULES, PLAN)
    assert (found.samples, found.since, found.weeks, found.per_week, found.pages) == (0, None, 0.0, None, ())
