from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.access import Access
from bot.charts.values import Bars, Equity, Heat
from bot.chat import Message
from bot.command import discover
from bot.platforms.memory import Memory
from bot.router import Router
from bot.views import chart as view
from monitor.desk import Curve
from monitor.model import CashFlow, Severity
from monitor.ports import AuditEntry
from tests.fake_desk import ANA, BEN, NOW, FakeDesk, a_trade, an_alert

WEEK = 7 * 86_400.0
TRADES = [a_trade(1, "10"), a_trade(2, "-30", "mean", "beta"), a_trade(30, "5")]


async def no_audit(_entry: AuditEntry) -> None:
    """Forget it."""


async def say(desk: FakeDesk, line: str, user: str = "2") -> Message:
    memory = Memory(clock=desk.now)
    await memory.start(Router(discover(), Access([ANA, BEN]), desk, no_audit).handle)
    return (await memory.give(line, user))[-1]


def a_curve(equity: list[float | None], agent: str = "alpha") -> Curve:
    start = NOW - 30.0 * (len(equity) - 1)
    return Curve(agent, tuple((start + 30.0 * at, value) for at, value in enumerate(equity)), (), ())


def planned(curve: Curve, drawdown: float | None = None) -> view.Plan:
    status = replace(FakeDesk().agent("alpha"), drawdown=drawdown)
    return view.equity(curve, status, "USD", NOW - WEEK, NOW)


async def test_a_chart_of_one_agent_says_in_words_what_it_shows() -> None:
    answer = await say(FakeDesk(alerts=[an_alert()]), "/chart al 24h")
    assert answer.title == "alpha: 10,004.00 USD, 0.0% in 20 m"
    assert "1 alert: drawdown." in answer.text
    assert answer.picture is not None
    assert answer.picture.png.startswith(b"\x89PNG")
    assert answer.picture.alt == f"Equity of {answer.title}. {answer.text}"
    assert answer.picture.name == "alpha-20-m.png"
    assert [each.line for each in answer.buttons] == [
        "chart alpha 24h",
        "chart alpha 7d",
        "chart pnl by strategy alpha",
    ]


@pytest.mark.parametrize("equity", [(), ((NOW - 60.0, None), (NOW - 30.0, 5.0)), ((NOW - 60.0, 1e300),)])
async def test_where_there_is_nothing_to_see_there_is_a_sentence_and_no_picture(
    equity: tuple[tuple[float, float | None], ...],
) -> None:
    desk = FakeDesk("alpha", "beta")
    desk.curves = {"alpha": equity or ((0.0, 1.0),), "beta": ((0.0, 1.0),)}
    for line in ("/chart alpha", "/chart alpha beta", "/chart pnl by strategy", "/chart hours"):
        answer = await say(desk, line)
        assert answer.picture is None
        assert answer.title.startswith(("Nothing to draw of alpha", "No closed trades"))
        assert answer.text.endswith(".")


async def test_agents_side_by_side_begin_at_100_and_the_best_is_named_first() -> None:
    desk = FakeDesk("alpha", "beta", "gamma")
    desk.curves = {
        "alpha": ((NOW - 600.0, 50.0), (NOW - 300.0, 40.0)),
        "beta": ((NOW - 600.0, 1_000.0), (NOW - 300.0, 1_100.0)),
        "gamma": ((NOW - 600.0, None),),
    }
    answer = await say(desk, "/chart alpha beta gamma alpha 7d")
    assert answer.text == "beta 110.0, alpha 80.0. No equity is known of gamma."
    assert answer.picture is not None
    assert (await say(desk, "/chart")).text == answer.text


@pytest.mark.parametrize(("samples", "length"), [(2, "30 s"), (4, "1 m 30 s"), (40, "20 m")])
def test_a_picture_of_the_first_seconds_says_how_many(samples: int, length: str) -> None:
    found = [(a_curve([100.0] * samples, name), FakeDesk().agent("alpha")) for name in ("alpha", "beta")]
    plan = view.compared(found, NOW - WEEK, NOW)
    assert plan.message.title == f"2 agents in {length}, each from 100 on"


async def test_a_picture_of_too_many_agents_is_refused_with_an_example() -> None:
    answer = await say(FakeDesk(*(f"agent{number}" for number in range(7))), "/chart")
    assert "at most 6 agents" in answer.text


@pytest.mark.parametrize(
    "line",
    [
        "/chart nobody",
        "/chart pnl by",
        "/chart pnl by moon",
        "/chart pnl strategy x moon",
        "/chart pnl side x side",
        "/chart pnl by asset alpha beta",
        "/chart hours nobody",
        "/chart 99999d",
        "/chart alpha 7x",
    ],
)
async def test_what_cannot_be_drawn_is_refused_in_a_sentence(line: str) -> None:
    answer = await say(FakeDesk(trades=TRADES), line)
    assert (answer.title, answer.picture) == ("Not done", None)


async def test_an_agent_called_like_a_kind_of_picture_is_an_agent() -> None:
    assert (await say(FakeDesk("hours"), "/chart hours")).title.startswith("hours: 10,004.00 USD")


async def test_bars_stand_in_the_order_of_their_money() -> None:
    answer = await say(FakeDesk(trades=TRADES), "/chart pnl by strategy 7d")
    assert answer.title == "-15.30 USD net by strategy: all agents, since 2025-11-18 12:03 UTC"
    assert answer.text == "Best trend +14.80 USD (2 trades), worst mean -30.10 USD (1 trade)."
    assert answer.picture is not None
    assert answer.picture.alt.index("trend") < answer.picture.alt.index("mean")
    desk = FakeDesk(trades=TRADES)
    plan = view.pnl(await desk.attribution(("hour",)), "all agents", "USD")
    assert isinstance(plan.shown, Bars)
    assert [value for _, value in plan.shown.bars] == [9.9, 4.9, -30.1]


async def test_the_heat_map_has_each_trade_at_its_weekday_and_hour_of_entry() -> None:
    desk = FakeDesk(trades=TRADES)
    plan = view.hours(await desk.attribution(("weekday", "hour")), "all agents", "USD")
    assert isinstance(plan.shown, Heat)
    values = plan.shown.values
    assert values.shape == (7, 24)
    assert (values[1, 11], values[1, 10], values[0, 6]) == (9.9, -30.1, 4.9)  # Tuesday 25 Nov 2025, 12:03
    assert (values == values).sum() == 3  # noqa: PLR0124 -- NaN
    assert (await say(desk, "/chart hours 30d")).picture is not None


async def test_trades_without_money_are_drawn_only_where_there_are_no_others_and_it_says_so() -> None:
    paper = [replace(each, paper=True) for each in TRADES]
    assert "paper, all agents" in (await say(FakeDesk(trades=paper), "/chart pnl")).title
    assert "paper" not in (await say(FakeDesk(trades=[*paper, TRADES[0]]), "/chart pnl")).title


def test_a_deposit_is_no_profit_in_words_either() -> None:
    curve = replace(a_curve([1_000.0, 1_000.0, 1_500.0]), flows=(CashFlow("alpha", NOW, Decimal(500), "ana"),))
    plan = planned(curve)
    assert plan.message.title.startswith("alpha: 1,500.00 USD, 0.0% in")


def test_the_drawdown_goes_on_from_the_peak_that_the_desk_remembers() -> None:
    plan = planned(a_curve([8_000.0, 8_500.0, 8_000.0]), drawdown=0.2)
    assert "20.0% below its peak at the deepest, 20.0% now." in plan.message.text
    assert isinstance(plan.shown, Equity)
    assert plan.shown.drawdown.values.tolist() == pytest.approx([0.2, 0.15, 0.2])


def test_alerts_are_drawn_from_when_they_fired_with_the_rule_s_name() -> None:
    over = replace(an_alert(rule="stale_feed", severity=Severity.WARN, opened=NOW - 500.0), resolved=NOW - 100.0)
    curve = replace(a_curve([1.0] * 50), alerts=(over, replace(an_alert(), fired=NOW - 200.0)))
    shown = planned(curve).shown
    assert isinstance(shown, Equity)
    assert [(each.name, each.start, each.end, each.critical) for each in shown.spans] == [
        ("stale feed", NOW - 500.0, NOW - 100.0, False),
        ("drawdown", NOW - 200.0, None, True),
    ]
