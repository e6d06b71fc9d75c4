from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pulse import Growth, Window, stuck
from bot.running import around
from monitor import rule
from monitor.alerts.plan import Plan
from monitor.alerts.routing import channels
from monitor.engine.clock import SteadyClock
from monitor.model import Severity, Verdict
from monitor.rule import DESK, Labels, Rule
from monitor.rules.chat_down import DEAF, chat_down
from monitor.rules.desk_clock import desk_clock
from monitor.rules.desk_dropped import desk_dropped
from monitor.rules.desk_late import LAG, desk_late
from monitor.rules.desk_offline import TOGETHER, desk_offline
from monitor.rules.desk_outbox import OLDEST, desk_outbox
from monitor.rules.desk_store import desk_store
from monitor.rules.duty_empty import duty_empty
from monitor.vitals import Vitals

WELL = Vitals(
    time=1_000.0,
    late=0.0,
    lag=0.01,
    undelivered={"telegram": 1.0},
    chats={"telegram": None, "slack": None},
    heard={"telegram": 3.0, "slack": None},
    remote=4,
)
OPEN: tuple[Labels, ...] = ((),)
RULES = {key: each for key, each in rule.discover().items() if each.desk}


def found(of: Rule, vitals: Vitals, open_: tuple[Labels, ...] = ()) -> dict[str, str]:
    """Labels -> verdict."""
    return {str(dict(each.labels) or ""): each.verdict.value for each in of.evaluate(vitals, open_)}


def breaches(of: Rule, vitals: Vitals, open_: tuple[Labels, ...] = ()) -> list[str]:
    return [each.reason for each in of.evaluate(vitals, open_) if each.verdict is Verdict.BREACH]


def test_a_desk_that_is_well_breaks_none_of_its_own_rules() -> None:
    assert {key for key, each in RULES.items() if breaches(each, WELL)} == set()
    assert {"chat_down", "desk_late", "desk_offline", "duty_empty", "drill"} < RULES.keys()


def test_what_has_not_been_measured_breaks_nothing() -> None:
    assert {key for key, each in RULES.items() if breaches(each, Vitals(1.0))} == set()
    assert found(desk_late, Vitals(1.0)) == {}


@pytest.mark.parametrize("key", sorted(RULES))
def test_every_finding_is_about_the_desk_now(key: str) -> None:
    for each in RULES[key].evaluate(replace(WELL, dropped=3, unstaffed=("spot",)), ()):
        assert (each.agent, each.rule, each.time) == (DESK, key, WELL.time)


@pytest.mark.parametrize(
    ("of", "bad", "between", "good"),
    [
        (desk_late, {"late": 0.21}, {"late": 0.15}, {"late": 0.1}),
        (desk_late, {"lag": LAG + 1}, {"lag": LAG - 1}, {"lag": 1.0}),
        (desk_store, {"unstored": 6.0}, {"unstored": 4.0}, {"unstored": 0.0}),
        (desk_clock, {"drift": 6.0}, {"drift": 4.0}, {"drift": 1.0}),
    ],
)
def test_a_trouble_that_opened_ends_only_well_below_its_limit(
    of: Rule, bad: dict[str, Any], between: dict[str, Any], good: dict[str, Any]
) -> None:
    assert breaches(of, replace(WELL, **bad))
    assert not breaches(of, replace(WELL, **between))
    assert breaches(of, replace(WELL, **between), OPEN)
    assert found(of, replace(WELL, **good), OPEN) == {"": "clear"}


def test_a_clock_that_went_forward_at_one_go_is_told_and_a_correction_is_not() -> None:
    (told,) = breaches(desk_clock, replace(WELL, jump=3_600.0))
    assert told.startswith("the machine's clock went forward by 3,600 s at one go")
    assert not breaches(desk_clock, replace(WELL, jump=2.0))


def test_observations_that_were_lost_are_told_with_their_number() -> None:
    (told,) = breaches(desk_dropped, replace(WELL, dropped=1))
    assert told.startswith("1 observation was lost")
    assert breaches(desk_dropped, replace(WELL, dropped=1_200))[0].startswith("1,200 observations were lost")
    assert found(desk_dropped, WELL, OPEN) == {"": "clear"}


def test_each_chat_has_a_trouble_of_its_own() -> None:
    down = replace(WELL, chats={"telegram": "the token was refused", "slack": None})
    assert found(chat_down, down) == {"{'platform': 'telegram'}": "breach", "{'platform': 'slack'}": "clear"}
    assert breaches(chat_down, down) == ["telegram is in trouble: pages wait for it (the token was refused)"]
    assert (chat_down.fire_after(None), chat_down.recovered) == (3, "is back")  # type: ignore[arg-type] # the desk has no limits


def test_a_chat_that_says_nothing_and_is_not_heard_of_is_in_trouble_too() -> None:
    deaf = replace(WELL, heard={"telegram": DEAF + 1, "slack": None})
    assert breaches(chat_down, deaf) == [
        "telegram is in trouble: pages wait for it (its server has not answered for 181 s)"
    ]


def test_what_a_chat_says_about_its_trouble_is_bounded() -> None:
    (told,) = breaches(chat_down, replace(WELL, chats={"slack": "a\nb\x00" + "x" * 10_000}))
    assert len(told) < 400
    assert told.isprintable()


def test_a_chat_that_is_no_longer_set_up_is_no_longer_in_trouble() -> None:
    assert found(chat_down, WELL, ((("platform", "phone"),),))["{'platform': 'phone'}"] == "clear"


def test_messages_that_wait_for_a_chat_that_seems_well_are_told() -> None:
    waits = replace(WELL, undelivered={"telegram": OLDEST + 5, "slack": 2.0})
    assert found(desk_outbox, waits) == {"{'channel': 'telegram'}": "breach", "{'channel': 'slack'}": "clear"}
    assert found(desk_outbox, replace(WELL, undelivered={}), ((("channel", "telegram"),),)) == {
        "{'channel': 'telegram'}": "clear"
    }


@pytest.mark.parametrize("channel", ["telegram", "telegram:-1001"])
def test_messages_that_wait_for_a_chat_in_known_trouble_are_no_trouble_of_their_own(channel: str) -> None:
    waits = replace(WELL, undelivered={channel: 600.0}, chats={"telegram": "down", "slack": None})
    assert found(desk_outbox, waits, ((("channel", channel),),)) == {}


CUT = replace(WELL, chats={"telegram": "no route", "slack": "no route"}, lost=(10.0, 500.0))


def test_with_every_chat_and_half_of_the_agents_gone_the_desk_is_offline() -> None:
    assert breaches(desk_offline, CUT) == ["no chat and 2 of 4 agents elsewhere answer: the network here is down"]
    assert not breaches(desk_offline, replace(CUT, lost=(10.0,)))
    assert not breaches(desk_offline, replace(CUT, chats={"telegram": None, "slack": "no route"}))
    assert not breaches(desk_offline, replace(CUT, remote=1, lost=(10.0,)))
    assert desk_offline.severity is Severity.CRITICAL


def test_without_a_chat_all_agents_must_have_gone_together() -> None:
    alone = replace(CUT, chats={}, remote=3, lost=(10.0, 20.0, 30.0))
    assert breaches(desk_offline, alone)
    assert not breaches(desk_offline, replace(alone, lost=(10.0, 20.0)))
    assert not breaches(desk_offline, replace(alone, lost=(10.0, 20.0, 31.0 + TOGETHER)))
    assert not breaches(desk_offline, replace(alone, remote=2, lost=(10.0, 20.0)))
    assert breaches(desk_offline, replace(alone, lost=(10.0, 20.0)), OPEN)
    assert not breaches(desk_offline, replace(alone, lost=(10.0,)), OPEN)


def test_a_rotation_without_anybody_on_duty_is_told_by_its_name_until_there_is_somebody() -> None:
    empty = replace(WELL, unstaffed=("spot",))
    assert found(duty_empty, empty) == {"{'rotation': 'spot'}": "breach"}
    assert found(duty_empty, WELL, ((("rotation", "spot"),),)) == {"{'rotation': 'spot'}": "clear"}


def test_a_chats_own_trouble_is_told_in_the_other_chats() -> None:
    plan = around(Plan(("console", "telegram", "slack", "telegram:-1")), ("console", "telegram", "slack"))

    def told(name: str, **labels: str) -> tuple[str, ...]:
        return channels(Severity.WARN, {"rule": name, "agent": DESK, **labels}, plan)

    assert told("chat_down", platform="telegram") == ("console", "slack")
    assert told("chat_down", platform="slack") == ("console", "telegram")
    assert told("desk_outbox", channel="telegram:-1") == ("console", "slack")
    assert told("desk_late") == ("console", "telegram")
    alone = around(Plan(("telegram",)), ("telegram",))
    assert alone.routes == ()


def test_a_clock_says_by_how_much_it_was_set_forward_and_what_it_does_not_believe_yet() -> None:
    wall, steady = 1_000.0, 0.0
    clock = SteadyClock(wall=lambda: wall, monotonic=lambda: steady)
    wall, steady = 1_010.0, 10.0
    clock.now()
    assert (clock.leapt, clock.doubted) == (0.0, 0.0)
    wall, steady = 1_120.0, 20.0
    clock.now()
    assert (clock.leapt, clock.doubted) == (100.0, 0.0)
    wall, steady = 91_130.0, 30.0
    clock.now()
    assert (clock.leapt, clock.doubted) == (100.0, 90_000.0)
    wall, steady = 91_191.0, 91.0
    clock.now()
    assert (clock.leapt, clock.doubted) == (90_100.0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=30), st.floats(1, 50))
def test_a_window_holds_exactly_what_is_younger_than_its_span(told: list[tuple[float, float]], span: float) -> None:
    window, at, known = Window(span), 0.0, []
    for step, amount in told:
        at += step
        window.add(at, amount)
        known.append((at, amount))
    assert window.amounts(at) == [amount for time, amount in known if amount and time > at - span]
    assert window.whole(at) is (bool(known) and at - known[0][0] >= span)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=30), st.integers(1, 40))
def test_growth_is_what_a_count_has_gained_in_the_span(gains: list[int], span: int) -> None:
    growth, total = Growth(float(span)), 0
    for second, gain in enumerate(gains):
        total += gain
        growth.add(float(second), float(total))
    assert growth.grown(len(gains) - 1.0) == sum(gains[-span:])


def test_a_chat_that_takes_nothing_for_minutes_cannot_be_relied_on_whatever_it_says() -> None:
    chats = {"telegram": None, "slack": "down", "phone": None}
    assert stuck(chats, {"telegram": 119.0, "slack": 500.0}) == chats
    assert stuck(chats, {"telegram": 3_600.0})["telegram"] == "a message waits for 3600 s"
