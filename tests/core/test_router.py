from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from bot.access import Access
from bot.chat import Invocation, Message, Tone, TransportError
from bot.command import Command, Context, Role, command, discover
from bot.platforms.memory import Memory
from bot.router import HINT_EVERY, Router
from monitor.desk import DeskError
from monitor.ports import AuditEntry, StoreError
from tests.fake_desk import ANA, BEN, OPS, FakeDesk

ADMIN, VIEWER, OPERATOR, STRANGER = "1", "2", "3", "99"


class Trail:
    """An audit trail in a list, which can be broken."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.broken = False
        self.ran = asyncio.Event()

    async def __call__(self, entry: AuditEntry) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        self.entries.append(entry)
        if entry.outcome == "ran":
            self.ran.set()

    @property
    def outcomes(self) -> list[str]:
        return [entry.outcome for entry in self.entries]


class Talk:
    """A desk with a router and a chat to talk to it."""

    def __init__(self, *extra: Command, at_once: int = 16) -> None:
        self.desk = FakeDesk()
        self.trail = Trail()
        self.memory = Memory()
        self.commands: Mapping[str, Command] = {**discover(), **{each.name: each for each in extra}}
        self.router = Router(self.commands, Access([ANA, BEN, OPS]), self.desk, self.trail, at_once=at_once)

    async def say(self, line: str, user: str = ADMIN) -> Message:
        answers = await self.all(line, user)
        return answers[-1]

    async def all(self, line: str, user: str = ADMIN) -> tuple[Message, ...]:
        await self.memory.start(self.router.handle)
        return await self.memory.give(line, user)


def invocation(talk: Talk, line: str) -> Invocation:
    return Invocation(line, "memory", ADMIN, ADMIN, "memory", talk.desk.time)


def failing(error: Exception, role: Role = Role.VIEWER) -> Command:
    @command("boom", usage="/boom", summary="Fail.", role=role)
    async def boom(_ctx: Context) -> Message:
        raise error

    return boom


async def test_a_slash_and_the_case_of_a_command_do_not_matter() -> None:
    talk = Talk()
    titles = {(await talk.say(line)).title for line in ("/whoami", "whoami", "/WhoAmI", "  /whoami  ")}
    assert titles == {"You are ana, admin"}


async def test_a_stranger_is_told_their_id_once_and_nothing_runs() -> None:
    talk = Talk()
    (hint,) = await talk.all("/pause alpha", STRANGER)
    assert STRANGER in hint.text
    assert "memory" in hint.text
    assert "ana" in hint.text
    assert await talk.all("/pause alpha", STRANGER) == ()
    assert talk.desk.orders == []
    assert talk.trail.outcomes == ["denied", "denied"]
    assert talk.trail.entries[0].person is None
    talk.desk.time += HINT_EVERY
    assert len(await talk.all("/status", STRANGER)) == 1


async def test_a_viewer_may_not_give_orders_and_is_told_who_can_change_that() -> None:
    talk = Talk()
    answer = await talk.say("/pause alpha", VIEWER)
    assert "operator" in answer.text
    assert "ana" in answer.text
    assert talk.desk.orders == []
    assert talk.trail.outcomes == ["denied"]


async def test_an_order_is_in_the_audit_before_it_runs_and_after() -> None:
    talk = Talk()
    await talk.say("/pause alpha losing money")
    assert talk.trail.outcomes == ["started", "ran"]
    assert talk.trail.entries[0].line == "/pause alpha losing money"
    assert talk.trail.entries[0].person == "ana"
    assert talk.trail.entries[0].user == ADMIN
    assert talk.desk.orders[0].reason == "losing money"


async def test_an_order_runs_and_is_in_the_audit_though_no_answer_gets_through() -> None:
    talk = Talk()
    await talk.memory.start(talk.router.handle)
    talk.memory.fail(9)
    assert await talk.memory.give("/pause alpha") == ()
    assert [order.action for order in talk.desk.orders] == ["pause"]
    assert talk.trail.outcomes == ["started", "ran"]


async def test_an_order_does_not_wait_for_a_chat_that_hangs() -> None:
    talk = Talk()
    stuck = asyncio.Event()

    async def reply(_message: Message) -> None:
        await stuck.wait()

    task = asyncio.create_task(talk.router.handle(invocation(talk, "/pause alpha"), reply))
    await asyncio.wait_for(talk.trail.ran.wait(), 5)
    stuck.set()
    await task
    assert talk.desk.orders


async def test_answers_keep_their_order_even_over_a_slow_chat() -> None:
    talk = Talk()
    said: list[str] = []
    slow = [0.05, 0.0]

    async def reply(message: Message) -> None:
        await asyncio.sleep(slow.pop(0))
        said.append(message.title)

    await talk.router.handle(invocation(talk, "/pause alpha"), reply)
    assert said == ["Asked alpha to pause", "alpha is paused: confirmed by alpha after 1.2 s"]


async def test_without_an_audit_nothing_that_changes_anything_is_done() -> None:
    talk = Talk()
    talk.trail.broken = True
    answer = await talk.say("/pause alpha")
    assert "audit" in answer.text
    assert talk.desk.orders == []
    assert (await talk.say("/whoami")).title == "You are ana, admin"


async def test_an_unknown_command_gets_the_nearest_one_as_a_button() -> None:
    talk = Talk()
    answer = await talk.say("/stauts alpha")
    assert answer.buttons[0].line == "status alpha"
    assert talk.trail.outcomes == ["unknown"]
    assert (await talk.say(answer.buttons[0].line)).title.startswith("alpha")


async def test_a_command_that_one_may_not_run_is_not_suggested() -> None:
    answer = await Talk().say("/puase alpha", VIEWER)
    assert all("pause" not in button.line for button in answer.buttons)


@pytest.mark.parametrize("line", ["", "/", "   ", "\x00", "///", '""', "😀"])
async def test_an_empty_or_senseless_line_gets_help(line: str) -> None:
    answer = await Talk().say(line)
    assert answer.buttons[-1].line == "help"


async def test_a_line_that_is_too_long_is_refused_not_cut() -> None:
    talk = Talk()
    answer = await talk.say("/pause alpha " + "x" * 1_000)
    assert "1,000" in answer.text
    assert talk.desk.orders == []
    assert len(talk.trail.entries[0].line) <= 1_000


async def test_a_usage_error_comes_with_the_usage() -> None:
    talk = Talk()
    answer = await talk.say("/silence")
    assert "/silence ALERT DURATION REASON" in answer.text
    assert answer.buttons[0].line == "help silence"
    assert talk.trail.outcomes == ["started", "refused"]


async def test_a_desk_error_is_its_sentence() -> None:
    talk = Talk(failing(DeskError("there is no such thing")))
    assert (await talk.say("/boom")).text == "There is no such thing."
    assert talk.trail.outcomes == ["refused"]


@pytest.mark.parametrize(
    ("role", "known"),
    [(Role.VIEWER, "It changes nothing."), (Role.OPERATOR, "Whether it took effect is not known")],
)
@pytest.mark.parametrize("error", [RuntimeError("secret key 123"), StoreError("the disk is full")])
async def test_what_goes_wrong_is_told_without_claiming_more_than_is_known(
    role: Role, known: str, error: Exception
) -> None:
    talk = Talk(failing(error, role))
    answer = await talk.say("/boom")
    assert known in answer.text
    assert "secret" not in answer.text
    assert ("disk is full" in answer.text) is isinstance(error, StoreError)
    assert talk.trail.outcomes[-1] == "failed"
    assert "secret" not in talk.trail.entries[-1].detail


async def test_a_dangerous_command_asks_first_and_runs_as_typed_on_yes() -> None:
    talk = Talk()
    question = await talk.say("/resume alpha", OPERATOR)
    assert question.title.startswith("Resume alpha")
    assert talk.desk.orders == []
    yes, no = question.buttons
    assert yes.line.startswith("confirm ")
    assert no.line.startswith("cancel ")
    answers = await talk.all(yes.line, OPERATOR)
    assert answers[-1].tone is Tone.GOOD
    assert [(order.action, order.by) for order in talk.desk.orders] == [("resume", "ops")]
    entries = [(entry.outcome, entry.line) for entry in talk.trail.entries]
    assert entries == [
        ("asked", "/resume alpha"),
        ("started", "/resume alpha"),
        ("ran", "/resume alpha"),
        ("ran", yes.line),
    ]


async def test_a_yes_counts_once() -> None:
    talk = Talk()
    yes = (await talk.say("/resume alpha")).buttons[0]
    await talk.say(yes.line)
    await talk.say(yes.line)
    assert len(talk.desk.orders) == 1
    assert talk.trail.outcomes[-1] == "refused"


async def test_two_presses_at_the_same_time_count_once() -> None:
    talk = Talk()
    yes = (await talk.say("/resume alpha")).buttons[0]
    await asyncio.gather(*(talk.memory.give(yes.line) for _ in range(5)))
    assert len(talk.desk.orders) == 1


async def test_a_yes_of_somebody_else_neither_counts_nor_uses_up_the_question() -> None:
    talk = Talk()
    yes = (await talk.say("/resume alpha", OPERATOR)).buttons[0]
    assert "ops" in (await talk.say(yes.line, ADMIN)).text
    assert talk.desk.orders == []
    await talk.say(yes.line, OPERATOR)
    assert len(talk.desk.orders) == 1


async def test_a_yes_after_a_minute_does_not_count() -> None:
    talk = Talk()
    yes = (await talk.say("/resume alpha")).buttons[0]
    talk.desk.time += 60.0
    assert "60 s" in (await talk.say(yes.line)).text
    assert talk.desk.orders == []


async def test_a_no_ends_the_question() -> None:
    talk = Talk()
    yes, no = (await talk.say("/resume alpha")).buttons
    assert "not done" in (await talk.say(no.line)).title
    await talk.say(yes.line)
    assert talk.desk.orders == []


async def test_a_dangerous_line_that_makes_no_sense_is_refused_before_the_question() -> None:
    talk = Talk()
    assert "confirm" not in " ".join(button.line for button in (await talk.say("/resume nobody")).buttons)
    assert talk.trail.outcomes == ["refused"]


async def test_a_command_that_waits_holds_up_no_other_and_one_person_has_so_many_at_once() -> None:
    gate, begun = asyncio.Event(), asyncio.Semaphore(0)

    @command("wait", usage="/wait", summary="Wait.")
    async def wait(_ctx: Context) -> Message:
        begun.release()
        await gate.wait()
        return Message("done waiting")

    talk = Talk(wait, at_once=3)
    await talk.memory.start(talk.router.handle)
    waiting = [asyncio.create_task(talk.memory.give("/wait")) for _ in range(2)]
    for _ in waiting:
        await begun.acquire()
    assert (await talk.say("/whoami")).title == "You are ana, admin"
    waiting.append(asyncio.create_task(talk.memory.give("/wait")))
    await begun.acquire()
    assert "under way" in (await talk.say("/whoami")).text
    assert (await talk.say("/whoami", VIEWER)).title == "You are ben, viewer"
    gate.set()
    assert [(await task)[-1].title for task in waiting] == ["done waiting"] * 3
    assert (await talk.say("/whoami")).title == "You are ana, admin"


async def test_a_reply_that_raises_anything_stays_in_the_router() -> None:
    talk = Talk()

    async def reply(_message: Message) -> None:
        raise TransportError("gone", permanent=True) if talk.trail.entries[-1].line == "status" else RuntimeError("bug")

    await talk.router.handle(invocation(talk, "status"), reply)
    await talk.router.handle(invocation(talk, "whoami"), reply)
    assert talk.trail.outcomes == ["ran", "ran"]


async def test_help_lists_the_answers_to_questions_and_only_what_one_may_run() -> None:
    talk = Talk()
    usages = {each.label for each in (await talk.say("/help", VIEWER)).fields}
    assert {"/confirm CODE", "/cancel CODE", "/status [AGENT]"} <= usages
    assert "/pause AGENT|all [via CONTROL] [2h] [REASON]" not in usages
    assert "/pause AGENT|all [via CONTROL] [2h] [REASON]" in {
        each.label for each in (await talk.say("/help", OPERATOR)).fields
    }
