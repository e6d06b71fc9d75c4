"""Telegram elsewhere than in its own chat: pages, orders, people who are called, and reactions that acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import SecretStr

from bot.chat import Button, Mention, Message, MessageRef, Tone
from bot.platforms.telegram import build, elsewhere
from bot.platforms.telegram.examine import examine
from bot.platforms.telegram.pace import Pace
from bot.platforms.telegram.react import MINE
from bot.settings import Settings
from bot.settings import Telegram as Section
from tests.fakes.telegram import CHAT, TOKEN, FakeTelegram
from tests.fakes.telegram_limits import Limits
from tests.wire.telegram_desk import ANA, PAGE, STRANGER, Desk, a_platform, refused, started

OPS = -100555


@pytest.fixture
async def desk(tg: FakeTelegram) -> AsyncIterator[Desk]:
    tg.titles[OPS] = "Ops"
    tg.admin = True
    async with started(a_platform(tg, also=frozenset({str(OPS)})), tg) as desk:
        await tg.until(lambda: tg.polling)  # from then on it asks for reactions
        yield desk


# -- another chat --------------------------------------------------------------------------------------------------


async def test_a_page_goes_to_another_chat_and_is_changed_there(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE, to=str(OPS))
    assert ref == MessageRef("telegram", str(OPS), str(desk.tg.seen.id))
    await desk.platform.edit(ref, Message("✅ resolved", tone=Tone.OVER))
    assert (desk.tg.seen.chat, desk.tg.seen.text) == (OPS, "✅ resolved")
    await desk.platform.send(Message("recovered"), ref, to=str(OPS))
    assert (desk.tg.seen.chat, desk.tg.seen.reply_to) == (OPS, int(ref.id))
    home = await desk.platform.send(Message("recovered"), ref)
    assert (home.chat, desk.tg.seen.reply_to) == (str(CHAT), None)


async def test_lines_presses_and_replies_count_in_a_chat_that_is_also_listened_to(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE, to=str(OPS))
    desk.tg.type(ANA, "/status", chat=OPS)
    assert (await desk.next()).user == str(ANA)
    desk.tg.press(int(ref.id), "ack 3f9c", ANA, chat=OPS)
    heard = await desk.next(2)
    assert (heard.user, heard.chat, heard.about, heard.channel) == (str(ANA), str(OPS), ref, f"telegram:{OPS}")
    desk.tg.type(ANA, "ack on it", chat=OPS, reply_to=int(ref.id))
    assert (await desk.next(3)).about == ref
    answer = await desk.tg.wait_for(lambda each: each.text == "you said ack on it")
    assert answer.chat == OPS


async def test_a_chat_that_refuses_is_named_and_is_no_trouble_of_the_home_chat(desk: Desk) -> None:
    error = await refused(desk.platform.send(PAGE, to="-100777"))
    assert not error.permanent
    assert "-100777" in str(error)
    assert "[telegram]" not in str(error)
    desk.tg.kicked.add(OPS)
    assert f"the chat {OPS}" in str(await refused(desk.platform.send(PAGE, to=str(OPS))))
    assert desk.platform.trouble is None
    desk.tg.kick()
    assert "the chat (" in str(await refused(desk.platform.send(PAGE)))
    assert "kicked" in (desk.platform.trouble or "")


@pytest.mark.parametrize("to", ["@ops", "", "C0999", "1" * 30])
async def test_what_is_no_chat_is_refused_for_good(desk: Desk, to: str) -> None:
    assert (await refused(desk.platform.send(PAGE, to=to))).permanent


async def test_another_chat_that_becomes_a_supergroup_is_followed_and_told_of(tg: FakeTelegram) -> None:
    tg.titles[-4002] = "Ops"
    async with started(a_platform(tg, also=frozenset({"-4002"})), tg) as desk:
        tg.moved[-4002] = -100888
        tg.titles[-100888] = tg.titles.pop(-4002)
        ref = await desk.platform.send(PAGE, to="-4002")
        assert (ref.chat, tg.seen.chat) == ("-100888", -100888)
        assert "write telegram:-100888 in the settings" in (desk.platform.trouble or "")
        tg.type(ANA, "/status", chat=-100888)
        heard = await desk.next()
        assert (heard.user, heard.channel) == (str(ANA), "telegram:-4002")


async def test_a_line_in_private_is_seen_by_nobody_else(desk: Desk) -> None:
    desk.tg.type(ANA, "status", chat=ANA)
    assert (await desk.next()).channel is None


async def test_a_chat_that_asks_to_wait_holds_up_no_other(desk: Desk) -> None:
    desk.tg.fail(429, "Too Many Requests: retry after 30", method="sendMessage", retry_after=30)
    assert (await refused(desk.platform.send(PAGE, to=str(OPS)))).retry_after == 30
    await asyncio.wait_for(desk.platform.send(PAGE), 2)
    again = await refused(desk.platform.send(PAGE, to=str(OPS)))
    assert again.retry_after is not None
    assert 29 < again.retry_after <= 30.5
    assert not again.own
    assert desk.tg.early == 0


async def test_nothing_is_found_again_since_a_bot_cannot_read(desk: Desk) -> None:
    await desk.platform.send(PAGE, key="page 1")
    assert await desk.platform.find("page 1", since=0.0) is None


def test_the_other_chats_are_those_that_the_settings_name() -> None:
    named = SimpleNamespace(channels=("telegram", f"telegram:{OPS}", "slack:C0999", "phone", "telegram:"))
    assert elsewhere(cast("Settings", named)) == {str(OPS)}


async def test_a_desk_listens_where_its_settings_let_it_page(tg: FakeTelegram) -> None:
    tg.titles[OPS] = "Ops"
    section = Section(tg.chat, None, tg.url, SecretStr(TOKEN))
    platform = build(cast("Settings", SimpleNamespace(telegram=section, people=(), channels=(f"telegram:{OPS}",))))
    assert platform is not None
    desk = Desk(platform, tg)  # type: ignore[arg-type] # the port is all that is used of it
    await platform.start(desk.handle)
    tg.type(ANA, "/status", chat=OPS)
    assert (await desk.next()).user == str(ANA)
    await platform.stop()


# -- people who are called -----------------------------------------------------------------------------------------


async def test_people_are_called_by_id_below_the_title_and_others_by_name(desk: Desk) -> None:
    called = (Mention("ana <b>", str(ANA)), Mention("ben"), Mention("eve", "1 onclick=x"))
    await desk.platform.send(replace(PAGE, mentions=called, text='tg://user?id=6666 <a href="tg://user?id=6666">x</a>'))
    assert desk.tg.seen.text.splitlines()[:2] == [PAGE.title, "ana <b>, ben, eve"]
    assert desk.tg.seen.called == [ANA]
    assert desk.tg.seen.marked("text_mention") == ["ana <b>"]


async def test_a_loud_answer_to_a_card_makes_a_sound(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    await desk.platform.send(Message("Nobody has acknowledged", tone=Tone.CRITICAL, loud=True), ref)
    assert (desk.tg.seen.reply_to, desk.tg.seen.silent) == (int(ref.id), False)


# -- reactions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("emoji", [*sorted(MINE), "✍\ufe0f"])
async def test_a_reaction_to_a_card_is_its_acknowledge_button(desk: Desk, emoji: str) -> None:
    ref = await desk.platform.send(PAGE)
    desk.tg.react(int(ref.id), emoji, ANA)
    heard = await desk.next()
    assert (heard.line, heard.user, heard.about, heard.button) == ("ack 3f9c", str(ANA), ref, False)
    assert heard.event
    assert (await desk.tg.wait_for(lambda each: each.text == "you said ack 3f9c")).reply_to == int(ref.id)


async def test_a_reaction_counts_in_every_chat_and_after_a_restart_once_the_card_was_changed(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE, to=str(OPS))
    async with started(a_platform(desk.tg, also=frozenset({str(OPS)})), desk.tg) as again:
        await again.platform.edit(ref, replace(PAGE, text="still so"))
        desk.tg.react(int(ref.id), "👍", ANA, chat=OPS)
        assert (await again.next()).about == ref


async def test_a_reaction_in_a_topic_is_answered_there(tg: FakeTelegram) -> None:
    tg.topics.add(12)
    tg.admin = True
    async with started(a_platform(tg, topic=12), tg) as desk:
        await tg.until(lambda: tg.polling)
        first = await desk.platform.send(PAGE)
        second = await desk.platform.send(PAGE)
        await desk.platform.edit(second, replace(PAGE, text="still so"))
        for ref in (first, second):
            tg.react(int(ref.id), "👍", ANA)
        await tg.until(lambda: len(tg.messages) == 4)
        assert [each.thread for each in tg.messages] == [12] * 4


async def test_other_reactions_and_reactions_to_other_messages_say_nothing(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    news = await desk.platform.send(Message("news", buttons=(Button("Alerts", "alerts"),)))
    many = await desk.platform.send(Message("two", buttons=(Button("a", "ack 1"), Button("b", "ack 2"))))
    for message, emoji, before in (
        (int(ref.id), "", "👍"),
        (int(ref.id), "👀", "👍"),
        (int(ref.id), "💩", ""),
        (int(news.id), "👍", ""),
        (int(many.id), "👍", ""),
        (9_999, "👍", ""),
    ):
        desk.tg.react(message, emoji, ANA, before=before)
    await desk.platform.edit(ref, Message("✅ acknowledged by ben"))
    desk.tg.react(int(ref.id), "👍", ANA)
    await desk.settled()
    assert desk.heard == []


async def test_a_reaction_without_a_person_behind_it_is_nobody_s(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    desk.tg.react(int(ref.id), "👍", ANA, anonymous=True)
    heard = await desk.next()
    assert ("by way of chat" in heard.user, heard.about) == (True, None)
    await desk.tg.wait_for(lambda each: "Write as yourself" in each.text)


async def test_a_stranger_s_reaction_is_a_stranger_s_line(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    desk.tg.react(int(ref.id), "👍", STRANGER)
    assert (await desk.next()).user == str(STRANGER)


async def test_a_bot_that_is_no_administrator_sees_no_reaction(desk: Desk) -> None:
    desk.tg.admin = False
    ref = await desk.platform.send(PAGE)
    desk.tg.react(int(ref.id), "👍", ANA)
    await desk.settled()
    assert desk.heard == []


async def test_check_looks_at_every_chat_and_says_where_reactions_work(tg: FakeTelegram) -> None:
    tg.titles[OPS] = "Ops"
    tg.admin = True
    section = Section(tg.chat, None, tg.url, SecretStr(TOKEN))
    named = (f"telegram:{OPS}", "telegram:-100777", f"telegram:{CHAT}")
    chosen = cast("Settings", SimpleNamespace(telegram=section, people=(), channels=named))
    found = await examine(chosen, running=True, patience=2.0)
    fine = [each.sentence for each in found if each.fine]
    assert "pages go to On call" in fine
    assert "pages go to Ops" in fine
    assert sum("acknowledges it" in each for each in fine) == 2
    (sentence,) = [each.sentence for each in found if each.fine is False]
    assert "the chat -100777" in sentence


# -- pace and figures ----------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_no_call_is_too_many_for_telegrams_own_limits(desk: Desk) -> None:
    """Sixty times as fast as in life: the bucket of a chat, the minute of a group, all chats together."""
    tg, fast = desk.tg, Pace(every=1 / 60, overall=30)
    tg.limits = Limits(every=1 / 60, minute=1.0, second=1 / 60, group=10_000)
    tg.start_private(ANA)
    async with started(a_platform(tg, pace=fast), tg) as hurried:
        began = asyncio.get_running_loop().time()
        for number in range(60):
            await hurried.platform.send(replace(PAGE, title=f"page {number}"), to=str(ANA))
        assert asyncio.get_running_loop().time() - began > 50 / 60
    assert (tg.limits.refused, tg.early, len(tg.messages)) == (0, 0, 60)


async def test_edits_take_the_room_of_no_page(tg: FakeTelegram) -> None:
    async with started(a_platform(tg, pace=Pace(burst=5, every=0.5)), tg) as desk:
        refs = [await desk.platform.send(Message(f"card {number}")) for number in range(3)]
        await desk.platform.edit(refs[0], Message("changed"))
        waits = [(await refused(desk.platform.edit(ref, Message("changed")))).retry_after for ref in refs[1:]]
        assert waits == sorted({each for each in waits if each})
        began = asyncio.get_running_loop().time()
        await desk.platform.send(PAGE)
        assert asyncio.get_running_loop().time() - began < 0.4


async def test_it_is_known_how_long_telegram_has_been_silent(tg: FakeTelegram) -> None:
    platform = a_platform(tg)
    assert platform.heard is None
    async with started(platform, tg) as desk:
        await tg.until(lambda: tg.polling)
        assert platform.heard is not None
        tg.hang(method="getUpdates")
        await asyncio.sleep(0.05)
        assert platform.heard >= 0.05
        tg.release()
        await desk.settled()
        assert platform.heard < 1.0
    assert platform.heard is None
