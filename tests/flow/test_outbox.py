"""Delivery over a real store: whatever a platform does, a page arrives, and one card follows its alert."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.chat import Button, Message, MessageRef, Tone, TransportError
from bot.outbox import Outbox, backoff
from bot.platforms.memory import Memory
from monitor.alerts.alert import Kind, Notification
from monitor.model import Severity
from monitor.ports import Change, StoreError
from monitor.storage import Database
from tests.flow.night import Hand
from tests.stores import a_notification, new_store

LONG = Message("Drawdown", "x" * 500, buttons=(Button("Acknowledge", "ack 1"),), tone=Tone.CRITICAL, loud=True)


class Chat(Memory):
    """A platform that can be told how to misbehave, and that has threads."""

    threads = True

    def __init__(self) -> None:
        super().__init__("console")
        self.under: list[MessageRef | None] = []
        self.hangs = 0
        self.cancels = 0
        self.longest = 10_000

    async def send(self, message: Message, under: MessageRef | None = None) -> MessageRef:
        if self.hangs:
            self.hangs -= 1
            await asyncio.Event().wait()
        if self.cancels:
            self.cancels -= 1
            raise asyncio.CancelledError
        if len(message.text) > self.longest:
            raise TransportError("message is too long", permanent=True)
        self.under.append(under)
        return await super().send(message)


class Delivery:
    def __init__(self, store: Database) -> None:
        self.store = store
        self.chat = Chat()
        self.clock = Hand()
        self.message: Message | Exception = LONG
        self.outbox = Outbox(store, {"console": self.chat}, self._draw, self.clock, patience=0.1)

    async def _draw(self, _row: Notification) -> Message | None:
        if isinstance(self.message, Exception):
            raise self.message
        return self.message

    async def put(self, *rows: Notification) -> None:
        await self.store.commit(Change(notifications=rows))
        self.outbox.wake()

    async def in_trouble(self) -> None:
        """Wait until something was not taken."""
        async with asyncio.timeout(5):
            for _ in range(1_000):
                if self.outbox.trouble:
                    return
                await asyncio.sleep(0.005)

    async def empty(self) -> None:
        """Wait until nothing waits, letting time pass for what is tried again."""
        async with asyncio.timeout(5):
            while (await self.store.undelivered())[0]:
                self.clock.time += 60
                self.outbox.wake()
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def delivering(folder: Path) -> AsyncIterator[Delivery]:
    async with new_store(folder) as store:
        one = Delivery(store)
        await one.chat.start(_nobody)
        task = asyncio.create_task(one.outbox.run())
        try:
            yield one
        finally:
            task.cancel()
            await asyncio.wait((task,))


async def _nobody(*_: object) -> None:
    """Nobody types."""


async def test_a_platform_that_hangs_holds_up_no_page_for_ever(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.hangs = 2
        await one.put(a_notification("a"), a_notification("b", alert="a2"))
        await one.empty()
        assert len(one.chat.sent) == 2
        assert one.outbox.trouble == {}


async def test_a_platform_that_raises_a_cancellation_ends_no_worker(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.cancels = 1
        await one.put(a_notification("a"))
        await one.empty()
        assert len(one.chat.sent) == 1


async def test_what_a_platform_will_never_take_is_told_in_short(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.longest = 400
        await one.put(a_notification("a"))
        await one.empty()
        (_, message) = one.chat.sent[0]
        assert (message.title, message.loud, message.buttons) == ("Drawdown", True, ())
        assert "/alerts tells more" in message.text


async def test_what_it_will_not_take_in_short_either_is_a_dead_letter_and_shows(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.longest = 10
        await one.put(a_notification("a"))
        await one.empty()
        assert one.chat.sent == []
        assert one.outbox.trouble == {"console": "message is too long"}


async def test_a_card_that_cannot_be_drawn_is_told_plainly(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.message = ZeroDivisionError()
        await one.put(a_notification("a", severity=Severity.CRITICAL))
        await one.empty()
        assert one.chat.sent[0][1].title == "CRITICAL: alert a1 (page)"


async def test_a_store_that_stumbles_while_a_card_is_drawn_is_tried_again(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.message = StoreError("the disk is full")
        await one.put(a_notification("a"))
        await one.in_trouble()
        one.message = LONG
        await one.empty()
        assert len(one.chat.sent) == 1


async def test_one_card_follows_its_alert_and_what_belongs_to_it_answers_it(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        await one.put(a_notification("a"))
        await one.empty()
        kinds = (Kind.UPDATE, Kind.LINE, Kind.RECOVERY)
        await one.put(*(a_notification(kind.value, kind, version=2) for kind in kinds))
        await one.put(a_notification("n", Kind.NOTICE, alert=None))
        await one.empty()
        card = one.chat.sent[0][0]
        assert [ref for ref, _ in one.chat.edits] == [card]
        assert one.chat.under.count(card) == 2
        assert one.chat.under.count(None) == 2


async def test_it_ends_when_it_is_told_to_even_while_it_is_being_woken(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        for _ in range(30):
            one = Delivery(store)
            task = asyncio.create_task(one.outbox.run())
            await asyncio.sleep(0.01)
            one.outbox.wake()
            task.cancel()
            async with asyncio.timeout(5):
                await asyncio.wait((task,))


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 1), (1, 2), (3, 8), (9, 60), (10_000, 60)])
def test_it_waits_longer_each_time_up_to_a_minute(attempts: int, seconds: float) -> None:
    assert backoff(attempts) == seconds


async def test_it_waits_as_long_as_the_platform_asks(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.fail(1, TransportError("slow down", retry_after=30.0))
        await one.put(a_notification("a"))
        async with asyncio.timeout(5):
            while one.chat.refusals:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.005)
        assert one.outbox.trouble == {}
        one.clock.time += 30.0
        one.outbox.wake()
        await asyncio.sleep(0.05)
        assert one.chat.sent == []
        one.clock.time += 1.0
        await one.empty()
        assert len(one.chat.sent) == 1
