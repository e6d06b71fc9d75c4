"""What people type to pause, stop, close, restart and read a log, what they are asked, and what they are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.access import Access
from bot.chat import Message, Tone
from bot.command import discover
from bot.platforms.memory import Memory
from bot.router import Router
from monitor.desk import Log
from monitor.model import Position, Side
from monitor.order import OrderState
from monitor.ports import AuditEntry
from tests.controls import Willing
from tests.fake_desk import ANA, BEN, NOW, OPS, FakeDesk, a_sample

VIEWER, OPERATOR, ADMIN = "2", "3", "1"
HELD = (Position("BTC", Side.LONG, 0.5, 60_000.0, -12.5), Position("ETH", Side.SHORT, 2.0))


class Talk:
    """People who talk to a desk of values, and what it records of them."""

    def __init__(self, *agents: str) -> None:
        self.desk = FakeDesk(*agents)
        self.memory = Memory(clock=self.desk.now)
        self.audit: list[AuditEntry] = []

    async def give(self, line: str, user: str = ADMIN) -> tuple[Message, ...]:
        """Type a line; gives every answer, a question unanswered."""
        if not self.audit and not self.memory.sent:
            await self.memory.start(Router(discover(), Access([ANA, BEN, OPS]), self.desk, self._record).handle)
        return await self.memory.give(line, user)

    async def sure(self, line: str, user: str = ADMIN) -> tuple[Message, tuple[Message, ...]]:
        """Type a line that asks, and say yes; gives the question and what was answered then."""
        (question,) = await self.give(line, user)
        assert question.buttons[0].line.startswith("confirm ")
        return question, await self.memory.give(question.buttons[0].line, user, button=True)

    @property
    def given(self) -> list[tuple[str, str, str]]:
        return [(each.action, each.agent, each.by) for each in self.desk.orders]

    async def _record(self, entry: AuditEntry) -> None:
        self.audit.append(entry)


@pytest.mark.parametrize(
    ("line", "seconds", "reason"),
    [
        ("/pause alpha 2h", 7_200.0, ""),
        ("/pause alpha 1h30m losing money", 5_400.0, "losing money"),
        ("/pause alpha 2 legs are open", None, "2 legs are open"),
        ("/pause alpha 5x leverage", None, "5x leverage"),
        ("/pause alpha until noon", None, "until noon"),
        ("/pause alpha 30d", 2_592_000.0, ""),
    ],
)
async def test_a_pause_takes_a_time_with_its_unit_and_the_rest_as_its_reason(
    line: str, seconds: float | None, reason: str
) -> None:
    talk = Talk()
    answer = (await talk.give(line, OPERATOR))[-1]
    (order,) = talk.desk.orders
    assert (order.until, order.reason) == (None if seconds is None else NOW + seconds, reason)
    assert ("nobody resumes it for you" in answer.text) is (seconds is not None)


@pytest.mark.parametrize("line", ["/pause", "/pause alpha 0s", "/pause alpha 31d", "/pause nobody", "/pause all 0s"])
async def test_a_pause_of_nobody_or_for_no_time_orders_nothing(line: str) -> None:
    talk = Talk()
    assert (await talk.give(line))[-1].title == "Not done"
    assert talk.given == []


async def test_a_pause_says_at_once_what_it_means_there_and_then_what_came_of_it() -> None:
    talk = Talk()
    first, last = await talk.give("/pause alpha", OPERATOR)
    assert first.title == "Asked alpha to pause"
    assert "That means there: no new entries." in first.text
    assert (last.title, last.tone) == ("alpha is paused: confirmed by alpha after 1.2 s", Tone.GOOD)


async def test_a_pause_that_is_not_confirmed_offers_the_harder_way_first() -> None:
    talk = Talk()
    talk.desk.orders_end = OrderState.UNCONFIRMED
    answer = (await talk.give("/pause alpha", OPERATOR))[-1]
    assert [each.line for each in answer.buttons][:2] == ["stop alpha pm2", "pause alpha"]
    assert (answer.buttons[0].label, answer.loud) == ("Stop by pm2", True)


async def test_all_are_paused_in_one_answer_and_those_that_take_no_orders_are_named() -> None:
    talk = Talk("alpha", "beta", "gamma")
    talk.desk.deaf = {"gamma"}
    first, last = await talk.give("/pause all 2h venue is mad", OPERATOR)
    assert first.title == "Asked 2 agents to pause"
    assert "gamma take no orders" in first.text
    assert last.title == "1 agent NOT paused, 2 confirmed"
    assert [row[0] for row in last.tables[0].rows] == ["alpha", "beta", "gamma"]
    assert {(each.until, each.reason) for each in talk.desk.orders} == {(NOW + 7_200.0, "venue is mad")}
    assert talk.given == [("pause", "alpha", "ops"), ("pause", "beta", "ops")]


async def test_all_that_obey_are_one_quiet_sentence_and_all_that_do_not_are_loud() -> None:
    talk = Talk("alpha", "beta")
    assert (await talk.give("/pause all"))[-1].title == "All 2 agents paused and confirmed"
    talk.desk.orders_end = OrderState.UNCONFIRMED
    answer = (await talk.give("/pause all"))[-1]
    assert (answer.title, answer.loud) == ("2 agents NOT paused, 0 confirmed", True)
    assert [each.line for each in answer.buttons] == ["pause alpha", "pause beta"]


async def test_pausing_all_where_none_takes_orders_is_refused() -> None:
    talk = Talk("alpha")
    talk.desk.deaf = {"alpha"}
    assert "no agent takes orders" in (await talk.give("/pause all"))[-1].text.lower()


async def test_a_stop_asks_with_what_it_means_and_what_is_held_and_goes_by_its_control() -> None:
    talk = Talk()
    question, answers = await talk.sure("/stop alpha PM2", OPERATOR)
    assert question.title == "Stop alpha by pm2?"
    assert "its process is ended" in question.text
    assert "2 open positions" in question.text
    assert answers[-1].title.startswith("alpha is stopped: confirmed by")
    assert [(each.action, each.control) for each in talk.desk.orders] == [("stop", "pm2")]


@pytest.mark.parametrize("line", ["/stop", "/stop nobody", "/stop alpha systemd", "/stop alpha pm2 now"])
async def test_a_stop_of_nobody_or_by_no_control_is_refused_before_it_asks(line: str) -> None:
    talk = Talk()
    (answer,) = await talk.give(line, OPERATOR)
    assert answer.title == "Not done"
    assert talk.given == []


async def test_a_close_lists_every_position_and_asks_an_admin() -> None:
    talk = Talk()
    talk.desk.samples["alpha"] = replace(a_sample("alpha"), positions=HELD, open_positions=2, exposure=34_000.0)
    question, answers = await talk.sure("/close alpha")
    assert question.title == "Close all positions of alpha: 2 open positions, 34,000.00 USD?"
    assert question.tables[0].rows == (
        ("BTC long", "0.5", "60,000", "-12.50"),
        ("ETH short", "2", "n/a", "n/a"),
    )
    assert "It is not paused, so it may open new ones at once: /pause it first." in question.text
    assert answers[0].title == "Asked alpha to close all positions"
    assert answers[-1].title == "alpha holds no position any more: confirmed by alpha after 1.2 s"
    assert [each.line for each in answers[-1].buttons] == ["pause alpha", "status alpha"]


async def test_a_close_of_a_paused_agent_does_not_tell_one_to_pause_it() -> None:
    talk = Talk()
    await talk.give("/pause alpha")
    question, answers = await talk.sure("/close alpha")
    assert "/pause it first" not in question.text
    assert [each.line for each in answers[-1].buttons] == ["status alpha"]


async def test_a_close_that_leaves_a_position_says_not_closed_and_names_it() -> None:
    talk = Talk()
    talk.desk.samples["alpha"] = replace(a_sample("alpha"), positions=HELD[:1], open_positions=1)
    talk.desk.orders_end = OrderState.UNCONFIRMED
    _, answers = await talk.sure("/close alpha")
    assert answers[-1].title == "NOT closed within 2 m: alpha holds 1 position"
    assert (answers[-1].tables[0].rows[0][0], answers[-1].loud) == ("BTC long", True)


@pytest.mark.parametrize(
    ("user", "line"),
    [
        (OPERATOR, "/close alpha"),
        *((VIEWER, each) for each in ("/pause alpha", "/pause all", "/stop alpha", "/resume alpha", "/close alpha")),
        *((VIEWER, each) for each in ("/restart alpha", "/logs alpha")),
    ],
)
async def test_who_may_not_is_not_even_asked(user: str, line: str) -> None:
    talk = Talk()
    (answer,) = await talk.give(line, user)
    assert not any(each.line.startswith("confirm ") for each in answer.buttons)
    assert talk.given == []
    assert talk.audit[-1].outcome == "denied"


async def test_a_restart_asks_with_what_is_held_and_whether_it_stays_paused() -> None:
    talk = Talk()
    question, answers = await talk.sure("/restart alpha", OPERATOR)
    assert question.title == "Restart alpha by pm2?"
    assert "It has 2 open positions, which nobody watches meanwhile." in question.text
    assert "It trades again at once." in question.text
    assert answers[-1].title == "alpha is up again: /live and /health answer after 1.2 s"
    await talk.give("/pause alpha")
    (question,) = await talk.give("/restart alpha", OPERATOR)
    assert "It stays paused by ana" in question.text


async def test_a_restart_that_does_not_help_offers_its_log() -> None:
    talk = Talk()
    talk.desk.orders_end = OrderState.UNCONFIRMED
    _, answers = await talk.sure("/restart alpha", OPERATOR)
    assert answers[-1].title == "alpha was restarted and is NOT well after 1 m"
    assert "logs alpha 50" in [each.line for each in answers[-1].buttons]


async def test_what_no_control_does_is_refused_before_it_asks() -> None:
    talk = Talk()
    talk.desk.hands = (Willing(),)
    for line in ("/restart alpha", "/stop alpha"):
        (answer,) = await talk.give(line)
        assert answer.title == "Not done"
    assert talk.given == []


@pytest.mark.parametrize(("line", "many"), [("/logs alpha", 20), ("/logs al 50", 50), ("/logs alpha 200", 200)])
async def test_a_log_shows_as_many_lines_as_were_asked_for(line: str, many: int) -> None:
    (answer,) = await Talk("alpha").give(line, OPERATOR)
    assert answer.title == f"The last {many} lines of alpha, by pm2"
    assert answer.text.splitlines()[-1] == f"alpha line {many - 1}"


@pytest.mark.parametrize("line", ["/logs", "/logs nobody", "/logs alpha 0", "/logs alpha 201", "/logs alpha all"])
async def test_a_log_of_nobody_or_of_too_many_lines_is_refused(line: str) -> None:
    assert (await Talk().give(line, OPERATOR))[-1].title == "Not done"


async def test_a_log_says_what_was_left_out_and_an_empty_one_that_it_is() -> None:
    talk = Talk()
    talk.desk.log = Log("pm2", ("last",), 3)
    (answer,) = await talk.give("/logs alpha")
    assert answer.footer == "3 older lines left out for want of room. What looks like a secret was taken out."
    talk.desk.log = Log("pm2", (), 0)
    assert (await talk.give("/logs alpha"))[-1].title == "The log of alpha is empty"


async def test_every_order_is_in_the_audit_under_its_line() -> None:
    talk = Talk()
    await talk.sure("/close alpha")
    assert {each.line for each in talk.audit if each.person == "ana"} >= {"/close alpha"}
    assert talk.audit[-1].outcome == "ran"
