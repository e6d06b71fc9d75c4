"""`/oncall` tells now and next, and lets operators change who has the duty for a while."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from bot.access import Access
from bot.chat import Invocation, Message, Tone
from bot.command import Context, Role, UsageError, discover
from bot.commands.oncall import oncall
from bot.line import split
from bot.router import Router
from monitor.alerts.oncall import Duty, duty
from monitor.alerts.plan import Override, Rotation
from monitor.desk import Desk, DeskError
from monitor.model import Person
from monitor.ports import AuditEntry, StoreError

NOW = dt.datetime(2026, 1, 6, 12, tzinfo=dt.UTC).timestamp()
MAIN = Rotation("main", ("ana", "ben"), "weekly", dt.time(9), dt.UTC, dt.date(2026, 1, 5))
ROLES = {"ana": Role.ADMIN, "ben": Role.OPERATOR, "eva": Role.VIEWER}


class Rota(Desk):
    """A desk that knows of duties only."""

    def __init__(self, *rotations: Rotation) -> None:
        self.rotations = rotations
        self.overrides: list[Override] = []

    def now(self) -> float:
        return NOW

    def duty(self) -> tuple[Duty, ...]:
        return tuple(duty(each, self.overrides, NOW) for each in self.rotations)

    async def take(self, rotation: str | None, person: str, seconds: float, by: str) -> Override:
        found = [each for each in self.rotations if rotation in (None, each.name)]
        if len(found) != 1 or person not in ROLES:
            raise DeskError("Nothing fits.")
        self.overrides.append(Override(str(len(self.overrides)), found[0].name, person, NOW, NOW + seconds, by))
        return self.overrides[-1]


async def say(desk: Rota, line: str, by: str = "ben") -> Message:
    async def reply(_message: Message) -> None:
        """Nobody listens."""

    words = split(line)
    invocation = Invocation(line, "memory", "1", by, "memory", NOW)
    return await oncall.run(Context(desk, Person(by, ROLES[by].name), ROLES[by], words[1:], invocation, reply, {}))


def fields(message: Message) -> dict[str, str]:
    return {each.label: each.value for each in message.fields}


async def test_it_tells_now_and_next_with_their_times() -> None:
    answer = await say(Rota(MAIN), "/oncall")
    assert answer.title == "On duty at 12:00 UTC: ana"
    assert fields(answer) == {"main": "ana until 2026-01-12 09:00 UTC (5 d 21 h), then ben"}
    assert [each.line for each in answer.buttons] == ["oncall take 4h main"]


async def test_a_viewer_sees_it_and_is_refused_to_change_it() -> None:
    desk = Rota(MAIN)
    assert (await say(desk, "/oncall", "eva")).buttons == ()
    for line in ("/oncall take 4h", "/oncall give eva 4h"):
        with pytest.raises(UsageError, match="only an operator or admin"):
            await say(desk, line, "eva")
    assert desk.overrides == []


async def test_a_button_takes_the_duty_of_its_rotation_for_a_while() -> None:
    desk = Rota(MAIN, replace(MAIN, name="on call nights", every="daily"))
    shown = await say(desk, "/oncall")
    taken = await say(desk, shown.buttons[1].line)
    assert taken.title == "ben has the duty for 4 h: on call nights"
    assert fields(taken) == {"on call nights": "ben out of turn until 16:00 UTC (4 h), then ben"}
    again = await say(desk, "/oncall")
    assert again.title == "On duty at 12:00 UTC: ana, ben"


@pytest.mark.parametrize(
    ("line", "person", "rotation", "seconds"),
    [
        ("/oncall take 4h", "ben", "main", 14_400),
        ("/oncall take main 90m", "ben", "main", 5_400),
        ("/oncall TAKE 4h main", "ben", "main", 14_400),
        ("/oncall give ana 1d", "ana", "main", 86_400),
        ("/oncall give ana 4h main", "ana", "main", 14_400),
    ],
)
async def test_the_words_say_who_for_how_long_and_where(line: str, person: str, rotation: str, seconds: float) -> None:
    desk = Rota(MAIN)
    await say(desk, line)
    (made,) = desk.overrides
    assert (made.person, made.rotation, made.ends - made.starts, made.by) == (person, rotation, seconds, "ben")


async def test_a_duty_that_is_given_says_by_whom() -> None:
    assert (await say(Rota(MAIN), "/oncall give ana 4h")).text.startswith("Given by ben. ")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/oncall swap", '"swap" has no meaning here'),
        ("/oncall take", "say for how long"),
        ("/oncall give ana", "say for how long"),
        ("/oncall give 4h ana", "say who is to have the duty before"),
        ("/oncall take main 4h nights", "the rotation stands at the end"),
        ("/oncall take 0s", "say for how long"),
    ],
)
async def test_what_cannot_be_meant_is_refused_in_a_sentence(line: str, said: str) -> None:
    desk = Rota(MAIN)
    with pytest.raises(UsageError, match=said):
        await say(desk, line)
    assert desk.overrides == []


async def test_nobody_on_duty_stands_out_and_no_rotation_says_what_to_do() -> None:
    answer = await say(Rota(MAIN, replace(MAIN, name="nights", people=())), "/oncall")
    assert answer.tone is Tone.WARN
    assert "1 rotation with nobody" in answer.text
    assert fields(answer)["nights"] == "nobody"
    assert "[[rotations]]" in (await say(Rota(), "/oncall")).text


@pytest.mark.parametrize("broken", [False, True])
async def test_a_change_of_the_duty_that_comes_late_or_that_no_audit_takes_is_not_made(broken: bool) -> None:
    desk, said, entries = Rota(MAIN), list[Message](), list[AuditEntry]()

    async def audit(entry: AuditEntry) -> None:
        if broken:
            raise StoreError("the disk is full")
        entries.append(entry)

    async def reply(message: Message) -> None:
        said.append(message)

    router = Router(discover(), Access([Person("ben", "operator", {"memory": "1"})]), desk, audit)

    async def give(line: str, given: float) -> str:
        await router.handle(Invocation(line, "memory", "1", "ben", "memory", given), reply)
        return said[-1].title

    if broken:
        assert await give("/oncall give ana 4h", NOW) == "Not done"
    else:
        assert (await give("/oncall give ana 4h", NOW - 3_600)).startswith("Not done: /oncall")
        assert [each.outcome for each in entries] == ["refused"]
    assert desk.overrides == []
    assert await give("/oncall", NOW - 3_600) == "On duty at 12:00 UTC: ana"
