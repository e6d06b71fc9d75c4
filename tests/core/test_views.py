from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bot.chat import Message, Tone
from bot.views import card, recovery, standing
from bot.views.again import again
from bot.views.agent import one
from bot.views.listing import listing, members
from bot.views.orders import flow_question, outcome
from bot.views.performance import performance
from bot.views.pnl import pnl
from bot.views.runbook import general, live, values
from bot.views.silences import announced, silenced, silences
from bot.views.status import fleet, word
from bot.views.why import why
from monitor.alerts.alert import AlertEvent, State
from monitor.alerts.ledger import Decision
from monitor.alerts.silence import Silence
from monitor.attribution import attribute
from monitor.desk import AgentStatus, Times, Why
from monitor.detectors.zscore import Score
from monitor.model import AmountOrShare, Check, Position, Side
from monitor.order import Order, OrderState
from monitor.performance import Figure, Performance
from monitor.rule import discover
from tests.fake_alarms import a_status
from tests.fake_desk import NOW, RUNBOOKS, FakeDesk, a_sample, a_trade, an_agent, an_alert

RULES = discover()
ACKED = replace(
    an_alert(), state=State.ACKNOWLEDGED, acknowledged=NOW - 60, acknowledged_by="ana", note="on it", version=2
)
EVIL = "\x1b[2J\x1b]0;pwned\x07alpha\nis \u202efine\x00"


def lines(message: Message) -> list[str]:
    return [button.line for button in message.buttons]


def texts(message: Message) -> list[str]:
    return [
        message.title,
        message.text,
        message.footer,
        *(text for field in message.fields for text in (field.label, field.value)),
        *(cell for table in message.tables for row in (table.columns, *table.rows) for cell in row),
        *(button.label for button in message.buttons),
    ]


def status(**changes: object) -> AgentStatus:
    return replace(FakeDesk().agent("alpha"), **changes)  # type: ignore[arg-type] # any field of it


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "ok"),
        ({"sample": None, "answered": None}, "not seen yet"),
        ({"sample": replace(a_sample(), heartbeat_age=301.0)}, "stalled"),
        ({"sample": replace(a_sample(), status="degraded")}, "degraded"),
        ({"sample": replace(a_sample(), paused=True)}, "paused"),
        ({"sample": replace(a_sample(), status=None)}, "answers"),
        ({"sample": replace(a_sample(), error="no answer"), "missed": 1}, "no answer, 1 of 2 polls missed"),
        ({"sample": replace(a_sample(), error="no answer"), "missed": 2}, "unreachable"),
    ],
)
def test_an_agent_is_told_in_a_word(changes: dict[str, object], said: str) -> None:
    assert word(status(**changes), NOW) == said


def test_a_pause_names_who_ordered_it_and_whether_it_is_proven() -> None:
    order = Order("1", "alpha", "pause", "ana", NOW, state=OrderState.CONFIRMED, confirmed=NOW)
    assert word(status(pause=order), NOW) == "paused by ana since 12:03 UTC"
    assert "unconfirmed" in word(status(pause=replace(order, state=OrderState.UNCONFIRMED)), NOW)
    gone = status(pause=order, sample=replace(a_sample(), error="no answer"), missed=2)
    assert one(gone, RULES, "USD", NOW).title == "alpha · unreachable · paused by ana since 12:03 UTC"


def test_the_fleet_is_a_row_an_agent_with_the_chats_below() -> None:
    desk = FakeDesk("alpha", "beta", alerts=[an_alert()])
    shown = fleet(desk.status(), {"telegram": "up", "slack": "down: no answer"}, "USD", NOW)
    assert [row[0] for row in shown.tables[0].rows] == ["alpha", "beta"]
    assert shown.tables[0].rows[0][2:5] == ("8,380.00", "-120.50", "16.2%")
    assert shown.footer == "telegram: up · slack: down: no answer"
    assert shown.tone is Tone.CRITICAL
    assert "1 open alert, 1 not acknowledged" in shown.text


def test_one_agent_shows_twelve_signals_or_more_in_four_layers() -> None:
    shown = one(status(), RULES, "USD", NOW)
    assert [table.columns[0] for table in shown.tables] == ["Machine", "Venue", "Strategy", "Money"]
    assert sum(len(table.rows) for table in shown.tables) >= 12


def rows_of(shown: Message, layer: str) -> dict[str, tuple[str, str]]:
    found = next(table for table in shown.tables if table.columns[0] == layer)
    return {name: (now, limit) for name, now, limit in found.rows}


def test_every_signal_that_is_known_has_its_row_with_its_limit_and_no_other_has() -> None:
    figures: dict[str, object] = {
        "paper": False,
        "loop_lag": 0.02,
        "latencies": tuple((f"path {number}", 0.5) for number in range(11)),
        "venue_errors": 0.125,
        "rate_limit": 0.5,
        "clock_skew": -0.25,
        "decision_age": 8.0,
        "decisions_1h": 60,
        "orders_1h": 7,
        "rejects_1h": 0,
        "repeated_orders": 2,
        "feed_age": 4.0,
        "model_latency": 1.5,
        "model_errors": 0.25,
        "tokens_1h": 1_200,
        "cost_1h": 0.75,
        "cost_24h": 9.0,
        "available": 600.0,
        "exposure": 400.0,
        "leverage": 1.5,
        "pnl_1h": -1.0,
        "pnl_7d": 12.0,
    }
    limits = replace(an_agent().limits, leverage=3.0, exposure=AmountOrShare(share=1.5), model_cost=5.0)
    seen = replace(a_sample(), **figures)  # type: ignore[arg-type] # any field of it
    known = status(agent=replace(an_agent(), limits=limits), answered=seen, restarts_1h=3)
    new = {
        "Machine": {"Restarts 1h": ("3", ""), "Event loop lag": ("20 ms", "")},
        "Venue": {
            **{f"Latency of path {number}": ("500 ms", "") for number in range(8)},
            "and 3 more": ("", ""),
            "Calls failing, 10 min": ("12.5%", ""),
            "Rate limit in use": ("50.0%", ""),
            "Its clock ahead by": ("-0.250 s", ""),
        },
        "Strategy": {
            "Last decided": ("8 s ago", "1 h"),
            "Decisions 1h": ("60", ""),
            "Orders 1h": ("7", ""),
            "Rejected 1h": ("0", ""),
            "Same order, 10 min": ("2", "10"),
            "Market data age": ("4 s", "2 m"),
            "Model answers in": ("1.5 s", ""),
            "Model failing, last calls": ("25.0%", "50.0%"),
            "Model tokens 1h": ("1,200", ""),
            "Model cost 1h": ("0.75 USD", "5.00 USD"),
            "Model cost 24h": ("9.00 USD", ""),
        },
        "Money": {
            "Mode": ("live", ""),
            "Available": ("600.00 USD", ""),
            "Exposure": ("400.00 USD", "150.0%"),
            "Leverage": ("1.50", "3.00"),
            "P&L 1h, as it says": ("-1.00 USD", ""),
            "P&L 7d, as it says": ("+12.00 USD", ""),
        },
    }
    full, plain = one(known, RULES, "USD", NOW), one(status(), RULES, "USD", NOW)
    for layer, rows in new.items():
        without = rows_of(plain, layer)
        assert {name: row for name, row in rows_of(full, layer).items() if name not in without} == rows
        assert set(without) < set(rows_of(full, layer))


def test_ten_positions_are_listed_and_the_others_counted() -> None:
    held = tuple(Position(f"A{number:02}", Side.SHORT, 1_500.5, 0.25, -3.0) for number in range(12))
    table = one(status(answered=replace(a_sample(), positions=held)), RULES, "USD", NOW).tables[-1]
    assert table.rows[0] == ("A00 short", "1,500.5", "0.25", "-3.00")
    assert (len(table.rows), table.rows[-1]) == (11, ("and 2 more", "", "", ""))
    few = one(status(answered=replace(a_sample(), positions=held[:10])), RULES, "USD", NOW).tables[-1]
    assert len(few.rows) == 10


def test_paper_is_told_from_live_and_an_agent_that_is_not_what_its_label_says_is_told_loudly() -> None:
    labelled = replace(an_agent(), labels={"mode": "paper"})
    paper = status(agent=labelled, paper=True)
    assert (word(paper, NOW), rows_of(one(paper, RULES, "USD", NOW), "Money")["Mode"][0]) == ("ok, paper", "paper")
    assert one(paper, RULES, "USD", NOW).tone is Tone.GOOD
    lies = status(agent=labelled, answered=replace(a_sample(), paper=False))
    shown = one(lies, RULES, "USD", NOW)
    assert (word(lies, NOW), shown.tone) == ("ok, LIVE though labelled paper", Tone.WARN)
    assert shown.text.startswith("It is labelled paper and says that it trades with money")
    assert fleet([lies], {}, "USD", NOW).tables[0].rows[0][1] == "ok, LIVE though labelled paper"


def test_what_is_not_known_is_said_as_such_with_what_it_lacks() -> None:
    score = Score(None, 12, 20, anomaly=False, direction=None, volatility=None, regime=None)
    shown = one(status(score=score), RULES, "USD", NOW)
    assert "n/a (12 of 20 samples)" in texts(shown)
    unseen = one(status(sample=None, answered=None, drawdown=None, loss=None), RULES, "USD", NOW)
    assert "It has not answered yet." in unseen.text
    money = next(table for table in unseen.tables if table.columns[0] == "Money")
    assert [row[1] for row in money.rows] == ["n/a"] * 6


@pytest.mark.parametrize(
    ("agent", "moves", "cell", "said"),
    [
        (
            {"false_pages": 0.6},
            12,
            "learning 12/200",
            "Statistics: learning, 12 of 200 active samples; hard limits on. False pages: 0.6 a week allowed.",
        ),
        (
            {"false_pages": 1 / 13},
            20_160,
            "n/a",
            "Statistics: learned from 20,160 active samples. False pages: 0.077 a week allowed.",
        ),
        ({}, 12, "n/a", "False pages: off, nothing statistical pages; hard limits on."),
        ({"detector": "iqr"}, 12, "n/a", "False pages: off, nothing statistical pages; hard limits on."),
        (
            {"detector": "iqr", "false_pages": 0.6},
            199,
            "learning 199/200",
            "Statistics: learning, 199 of 200 active samples; hard limits on. False pages: no budget, iqr judges it.",
        ),
    ],
)
def test_an_agent_that_is_still_learned_says_so_and_how_many_false_pages_it_is_allowed(
    agent: dict[str, Any], moves: int, cell: str, said: str
) -> None:
    known = status(agent=replace(an_agent(), **agent), moves=moves)
    assert said in one(known, RULES, "USD", NOW).text.splitlines()
    assert fleet([known], {}, "USD", NOW).tables[0].rows[0][6] == cell


def test_volatility_and_how_it_changed_are_shown_by_names_and_never_paged() -> None:
    score = Score(0.3, 99, 20, anomaly=False, direction=None, volatility=0.000512, regime=0.351)
    rows = rows_of(one(status(score=score), RULES, "USD", NOW), "Strategy")
    assert rows["Volatility a sample, last 100"] == ("0.051%", "shown, never paged")
    assert rows["Volatility change, last 20 samples"] == ("35%", "shown, never paged")


def test_a_failing_check_is_named_with_its_detail() -> None:
    answered = replace(a_sample(), checks=(Check("venue", ok=False, detail="HTTP 500"), Check("wallet", ok=True)))
    assert "1 of 2 checks failing. venue: HTTP 500" in one(status(answered=answered), RULES, "USD", NOW).text


def test_an_outcome_says_what_is_proven() -> None:
    order = Order("1", "alpha", "pause", "ana", NOW, state=OrderState.CONFIRMED, confirmed=NOW + 1.2)
    assert outcome(order, status(), None, NOW).title == "alpha is paused: confirmed by alpha after 1.2 s"
    refused = outcome(replace(order, state=OrderState.REFUSED, detail="wrong key"), status(), None, NOW)
    assert refused.title == "alpha did not take the order to pause"
    assert "wrong key" in refused.text
    lied = outcome(replace(order, state=OrderState.UNCONFIRMED, detail="ok"), status(), None, NOW)
    assert lied.title == "NOT confirmed within 15 s: alpha still reports running"
    silent = status(sample=replace(a_sample(), error="no answer"))
    assert outcome(replace(order, state=OrderState.UNCONFIRMED), silent, None, NOW).title.endswith(
        "alpha does not answer"
    )
    assert {refused.tone, lied.tone} == {Tone.CRITICAL}


def test_a_resume_that_is_not_obeyed_says_that_it_still_reports_paused() -> None:
    order = Order("1", "alpha", "resume", "ana", NOW, state=OrderState.UNCONFIRMED)
    shown = outcome(order, status(sample=replace(a_sample(), paused=True)), None, NOW)
    assert shown.title.endswith("alpha still reports paused")


def test_a_cash_flow_is_asked_for_in_words() -> None:
    asked = flow_question("alpha", Decimal(-1500), "USD", NOW, NOW)
    assert asked == "Record a withdrawal of 1,500.00 USD out of alpha, at 12:03 UTC or the step around it that matches?"


def test_profit_and_loss_is_a_table_whose_last_row_is_the_sum() -> None:
    found = attribute([a_trade(1, "10"), a_trade(2, "-30", "mean"), a_trade(3, "5")], "strategy")
    shown = pnl(found, "all agents, all time", "USD")
    assert shown.title == "-15.30 USD net by strategy: all agents, all time"
    assert [row[:3] for row in shown.tables[0].rows] == [
        ("trend", "+14.80", "+15.00"),
        ("mean", "-30.10", "-30.00"),
        ("total", "-15.30", "-15.00"),
    ]
    assert shown.text == "1 of 2 lines lost money."
    assert "Fee drag 0.7%" in shown.footer
    assert pnl(attribute([], "asset"), "alpha, all time", "USD").title == "No closed trades: alpha, all time"


def test_performance_says_what_to_act_on_and_what_is_lacking() -> None:
    figures = (
        Figure("sharpe", "Sharpe ratio", None, 12, 30, "ratio", None, "needs 30 returns, has 12"),
        Figure("max_drawdown", "Max drawdown", 0.31, 300, 2, "share", "act", "pause the agent"),
        Figure("trades", "Trades", 1_234, 1_234, 0, "count", None, ""),
        Figure("total_pnl", "Total P&L", Decimal("-12.3"), 7, 0, "money", None, ""),
        Figure("profit_factor", "Profit factor", None, 7, 1, "ratio", None, "undefined: no trade has lost money"),
    )
    shown = performance(Performance("alpha", figures, 30.0, NOW - 3_600, NOW, 2), "USD", NOW)
    assert [row[1] for row in shown.tables[0].rows] == [
        "n/a (12 of 30 samples)",
        "31.0%",
        "1,234",
        "-12.30 USD",
        "n/a",
    ]
    assert shown.text == "Max drawdown: pause the agent."
    assert shown.footer == "11:03 UTC to 12:03 UTC, returns every 30 s, 2 gaps; annualised over 365 days."


def test_performance_shows_each_interval_what_it_rests_on_and_its_mark() -> None:
    figures = (
        Figure("sharpe", "Sharpe ratio", 0.31, 9_000, 30, "ratio", "act", "review the strategy", 0.2, 0.45),
        Figure("win_rate", "Win rate", 0.3, 20, 1, "share", "watch", "good is 45 to 65 %", 0.145, 0.519),
        Figure("profit_factor", "Profit factor", 9.0, 30, 1, "ratio", "good", "", 2.5, None),
    )
    further = (
        Figure("var", "VaR", -0.00064, 500, 30, "share", None, "", -0.0007, -0.0006),
        Figure("drawdown_trough", "Drawdown trough", NOW - 60, 500, 2, "time", None, ""),
        Figure("drawdown_duration", "Drawdown duration", 3_600.0, 500, 2, "seconds", None, ""),
        Figure("expectancy", "Expectancy", 1.5, 20, 1, "money", None, "", -1.0, 4.0),
        Figure("cagr", "CAGR", None, 5, 2_880, "share", None, "too few returns: 5 of 2880"),
    )
    found = Performance("alpha", figures, 30.0, NOW - 3_600, NOW, 0, further, days=252.0)
    shown = performance(found, "USD", NOW, "7d")
    assert shown.title == "alpha · performance · 7d"
    assert [table.rows for table in shown.tables] == [
        (
            ("Sharpe ratio", "0.31", "0.20 to 0.45", "9,000", "ACT"),
            ("Win rate", "30.0%", "14.5% to 51.9%", "20", "watch: good is 45 to 65 %"),
            ("Profit factor", "9.00", "from 2.50", "30", "good"),
        ),
        (
            ("VaR", "-0.064%", "-0.070% to -0.060%", "500", ""),
            ("Drawdown trough", "12:02 UTC", "", "500", ""),
            ("Drawdown duration", "1 h", "", "500", ""),
            ("Expectancy", "+1.50 USD", "-1.00 USD to +4.00 USD", "20", ""),
        ),
    ]
    assert (shown.text, shown.tone) == ("Sharpe ratio: review the strategy.", Tone.WARN)
    assert shown.footer.endswith("annualised over 252 days.")


def test_a_runbook_has_live_values_and_its_commands_are_buttons() -> None:
    alert = an_alert()
    shown = live(RUNBOOKS["drawdown"], values(status(), alert, "USD", NOW), alert, RULES["drawdown"])
    assert shown.text == "alpha is 16.2% below its peak."
    assert shown.fields[0].value == "Pause alpha.\nCheck: It reports paused."
    assert shown.fields[-1].value == "The drawdown of alpha is under 15.0%."
    assert lines(shown) == ["pause alpha", "pnl by strategy alpha", f"ack {alert.id}"]


def test_a_runbook_about_nobody_has_names_for_values_and_no_order_to_press() -> None:
    shown = general(RUNBOOKS["drawdown"])
    assert shown.text == "AGENT is DRAWDOWN below its peak."
    assert lines(shown) == []
    assert "/runbook drawdown AGENT" in shown.footer


def test_text_from_agents_and_people_never_moves_a_cursor_or_breaks_a_line() -> None:
    alert = replace(
        ACKED, reason=EVIL, note=EVIL, acknowledged_by=EVIL, labels=(("check", EVIL),), rule="health_degraded"
    )
    sick = replace(a_sample(), status=EVIL, error=EVIL, checks=(Check(EVIL, ok=False, detail=EVIL),))
    ill = status(sample=sick, answered=sick, alerts=(alert,))
    order = Order("1", "alpha", "pause", EVIL, NOW, state=OrderState.REFUSED, detail=EVIL, reason=EVIL)
    bad_trade = replace(a_trade(1, "1"), strategy=EVIL)
    firing, hides = replace(alert, state=State.FIRING), Decision("silenced", EVIL)
    taken, waits = a_status(alert, labels=((EVIL, EVIL),)), a_status(firing, hidden={alert.id: hides})
    hush = Silence("1", (("rule", EVIL), (EVIL, EVIL)), NOW, NOW, EVIL, EVIL)
    body = {"what": "lapsed", "why": EVIL, "whom": [EVIL], "step": 1}
    event = AlertEvent(alert.id, 1, NOW, EVIL, EVIL, EVIL)
    messages = [
        card(taken, RULES["health_degraded"], NOW),
        card(waits, None, NOW, where={EVIL: {EVIL: 2, "b": 1}}),
        recovery(a_status(replace(alert, state=State.RESOLVED, resolved=NOW)), None),
        standing([alert], RULES),
        listing([taken, waits], [(firing, hides)], RULES, [hush], NOW, every=True),
        members(waits, None, NOW),
        again(waits, None, body, NOW, 300.0),
        again(taken, None, body, NOW, 300.0),
        silenced(hush, [alert], RULES, NOW),
        silences([hush, replace(hush, kind=EVIL)], lambda _: [alert], RULES, NOW),
        *(announced("begun", replace(hush, kind=kind), [alert], RULES, NOW) for kind in ("silence", "deploy", EVIL)),
        why(Why(alert, None, (event,), hides, Times()), RULES, NOW),
        one(ill, RULES, "USD", NOW),
        one(status(pause=order), RULES, "USD", NOW),
        fleet([ill], {"slack": EVIL}, "USD", NOW),
        outcome(order, ill, None, NOW),
        pnl(attribute([bad_trade], "strategy"), "all agents", "USD"),
        live(RUNBOOKS["drawdown"], values(ill, alert, "USD", NOW), alert, None),
    ]
    for message in messages:
        for text in texts(message):
            assert all(each.isprintable() or each == "\n" for each in text), text
            assert "[2J" not in text
