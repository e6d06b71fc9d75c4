"""A digest says what a period came to: every trade once, every page once, nothing from after its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.alert import Alert, AlertEvent, State
from monitor.digest import Account, Facts, Gain, digest, profit, walk
from monitor.model import Agent, CashFlow, Limits, Severity, Trade
from monitor.noise import Budget, Noise, Spans
from monitor.rule import DESK
from monitor.series import EquityCurve
from tests.fake_alarms import an_incident
from tests.stores import T0, a_trade, an_alert

DAY = 86_400.0
END = T0 + DAY
ALPHA = Agent("alpha", limits=Limits(drawdown=0.10))


def told(at: float, rule: str = "drawdown", agent: str = "alpha", **fields: object) -> Alert:
    """An alert that fired and was paged at a time, and is an incident of its own."""
    state = State.FIRING if fields.get("resolved") is None else State.RESOLVED
    alert = an_alert(agent, rule, at, fired=at, paged=at, state=state)
    return replace(alert, incident=alert.id, **fields)  # type: ignore[arg-type] # the fields of one test


def facts(*alerts: Alert, events: Sequence[AlertEvent] = (), **more: object) -> Facts:
    incidents = [an_incident(each, id=each.incident) for each in alerts if each.incident]
    return Facts(T0, END, alerts=alerts, incidents=incidents, events=events, **more)  # type: ignore[arg-type] # the same


def event(of: Alert, kind: str, after: float, actor: str = "ana") -> AlertEvent:
    return AlertEvent(of.id, 2, of.opened + after, kind, actor)


def account(*steps: tuple[float, float], flows: Sequence[CashFlow] = (), curve: EquityCurve | None = None) -> Account:
    return Account(ALPHA, paper=False, curve=curve or EquityCurve(), steps=steps, flows=flows)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.decimals(-1e6, 1e6, places=8)), max_size=20)
)
def test_strategies_and_assets_each_sum_to_the_whole(made: list[tuple[str, str, Decimal]]) -> None:
    trades = [
        a_trade(str(number), strategy=strategy, asset=asset, size=Decimal(1), exit_price=Decimal("30000.1") + move)
        for number, (strategy, asset, move) in enumerate(made)
    ]
    found = profit(trades)
    nets = [each.net for each in trades]
    assert found.total.net == sum(nets)
    for places in (found.strategies, found.assets):
        assert (sum(each.net for each in places), sum(each.trades for each in places)) == (sum(nets), len(nets))
        assert list(places) == sorted(places, key=lambda each: -each.net)
    assert [each and each.net for each in (found.best, found.worst)] == (
        [max(nets), min(nets)] if nets else [None, None]
    )


def test_paper_trades_and_trades_of_another_day_are_not_counted_with_the_others() -> None:
    made: list[Trade] = [
        a_trade("before", exit_time=T0 - 1),
        a_trade("first", exit_time=T0),
        a_trade("paper", exit_time=T0 + 1, paper=True),
        a_trade("after", exit_time=END),
    ]
    found = digest(Facts(T0, END, made))
    assert (found.live.best, found.live.total.trades) == (made[1], 1)
    assert (found.paper.best, found.paper.total.trades) == (made[2], 1)


def test_a_deposit_is_neither_a_gain_nor_the_end_of_a_drawdown() -> None:
    steps = ((T0 - 60, 1_000.0), (T0 + 60, 950.0), (T0 + 120, 1_450.0), (T0 + 180, 1_421.0))
    deposit = CashFlow("alpha", T0 + 90, Decimal(500), "ana")
    gain, depth = walk(account(*steps, flows=[deposit]), T0, END)
    assert gain == Gain("alpha", paper=False, equity=1_421.0, flows=Decimal(500), change=Decimal(-79))
    assert depth.last == pytest.approx(1 - 0.95 * 1_421 / 1_450)
    assert depth.near


def test_a_loss_from_before_the_period_is_a_drawdown_in_it_and_no_loss_of_it() -> None:
    curve = EquityCurve().fold(T0 - 7_200, 1_000.0).fold(T0 - 3_600, 940.0)
    flow = CashFlow("alpha", T0 - 3_600, Decimal(500), "ana")  # long since part of the curve
    gain, depth = walk(account((T0 + 60, 950.0), (END, 100.0), curve=curve, flows=[flow]), T0, END)
    assert gain.change == Decimal(10)
    assert [depth.last, depth.worst] == pytest.approx([0.05, 0.05])
    assert not depth.near


def test_an_agent_that_never_answered_in_the_period_has_made_nothing_known() -> None:
    gain, depth = walk(account((T0 - 60, 1_000.0)), T0, END)
    assert (gain.equity, gain.change) == (1_000.0, None)
    assert (depth.last, depth.worst) == (0.0, None)


def test_a_first_equity_with_the_money_moved_before_it_is_no_gain() -> None:
    flow = CashFlow("alpha", T0 + 30, Decimal(1_000), "ana")
    gain, _ = walk(account((T0 + 60, 1_000.0), (T0 + 120, 1_010.5), flows=[flow]), T0, END)
    assert (gain.flows, gain.change) == (Decimal(0), Decimal("10.5"))


def test_noise_is_what_ended_by_itself_what_flapped_and_what_somebody_called_false() -> None:
    rule = "agent_unreachable"
    brief = told(T0 + 1, rule, "a1", resolved=T0 + 301)
    long = told(T0 + 2, rule, "a2", resolved=T0 + 303)
    in_hand = told(T0 + 3, rule, "a3", resolved=T0 + 60)
    closed = told(T0 + 4, rule, "a4", resolved=T0 + 60)
    flaps = told(T0 + 5, rule, "a5", resolved=T0 + 3_000)
    again = replace(told(T0 + 4_000, rule, "a5"), paged=None, incident=None)
    false = told(T0 + 6, rule, "a6")
    events = [
        event(in_hand, "acknowledged", 30),
        event(brief, "resolved", 300, DESK),
        event(closed, "resolved", 56),
        event(again, "flapping", 0, DESK),
        event(false, "false_alarm", 60),
    ]
    everything = facts(brief, long, in_hand, closed, flaps, again, false, events=events)
    assert digest(everything).rules == (Noise(rule, fired=7, pages=6, acknowledged=1, flapping=1, noisy=3, false=1),)
    assert digest(everything).rules[0].score == 0.5


def test_the_newest_answer_counts_whenever_it_comes_and_what_was_real_is_no_noise() -> None:
    brief, other, before = told(T0 + 1, resolved=T0 + 60), told(T0 + 2, agent="beta"), told(T0 - 60, agent="gamma")
    first, second = event(brief, "false_alarm", 30), replace(event(brief, "real", 2 * DAY, "ben"), version=3)
    events = [second, first, event(before, "real", 90)]
    found = digest(facts(brief, other, before, events=events, statistical={"drawdown"}, false_pages=3.5))
    assert found.rules == (Noise("drawdown", fired=2, pages=2, acknowledged=0, flapping=0, noisy=0, real=1),)
    assert found.statistical == Budget(pages=2, allowed=0.5, real=1, false=0)
    assert digest(facts(brief, other)).statistical == Budget(pages=0, allowed=None, real=0, false=0)


def test_a_rule_that_paged_nobody_has_no_noise_score() -> None:
    (found,) = digest(facts(replace(told(T0 + 1), paged=None, incident=None))).rules
    assert (found.fired, found.pages, found.score) == (1, 0, None)


def test_what_comes_after_the_end_is_not_known_to_it() -> None:
    late = told(END - 60, resolved=END + 60)
    coming = told(END, rule="hard_loss")
    found = digest(facts(late, coming, events=[event(late, "acknowledged", 90)]))
    assert found.rules == (Noise("drawdown", fired=1, pages=1, acknowledged=0, flapping=0, noisy=0),)
    assert (found.acknowledge, found.recover) == (Spans(1, 0, None, None, 0),) * 2
    assert [(each.incident.id, each.agents) for each in found.standing] == [(late.incident, ("alpha",))]


@given(st.lists(st.floats(0, 20_000), min_size=1, max_size=30))
def test_times_are_from_the_page_to_the_first_who_took_it(took: list[float]) -> None:
    alerts = [told(T0 + 1 + number, agent=f"a{number}") for number in range(len(took))]
    events = [event(each, "acknowledged", after) for each, after in zip(alerts, took, strict=True)]
    events += [event(each, "acknowledged", 30_000, "ben") for each in alerts]  # whoever takes it over is too late
    found = digest(facts(*alerts, told(T0, "drill"), events=events)).acknowledge
    assert (found.of, found.n) == (len(took), len(took))
    assert found.median == pytest.approx(np.median(took), abs=1e-5)
    assert found.p90 == pytest.approx(np.percentile(took, 90), abs=1e-5)


def test_an_incident_of_many_is_one_page_and_its_first_acknowledgement_counts() -> None:
    first, second = told(T0 + 10), told(T0 + 12, agent="beta")
    second = replace(second, incident=first.incident)
    page = an_incident(first, second, id=first.incident)
    found = digest(Facts(T0, END, alerts=[first, second], incidents=[page], events=[event(second, "acknowledged", 58)]))
    assert (found.rules[0].fired, found.rules[0].pages, found.acknowledge.median) == (2, 1, 60.0)
    assert found.standing[0].agents == ("alpha", "beta")


def test_what_stands_is_told_worst_first_and_what_nobody_was_told_of_is_counted() -> None:
    warn = told(T0 - 5, rule="low_balance", severity=Severity.WARN)
    bad = told(T0 + 5)
    behind = replace(told(T0 + 6, rule="stale_feed"), paged=None, incident=None)
    found = digest(facts(warn, bad, behind))
    assert [each.incident.id for each in found.standing] == [bad.incident, warn.incident]
    assert found.hidden == 1
