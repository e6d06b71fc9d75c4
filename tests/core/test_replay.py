from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from monitor import rule
from monitor.alerts.alert import Kind
from monitor.alerts.plan import Plan
from monitor.around import around
from monitor.model import Agent, AmountOrShare, CashFlow, Limits, Side, Trade
from monitor.past import History, Known
from monitor.ports import Observation
from monitor.replay import Replayed, replay
from monitor.turn import Setup, Situation, Turn

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
    made[[many // 2, many * 3 // 4]] = -0.02, -0.035
    made[many * 3 // 4 + 30 : many * 3 // 4 + 60] -= 0.0006
    equity = 10_000.0 * np.cumprod(1.0 + made)
    times = begin + 30.0 * np.arange(many)
    times[many // 3 :] += 500.0
    flow = CashFlow(agent, float(times[many * 2 // 3]) - 7.0, Decimal(2_000), "ana")
    equity[times >= flow.time] += 2_000.0
    equity[dice.integers(0, many, many // 40)] = np.nan
    for place, value in odd.items():
        equity[int(place.removeprefix("at"))] = value
    won = dice.random(150) < np.where(np.arange(150) < 110, 0.9, 0.1)
    closed = np.sort(dice.uniform(times[0], times[-1], 150))
    trades = [
        a_trade(agent, at, float(time), good=bool(good))
        for at, (time, good) in enumerate(zip(closed, won, strict=True))
    ]
    return History(Agent(agent, limits=LIMITS, false_pages=3.0), times, equity, trades, (flow,))


def a_trade(agent: str, number: int, time: float, *, good: bool) -> Trade:
    worth = Decimal(110 if good else 90)
    return Trade(agent, str(number), "grid", "BTC", Side.LONG, Decimal(1), Decimal(100), worth, time - 20.0, time)


def briefly(found: Replayed) -> Told:
    alerts = {(each.fingerprint, each.fired, each.rule, each.agent, each.reason) for each in found.alerts}
    return alerts, [(each.time, each.incident.id) for each in found.pages]


def plainly(histories: Sequence[History], plan: Plan = PLAN) -> Told:
    """The same by a whole turn for every sample, with every rule, and one for the time that passes."""
    setup = Setup({each.agent.id: each.agent for each in histories}, RULES, plan)
    situation = Situation(introducing={each.agent.id: 0 for each in histories})
    named = {each.agent.id: each for each in histories}
    alerts: dict[str, tuple[str, float | None, str, str, str]] = {}
    pages: dict[str, float] = {}
    times = sorted({float(time) for each in histories for time in each.times})
    before = -1.0
    for now in times:
        turn, batch = Turn(situation, setup, now), []
        for each in histories:
            for place in np.flatnonzero(each.times == now):
                sample = each.sample(int(place))
                last = float(each.times[place - 1]) if place else -1.0
                for flow in each.flows:
                    if last < flow.time <= now:
                        turn.flow(flow, turn.state(each.agent.id))
                trades = tuple(trade for trade in each.trades if last < trade.exit_time <= now)
                batch.append((Observation(sample, trades), ()))
        for folded in turn.fold(batch):
            told = asyncio.run(around(folded, Known(named, now), turn)) if folded.alarms else {}
            turn.judge(folded, told)
        for passing in (False, True):
            if passing:
                turn = Turn(situation, setup, now)
                turn.board.tick()
            situation, change = turn.finish()
            for alert in change.alerts:
                if alert.fired is not None:
                    alerts.setdefault(alert.id, (alert.fingerprint, alert.fired, alert.rule, alert.agent, alert.reason))
            for note in change.notifications:
                if note.kind is Kind.PAGE and note.alert is not None:
                    pages.setdefault(note.alert, note.created)
        before = now
    assert before == times[-1]
    return set(alerts.values()), [(time, incident) for incident, time in pages.items()]


@pytest.mark.parametrize("seed", [1])
def test_a_quick_replay_finds_what_a_turn_for_every_sample_finds(seed: int) -> None:
    histories = [noisy(seed, 700), noisy(seed + 100, 600, "beta"), noisy(seed + 200, 500, "gamma", START + 3_000.0)]
    found = briefly(replay(histories, RULES, PLAN))
    assert found == plainly(histories)
    assert {rule for _, _, rule, _, _ in found[0]} >= {"shock", "drawdown", "hard_loss"}
    assert found[1]
