"""What chats bring along: lines that come twice, late, or in answer to a card."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.access import Access
from bot.chat import Invocation, Message, MessageRef
from bot.command import discover
from bot.router import STALE, Router
from monitor.ports import AuditEntry, StoreError
from tests.fake_desk import ANA, NOW, FakeDesk, an_alert

CARD = MessageRef("memory", "room", "77")


class Inbox:
    """What a store remembers of a chat, in two sets."""

    def __init__(self, alerts: dict[str, str]) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.alerts = alerts
        self.broken = False

    async def first(self, platform: str, event: str, now: float) -> bool:  # noqa: ARG002 - the shape of the port
        if self.broken:
            raise StoreError("the disk is full")
        new = (platform, event) not in self.seen
        self.seen.add((platform, event))
        return new

    async def alert_at(self, platform: str, ref: str) -> str | None:
        assert platform == "memory"
        return self.alerts.get(ref)


class Talk:
    def __init__(self, desk: FakeDesk, alerts: dict[str, str] | None = None) -> None:
        self.desk = desk
        self.inbox = Inbox(alerts or {})
        self.entries: list[AuditEntry] = []
        self.router = Router(discover(), Access([ANA]), desk, self._audit, inbox=self.inbox)

    async def _audit(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    async def say(self, line: str, **more: object) -> list[Message]:
        answers: list[Message] = []

        async def reply(message: Message) -> None:
            answers.append(message)

        asked = Invocation(line, "memory", "1", "ana", "room", NOW)
        await self.router.handle(replace(asked, **more), reply)  # type: ignore[arg-type] # the fields of one test
        return answers


async def test_a_line_that_is_delivered_again_is_done_once_and_answered_once() -> None:
    talk = Talk(FakeDesk(alerts=[an_alert()]))
    assert len(await talk.say("/ack", event="41")) == 1
    assert await talk.say("/ack", event="41") == []
    assert (await talk.say("/ack", event="42"))[0].title == "Not done"


async def test_when_nobody_can_tell_whether_it_came_before_it_is_done() -> None:
    talk = Talk(FakeDesk(alerts=[an_alert()]))
    talk.inbox.broken = True
    assert (await talk.say("/ack", event="41"))[0].title.startswith("Acknowledged by ana")


@pytest.mark.parametrize("line", ["ack", "/ack", "ack looking at it"])
async def test_an_answer_to_a_card_is_about_its_alert(line: str) -> None:
    alerts = [an_alert(), an_alert("beta")]
    talk = Talk(FakeDesk(alerts=alerts), {CARD.pack(): alerts[1].id})
    (answer,) = await talk.say(line, about=CARD)
    assert answer.title.startswith("Acknowledged by ana")
    assert [each.acknowledged_by for each in talk.desk.open] == [None, "ana"]


async def test_a_card_gives_a_silence_its_alert_a_pause_its_agent_and_a_runbook_its_rule() -> None:
    alert = an_alert("beta")
    talk = Talk(FakeDesk(alerts=[an_alert(), alert]), {CARD.pack(): alert.id})
    assert "beta" in (await talk.say("silence 1h known", about=CARD))[0].title
    assert "beta" in (await talk.say("pause losing money", about=CARD))[-1].title
    assert "beta" in (await talk.say("runbook", about=CARD))[0].title


async def test_an_order_that_comes_late_is_not_carried_out_and_offered_again() -> None:
    talk = Talk(FakeDesk(alerts=[an_alert()]))
    (answer,) = await talk.say("/pause alpha", time=NOW - STALE - 1)
    assert "came so late" in answer.text
    assert [button.line for button in answer.buttons] == ["pause alpha"]
    assert talk.desk.orders == []
    assert [entry.detail for entry in talk.entries] == ["stale"]
    assert (await talk.say("/status", time=NOW - 3600))[0].title.startswith("2 agents")
