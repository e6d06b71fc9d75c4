"""The rules for agents that are alive and wrong, at their edges: restarts, pauses, bounds, limits taken away."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.model import Agent, AmountOrShare, Finding, Limits, Position, Sample, Samples, Side, Verdict
from monitor.order import Order, OrderState
from monitor.rule import Labels, View, discover

NOW = 1_790_000_000.0
RULES = discover()
PAUSE = Order("1", "alpha", "pause", "ana", NOW - 60.0, state=OrderState.CONFIRMED)


def judge(key: str, limits: Limits | None = None, open_: tuple[Labels, ...] = (), **more: Any) -> list[Finding]:
    known = {name: more.pop(name) for name in ("decided", "still", "restarted", "order") if name in more}
    sample = Sample("alpha", NOW, **{"paused": False, "equity": 10_000.0, "heartbeat_age": 1.0, **more})
    return list(RULES[key].evaluate(View(Agent("alpha", limits=limits or Limits()), sample, **known), open_))


def verdicts(found: list[Finding]) -> list[Verdict]:
    return [each.verdict for each in found]


def test_a_process_that_began_anew_has_the_limit_to_decide_first() -> None:
    long_ago = NOW - 10_000.0
    assert verdicts(judge("no_decisions", decided=long_ago)) == [Verdict.BREACH]
    assert verdicts(judge("no_decisions", decided=long_ago, restarted=NOW - 60.0)) == [Verdict.CLEAR]
    assert verdicts(judge("no_decisions", decided=long_ago, restarted=NOW - 4_000.0)) == [Verdict.BREACH]


def test_a_pause_needs_no_decisions_and_a_stalled_strategy_is_not_told_twice() -> None:
    long_ago = NOW - 10_000.0
    assert verdicts(judge("no_decisions", decided=long_ago, paused=True)) == [Verdict.CLEAR]
    assert verdicts(judge("no_decisions", decided=long_ago, order=PAUSE)) == [Verdict.CLEAR]
    assert judge("no_decisions", decided=long_ago, heartbeat_age=400.0) == []
    assert verdicts(judge("no_decisions", decided=NOW - 3_600.0)) == [Verdict.CLEAR]
    assert judge("no_decisions") == []


@pytest.mark.parametrize(
    ("key", "limits", "says"),
    [
        ("repeated_orders", Limits(), {"repeated_orders": 10}),
        ("stale_feed", Limits(), {"feed_age": 121.0}),
        ("over_exposed", Limits(leverage=3.0), {"leverage": 3.1}),
        ("model_trouble", Limits(), {"model_errors": 0.5}),
        ("stale", Limits(), {"still": NOW - 600.0, "open_positions": 1}),
    ],
)
def test_a_paused_agent_still_holds_what_it_holds_and_is_judged_all_the_same(
    key: str, limits: Limits, says: dict[str, Any]
) -> None:
    assert verdicts(judge(key, limits, paused=True, order=PAUSE, **says)) == [Verdict.BREACH]


@pytest.mark.parametrize(
    ("key", "limits", "kinds", "between", "below"),
    [
        (
            "over_exposed",
            Limits(exposure=AmountOrShare(amount=100.0), leverage=10.0),
            ("exposure", "leverage"),
            {"exposure": 99.0, "leverage": 9.9},
            {"exposure": 95.0, "leverage": 9.5},
        ),
        (
            "model_trouble",
            Limits(model_errors=0.5, model_cost=0.8),
            ("errors", "cost"),
            {"model_errors": 0.45, "cost_1h": 0.7},
            {"model_errors": 0.35, "cost_1h": 0.64},
        ),
    ],
)
def test_each_kind_of_trouble_clears_by_itself(
    key: str, limits: Limits, kinds: tuple[str, str], between: dict[str, Any], below: dict[str, Any]
) -> None:
    first, second = ((("kind", each),) for each in kinds)
    for open_ in ((), (first,), (second,), (first, second)):
        stands = {each.labels for each in judge(key, limits, open_, **between) if each.verdict is Verdict.BREACH}
        assert stands == set(open_)
        assert verdicts(judge(key, limits, open_, **below)) == [Verdict.CLEAR] * 2


@pytest.mark.parametrize(
    ("key", "limits", "says", "labels"),
    [
        ("no_decisions", Limits(decision=None), {"decided": NOW - 10_000.0}, ()),
        ("repeated_orders", Limits(repeated_orders=None), {"repeated_orders": 99}, ()),
        ("stale_feed", Limits(feed=None), {"feed_age": 9_999.0}, ()),
        ("over_exposed", Limits(), {"exposure": 1e6}, (("kind", "exposure"),)),
        ("over_exposed", Limits(), {"leverage": 50.0}, (("kind", "leverage"),)),
        ("model_trouble", Limits(model_errors=None), {"model_errors": 1.0}, (("kind", "errors"),)),
        ("stale", Limits(frozen=None), {"still": NOW - 9_999.0, "open_positions": 1}, ()),
    ],
)
def test_without_its_limit_a_rule_is_silent_and_ends_what_is_open(
    key: str, limits: Limits, says: dict[str, Any], labels: Labels
) -> None:
    assert judge(key, limits, **says) == []
    assert verdicts(judge(key, limits, (labels,), **says)) == [Verdict.CLEAR]


def test_exposure_is_a_share_of_the_equity_or_money_and_is_reckoned_from_positions_if_need_be() -> None:
    share, money = Limits(exposure=AmountOrShare(share=1.5)), Limits(exposure=AmountOrShare(amount=9_000.0))
    held = (Position("BTC", Side.LONG, 0.1, 64_000.0), Position("ETH", Side.SHORT, 1.0, 3_000.0))
    assert verdicts(judge("over_exposed", share, exposure=15_001.0)) == [Verdict.BREACH]
    assert verdicts(judge("over_exposed", share, exposure=15_000.0)) == [Verdict.CLEAR]
    (found,) = judge("over_exposed", money, positions=held)
    assert (found.verdict, found.value) == (Verdict.BREACH, 9_400.0)
    assert judge("over_exposed", money, positions=(Position("BTC", Side.LONG, 1.0),)) == []
    assert judge("over_exposed", share, exposure=15_001.0, equity=None) == []


def test_a_usual_cost_is_known_only_after_a_while_and_small_change_is_no_spike() -> None:
    day = 30 * 3_600.0
    assert judge("model_trouble", cost_1h=100.0, cost_24h=100.0, uptime=5 * 3_600.0) == []
    assert verdicts(judge("model_trouble", cost_1h=51.0, cost_24h=281.0, uptime=day)) == [Verdict.BREACH]
    assert verdicts(judge("model_trouble", cost_1h=49.0, cost_24h=279.0, uptime=day)) == [Verdict.CLEAR]
    assert verdicts(judge("model_trouble", cost_1h=0.9, cost_24h=0.9, uptime=day)) == [Verdict.CLEAR]
    declared = Limits(model_cost=5.0)
    assert verdicts(judge("model_trouble", declared, cost_1h=5.1)) == [Verdict.BREACH]
    kept = (("kind", "cost"),)
    assert verdicts(judge("model_trouble", declared, (kept,), cost_1h=4.5)) == [Verdict.BREACH]
    assert verdicts(judge("model_trouble", declared, (kept,), cost_1h=3.9)) == [Verdict.CLEAR]


def test_a_declared_cost_may_be_small_change() -> None:
    assert verdicts(judge("model_trouble", Limits(model_cost=0.8), cost_1h=0.81)) == [Verdict.BREACH]


def test_what_a_model_cost_is_over_when_a_new_process_spends_little_or_the_bound_is_gone_for_good() -> None:
    open_ = ((("kind", "cost"),),)
    young: dict[str, Any] = {"cost_24h": 0.9, "uptime": 60.0}
    assert verdicts(judge("model_trouble", open_=open_, cost_1h=0.9, **young)) == [Verdict.CLEAR]
    assert judge("model_trouble", open_=open_, cost_1h=1.1, **young) == []
    assert verdicts(judge("model_trouble", open_=open_, cost_1h=9.0)) == [Verdict.CLEAR]
    assert judge("model_trouble", cost_1h=0.9, **young) == []


def test_an_equity_that_is_only_the_balance_tells_nothing_while_a_position_is_open() -> None:
    assert judge("stale", open_=((),), balance=10_000.0, open_positions=1) == []
    assert verdicts(judge("stale", open_=((),), balance=10_000.0, open_positions=0)) == [Verdict.CLEAR]
    assert verdicts(judge("stale", open_=((),), balance=9_000.0, open_positions=1)) == [Verdict.CLEAR]


@pytest.mark.parametrize(
    ("limits", "still", "verdict", "said"),
    [
        (Limits(), 599.0, Verdict.CLEAR, "stands still, not for long"),
        (Limits(), 600.0, Verdict.BREACH, "has stood at 10,000.00 for 10 min with 1 open (limit 20 samples, 10 min)"),
        (Limits(frozen=Samples(3)), 100.0, Verdict.BREACH, "for 1.7 min with 1 open (limit 3 samples, 1.5 min)"),
        (Limits(frozen=1_800.0), 1_799.0, Verdict.CLEAR, "stands still, not for long"),
        (Limits(frozen=1_800.0), 86_400.0, Verdict.BREACH, "for 1,440 min with 1 open (limit 30 min)"),
    ],
)
def test_an_equity_is_stale_after_so_many_samples_of_its_agent_or_so_much_time(
    limits: Limits, still: float, verdict: Verdict, said: str
) -> None:
    (found,) = judge("stale", limits, balance=9_000.0, open_positions=1, still=NOW - still)
    assert found.verdict is verdict
    assert said in found.reason


def test_nothing_is_said_of_an_agent_that_does_not_answer() -> None:
    sample = Sample("alpha", NOW, error="refused the connection")
    view = View(Agent("alpha", limits=Limits(model_cost=1.0)), sample, decided=NOW - 1e5, still=NOW - 1e5)
    keys = ("no_decisions", "repeated_orders", "stale_feed", "over_exposed", "model_trouble", "stale")
    assert [list(RULES[key].evaluate(view, ())) for key in keys] == [[]] * len(keys)
