"""What happened around a finding is told in few words, and every figure in them is in the rows."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.alert import Alert, State
from monitor.alerts.silence import Silence
from monitor.context import LONGEST, Changed, Moved, Surroundings, changes, moved, told
from monitor.contributions import NAMED, Contribution, Rows, contributors, losing, splits
from monitor.detector import Alarm
from monitor.model import EXACT, Agent, CashFlow, Finding, Position, Reset, Sample, Severity, Side, Trade
from monitor.order import Order, OrderState
from monitor.rule import discover, rule

T0 = 1_790_035_200.0
"""Midnight UTC."""
SINCE, NOW = T0 + 36_000.0, T0 + 36_030.0
SHOCK = Alarm("shock", NOW, SINCE, -0.12, 0.002, 1, 86_400.0)
HOSTILE = "\x1b[31m\u202egrid\n\0; no other agents moved\ud800" * 50


@rule("shock", Severity.WARN, "Sudden loss", recovered="is quiet again", statistical=True)
def shock(_view: object, _open: object) -> list[Finding]:
    return []


def a_trade(name: str, net: object, **fields: Any) -> Trade:
    """A trade of size 1 that made `net` after a fee of 0.30, opened within the window unless it says otherwise."""
    price = Decimal(100) + (Decimal(str(net)) + Decimal("0.30")) / Decimal(fields.get("size", 1))
    made = Trade("alpha", name, "grid", "BTC", Side.LONG, Decimal(1), Decimal(100), price, SINCE + 5, SINCE + 10)
    return replace(made, fees=Decimal("0.30"), **fields)


def rows(lost: float | None, *trades: Trade, **more: Any) -> Rows:
    """The rows around a step that lost so much of 10,000."""
    after = None if lost is None else 10_000.0 - lost
    before = Sample("alpha", SINCE, equity=10_000.0, open_positions=0)
    known = {"before": before, "after": replace(before, time=NOW, equity=after), "trades": trades}
    return Rows(SINCE, NOW, **{**known, **more})


def holding(sample: Sample | None, *positions: Position) -> Sample:
    assert sample is not None
    return replace(sample, positions=positions, open_positions=len(positions))


def long(asset: str, size: float, pnl: float | None) -> Position:
    return Position(asset, Side.LONG, size, 100.0, pnl)


def said(found: Rows, alarm: Alarm = SHOCK) -> str:
    return told(alarm, Surroundings(found))


# What contributed


def test_a_planted_oversized_trade_is_named_first_and_every_figure_is_in_the_rows() -> None:
    dice = random.Random(1)  # noqa: S311 -- no secret
    earlier = [a_trade(f"e-{n}", 1, size=Decimal(dice.randint(8, 14)) / 10, exit_time=T0 + n) for n in range(40)]
    small = [a_trade(f"t-{n}", dice.randint(-20, 10), strategy=dice.choice(["grid", "trend"])) for n in range(15)]
    planted = a_trade("t-981", "-1240.50", strategy="grid", asset="BTC-USD", size=Decimal(12))
    earlier += [replace(each, id=f"x{each.id}", asset="BTC-USD") for each in earlier]
    net = sum((each.exit_price - each.entry_price) * each.size - each.fees for each in [*small, planted])
    lost = float(-net) + 200.0

    usual = planted.size / median(each.size for each in earlier[40:])
    first, *_ = said(rows(lost, *small, planted, earlier=earlier)).split("; ")
    assert first == (
        f"equity {-lost:+,.2f}, "
        f"most of it: grid on BTC-USD -1,240.50 ({1240.5 / lost:.0%}), trade t-981 of size 12, {usual:.0f}x its usual, "
        "200.00 of it in no known trade or position"
    )


def test_a_size_is_compared_only_with_enough_trades_of_the_same_asset() -> None:
    many = [a_trade(f"e{n}", 1, asset="ETH", size=Decimal(900), exit_time=T0 + n) for n in range(50)]
    few = [a_trade(f"f{n}", 1, size=Decimal(2), exit_time=T0 + n) for n in range(5)]
    large = a_trade("big", -500, size=Decimal(3))
    assert said(rows(500.0, large, earlier=[*many, *few[:4]])).endswith("trade big of size 3")
    assert said(rows(500.0, large, earlier=[*many, *few])).endswith("trade big of size 3, 1.5x its usual")


def test_strategies_are_named_where_no_trade_alone_made_half() -> None:
    assets = ["BTC", "ETH", "SOL", "ADA", "XRP"]
    lost = [a_trade(f"g{n}", -100, strategy="grid", asset=assets[n % 5]) for n in range(9)]
    found = rows(1_000.0, *lost, a_trade("t", -100, strategy="trend"))
    assert said(found) == "equity -1,000.00, most of it: grid -900.00 (90%) in 9 trades"


def test_assets_are_named_where_fewer_of_them_explain_it_or_there_is_one_strategy_alone() -> None:
    mixed = [a_trade(f"m{n}", -100, strategy=f"s{n}", asset="SOL") for n in range(8)]
    found = rows(1_000.0, *mixed, a_trade("x", -200, asset="ETH", strategy="s9"))
    assert said(found) == "equity -1,000.00, most of it: SOL -800.00 (80%) in 8 trades"
    alone = [replace(each, strategy="grid") for each in found.trades]
    assert said(replace(found, trades=alone)) == "equity -1,000.00, most of it: SOL -800.00 (80%) in 8 trades"


def test_at_most_three_are_named_and_called_most_only_where_they_are() -> None:
    lost = [a_trade(f"m{n}", -100 - n, strategy=f"s{n}", asset=f"a{n}") for n in range(10)]
    names = ", ".join(f"s{n} -{100 + n}.00 ({(100 + n) / 1045:.0%}) in 1 trade" for n in (9, 8, 7))
    assert said(rows(1_045.0, *lost)) == f"equity -1,045.00, the largest parts: {names}"


def test_losses_that_others_made_up_for_are_not_called_most_of_it_one_by_one() -> None:
    found = [a_trade(f"l{n}", -300, strategy=f"s{n}", asset="BTC") for n in range(4)]
    found.append(a_trade("w", 1_100, strategy="s9", asset="ETH"))
    assert said(rows(100.0, *found)) == "equity -100.00, most of it: BTC -1,200.00 in 4 trades"  # 1,200 % says nothing


def test_an_open_position_that_fell_is_named_without_a_trade() -> None:
    found = rows(1_000.0, a_trade("t", -50, asset="ETH"))
    before = holding(found.before, long("BTC", 2, 100.0), long("ETH", 1, 5.0))
    after = holding(found.after, long("BTC", 2, -800.0), long("ETH", 1, 5.0))
    assert said(replace(found, before=before, after=after)) == (
        "equity -1,000.00, most of it: open BTC -900.00 (90%), 50.00 of it in no known trade or position"
    )


def test_what_a_position_had_lost_before_the_window_is_not_of_the_trade_that_closes_it() -> None:
    closes = a_trade("old", -1_000, size=Decimal(2), entry_time=T0)
    found = rows(250.0, closes, a_trade("new", -150, asset="ETH"))
    held = replace(found, before=holding(found.before, long("BTC", 2, -900.0)))
    assert {each.key: each.amount for each in splits(held)[0].parts} == {"old": -100, "new": -150}
    assert said(held).startswith("equity -250.00, most of it: grid on ETH -150.00 (60%), trade new of size 1")
    partly = replace(held, after=holding(found.after, long("BTC", 1, -460.0)))
    amounts = {(each.by, each.key): each.amount for each in splits(partly)[0].parts}
    assert amounts == {("trade", "old"): -1_000 + 450, ("trade", "new"): -150, ("position", "BTC"): -10}
    assert splits(partly)[0].rest == -250 - (-1_000 + 450 - 150 - 10)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"positions": None, "open_positions": 1}, {}),
        ({"positions": None, "open_positions": None}, {}),
        ({"positions": (long("BTC", 1, None),)}, {}),
        ({"positions": (long("BTC", 1, math.nan),)}, {}),
        ({"positions": (long("BTC", math.inf, -1.0),)}, {}),
        ({"positions": (long("BTC", 1, -50.0),), "open_positions": 2}, {}),
        ({"positions": (long("BTC", 1, -50.0),), "balance": 10_000.0}, {}),
        ({}, {"positions": None, "open_positions": 3}),
    ],
)
def test_positions_that_do_not_say_what_they_made_explain_nothing(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = rows(100.0)
    assert found.before is not None
    assert found.after is not None
    found = replace(
        found,
        before=replace(holding(found.before, long("BTC", 1, 0.0)), **{"open_positions": None, **before}),
        after=replace(holding(found.after, long("BTC", 1, 0.0)), **{"open_positions": None, **after}),
    )
    if not before:
        found = replace(found, before=holding(found.before, long("BTC", 1, -1.0)))
    assert said(found) == "equity -100.00, none of it in a known trade or position"


def test_flows_are_no_loss_and_a_rest_the_other_way_is_told_with_its_sign() -> None:
    out = CashFlow("alpha", SINCE + 1, Decimal(-400), "ana")
    early = CashFlow("alpha", SINCE, Decimal(-7_000), "ana")
    found = rows(500.0, a_trade("t", -130), flows=[out, early])
    assert found.change == -100
    assert said(found) == (
        "equity -100.00, most of it: grid on BTC -130.00 (130%), trade t of size 1, "
        "+30.00 in no known trade or position"
    )


def test_a_rest_of_less_than_a_hundredth_is_not_told() -> None:
    assert said(rows(100.9, a_trade("t", -100))).endswith("trade t of size 1")
    assert said(rows(101.5, a_trade("t", -100))).endswith("1.50 of it in no known trade or position")


def test_a_gain_is_told_by_what_gained() -> None:
    assert said(rows(-90.0, a_trade("w", 100), a_trade("l", -10, asset="ETH"))) == (
        "equity +90.00, most of it: grid on BTC +100.00 (111%), trade w of size 1"
    )


def test_rows_outside_the_window_and_trades_told_twice_do_not_count() -> None:
    outside = [a_trade("early", -500, exit_time=SINCE), a_trade("late", -500, exit_time=NOW + 0.001)]
    once = a_trade("t", -100, exit_time=NOW)
    assert said(rows(100.0, once, once, *outside)) == said(rows(100.0, once))


@pytest.mark.parametrize("equity", [None, math.nan, math.inf, -math.inf])
def test_without_a_known_equity_amounts_are_told_without_shares(equity: float | None) -> None:
    found = rows(0.0, a_trade("t", -100))
    assert found.after is not None
    for odd in (replace(found, after=replace(found.after, equity=equity)), replace(found, before=None)):
        assert (odd.change, contributors(odd)[0].rest) == (None, None)
        assert said(odd) == "most of it: grid on BTC -100.00, trade t of size 1"


def test_nothing_known_is_nothing_said() -> None:
    assert said(Rows(SINCE, NOW)) == ""
    assert said(Rows(NOW, NOW, rows(5.0).before, rows(5.0).before)) == ""
    assert said(rows(0.0)) == ""
    assert said(Rows(SINCE, NOW), replace(SHOCK, detector="edge", typical=math.nan)) == ""


def test_a_thousand_trades_are_summed_exactly() -> None:
    many = [a_trade(f"t{n}", Decimal(-n) / 7, strategy=f"s{n % 9}", asset=f"a{n % 4}") for n in range(1_000)]
    by_trade, by_strategy, by_asset = splits(rows(9_000.0, *many))
    with localcontext(EXACT):
        whole = sum((each.net for each in many), Decimal(0))
    assert by_trade.told == by_strategy.told == by_asset.told == whole
    assert (len(by_strategy.parts), len(by_asset.parts)) == (9, 4)


# Laws

money = st.integers(-(10**12), 10**12).map(lambda cents: Decimal(cents).scaleb(-3))
sizes = st.integers(1, 10**9).map(lambda units: Decimal(units).scaleb(-4))
assets = st.sampled_from(["BTC", "ETH", ""])
trades = st.builds(
    Trade,
    st.just("alpha"),
    st.text("abc", min_size=1, max_size=3),
    st.sampled_from(["grid", "trend"]),
    assets,
    st.sampled_from(Side),
    sizes,
    money.map(abs),
    money.map(abs),
    st.floats(SINCE - 90, NOW),
    st.floats(SINCE - 5, NOW + 5),
    money,
    money,
)
odd = st.none() | st.floats()
held = st.none() | st.lists(
    st.builds(Position, assets, st.sampled_from(Side), sizes.map(float), st.none(), odd | money.map(float)), max_size=4
).map(tuple)
flows = st.builds(CashFlow, st.just("alpha"), st.floats(SINCE - 5, NOW + 5), money, st.just("ana"))


@st.composite
def windows(draw: st.DrawFn, equity: st.SearchStrategy[float | None]) -> Rows:
    before, after = (
        Sample("alpha", time, equity=draw(equity), balance=draw(odd), positions=draw(held)) for time in (SINCE, NOW)
    )
    closed, before_that = (draw(st.lists(trades, max_size=8)) for _ in range(2))
    return Rows(SINCE, NOW, before, after, closed, draw(st.lists(flows, max_size=3)), before_that)


def whole(parts: tuple[Contribution, ...]) -> Fraction:
    return sum((Fraction(each.amount) for each in parts), Fraction(0))


@given(windows(money.map(float)))
def test_parts_and_rest_are_exactly_the_change_of_every_split(found: Rows) -> None:
    assert found.before is not None
    assert found.after is not None
    moved_in = sum((Fraction(each.amount) for each in found.flows if SINCE < each.time <= NOW), Fraction(0))
    ends = [Fraction(repr(each.equity)) for each in (found.after, found.before)]
    change = ends[0] - ends[1] - moved_in
    for split in splits(found):
        assert split.rest is not None
        assert whole(split.parts) + Fraction(split.rest) == change
    assert len({whole(split.parts) for split in splits(found)}) == 1
    named = contributors(found)[1]
    assert len(named) <= NAMED
    assert all((each.amount > 0) is (change > 0) for each in named if change)


@given(windows(odd), st.sampled_from(["shock", "burst", "bleed", "edge"]), st.floats(), st.floats())
def test_any_rows_make_one_bounded_printable_line(found: Rows, name: str, value: float, typical: float) -> None:
    text = said(found, replace(SHOCK, detector=name, value=value, typical=typical))
    assert len(text) <= LONGEST
    assert text.isprintable()
    assert "nan" not in text
    assert "inf" not in text


def test_hostile_names_are_short_and_harmless() -> None:
    bad = a_trade(HOSTILE, -400, strategy=HOSTILE, asset=HOSTILE)
    some = [Changed(NOW - 60, "restarted")]
    some += changes(Agent("alpha"), NOW, resets=[Reset("alpha", NOW - 5, HOSTILE)])
    text = told(SHOCK, Surroundings(rows(500.0, bad), some, Moved(3, 3, 40)))
    assert len(text) <= LONGEST
    assert text.isprintable()
    assert "\u202e" not in text
    assert text.count("no other agents moved") == 0
    assert "the market rather than this agent: 3 of 40 other agents moved by more than 3x their typical move" in text
    long_names = [a_trade(f"t{n}", -1e9, strategy=f"{n}" * 99, asset=f"{n}" * 99) for n in range(3)]
    some += changes(Agent("alpha"), NOW, alerts=[an_alert("stale_feed", T0 - 5, "alpha", ("a", "b" * 99))], rules=RULES)
    text = told(SHOCK, Surroundings(rows(4e9, *long_names), some, Moved(3, 3, 40)))
    assert len(text) <= LONGEST
    assert text.count(";") == 2
    assert "; the market rather than this agent: 3 of 40 other agents moved by more than 3x their" in text
    unnamed = [a_trade(f"t{n}", -100, strategy="", asset=f"{n}") for n in range(2)]
    assert "(no name) on 0 -100.00" in said(rows(200.0, *unnamed))


# Wins


def test_the_strategy_and_the_asset_that_lack_most_wins_are_named() -> None:
    alarm = replace(SHOCK, detector="edge", value=0.3, typical=0.6)
    plan = {("grid", "BTC"): (1, 12), ("grid", "ETH"): (2, 8), ("trend", "ETH"): (9, 14), ("once", "SOL"): (0, 1)}
    judged = [
        a_trade(f"{strategy}{asset}{n}", 5 if n < wins else -5, strategy=strategy, asset=asset)
        for (strategy, asset), (wins, many) in plan.items()
        for n in range(many)
    ]
    lacking = {
        place: max(
            (0.6 * sum(of[1] for of in group) - sum(of[0] for of in group), name)
            for name in {key[at] for key in plan}
            if (group := [of for key, of in plan.items() if key[at] == name])
        )[1]
        for at, place in enumerate(("strategy", "asset"))
    }
    found = rows(500.0, *judged)
    assert {each.by: each.key for each in losing(found, 0.6)} == lacking == {"strategy": "grid", "asset": "BTC"}
    assert said(found, alarm) == "fewest wins: strategy grid won 3 of 20, asset BTC won 1 of 12"
    assert said(rows(5.0, *[each for each in judged if each.asset == "BTC"]), alarm) == ""


# What changed

RULES = {**discover(), "shock": shock}
AGENTS = {
    name: Agent(name, {"venue": venue}) for name, venue in (("alpha", "binance"), ("beta", "binance"), ("c", "x"))
}


def an_alert(key: str, opened: float, agent: str = "alpha", *labels: tuple[str, str], **more: Any) -> Alert:
    made = Alert("1", "f", agent, key, labels, Severity.WARN, State.FIRING, 1, opened, opened, "")
    return replace(made, **more)


def lately(*found: Changed, alarm: Alarm = SHOCK) -> str:
    return told(alarm, Surroundings(Rows(alarm.since, alarm.time), found))


def test_the_two_newest_changes_are_told_with_who_and_how_long_before() -> None:
    found = changes(
        AGENTS["alpha"],
        NOW,
        silences=[
            Silence("s", (("agent", "alpha"), ("rule", "x|y")), NOW - 720, NOW, "ben", "v2", kind="deploy"),
            Silence("s", (("agent", "beta"),), NOW - 60, NOW, "ben", "v2", kind="deploy"),
            Silence("s", (("agent", "alpha"),), NOW - 60, NOW, "ben", "quiet"),
        ],
        restarts=[NOW - 180, NOW + 5],
        resets=[Reset("alpha", NOW - 8_000, "ana"), Reset("beta", NOW - 1, "ana")],
        orders=[
            Order("1", "alpha", "resume", "ana", NOW - 7_300),
            Order("2", "alpha", "pause", "ana", NOW - 20, state=OrderState.REFUSED),
            Order("3", "beta", "pause", "ana", NOW - 20),
        ],
    )
    assert [each.text for each in found] == ["restarted", "deploy (ben)", "resume ordered (ana)", "figures reset (ana)"]
    assert lately(*reversed(found)) == "restarted 3 min before, deploy (ben) 12 min before"
    assert lately(*found[2:]) == "resume ordered (ana) 2 h before, figures reset (ana) 2 h before"


def test_many_restarts_are_one_change() -> None:
    found = changes(AGENTS["alpha"], NOW, restarts=[NOW - 900, NOW - 45, NOW - 300])
    assert lately(*found) == "restarted 3 times, last 45 s before"


def test_changes_older_than_a_day_before_the_window_or_later_than_it_are_not_told() -> None:
    old = Changed(SINCE - 86_401, "restarted")
    assert lately(old, Changed(NOW + 1, "restarted")) == ""
    bleed = replace(SHOCK, detector="bleed", since=SINCE - 3 * 86_400)
    assert lately(old._replace(time=NOW - 2 * 86_400), alarm=bleed) == "restarted 2 d before"


def test_standing_troubles_are_told_since_when_and_that_of_a_venue_once() -> None:
    venue = ("check", "venue")
    found = changes(
        AGENTS["alpha"],
        NOW,
        alerts=[
            an_alert("health_degraded", T0 + 7_800, "beta", venue),
            an_alert("health_degraded", T0 + 9_000, "alpha", venue),
            an_alert("health_degraded", T0 + 9_500, "c", venue),
            an_alert("health_degraded", T0 + 9_000, "alpha", ("check", "memory")),
            an_alert("stale_feed", T0 - 60),
            an_alert("stale_feed", T0, "beta"),
            an_alert("hard_loss", NOW),
            an_alert("shock", NOW),
            an_alert("spike", NOW),
            an_alert("gone_rule", NOW),
            an_alert("model_trouble", NOW, state=State.PENDING),
        ],
        rules=RULES,
        agents=AGENTS,
    )
    texts = ["health degraded (memory)", "venue binance in trouble", "data feed stale"]
    assert ([each.text for each in found], all(each.stands for each in found)) == (texts, True)
    assert lately(*found) == "health degraded (memory) since 02:30 UTC, venue binance in trouble since 02:10 UTC"
    assert lately(found[-1]) == "data feed stale since 2026-09-21 23:59 UTC"


# What others did


@pytest.mark.parametrize(
    ("fleet", "text"),
    [
        (Moved(0, 0, 0), ""),
        (Moved(0, 0, 1), "the only other agent did not move by more than 3x its typical move"),
        (Moved(0, 0, 39), "none of 39 other agents moved by more than 3x its typical move"),
        (Moved(1, 1, 1), "1 of 1 other agent moved by more than 3x its typical move too, down"),
        (Moved(2, 2, 2), "2 of 2 other agents moved … all of them down"),
        (Moved(3, 2, 40), "the market rather than this agent: 3 of 40 other agents moved … most of them down"),
        (Moved(3, 0, 40), "3 of 40 other agents moved … all of them up"),
        (Moved(4, 2, 40), "4 of 40 other agents moved … both ways"),
        (Moved(3, 3, 400), "3 of 400 other agents moved … all of them down"),
    ],
)
def test_others_are_counted_and_the_market_is_named_only_where_chance_does_not_explain_it(
    fleet: Moved, text: str
) -> None:
    said_of = told(SHOCK, Surroundings(Rows(SINCE, NOW), fleet=fleet))
    assert said_of == text.replace("…", "by more than 3x their typical move too,")
    for slow in ("bleed", "edge"):
        assert told(replace(SHOCK, detector=slow), Surroundings(Rows(SINCE, NOW), fleet=fleet)) == ""


def test_a_burst_has_no_way() -> None:
    found = told(replace(SHOCK, detector="burst", value=0.1), Surroundings(Rows(SINCE, NOW), fleet=Moved(4, 2, 40)))
    assert found.startswith("the market rather than this agent: ")
    assert found.endswith("both ways")


def test_others_of_which_nothing_is_known_are_no_others() -> None:
    steps = [(-0.07, 0.02), (0.0601, 0.02), (0.06, 0.02), (None, 0.02), (-1.0, None), (-1.0, 0.0), (math.nan, 0.1)]
    assert moved([*steps, (-1.0, math.inf), (-1.0, math.nan)]) == Moved(2, 1, 3)
