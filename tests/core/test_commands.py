from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.access import Access
from bot.chat import Message, Tone
from bot.command import discover
from bot.platforms.memory import Memory
from bot.router import Router
from monitor.alerts.alert import State
from monitor.model import Severity
from monitor.order import OrderState
from monitor.ports import AuditEntry
from tests.fake_desk import ANA, BEN, NOW, FakeDesk, a_trade, an_alert

TRADES = [a_trade(1, "10"), a_trade(2, "-30", "mean", "beta"), a_trade(30, "5")]


async def no_audit(_entry: AuditEntry) -> None:
    """Forget it."""


async def say(desk: FakeDesk, *lines: str, user: str = "1") -> Message:
    """Give lines one after the other; returns the last answer. A question is answered with yes."""
    memory = Memory(clock=desk.now)
    await memory.start(Router(discover(), Access([ANA, BEN]), desk, no_audit).handle)
    answer = Message("")
    for line in lines:
        answer = (await memory.give(line, user))[-1]
        if answer.buttons and answer.buttons[0].line.startswith("confirm "):
            answer = (await memory.give(answer.buttons[0].line, user, button=True))[-1]
    return answer


async def test_status_shows_the_fleet_or_one_agent() -> None:
    desk = FakeDesk("alpha", "beta")
    assert (await say(desk, "/status")).title == "2 agents at 12:03 UTC"
    assert (await say(desk, "/status al")).title == "alpha · ok"
    assert "alpha, beta" in (await say(desk, "/status gamma")).text
    assert "no place here" in (await say(desk, "/status alpha beta")).text


async def test_ack_without_a_name_takes_the_only_alert_that_waits_and_the_rest_as_a_note() -> None:
    desk = FakeDesk(alerts=[an_alert()])
    answer = await say(desk, "/ack looking into it")
    assert answer.title.startswith("Acknowledged by ana, ")
    assert answer.title.endswith(": alpha · Drawdown over the limit")
    assert (desk.open[0].acknowledged_by, desk.open[0].note) == ("ana", "looking into it")


async def test_ack_says_who_was_first() -> None:
    first = replace(an_alert(), state=State.ACKNOWLEDGED, acknowledged=NOW, acknowledged_by="ben")
    answer = await say(FakeDesk(alerts=[first]), f"/ack {first.id}")
    assert answer.title == "Already acknowledged by ben, 12:03 UTC: alpha · Drawdown over the limit"


async def test_ack_asks_which_of_several_and_never_guesses() -> None:
    desk = FakeDesk(alerts=[an_alert(), an_alert("beta")])
    answer = await say(desk, "/ack on it")
    assert [button.line for button in answer.buttons] == [f"ack {each.id} on it" for each in desk.open]
    assert all(each.state is State.FIRING for each in desk.open)
    await say(desk, answer.buttons[1].line)
    assert [each.acknowledged_by for each in desk.open] == [None, "ana"]


async def test_ack_of_an_id_that_is_not_there_acknowledges_nothing_else() -> None:
    desk = FakeDesk(alerts=[an_alert()])
    other = "0" * 8 if not desk.open[0].id.startswith("0") else "1" * 8
    assert (await say(desk, f"/ack {other}")).title == "Not done"
    assert desk.open[0].state is State.FIRING


async def test_ack_with_nothing_waiting_says_so() -> None:
    assert "no alert waits" in (await say(FakeDesk(), "/ack")).text.lower()


async def test_a_silence_needs_an_alert_a_duration_and_a_reason() -> None:
    desk = FakeDesk(alerts=[an_alert()])
    name = desk.open[0].id
    answer = await say(desk, f"/silence {name} 1h30m venue maintenance")
    assert answer.title == "Silenced until 13:33 UTC: alpha · Drawdown over the limit"
    assert (desk.held[0].ends - desk.held[0].starts, desk.held[0].reason) == (5_400.0, "venue maintenance")
    for wrong in (f"{name} 1h", f"{name} soon please wait", f"{name} 25h too long", f"{name} 0s no"):
        assert (await say(desk, f"/silence {wrong}")).title == "Not done"
    assert len(desk.held) == 1


async def test_the_silence_button_of_a_card_works_as_it_stands() -> None:
    desk = FakeDesk(alerts=[an_alert()])
    await say(desk, f"silence {desk.open[0].id} 1h from the card")
    assert desk.held[0].reason == "from the card"


async def test_pause_takes_one_step_and_resume_a_question() -> None:
    desk = FakeDesk()
    assert (await say(desk, "/pause alpha losing money")).tone is Tone.GOOD
    assert (await say(desk, "/resume alpha")).title.startswith("alpha is running again")
    assert [(order.action, order.reason) for order in desk.orders] == [("pause", "losing money"), ("resume", "")]


async def test_a_pause_that_is_not_obeyed_is_loud() -> None:
    desk = FakeDesk()
    desk.orders_end = OrderState.UNCONFIRMED
    answer = await say(desk, "/pause alpha")
    assert answer.title.startswith("NOT confirmed within 15 s")
    assert (answer.tone, answer.loud) == (Tone.CRITICAL, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/pnl", "-15.30 USD net by strategy: all agents, all time"),
        ("/pnl by strategy", "-15.30 USD net by strategy: all agents, all time"),
        ("/pnl asset alpha", "+14.80 USD net by asset: alpha, all time"),
        ("/pnl by hour alpha 3h", "+9.90 USD net by hour: alpha, since 09:03 UTC"),
        ("/PNL BY Side beta", "-30.10 USD net by side: beta, all time"),
        ("/pnl 7d", "-15.30 USD net by strategy: all agents, since 2025-11-18 12:03 UTC"),
    ],
)
async def test_pnl_takes_its_words_as_people_say_them(line: str, said: str) -> None:
    assert (await say(FakeDesk(trades=TRADES), line, user="2")).title == said


@pytest.mark.parametrize("line", ["/pnl by", "/pnl by moon", "/pnl nobody", "/pnl by asset alpha beta", "/pnl 7x"])
async def test_pnl_refuses_what_it_cannot_split_by(line: str) -> None:
    assert (await say(FakeDesk(trades=TRADES), line)).title == "Not done"


async def test_performance_compares_a_small_fleet_and_asks_which_of_a_large_one() -> None:
    assert len((await say(FakeDesk(trades=TRADES), "/performance")).tables[0].rows) == 2
    assert (await say(FakeDesk("alpha"), "/performance")).title == "alpha · performance · 7d"
    large = FakeDesk(*(f"agent{number}" for number in range(40)))
    assert "say which" in (await say(large, "/performance")).text


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("/performance alpha", "alpha · performance · 7d"),
        ("/performance alpha 30D", "alpha · performance · 30d"),
        ("/performance alpha reset", "alpha · performance · reset"),
        ("/performance all", "Performance of 2 agents · all"),
    ],
)
async def test_performance_takes_an_agent_and_a_window(line: str, title: str) -> None:
    assert (await say(FakeDesk(trades=TRADES), line)).title == title


@pytest.mark.parametrize("line", ["/performance alpha beta", "/performance alpha 3d", "/performance alpha 7d 7d"])
async def test_performance_refuses_a_window_it_does_not_have(line: str) -> None:
    assert (await say(FakeDesk(trades=TRADES), line)).title == "Not done"


async def test_a_cash_flow_is_recorded_after_a_question_where_its_words_say() -> None:
    desk = FakeDesk()
    await say(desk, "/flow alpha +1,000", "/flow beta -250.50 10m monthly payout", "/flow alpha +5 top up")
    assert [(flow.agent, flow.amount, flow.time, flow.note) for flow in desk.flows] == [
        ("alpha", Decimal(1000), NOW, ""),
        ("beta", Decimal("-250.50"), NOW - 600, "monthly payout"),
        ("alpha", Decimal(5), NOW, "top up"),
    ]


async def test_a_cash_flow_keeps_the_time_it_was_typed_for_while_the_question_waits() -> None:
    desk = FakeDesk()
    memory = Memory(clock=desk.now)
    await memory.start(Router(discover(), Access([ANA]), desk, no_audit).handle)
    (question,) = await memory.give("/flow alpha +5 10m")
    desk.time += 50.0
    await memory.give(question.buttons[0].line)
    assert desk.flows[0].time == NOW - 600.0


@pytest.mark.parametrize("line", ["/flow", "/flow alpha", "/flow alpha 1000", "/flow alpha +0", "/flow nobody +5"])
async def test_a_cash_flow_without_a_sign_or_an_agent_is_refused(line: str) -> None:
    desk = FakeDesk()
    assert (await say(desk, line)).title == "Not done"
    assert desk.flows == []


@pytest.mark.parametrize(
    ("answer", "said", "state"), [("accept", "Accepted", State.ACKNOWLEDGED), ("keep", "Kept", State.FIRING)]
)
async def test_what_stood_at_the_first_start_is_accepted_or_kept_once(answer: str, said: str, state: State) -> None:
    desk = FakeDesk(alerts=[replace(an_alert(), standing=True)])
    assert (await say(desk, "/standing")).title.startswith("1 trouble already stood")
    assert (await say(desk, f"/standing {answer}")).title == f"{said}: 1 alert"
    assert desk.open[0].state is state
    assert (await say(desk, f"/standing {answer}")).title == "Nothing waits for a decision"


async def test_a_runbook_is_found_by_name_part_of_a_name_alert_or_agent() -> None:
    desk = FakeDesk(alerts=[an_alert()])
    assert len((await say(desk, "/runbook")).fields) == len(desk.runbooks)
    for words in ("drawdown", "DRAW", desk.open[0].id, desk.open[0].id[:5], "alpha", "drawdown alpha"):
        assert (await say(desk, f"/runbook {words}")).title == "Runbook · alpha · Drawdown over the limit", words
    assert (await say(desk, "/runbook stalled beta")).title == "Runbook · beta · strategy_stalled of beta"
    assert (await say(desk, "/runbook anomaly")).title == "Runbook · anomaly of AGENT"
    assert (await say(desk, "/runbook order-unconfirmed")).title == "Runbook · order_unconfirmed of AGENT"
    assert "beta has no open alert" in (await say(desk, "/runbook beta")).title


@pytest.mark.parametrize("words", ["nonsense", "drawdown nobody", "nobody alpha", "drawdown alpha beta"])
async def test_a_runbook_of_nothing_is_refused(words: str) -> None:
    assert (await say(FakeDesk(), f"/runbook {words}")).title == "Not done"


async def test_an_alert_without_a_runbook_says_where_to_write_one() -> None:
    desk = FakeDesk(alerts=[an_alert(rule="brand_new", severity=Severity.WARN)])
    assert "runbooks.yaml" in (await say(desk, f"/runbook {desk.open[0].id}")).text


async def test_help_explains_one_command_and_hides_what_one_may_not_run() -> None:
    assert (await say(FakeDesk(), "/help /pause")).title == "/pause AGENT|all [via CONTROL] [2h] [REASON]"
    assert (await say(FakeDesk(), "/help pause", user="2")).title == "Not done"


async def test_whoami_names_the_role_and_every_id() -> None:
    answer = await say(FakeDesk(), "/whoami", user="2")
    assert answer.title == "You are ben, viewer"
    assert [(field.label, field.value) for field in answer.fields] == [("console", "ben"), ("memory", "2")]
