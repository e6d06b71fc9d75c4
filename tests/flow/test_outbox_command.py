"""`/outbox` over a real store: people see what waits and what was never taken, and decide about the latter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.chat import Invocation, Message
from bot.command import Context, Role, UsageError
from bot.commands.outbox import outbox
from monitor.alerts.alert import Kind
from monitor.mail import Closed
from monitor.model import Person, Severity
from monitor.ports import Change
from monitor.storage import Database
from tests.stores import T0, a_notification, new_store

NOW = T0 + 300.0


class Asked:
    """An operator who types `/outbox`."""

    def __init__(self, store: Database | None) -> None:
        self.store = store

    def context(self, line: str) -> Context:
        desk: Any = SimpleNamespace(now=lambda: NOW)
        words = tuple(line.split())
        invocation = Invocation(f"outbox {line}", "console", "ben", "ben", "console", NOW)
        person = Person("ben", "operator")
        return Context(desk, person, Role.OPERATOR, words, invocation, self._reply, {}, mail=self.store)

    async def __call__(self, line: str = "") -> Message:
        return await outbox.run(self.context(line))

    async def _reply(self, message: Message) -> None:
        raise AssertionError(message)


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with new_store(tmp_path) as store:
        body = {"title": "slack is \x1b[31min trouble\x1b[0m", "text": "x"}
        rows = (
            a_notification("page", severity=Severity.CRITICAL, platform="slack"),
            a_notification("notice", Kind.NOTICE, alert=None, body=body, platform="slack"),
            *(a_notification(f"n{each}", alert=f"b{each}", platform="telegram:-100") for each in range(2)),
        )
        await store.commit(Change(notifications=rows))
        for row in await store.claim("slack", T0, 9):
            await store.bury(row, T0 + 240, "the channel\nis archived")
        (first, *_) = await store.claim("telegram:-100", T0, 1)
        await store.retry(first, NOW + 600, "slow down", closed=Closed.ALL)
        yield Asked(store)


async def test_it_shows_what_waits_and_what_no_chat_will_take(asked: Asked) -> None:
    message = await asked()
    assert message.title == "2 messages waiting, 2 dead letters"
    assert [(each.label, each.value) for each in message.fields] == [
        (
            "Waiting for telegram:-100",
            "2 messages, the oldest for 5 m, which takes nothing until 22:28 UTC\nslow down",
        ),
        (
            "Dead letter 2 to slack",
            "slack is in trouble\nthe channel is archived\ndue 22:13 UTC, given up 1 m ago",
        ),
        (
            "Dead letter 1 to slack",
            "CRITICAL page of alert a1\nthe channel is archived\ndue 22:13 UTC, given up 1 m ago",
        ),
    ]
    assert [each.line for each in message.buttons] == ["outbox resend 2", "outbox resend 1"]


async def test_a_dead_letter_is_sent_again_or_dropped_and_then_there_is_none(asked: Asked) -> None:
    assert (await asked("resend 1")).title == "Sending 1 dead letter again"
    assert (await asked("DROP ALL")).title == "1 dead letter dropped"
    assert (await asked()).title == "3 messages waiting, 0 dead letters"
    assert (await asked("resend all")).title == "No dead letter was sent again"
    assert asked.store is not None
    assert [each.key for each in await asked.store.claim("slack", NOW, 9)] == ["page"]


async def test_an_empty_outbox_says_so(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        assert (await Asked(store)()).title == "The outbox is empty"


async def test_all_of_them_at_once_are_asked_about_first() -> None:
    asked = Asked(None)
    assert outbox.confirm is not None
    questions = [outbox.confirm(asked.context(line)) for line in ("drop all", "Resend ALL", "drop 1", "", "burn all")]
    assert questions == ["Drop every dead letter?", "Send every dead letter again?", None, None, None]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("burn 1", "say resend or drop"),
        ("resend", "say which dead letter"),
        ("resend one", '"one" is no dead letter\'s number'),
        ("drop \u0663", "no dead letter"),
        ("drop " + "9" * 400, "no dead letter"),
        ("drop 3", "there is no dead letter 3 to drop"),
        ("resend 3", "there is no dead letter 3 to resend"),
        ("drop 1 2", "has no place here"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_one_sentence(asked: Asked, line: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        await asked(line)


async def test_a_program_without_an_outbox_says_so() -> None:
    with pytest.raises(UsageError, match="no outbox"):
        await Asked(None)()
