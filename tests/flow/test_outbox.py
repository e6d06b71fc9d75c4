"""Delivery over a real store: whatever a platform does, a page arrives, and one card follows its alert."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Button, Message, MessageRef, Tone, TransportError
from bot.delivery import backoff, obituary
from bot.outbox import Outbox
from bot.platforms.memory import Memory
from monitor.alerts.alert import Kind, Notification
from monitor.model import Severity
from monitor.ports import Change, StoreError
from monitor.storage import Database
from tests.flow.night import Hand
from tests.stores import T0, a_notification, new_store

LONG = Message("Drawdown", "x" * 500, buttons=(Button("Acknowledge", "ack 1"),), tone=Tone.CRITICAL, loud=True)


class Chat(Memory):
    """A platform that can be told how to misbehave, and that has threads."""

    threads = True

    def __init__(self, clock: Hand) -> None:
        super().__init__("console", clock.now)
        self.under: list[MessageRef | None] = []
        self.hangs = 0
        self.cancels = 0
        self.longest = 10_000
        self.blind: list[Exception] = []
        """What looking for a message comes to; afterwards it works."""
        self.forgets = False

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        if self.hangs:
            self.hangs -= 1
            await asyncio.Event().wait()
        if self.cancels:
            self.cancels -= 1
            raise asyncio.CancelledError
        if len(message.text) > self.longest:
            raise TransportError("message is too long", permanent=True)
        self.under.append(under)
        return await super().send(message, to=to, key=key)

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:
        if self.blind:
            raise self.blind.pop(0)
        return None if self.forgets else await super().find(key, to=to, since=since)

    def heal(self) -> None:
        self._failures.clear()

    @property
    def texts(self) -> list[str]:
        return [message.text for _, message in self.sent]


class Delivery:
    def __init__(self, store: Database, *channels: str) -> None:
        self.store = store
        self.clock = Hand(T0)
        self.chat = Chat(self.clock)
        self.message: Message | Exception | None = LONG
        self.outbox = Outbox(
            store,
            {"console": self.chat},
            self._draw,
            self.clock,
            channels=channels,
            dead=self._dead,
            patience=0.1,
        )
        self._channels = channels

    async def _draw(self, _row: Notification) -> Message | None:
        if isinstance(self.message, Exception):
            raise self.message
        return self.message

    async def _dead(self, row: Notification, why: str) -> None:
        await self.store.commit(Change(notifications=obituary(row, why, self._channels, self.clock.now())))

    async def put(self, *rows: Notification) -> None:
        await self.store.commit(Change(notifications=rows))
        self.outbox.wake()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds, without letting time pass."""
        async with asyncio.timeout(5):
            while not holds():
                self.outbox.wake()
                await asyncio.sleep(0.005)

    async def empty(self) -> None:
        """Wait until nothing waits, letting time pass for what is tried again."""
        async with asyncio.timeout(5):
            while (await self.store.undelivered())[0]:
                self.clock.time += 10
                self.outbox.wake()
                await asyncio.sleep(0.005)

    async def quiet(self) -> None:
        """Give it every chance to send something more."""
        for _ in range(10):
            self.outbox.wake()
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def delivering(folder: Path, *channels: str) -> AsyncIterator[Delivery]:
    async with new_store(folder) as store:
        one = Delivery(store, *channels)
        await one.chat.start(_nobody)
        async with running(one.outbox):
            yield one


@contextlib.asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    try:
        yield
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
        await one.until(lambda: one.outbox.trouble)
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


async def test_it_waits_as_long_as_the_platform_asks_whatever_comes_meanwhile(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.fail(1, TransportError("slow down", retry_after=30.0))
        await one.put(a_notification("a"))
        await one.until(lambda: not one.chat.refusals)
        assert one.outbox.trouble == {}
        await one.put(a_notification("b", alert="a2", severity=Severity.CRITICAL))
        one.clock.time += 30.0
        await one.quiet()
        assert one.chat.sent == []
        one.clock.time += 1.0
        await one.empty()
        assert len(one.chat.sent) == 2


async def test_when_it_is_our_own_pace_that_asks_to_wait_what_is_more_urgent_goes(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.fail(1, TransportError("too many already", retry_after=30.0, own=True))
        await one.put(a_notification("a", Kind.NOTICE, alert=None))
        await one.until(lambda: not one.chat.refusals)
        await one.put(a_notification("b", severity=Severity.CRITICAL))
        await one.until(lambda: one.chat.sent)
        await one.quiet()
        assert (await one.store.undelivered())[0] == 1


async def test_a_chat_in_trouble_is_left_alone_and_the_first_that_it_takes_lets_the_others_go(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.fail(100)
        await one.put(*(a_notification(f"n{each}", alert=f"a{each}") for each in range(10)))
        await one.until(lambda: one.chat.refusals == 97)
        await one.quiet()
        assert one.chat.refusals == 97
        one.clock.time += 1.0
        await one.until(lambda: one.chat.refusals == 96)
        one.chat.heal()
        one.clock.time += 2.0
        await one.until(lambda: len(one.chat.sent) >= 9)
        await one.empty()


async def test_a_critical_page_that_comes_meanwhile_goes_next(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        drawn: list[str] = []

        async def draw(row: Notification) -> Message:
            drawn.append(row.key)
            if len(drawn) == 1:
                await one.put(a_notification("critical", alert="a9", severity=Severity.CRITICAL))
            return LONG

        one.outbox._draw = draw
        await one.put(*(a_notification(f"n{each}", alert=f"a{each}") for each in range(3)))
        await one.empty()
        assert drawn == ["n0", "critical", "n1", "n2"]


async def test_what_was_taken_though_nobody_said_so_is_found_and_not_sent_again(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.fail(1, TransportError("the connection broke", uncertain=True), taken=True)
        await one.put(a_notification("a"))
        await one.empty()
        ((ref, message),) = one.chat.sent
        assert message.text == LONG.text
        card = await one.store.card("a1", "console")
        assert card is not None
        assert card.ref == ref.pack()


async def test_where_nobody_can_look_the_repeat_says_that_it_may_be_one_and_no_edit_does(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.forgets = True
        broke = TransportError("the connection broke", uncertain=True)
        one.chat.fail(2, broke, taken=True)
        await one.put(a_notification("a"))
        await one.empty()
        assert ["May be a repeat" in text for text in one.chat.texts] == [False, True, True]
        one.chat.fail(1, broke, taken=True)
        await one.put(a_notification("u", Kind.UPDATE), a_notification("b", Kind.AGAIN))
        await one.empty()
        assert not any("May be a repeat" in message.text for _, message in one.chat.edits)


async def test_what_was_being_sent_when_the_desk_died_is_looked_for_first(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        one = Delivery(store)
        await one.chat.start(_nobody)
        await one.put(
            a_notification("taken"), a_notification("not taken", alert="a2"), a_notification("new", alert="a3")
        )
        await store.claim("console", T0, 2)
        await one.chat.send(LONG, key="taken")
        async with running(one.outbox):
            await one.empty()
    assert ["May be a repeat" in text for text in one.chat.texts] == [False, True, False]


async def test_a_chat_that_does_not_let_us_look_is_told_again_in_the_end(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.chat.fail(1, TransportError("the connection broke", uncertain=True))
        one.chat.blind = [
            TransportError("no"),
            KeyError("ts"),
            TransportError("wait", retry_after=5.0),
            *[OSError()] * 9,
        ]
        await one.put(a_notification("a"))
        await one.empty()
        assert ["May be a repeat" in text for text in one.chat.texts] == [True]
        assert len(one.chat.blind) == 6


async def test_a_store_that_forgets_what_came_of_a_message_makes_no_second_one(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        stored, broken = one.store.delivered, asyncio.Event()

        async def delivered(*args: Any, **more: Any) -> None:
            if not broken.is_set():
                broken.set()
                raise StoreError("the disk is full")
            await stored(*args, **more)

        vars(one.store)["delivered"] = delivered
        await one.put(a_notification("a"))
        await one.until(broken.is_set)
        await one.empty()
        assert one.chat.texts == [LONG.text]


async def test_when_only_looking_is_unwelcome_new_pages_go_and_nobody_looks_again_before_it_is_time(
    tmp_path: Path,
) -> None:
    async with delivering(tmp_path) as one:
        one.chat.fail(2, TransportError("the connection broke", uncertain=True))
        one.chat.blind = [TransportError("wait", retry_after=30.0, own=True), *[OSError()] * 9]
        await one.put(a_notification("a"), a_notification("b", alert="a2"))
        await one.until(lambda: not one.chat.refusals)
        one.clock.time += 2.0
        await one.until(lambda: len(one.chat.blind) == 9)
        await one.put(a_notification("c", alert="a3"))
        await one.until(lambda: one.chat.sent)
        await one.quiet()
        assert len(one.chat.blind) == 9
        one.chat.blind.clear()
        await one.empty()
        assert len(one.chat.sent) == 3


async def test_each_chat_of_a_platform_has_its_own_turn(tmp_path: Path) -> None:
    async with delivering(tmp_path, "console", "console:C2") as one:
        one.chat.hangs = 1
        await one.put(a_notification("a"))
        await one.until(lambda: not one.chat.hangs)
        await one.put(a_notification("b", platform="console:C2"))
        await one.until(lambda: one.chat.sent)
        await one.put(a_notification("u", Kind.UPDATE, platform="console:C2"))
        await one.empty()
        assert [ref.chat for ref, _ in one.chat.sent] == ["C2", "console"]
        assert [ref.chat for ref, _ in one.chat.edits] == ["C2"]
        assert await one.store.alert_at("console", one.chat.sent[0][0].pack()) == "a1"


async def test_a_channel_of_no_platform_is_refused(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        with pytest.raises(ValueError, match="no platform phone"):
            Delivery(store, "phone")


async def test_of_a_page_that_is_never_taken_the_others_hear_once_in_a_while(tmp_path: Path) -> None:
    async with delivering(tmp_path, "console", "console:C2") as one:
        one.chat.fail(6, TransportError("blocked by the user", permanent=True))
        pages = (a_notification(f"n{each}", alert=f"a{each}", severity=Severity.CRITICAL) for each in range(3))
        one.message = Message("x")
        drawn: list[Notification] = []

        async def draw(row: Notification) -> Message:
            drawn.append(row)
            return LONG

        one.outbox._draw = draw
        await one.put(*pages)
        await one.empty()
        assert (await one.store.letters(9))[0] == 3
        (notice,) = (row for row in drawn if row.kind is Kind.NOTICE)
        assert (notice.platform, notice.severity) == ("console:C2", Severity.CRITICAL)
        assert notice.body == {
            "title": "A page was not delivered in console",
            "text": "blocked by the user. Alert a0; /outbox shows it.",
        }


async def test_what_comes_late_says_when_it_was_due_and_the_story_keeps_it(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.clock.time += 252
        kinds = (Kind.PAGE, Kind.AGAIN, Kind.RECOVERY, Kind.LINE)
        await one.put(*(a_notification(kind.value, kind, version=number) for number, kind in enumerate(kinds)))
        await one.put(a_notification("now", alert="a2", created=one.clock.time - 60))
        await one.until(lambda: len(one.chat.sent) == 5)
        late = f"Delayed by 4 m 12 s: it is from 22:13 UTC.\n{LONG.text}"
        assert sorted(one.chat.texts) == sorted([late] * 3 + [LONG.text] * 2)
        await one.empty()
        assert [(each.version, each.kind) for each in await one.store.events("a1")] == [
            (number, "delayed") for number in range(3)
        ]


async def test_a_page_with_nothing_left_to_tell_counts_as_taken_by_nobody(tmp_path: Path) -> None:
    async with delivering(tmp_path) as one:
        one.message = None
        await one.put(a_notification("a"))
        await one.empty()
        assert one.chat.sent == []
        assert await one.store.first_taken("a1") is None
