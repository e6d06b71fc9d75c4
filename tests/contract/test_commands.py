"""Every command that discovery finds keeps these promises, from the day it is added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access import Access
from bot.chat import Invocation, Message
from bot.command import Command, Context, Role, UsageError, discover
from bot.line import BUTTON_BYTES, split
from bot.platforms.memory import Memory
from bot.router import Router
from monitor.alerts.silence import Silence
from monitor.desk import DeskError
from monitor.model import Severity
from monitor.ports import AuditEntry
from tests.fake_alarms import FakeMail
from tests.fake_desk import ANA, BEN, OPS, FakeDesk, a_trade, an_alert

COMMANDS = discover()
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
NONSENSE = st.lists(
    st.text(max_size=30)
    | st.sampled_from(["all", "da4c", "2", "rule=x", "venue=sim"])
    | st.sampled_from(["alpha", "a", "by", "hour", "1h", "+1", "-0.5", "12:99", "accept", "3f9"]),
    max_size=5,
)


ALERTS = (
    an_alert(),
    replace(an_alert("beta"), standing=True),
    an_alert("beta", "health_degraded", Severity.WARN, labels=(("check", "venue"),)),
    *(replace(an_alert(f"dark{each}", "agent_unreachable"), incident="da4c0000") for each in range(60)),
)


def a_desk() -> FakeDesk:
    return FakeDesk("alpha", "beta", alerts=list(ALERTS), trades=[a_trade(1, "10"), a_trade(2, "-5", "mean", "beta")])


class Trail:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def __call__(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


async def talk(desk: FakeDesk, trail: Trail) -> Memory:
    memory = Memory(clock=desk.now)
    await memory.start(Router(COMMANDS, Access([ANA, BEN, OPS]), desk, trail, mail=FakeMail()).handle)
    return memory


def buttons(message: Message) -> Iterator[str]:
    return (button.line for button in message.buttons)


@each_command
def test_its_usage_begins_with_its_name_and_its_summary_is_a_sentence(command: Command) -> None:
    assert split(command.usage)[0] == f"/{command.name}"
    assert command.name == command.name.lower()
    assert command.summary.endswith(".")
    assert all(split(example)[0] == f"/{command.name}" for example in command.examples)


@each_command
@given(args=NONSENSE)
async def test_nonsense_is_answered_or_refused_in_a_sentence(command: Command, args: list[str]) -> None:
    desk = a_desk()
    memory = Memory(clock=desk.now)

    async def reply(_message: Message) -> None:
        """Nobody listens."""

    words = split(" ".join(args))
    invocation = Invocation(command.name, memory.name, "1", "ana", "memory", desk.now())
    ctx = Context(desk, ANA, Role.ADMIN, words, invocation, reply, COMMANDS, mail=FakeMail())
    try:
        if command.confirm:
            assert command.confirm(ctx) != ""
        message = await command.run(ctx)
    except (UsageError, DeskError) as error:
        sentence = str(error)
    else:
        sentence = message.title
    assert sentence.strip()
    assert len(sentence) < 1_000


@each_command
async def test_it_does_only_what_the_role_may(command: Command) -> None:
    desk, trail = a_desk(), Trail()
    memory = await talk(desk, trail)
    for line in command.examples or (f"/{command.name}",):
        await memory.give(line, user="2")
    expected = {"denied"} if command.role > Role.VIEWER else {"ran", "refused"}
    assert {entry.outcome for entry in trail.entries} <= expected
    assert (desk.orders, desk.held, desk.flows, desk.taken) == ([], [], [], [])
    assert all(alert.acknowledged_by is None for alert in desk.open)


@each_command
async def test_its_buttons_are_known_commands_that_fit_into_every_chat(command: Command) -> None:
    desk, trail = a_desk(), Trail()
    memory = await talk(desk, trail)
    lines = [f"/{command.name}", *command.examples, f"/{command.name} alpha", f"/{command.name} {desk.open[0].id}"]
    lines += [f"/{command.name} da4c", f"/{command.name} da4c 1h known"]
    answers = [answer for line in lines for answer in await memory.give(line)]
    assert answers
    for line in (line for answer in answers for line in buttons(answer)):
        assert split(line)[0] in {*COMMANDS, "confirm", "cancel"}
        assert len(line.encode()) <= BUTTON_BYTES
        assert line.isprintable()


@each_command
async def test_every_example_of_its_help_is_understood(command: Command) -> None:
    trail = Trail()
    for example in command.examples:
        desk = a_desk()
        desk.open = [replace(an_alert(), id="3f9c1a2b")]
        desk.held = [Silence("5e11ce00", (("rule", "drawdown"),), desk.time, desk.time + 60.0, "ana", "known")]
        memory = await talk(desk, trail)
        if command.name in ("real", "false"):
            desk.rules = {key: replace(each, statistical=True) for key, each in desk.rules.items()}
        if command.name == "unack":
            await memory.give("/ack 3f9c1a2b")
        await memory.give(example)
    assert {entry.outcome for entry in trail.entries} <= {"started", "asked", "ran"}, [
        entry.detail for entry in trail.entries
    ]


@each_command
async def test_every_table_it_answers_with_is_even(command: Command) -> None:
    memory = await talk(a_desk(), Trail())
    for line in (f"/{command.name}", f"/{command.name} alpha", *command.examples):
        for answer in await memory.give(line):
            for table in answer.tables:
                assert {len(row) for row in table.rows} <= {len(table.columns)}
