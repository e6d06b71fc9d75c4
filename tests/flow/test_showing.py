"""A picture below its card: it comes after it, once, and whatever becomes of it costs no page anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.chat import Message, MessageRef, Picture, TransportError
from bot.outbox import Outbox
from bot.showing import LATEST, TRIES
from monitor.alerts.alert import Kind, Notification
from monitor.model import Severity
from monitor.storage import schema
from tests.flow.test_outbox import LONG, Delivery, running
from tests.stores import a_notification, new_store

SHOWN = Message("alpha · Sudden loss", picture=Picture(b"png", "a fall", "alpha.png"))
PAGE, PICTURE = a_notification("page"), a_notification("picture", Kind.PICTURE)


class Drawing:
    """Draws pages at once, and pictures once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.may.set()
        self.drawn: list[str] = []
        self.fails = False

    async def __call__(self, row: Notification) -> Message | None:
        self.drawn.append(row.key)
        if row.kind is not Kind.PICTURE:
            return LONG
        await self.may.wait()
        if self.fails:
            raise ValueError("no such figure")
        return SHOWN


@contextlib.asynccontextmanager
async def drawing(folder: Path) -> AsyncIterator[tuple[Delivery, Drawing]]:
    """A chat that shows pictures, with nothing delivered yet."""
    async with new_store(folder) as store:
        one, draw = Delivery(store), Drawing()
        one.chat.pictures = True
        one.outbox = Outbox(store, {"console": one.chat}, draw, one.clock, patience=0.1)
        await one.chat.start(nobody)
        yield one, draw


async def nobody(*_: object) -> None:
    """Nobody types."""


async def fates(one: Delivery) -> dict[str, str]:
    rows = schema.notifications.c
    return dict(tuple(each) for each in await one.store._file.read(select(rows.key, rows.state)))


async def settled(one: Delivery, state: str, seconds: float = 0.0, which: str = "picture") -> None:
    """Wait until the picture has come to this, letting time pass while it waits to be tried again."""
    async with asyncio.timeout(5):
        while (now := (await fates(one))[which]) != state:
            one.clock.time += seconds if now == "queued" else 0.0
            one.outbox.wake()
            await asyncio.sleep(0.002)


def pictures(one: Delivery) -> list[Message]:
    return [message for _, message in one.chat.sent if message.picture is not None]


async def test_the_picture_answers_its_card_and_leads_to_its_incident(tmp_path: Path) -> None:
    async with drawing(tmp_path) as (one, _):
        async with running(one.outbox):
            await one.put(PAGE, PICTURE)
            await settled(one, "done")
        (card, _), (shown, message) = one.chat.sent
        assert message == SHOWN
        assert one.chat.under == [None, card]
        assert await one.store.alert_at("console", shown.pack()) == "a1"
        known = await one.store.card("a1", "console")
        assert known is not None
        assert known.ref == card.pack()


async def test_no_page_waits_for_a_picture_that_is_drawn_or_hangs(tmp_path: Path) -> None:
    async with drawing(tmp_path) as (one, draw):
        draw.may.clear()
        async with running(one.outbox):
            await one.put(PAGE, PICTURE)
            await one.until(lambda: "picture" in draw.drawn)
            await one.put(a_notification("next", alert="a2", severity=Severity.CRITICAL))
            await one.put(a_notification("over", Kind.RECOVERY))
            await one.until(lambda: len(one.chat.sent) == 3)
            one.chat.hangs = 1
            draw.may.set()
            await settled(one, "dead")
        assert pictures(one) == []
        assert one.outbox.trouble == {}


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (TransportError("not enough rights to send photos", permanent=True), 1),
        (TransportError("it may have been taken", uncertain=True), 1),
        pytest.param(TransportError("the app lacks the scope files:write"), TRIES, marks=pytest.mark.slow),
    ],
)
async def test_a_picture_that_is_not_taken_is_given_up_and_no_chat_is_in_trouble(
    tmp_path: Path, error: TransportError, tries: int
) -> None:
    async with drawing(tmp_path) as (one, _):
        async with running(one.outbox):
            await one.put(PAGE)
            await one.until(lambda: one.chat.sent)
            one.chat.fail(99, error)
            await one.put(PICTURE)
            await settled(one, "dead", 10.0)
        assert 99 - one.chat.refusals == tries
        assert one.outbox.trouble == {}
        assert await one.store.letters(9) == (0, [])
        assert one.clock.time - PICTURE.created < LATEST


@pytest.mark.slow
async def test_a_chat_that_asks_to_wait_is_left_alone_and_the_picture_comes_then(tmp_path: Path) -> None:
    async with drawing(tmp_path) as (one, _):
        async with running(one.outbox):
            await one.put(PAGE)
            await one.until(lambda: one.chat.sent)
            one.chat.fail(1, TransportError("slow down", retry_after=30.0))
            await one.put(PICTURE)
            await one.until(lambda: not one.chat.refusals)
            await one.quiet()
            assert pictures(one) == []
            await settled(one, "done", 10.0)
        assert len(pictures(one)) == 1


async def test_a_picture_that_comes_late_or_has_no_card_or_no_chat_for_pictures_is_left_out(tmp_path: Path) -> None:
    async with drawing(tmp_path) as (one, draw):
        async with running(one.outbox):
            await one.put(PICTURE)
            await settled(one, "done")
            one.chat.pictures = False
            await one.put(PAGE, a_notification("words", Kind.PICTURE))
            await settled(one, "done", which="words")
            one.chat.pictures = True
            one.clock.time += LATEST + 1.0
            await one.put(a_notification("late", Kind.PICTURE))
            await settled(one, "done", which="late")
        assert draw.drawn == ["page"]
        assert set((await fates(one)).values()) == {"done"}


async def test_one_that_cannot_be_drawn_is_left_out(tmp_path: Path) -> None:
    async with drawing(tmp_path) as (one, draw), running(one.outbox):
        draw.fails = True
        await one.put(PAGE, PICTURE)
        await settled(one, "dead")
        assert len(one.chat.sent) == 1


async def test_a_desk_that_ends_between_page_and_picture_shows_it_once_at_the_next_start(tmp_path: Path) -> None:
    async with drawing(tmp_path) as (one, draw):
        draw.may.clear()
        async with running(one.outbox):
            await one.put(PAGE, PICTURE)
            await one.until(lambda: "picture" in draw.drawn)
        assert (await fates(one))["picture"] == "claimed"
        draw.may.set()
        async with running(Outbox(one.store, {"console": one.chat}, draw, one.clock)):
            await settled(one, "done")
            await one.quiet()
        (card, _), (_, message) = one.chat.sent
        assert message == SHOWN
        assert one.chat.under[-1] == MessageRef("console", "console", card.id)


@pytest.mark.slow
async def test_a_store_that_stumbles_meanwhile_makes_no_second_picture(tmp_path: Path) -> None:
    async with drawing(tmp_path) as (one, draw):
        draw.may.clear()
        async with running(one.outbox):
            await one.put(PAGE, PICTURE)
            await one.until(lambda: "picture" in draw.drawn)
            await one.store.release("console")
            await one.quiet()
            draw.may.set()
            await settled(one, "done")
            await one.quiet()
        assert draw.drawn.count("picture") == 1
        assert len(pictures(one)) == 1
