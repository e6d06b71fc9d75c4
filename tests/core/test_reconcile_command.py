"""`/reconcile` shows the parts of a change of equity, offers what can be done about a rest, and lets it be accepted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bot.access import Access
from bot.chat import Message, Tone
from bot.command import discover
from bot.platforms.memory import Memory
from bot.router import Router
from bot.views.reconcile import offers
from monitor.model import Position, Sample, Side
from monitor.ports import AuditEntry
from monitor.reconciliation import Reconciliation
from tests.fake_desk import ANA, BEN, NOW, FakeDesk, a_trade

VIEWER = "2"


def an_account(equity: float = 10_000.0, after: float | None = None, **says: Any) -> Reconciliation:
    """An account that told one trade of +9.90 and stood at `equity`, then for a while at `after`."""
    account, levels = Reconciliation(), [equity] * 30 + [after] * 30
    for number, level in enumerate(levels):
        more = says if number >= 30 else {"open_positions": 0}
        sample = Sample("alpha", NOW - 30.0 * (len(levels) - number), equity=level, **more)
        account = account.fold(sample, [a_trade(99, "10")] if not number else ())
    return account


class Books(FakeDesk):
    """A desk that reconciles."""

    def __init__(self, **accounts: Reconciliation) -> None:
        super().__init__(*accounts)
        self.accounts = accounts

    def reconciliation(self, agent: str) -> Reconciliation:
        return self.accounts[self.agent(agent).agent.id]

    async def accept_rest(self, agent: str) -> Reconciliation:
        before = self.reconciliation(agent)
        self.accounts[agent] = before.accepted()
        return before


async def say(desk: FakeDesk, line: str, user: str = "1", *, sure: bool = True) -> Message:
    async def no_audit(_entry: AuditEntry) -> None:
        """Forget it."""

    memory = Memory(clock=desk.now)
    await memory.start(Router(discover(), Access([ANA, BEN]), desk, no_audit).handle)
    answer = (await memory.give(line, user))[-1]
    if sure and answer.buttons and answer.buttons[0].line.startswith("confirm "):
        answer = (await memory.give(answer.buttons[0].line, user, button=True))[-1]
    return answer


def parts(message: Message) -> dict[str, str]:
    return {row[0]: row[1] for row in message.tables[0].rows}


def lines(message: Message) -> list[str]:
    return [each.line for each in message.buttons]


async def test_the_parts_of_one_agent_add_up_to_the_change_and_a_jump_can_be_recorded_by_one_press() -> None:
    answer = await say(Books(alpha=an_account(10_000.0, 10_990.0, open_positions=0)), "/reconcile alpha")
    assert (answer.title, answer.tone) == ("alpha · +990.00 USD unexplained", Tone.WARN)
    assert answer.text.splitlines() == [
        "Beyond the limit of 10.99 since 11:48 UTC.",
        "It came in one step at 11:48 UTC, without a trade.",
    ]
    assert parts(answer) == {
        "0 trades, gross": "0.00",
        "Fees": "0.00",
        "Slippage": "0.00",
        "Funding": "0.00",
        "Open positions": "0.00",
        "Cash flows": "0.00",
        "Unexplained": "+990.00",
        "Change of equity": "+990.00",
    }
    assert lines(answer)[:2] == ["flow alpha +990.00 2025-11-25T11:48:00Z", "reconcile alpha accept"]


async def test_the_card_of_a_rest_offers_to_record_it_where_it_came_in_one_step_and_to_look_at_it() -> None:
    account = an_account(10_000.0, 10_990.0, open_positions=0)
    made = [each.line for each in offers("alpha", account)]
    assert made == ["flow alpha +990.00 2025-11-25T11:48:00Z", "reconcile alpha"]
    assert offers("alpha", Reconciliation()) == ()


async def test_the_button_of_a_jump_records_it_where_it_was() -> None:
    desk = Books(alpha=an_account(10_000.0, 10_990.0, open_positions=0))
    await say(desk, lines(await say(desk, "/reconcile alpha"))[0])
    (flow,) = desk.flows
    assert (flow.agent, flow.amount, flow.time) == ("alpha", Decimal(990), NOW - 900.0)


async def test_a_viewer_sees_the_parts_and_is_offered_and_allowed_nothing() -> None:
    desk = Books(alpha=an_account(10_000.0, 9_000.0, open_positions=0))
    assert lines(await say(desk, "/reconcile alpha", VIEWER)) == [
        "pnl by asset alpha",
        "runbook unexplained alpha",
    ]
    assert "Only an operator or admin" in (await say(desk, "/reconcile alpha accept", VIEWER)).text
    assert desk.accounts["alpha"].reconciled() != desk.accounts["alpha"].accepted().reconciled()


async def test_accepting_asks_first_and_then_lets_the_rest_go() -> None:
    desk = Books(alpha=an_account(10_000.0, 9_000.0, open_positions=0))
    asked = await say(desk, "/reconcile alpha accept", sure=False)
    assert asked.title.startswith("Accept that -1,000.00 USD of alpha stays unexplained?")
    assert "-1,000.00" in (await say(desk, "/reconcile alpha")).title
    done = await say(desk, "/reconcile alpha accept")
    assert done.title == "Accepted: -1,000.00 USD of alpha stays unexplained"
    assert (await say(desk, "/reconcile alpha")).title == "alpha · 0.00 USD unexplained"


async def test_the_fleet_is_told_worst_first_and_what_cannot_be_known_says_why() -> None:
    desk = Books(
        alpha=an_account(10_000.0, 10_003.0, open_positions=0),
        beta=an_account(10_000.0, 9_000.0, open_positions=0),
        gamma=Reconciliation(),
    )
    answer = await say(desk, "/reconcile")
    assert answer.title == "1 agent with money that nobody can explain"
    assert [row[:4] for row in answer.tables[0].rows] == [
        ("beta", "-1,000.00", "10.00", "-1,000.00"),
        ("alpha", "+3.00", "10.00", "+3.00"),
        ("gamma", "n/a", "", ""),
    ]
    assert answer.tables[0].rows[2][-1] == "it has not told any trade yet"
    assert (await say(desk, "/reconcile gamma")).text == "n/a: it has not told any trade yet."
    assert "nothing to accept yet" in (await say(desk, "/reconcile gamma accept")).text


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ({"open_positions": 0}, "Within the limit of 10.00."),
        ({"open_positions": 1}, "Its newest sample cannot be reconciled: an open position does not say its P&L."),
    ],
)
async def test_an_explained_account_says_how_it_is_known(says: dict[str, Any], said: str) -> None:
    answer = await say(Books(alpha=an_account(10_000.0, 10_000.0, **says)), "/reconcile alpha")
    assert answer.text.splitlines()[0] == said
    assert answer.tone is Tone.PLAIN


async def test_a_rest_that_has_not_stood_for_long_says_that_it_waits() -> None:
    account = an_account(10_000.0, 10_000.0, open_positions=0)
    for number in range(3):
        account = account.fold(Sample("alpha", NOW + 30.0 * number, equity=9_500.0, open_positions=0))
    answer = await say(Books(alpha=account), "/reconcile alpha")
    assert answer.text.splitlines()[-1] == "An alert waits until it has stood for 10 m: trades are told late."
    assert "reconcile alpha accept" in lines(answer)


async def test_open_positions_count_by_what_they_say() -> None:
    held = (Position("BTC", Side.LONG, 1.0, 5_000.0, 250.0),)
    answer = await say(
        Books(alpha=an_account(10_000.0, 10_250.0, open_positions=1, positions=held)), "/reconcile alpha"
    )
    shown = parts(answer)
    assert (shown["Open positions"], shown["Unexplained"]) == ("+250.00", "0.00")


async def test_what_is_not_measured_is_not_called_explained() -> None:
    explained, unknown = an_account(10_000.0, 10_000.0, open_positions=0), Reconciliation()
    titles = [
        (await say(Books(**{f"a{at}": each for at, each in enumerate(books)}), "/reconcile")).title
        for books in ([explained], [explained, unknown], [unknown, unknown])
    ]
    assert titles == [
        "All money is explained",
        "All money of 1 agent is explained; 1 not measured yet",
        "Nothing is measured yet",
    ]


async def test_a_word_that_means_nothing_here_is_refused() -> None:
    answer = await say(Books(alpha=an_account(10_000.0, 9_000.0, open_positions=0)), "/reconcile alpha acept")
    assert '"acept" has no meaning here: write /reconcile alpha accept' in answer.text
