"""A chart in both chats: the real client libraries against the strict fakes, and what keeps a picture away."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.access import Access
from bot.album import MOST, Album
from bot.chat import Button, Message, Picture, Reply, TransportError
from bot.chat import Invocation as Asked
from bot.command import discover
from bot.platforms.telegram import render
from bot.router import Router
from monitor.model import Person
from monitor.ports import AuditEntry
from tests.fake_desk import FakeDesk, an_alert
from tests.fakes.slack import Posted
from tests.fakes.telegram import FakeTelegram, fake_telegram
from tests.wire.slack_desk import Desk as SlackDesk
from tests.wire.slack_desk import slack_desk
from tests.wire.telegram_desk import ANA, a_platform

PNG = b"\x89PNG\r\n\x1a\n"
PEOPLE = [Person("ana", "viewer", {"telegram": str(ANA), "slack": "U0ANA"})]


async def no_audit(_entry: AuditEntry) -> None:
    """Forget it."""


async def handle(asked: Asked, reply: Reply) -> None:
    """A desk of one agent."""
    desk = FakeDesk("alpha", alerts=[an_alert()])
    await Router(discover(), Access(PEOPLE), desk, no_audit).handle(replace(asked, time=desk.now()), reply)


@contextlib.asynccontextmanager
async def in_telegram() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram() as tg:
        platform = a_platform(tg)
        await platform.start(handle)
        try:
            yield tg
        finally:
            await platform.stop()


@contextlib.asynccontextmanager
async def in_slack() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as desk:
        desk.answer = handle
        yield desk


def shown(desk: SlackDesk) -> list[Posted]:
    return [each for each in desk.slack.messages if each.files]


async def test_telegram_shows_one_photo_with_everything_below_it() -> None:
    async with in_telegram() as tg:
        asked = tg.type(ANA, "/chart alpha 24h")
        photo = await tg.wait_for(lambda entry: entry.photo is not None)
        assert len(tg.messages) == 1
        assert asked
        assert photo.photo is not None
        assert photo.photo.data.startswith(PNG)
        assert photo.photo.name == "alpha-20-m.png"
        assert photo.text.startswith("alpha: 10,004.00 USD, 0.0% in 20 m\n16.2% below its peak")
        assert photo.marked("bold") == ["alpha: 10,004.00 USD, 0.0% in 20 m"]
        assert photo.lines == ["chart alpha 24h", "chart alpha 7d", "chart pnl by strategy alpha"]
        assert photo.silent
        assert photo.reply_to is not None


async def test_the_button_of_a_photo_shows_another() -> None:
    async with in_telegram() as tg:
        tg.type(ANA, "/chart alpha")
        photo = await tg.wait_for(lambda entry: entry.photo is not None)
        tg.press(photo, "chart alpha 7d", ANA)
        await tg.until(lambda: sum(each.photo is not None for each in tg.messages) == 2)


@pytest.mark.slow
async def test_telegram_waits_as_long_as_it_is_asked_to_before_a_photo() -> None:
    async with in_telegram() as tg:
        tg.fail(429, "Too Many Requests: retry after 1", method="sendPhoto", retry_after=1)
        tg.type(ANA, "/chart alpha")
        await tg.wait_for(lambda entry: entry.photo is not None)
        assert tg.early == 0


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("Bad Request: not enough rights to send photos to the chat", "let it send photos there"),
        ("Bad Request: IMAGE_PROCESS_FAILED", "does not take the picture"),
    ],
)
@pytest.mark.slow
async def test_where_telegram_takes_no_photo_the_text_says_so(why: str, said: str) -> None:
    async with in_telegram() as tg:
        tg.fail(400, why, method="sendPhoto", times=9)
        tg.type(ANA, "/chart alpha")
        answer = await tg.wait_for(lambda entry: "Without its picture" in entry.text)
        assert answer.text.startswith("alpha: 10,004.00 USD")
        assert said in answer.text
        assert answer.lines[0] == "chart alpha 24h"
        assert len(tg.messages) == 1


async def test_a_group_without_photos_is_no_group_in_trouble() -> None:
    async with fake_telegram() as tg:
        tg.no_photos.add(tg.chat)
        platform = a_platform(tg)
        await platform.start(handle)
        try:
            tg.type(ANA, "/chart alpha")
            await tg.wait_for(lambda entry: "let it send photos there" in entry.text)
            assert platform.trouble is None
        finally:
            await platform.stop()


async def test_what_a_caption_cannot_hold_follows_the_photo() -> None:
    async with fake_telegram() as tg:
        platform = a_platform(tg)
        png = (Path(__file__).parents[2] / "docs" / "pnl.png").read_bytes()
        long = Message(
            "a title", "word " * 400, buttons=(Button("Help", "help"),), picture=Picture(png, "bars", "a.png")
        )

        async def answer(_asked: Asked, reply: Reply) -> None:
            await reply(long)

        await platform.start(answer)
        try:
            tg.type(ANA, "/status")
            rest = await tg.wait_for(lambda entry: entry.photo is None)
            assert [each.text for each in tg.messages if each.photo] == ["a title"]
            assert rest.text.count("word") == 400
            assert rest.lines == ["help"]
        finally:
            await platform.stop()


def test_a_caption_is_measured_as_telegram_does_without_its_tags_and_in_its_units() -> None:
    assert render.caption(Message("t", "&" * 1_000)) is not None
    assert render.caption(Message("t", "🚀" * 511)) is not None
    assert render.caption(Message("t", "🚀" * 512)) is None


async def test_slack_shows_one_file_with_its_alt_text_below_the_answer() -> None:
    async with in_slack() as desk:
        await desk.slack.slash("U0ANA", "/desk", "chart alpha 24h")
        await desk.slack.until(lambda: bool(shown(desk)))
        card, posted = desk.slack.messages
        assert card.reading.startswith("alpha: 10,004.00 USD, 0.0% in 20 m")
        assert card.buttons["7d"] == "chart alpha 7d"
        assert (posted.channel, posted.thread_ts) == (desk.slack.channel, None)
        (file,) = posted.files
        assert file.data.startswith(PNG)
        assert file.name == "alpha-20-m.png"
        assert file.alt.startswith("Equity of alpha: 10,004.00 USD")
        assert posted.reading == "alpha: 10,004.00 USD, 0.0% in 20 m"


async def test_a_mention_is_answered_with_the_picture_in_its_thread() -> None:
    async with in_slack() as desk:
        await desk.slack.mention("U0ANA", "chart alpha")
        await desk.slack.until(lambda: bool(shown(desk)))
        question, card, posted = desk.slack.messages
        assert card.thread_ts == posted.thread_ts == question.ts


@pytest.mark.parametrize(
    ("code", "method", "said"),
    [
        ("missing_scope", "files.getUploadURLExternal", "lacks the scope files:write"),
        ("file_uploads_disabled", "files.getUploadURLExternal", "takes no files in this workspace"),
    ],
)
async def test_where_slack_takes_no_file_the_text_says_what_is_missing(code: str, method: str, said: str) -> None:
    async with in_slack() as desk:
        if code == "missing_scope":
            desk.slack.scopes.discard("files:write")
        else:
            desk.slack.faults.fail(code, method=method)
        await desk.slack.slash("U0ANA", "/desk", "chart alpha")
        answer = await desk.slack.wait_for(lambda each: "Without its picture" in each.reading)
        assert answer.reading.startswith("alpha: 10,004.00 USD")
        assert said in answer.reading
        assert len(desk.slack.messages) == 1


async def test_a_file_that_goes_up_and_is_not_shown_is_told_after_the_text() -> None:
    async with in_slack() as desk:
        desk.slack.faults.fail("not_in_channel", method="files.completeUploadExternal")
        await desk.slack.slash("U0ANA", "/desk", "chart alpha")
        told = await desk.slack.wait_for(lambda each: "The picture may be missing" in each.reading)
        assert "/invite @nightdesk" in told.reading
        assert desk.slack.messages[0].reading.startswith("alpha: 10,004.00 USD")


async def test_a_broken_upload_leaves_the_text() -> None:
    async with in_slack() as desk:
        desk.slack.faults.reset("before", method="upload")
        await desk.slack.slash("U0ANA", "/desk", "chart alpha")
        await desk.slack.wait_for(lambda each: "Without its picture: Slack" in each.reading)


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_slack_is_given_the_time_it_asks_for_and_shows_the_picture_once(method: str) -> None:
    async with in_slack() as desk:
        desk.slack.faults.limit(0.2, method=method)
        await desk.slack.slash("U0ANA", "/desk", "chart alpha")
        await desk.slack.until(lambda: bool(shown(desk)))
        assert desk.slack.faults.early == 0
        assert [bool(each.files) for each in desk.slack.messages] == [False, True]


def test_a_terminal_is_told_what_a_picture_shows_and_where_it_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    album = Album()
    message = Message("a title", picture=Picture(PNG, "bars of money", "../../etc/pass wd.png"))
    told = asyncio.run(album.told(message))
    assert told.picture is None
    assert [each.label for each in told.fields] == ["Picture", "File"]
    assert told.fields[0].value == "bars of money"
    path = Path(told.fields[1].value)
    assert path.read_bytes() == PNG
    assert path.name == "001-etc-pass-wd.png"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for _ in range(MOST):
        asyncio.run(album.told(message))
    assert not path.exists()
    assert len(list(path.parent.iterdir())) == MOST


async def test_a_terminal_without_a_place_for_files_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    told = await Album().told(Message("a title", "a text", picture=Picture(PNG, "bars", "a.png")))
    assert told.text == "a text\nWithout its picture: it could not be written (No such file or directory)."


def below() -> Message:
    """What is sent below a card."""
    png = (Path(__file__).parents[2] / "docs" / "pnl.png").read_bytes()
    return Message(
        "alpha · Sudden loss: -3.2%", "Typical ±0.33%.", picture=Picture(png, "a sudden loss", "alpha-shock.png")
    )


async def test_telegram_answers_a_card_with_one_photo_that_makes_no_sound() -> None:
    async with fake_telegram() as tg:
        platform = a_platform(tg)
        await platform.start(handle)
        try:
            card = await platform.send(Message("a page", buttons=(Button("Help", "help"),), loud=True))
            shown = await platform.send(below(), card)
            (_, photo) = tg.messages
            assert photo.photo is not None
            assert photo.photo.name == "alpha-shock.png"
            assert (str(photo.id), str(photo.reply_to)) == (shown.id, card.id)
            assert (photo.silent, photo.lines) == (True, [])
            assert photo.text == "alpha · Sudden loss: -3.2%\nTypical ±0.33%."
            tg.no_photos.add(tg.chat)
            with pytest.raises(TransportError, match="let it send photos there") as caught:
                await platform.send(below(), card)
            assert caught.value.permanent
            assert platform.trouble is None
        finally:
            await platform.stop()


async def test_slack_shows_the_picture_in_the_thread_of_its_card() -> None:
    async with in_slack() as desk:
        card = await desk.platform.send(Message("a page", loud=True))
        await desk.platform.send(below(), card)
        (_, posted) = desk.slack.messages
        assert (posted.thread_ts, posted.broadcast, posted.reading) == (card.id, False, "alpha · Sudden loss: -3.2%")
        assert [(each.name, each.alt) for each in posted.files] == [("alpha-shock.png", "a sudden loss")]
        desk.slack.faults.reset("before", method="upload")
        with pytest.raises(TransportError) as caught:
            await desk.platform.send(below(), card)
        assert not caught.value.uncertain
        desk.slack.scopes.discard("files:write")
        with pytest.raises(TransportError, match="lacks the scope files:write"):
            await desk.platform.send(below(), card)
        assert len(desk.slack.messages) == 2
