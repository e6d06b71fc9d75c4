"""The Telegram platform against a Bot API of our own, through the real client library, over real sockets."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import structlog
from pydantic import SecretStr

from bot.chat import Button, Field, Invocation, Message, MessageRef, Reply, Table, Tone
from bot.logs import NOISY, configure
from bot.platforms.telegram.pace import Pace
from bot.platforms.telegram.platform import Telegram
from bot.settings import Telegram as Section
from tests.fakes.telegram import CHAT, TOKEN, FakeTelegram, fake_telegram
from tests.wire.telegram_desk import (
    ANA,
    BEN,
    COMMANDS,
    PAGE,
    QUICK,
    STRANGER,
    Desk,
    a_platform,
    refused,
    started,
    told,
)


@pytest.fixture
async def tg() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram() as fake:
        yield fake


@pytest.fixture
async def desk(tg: FakeTelegram) -> AsyncIterator[Desk]:
    async with started(a_platform(tg), tg) as desk:
        yield desk


# -- what is heard -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
async def test_every_command_of_the_registry_is_heard_in_a_group_and_answered(desk: Desk, name: str) -> None:
    before = time.time()
    update = desk.tg.type(ANA, f"/{name} alpha")
    heard = await desk.next()
    assert (heard.line, heard.platform, heard.user) == (f"/{name} alpha", "telegram", str(ANA))
    assert (heard.chat, heard.event, heard.button, heard.about) == (str(CHAT), str(update), False, None)
    assert heard.display == "Person 1001 (@person1001)"
    assert before - 1 <= heard.time <= time.time() + 1
    answer = await desk.tg.wait_for(lambda each: each.text == f"you said /{name} alpha")
    assert (answer.chat, answer.silent) == (CHAT, True)
    assert answer.reply_to is not None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/status@desk_bot alpha", "/status alpha"),
        ("/STATUS@Desk_Bot", "/STATUS"),
        ("/nonsense@desk_bot", "/nonsense"),
        ("/pasue alpha", "/pasue alpha"),
        ("@desk_bot status alpha", "status alpha"),
        ("@desk_bot", ""),
        ('/flow alpha +100 "a note"', '/flow alpha +100 "a note"'),
        ("/silence 3f9c 1h\nnoisy", "/silence 3f9c 1h\nnoisy"),
    ],
)
async def test_in_a_group_it_answers_to_its_own_name_or_to_none(desk: Desk, text: str, line: str) -> None:
    desk.tg.type(ANA, text)
    assert (await desk.next()).line == line


@pytest.mark.parametrize(
    "text",
    ["/status@other_bot", "/pause@desk_bot2 alpha", "/price btc", "status", "ack", "hello @desk_bot", "/", "/home/ana"],
)
async def test_in_a_group_what_is_said_to_others_is_not_heard(desk: Desk, text: str) -> None:
    desk.tg.type(ANA, text)
    await desk.settled()
    assert desk.heard == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/status", "/status"),
        ("status alpha", "status alpha"),
        ("hello?", "hello?"),
        ("/start", "/help"),
        ("Ack, on it", "Ack on it"),
    ],
)
async def test_in_private_every_text_is_a_line(desk: Desk, text: str, line: str) -> None:
    desk.tg.type(ANA, text, chat=ANA)
    assert (await desk.next()).line == line
    answer = await desk.tg.wait_for(lambda each: each.chat == ANA)
    assert (answer.text, answer.reply_to) == (f"you said {line}", None)


@pytest.mark.parametrize(
    ("text", "line"),
    [("ack", "ack"), ("Ack, on it", "Ack on it"), ("/runbook", "/runbook"), ("pause", "pause"), ("/wat", "/wat")],
)
async def test_a_reply_to_a_card_is_a_command_about_it(desk: Desk, text: str, line: str) -> None:
    ref = await desk.platform.send(PAGE)
    desk.tg.type(ANA, text, reply_to=int(ref.id))
    heard = await desk.next()
    assert (heard.line, heard.about) == (line, ref)
    assert heard.about is not None
    assert heard.about.pack() == ref.pack()


async def test_talk_under_a_card_is_no_command(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    desk.tg.type(ANA, "looking at it, give me a minute", reply_to=int(ref.id))
    desk.tg.type(ANA, "ack", reply_to=9_999)
    await desk.settled()
    assert desk.heard == []


async def test_a_line_in_a_topic_is_answered_there(tg: FakeTelegram) -> None:
    tg.topics |= {12, 13}
    async with started(a_platform(tg, topic=12), tg) as desk:
        ref = await desk.platform.send(PAGE)
        assert tg.seen.thread == 12
        tg.type(ANA, "/status", thread=13)
        assert (await tg.wait_for(lambda each: "you said" in each.text)).thread == 13
        tg.press(int(ref.id), "ack 3f9c", ANA)
        assert (await tg.wait_for(lambda each: each.text == "you said ack 3f9c")).thread == 12


async def test_a_press_is_answered_before_the_order_is_handed_on(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    answered: list[int] = []

    def answer(asked: Invocation) -> Message:
        answered.append(len(desk.tg.answers))
        return Message(f"done: {asked.line}")

    desk.answer = answer
    before = time.time()
    query = desk.tg.press(int(ref.id), "ack 3f9c", ANA)
    heard = await desk.next()
    assert (heard.line, heard.button, heard.about, heard.user) == ("ack 3f9c", True, ref, str(ANA))
    assert before <= heard.time <= time.time()
    assert answered == [1]
    assert [(each.query, each.text) for each in desk.tg.answers] == [(query, "")]
    assert (await desk.tg.wait_for(lambda each: "done" in each.text)).reply_to == int(ref.id)


async def test_a_press_that_telegram_calls_too_old_has_no_time(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    desk.tg.press(int(ref.id), "pause alpha", ANA, old=True)
    assert (await desk.next()).time == 0.0


async def test_a_press_whose_answer_fails_counts_from_when_it_may_have_been_made_at_the_earliest(
    tg: FakeTelegram,
) -> None:
    tg.type(ANA, "/status")
    async with started(a_platform(tg), tg) as desk:
        await desk.next()
        read = time.time()
        ref = await desk.platform.send(PAGE)
        await tg.until(lambda: tg.polling)
        tg.fail(500, method="answerCallbackQuery")
        tg.press(int(ref.id), "pause alpha", ANA)
        assert read - 2 < (await desk.next(2)).time < time.time()


async def test_a_press_that_waited_while_the_desk_was_down_and_cannot_be_answered_has_no_time(tg: FakeTelegram) -> None:
    tg.press(77, "pause alpha", ANA)
    tg.fail(500, method="answerCallbackQuery")
    async with started(a_platform(tg), tg) as desk:
        assert (await desk.next()).time == 0.0


async def test_a_forged_press_is_a_line_like_any_other(desk: Desk) -> None:
    desk.tg.press(31_337, "resume alpha", STRANGER)
    heard = await desk.next()
    assert (heard.user, heard.line, heard.button) == (str(STRANGER), "resume alpha", True)
    assert heard.about == MessageRef("telegram", str(CHAT), "31337")


async def test_lines_run_side_by_side(desk: Desk) -> None:
    blocked = asyncio.Event()
    plain = desk.handle

    async def handle(asked: Invocation, reply: Reply) -> None:
        if asked.line.startswith("/pause"):
            await blocked.wait()
        await plain(asked, reply)

    await desk.platform.stop()
    await desk.platform.start(handle)
    desk.tg.type(ANA, "/pause alpha")
    desk.tg.type(ANA, "/status")
    assert (await desk.next()).line == "/status"
    blocked.set()
    assert (await desk.next(2)).line == "/pause alpha"


async def test_a_handler_that_fails_deafens_nobody(desk: Desk) -> None:
    def fails(asked: Invocation) -> Message:
        if asked.line == "/alerts":
            raise ValueError("told to fail")
        return Message("fine")

    desk.answer = fails
    desk.tg.type(ANA, "/alerts")
    desk.tg.type(ANA, "/status")
    await desk.tg.wait_for(lambda each: each.text == "fine")


# -- what is refused -----------------------------------------------------------------------------------------------


async def test_edited_lines_are_not_heard(tg: FakeTelegram) -> None:
    tg.type(ANA, "/pause alpha", edited=True)
    async with started(a_platform(tg), tg) as desk:
        await desk.settled()
        assert desk.heard == []


@pytest.mark.parametrize(
    ("how", "said"), [({"anonymous": True}, "Write as yourself"), ({"forwarded": True}, "A forwarded line is no order")]
)
async def test_an_order_without_a_person_behind_it_is_nobody_s(desk: Desk, how: dict[str, bool], said: str) -> None:
    desk.tg.type(ANA, "/pause alpha", **how)
    heard = await desk.next()
    assert "by way of chat" in heard.user
    assert (await desk.tg.wait_for(lambda each: said in each.text)).chat == CHAT


async def test_another_group_s_lines_are_nobody_s_and_only_the_person_is_told(desk: Desk) -> None:
    desk.tg.titles[-100555] = "Elsewhere"
    desk.tg.start_private(ANA)
    desk.tg.type(ANA, "/pause alpha", chat=-100555)
    heard = await desk.next()
    assert (heard.user, heard.about) == (f"{ANA} by way of chat -100555", None)
    hint = await desk.tg.wait_for(lambda each: "takes no orders in Elsewhere" in each.text)
    assert hint.chat == ANA
    assert "chat = -100555" in hint.text
    desk.tg.type(BEN, "/pause alpha", chat=-100555)
    await desk.next(2)
    await desk.settled()
    assert [each.text for each in desk.tg.messages if each.chat == -100555] == []


async def test_nothing_is_said_in_another_group_whoever_asks(desk: Desk) -> None:
    desk.tg.titles[-100555] = "Elsewhere"
    for number, how in enumerate(({}, {"anonymous": True}, {"forwarded": True}), 1):
        desk.tg.type(ANA, "/ids@desk_bot", chat=-100555, **how)
        assert "by way of chat" in (await desk.next(number)).user
    await desk.settled()
    assert [each.text for each in desk.tg.messages if each.chat == -100555] == []


async def test_a_press_in_another_group_is_answered_to_the_person_s_eyes(desk: Desk) -> None:
    desk.tg.titles[-100555] = "Elsewhere"
    desk.tg.press(5, "pause alpha", ANA, chat=-100555)
    assert (await desk.next()).user == f"{ANA} by way of chat -100555"
    await desk.tg.until(lambda: desk.tg.answers)
    assert "takes no orders" in desk.tg.answers[0].text
    assert desk.tg.answers[0].alert


# -- what is for one person alone ----------------------------------------------------------------------------------


def alone(asked: Invocation) -> Message | None:
    return Message("Ids in telegram", f"You: {asked.user}", private=True)


async def test_what_is_private_goes_to_the_person_s_own_chat(desk: Desk) -> None:
    desk.answer = alone
    desk.tg.start_private(ANA)
    desk.tg.type(ANA, "/ids")
    said = await desk.tg.wait_for(lambda each: "Ids in" in each.text)
    assert said.chat == ANA


async def test_whoever_cannot_be_written_to_is_told_how_and_gets_it_then(desk: Desk) -> None:
    desk.answer = lambda asked: alone(asked) if asked.line == "/ids" else None
    desk.tg.type(ANA, "/ids")
    said = await desk.tg.wait_for(lambda each: "press Start" in each.text)
    assert said.chat == CHAT
    assert str(ANA) not in said.text
    desk.tg.type(ANA, "/start", chat=ANA)
    assert (await desk.tg.wait_for(lambda each: f"You: {ANA}" in each.text)).chat == ANA


async def test_a_stranger_s_press_is_answered_to_their_eyes_alone(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    desk.answer = lambda _: Message("This desk does not know you", "Nothing was done. " + "x" * 300, private=True)
    desk.tg.press(int(ref.id), "ack 3f9c", STRANGER)
    await desk.tg.until(lambda: desk.tg.answers)
    (answer,) = desk.tg.answers
    assert answer.alert
    assert answer.text.startswith("Nothing was done.")
    assert len(desk.tg.messages) == 1


async def test_a_stranger_s_press_that_is_not_answered_stops_waiting_all_the_same(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    desk.answer = lambda _: None
    desk.tg.press(int(ref.id), "ack 3f9c", STRANGER)
    await desk.tg.until(lambda: desk.tg.answers)
    assert (desk.tg.answers[0].text, desk.tg.answers[0].alert) == ("", False)


# -- what is said --------------------------------------------------------------------------------------------------


async def test_a_page_is_a_card_with_buttons_and_makes_a_sound_when_it_is_critical(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    card = desk.tg.seen
    assert ref == MessageRef("telegram", str(CHAT), str(card.id))
    assert card.text == (
        "🚨 CRITICAL · alpha · Drawdown over the limit\n16.2% below its peak\n\nState: firing\n\nalert 3f9c"
    )
    assert card.marked("bold") == ["🚨 CRITICAL · alpha · Drawdown over the limit", "State"]
    assert (card.labels, card.lines) == (["Acknowledge", "Pause alpha"], ["ack 3f9c", "pause alpha"])
    assert not card.silent
    await desk.platform.send(Message("⚠️ WARN", buttons=PAGE.buttons, tone=Tone.WARN))
    assert desk.tg.seen.silent


async def test_a_card_is_changed_and_its_buttons_go(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    for _ in range(2):
        await desk.platform.edit(ref, Message("✅ resolved", tone=Tone.OVER))
    card = desk.tg.seen
    assert (card.text, card.lines, len(card.history)) == ("✅ resolved", [], 1)


async def test_what_belongs_to_a_card_is_an_answer_to_it(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    await desk.platform.send(Message("recovered"), ref)
    assert desk.tg.seen.reply_to == int(ref.id)
    desk.tg.messages.clear()
    await desk.platform.send(Message("recovered"), MessageRef("telegram", str(CHAT), "5"))
    assert desk.tg.seen.text == "recovered"


async def test_what_has_buttons_stays_one_message_however_long(desk: Desk) -> None:
    fields = tuple(Field(f"trouble {number}", "x" * 300) for number in range(30))
    ref = await desk.platform.send(Message("30 troubles", fields=fields, buttons=PAGE.buttons, footer="alert 1"))
    (card,) = desk.tg.messages
    assert "more" in card.text
    assert card.lines == ["ack 3f9c", "pause alpha"]
    await desk.platform.edit(ref, Message("31 troubles", fields=fields, footer="alert 1"))
    assert desk.tg.messages == [card]


async def test_two_hundred_agents_are_one_message_and_a_file(desk: Desk) -> None:
    columns = ("Agent", "State", "Equity USD", "P&L 24h", "Drawdown", "Alerts", "z")
    rows = tuple((f"agent{number}", "ok", f"{number},000.00", "+1.00", "1.0%", "0", "+0.20") for number in range(200))
    desk.answer = lambda _: Message("200 agents", tables=(Table(columns, rows),), buttons=(Button("Alerts", "alerts"),))
    desk.tg.type(ANA, "/status")
    file = await desk.tg.wait_for(lambda each: each.file is not None)
    page = desk.tg.messages[0]
    assert page.lines == ["alerts"]
    assert file.file is not None
    assert [line.split()[0] for line in file.file.data.decode().splitlines() if line.startswith("agent")] == [
        name for name, *_ in rows
    ]


async def test_markup_that_telegram_refuses_is_said_plainly(desk: Desk) -> None:
    desk.tg.fail(400, "Bad Request: can't parse entities: told to", method="sendMessage")
    ref = await desk.platform.send(PAGE)
    assert (desk.tg.seen.text.splitlines()[0], desk.tg.seen.entities) == (PAGE.title, ())
    assert desk.tg.seen.lines == ["ack 3f9c", "pause alpha"]
    desk.tg.fail(400, "Bad Request: can't parse entities: told to", method="editMessageText")
    await desk.platform.edit(ref, Message("✅ <resolved>"))
    assert desk.tg.seen.text == "✅ <resolved>"


async def test_buttons_that_telegram_refuses_cost_nobody_the_page(desk: Desk) -> None:
    desk.tg.fail(400, "Bad Request: BUTTON_DATA_INVALID", method="sendMessage")
    await desk.platform.send(PAGE)
    assert (desk.tg.seen.text.splitlines()[0], desk.tg.seen.lines) == (PAGE.title, [])


async def test_a_topic_that_is_gone_costs_nobody_the_page(tg: FakeTelegram) -> None:
    async with started(a_platform(tg, topic=12), tg) as desk:
        await desk.platform.send(PAGE)
        assert tg.seen.thread is None
        assert "mend topic in [telegram]" in (desk.platform.trouble or "")
        tg.topics.add(12)
        await desk.platform.send(PAGE)
        assert tg.seen.thread == 12
        assert not desk.platform.trouble


async def test_the_general_topic_is_not_named(tg: FakeTelegram) -> None:
    async with started(a_platform(tg, topic=1), tg) as desk:
        await desk.platform.send(PAGE)
        assert (tg.seen.thread, desk.platform.trouble) == (None, None)


# -- what goes wrong -----------------------------------------------------------------------------------------------


async def test_a_message_that_is_gone_can_never_be_changed(desk: Desk) -> None:
    ref = await desk.platform.send(PAGE)
    desk.tg.delete(desk.tg.seen)
    assert (await refused(desk.platform.edit(ref, Message("x")))).permanent
    assert (await refused(desk.platform.edit(MessageRef("telegram", "x", "1"), Message("x")))).permanent


@pytest.mark.parametrize(
    ("code", "description", "said"),
    [
        (403, "Forbidden: bot was kicked from the supergroup chat", "see that the bot is in the chat"),
        (400, "Bad Request: chat not found", "chat in [telegram]"),
        (400, "Bad Request: not enough rights to send text messages to the chat", "may write there"),
        (401, "Unauthorized", "does not accept the token"),
        (404, "Not Found", "does not accept the token"),
        (400, "Bad Request: SOMETHING_NEW", "SOMETHING_NEW"),
    ],
)
async def test_pages_wait_for_a_chat_or_token_that_people_can_mend(
    desk: Desk, code: int, description: str, said: str
) -> None:
    desk.tg.fail(code, description, method="sendMessage")
    error = await refused(desk.platform.send(PAGE))
    assert said.lower() in str(error).lower()
    assert (error.permanent, error.uncertain, error.retry_after) == (False, False, None)
    await desk.platform.send(PAGE)
    assert desk.platform.trouble is None


async def test_only_what_is_about_the_one_message_is_for_good(desk: Desk) -> None:
    desk.tg.fail(400, "Bad Request: message is too long", method="sendMessage", times=2)
    assert (await refused(desk.platform.send(PAGE))).permanent


async def test_a_server_error_leaves_open_whether_it_was_taken(desk: Desk) -> None:
    desk.tg.fail(502, "Bad Gateway", method="sendMessage")
    assert (await refused(desk.platform.send(PAGE))).uncertain


@pytest.mark.parametrize("after", [False, True])
async def test_a_reset_leaves_open_whether_it_was_taken(desk: Desk, after: bool) -> None:
    desk.tg.reset(method="sendMessage", after=after)
    error = await refused(desk.platform.send(PAGE))
    assert (error.uncertain, error.permanent) == (True, False)
    assert len(desk.tg.messages) == after


async def test_what_was_never_sent_is_certain(desk: Desk) -> None:
    await desk.tg.away()
    error = await refused(desk.platform.send(PAGE))
    assert (error.uncertain, error.permanent) == (False, False)
    assert "cannot be reached" in str(error)


async def test_a_hanging_telegram_holds_up_nobody_for_long(tg: FakeTelegram) -> None:
    async with started(a_platform(tg, patience=0.3), tg) as desk:
        tg.hang(method="sendMessage")
        error = await refused(asyncio.wait_for(desk.platform.send(PAGE), 5))
        assert (error.uncertain, error.permanent) == (True, False)


@pytest.mark.slow
async def test_telegram_is_not_asked_again_before_the_time_it_named(desk: Desk) -> None:
    desk.tg.fail(429, "Too Many Requests: retry after 1", method="sendMessage", retry_after=1)
    error = await refused(desk.platform.send(PAGE))
    assert error.retry_after == 1
    desk.tg.type(ANA, "/status")
    await desk.next()
    await desk.platform.send(PAGE)
    await desk.tg.wait_for(lambda each: "you said" in each.text)
    assert desk.tg.early == 0


async def test_a_page_is_handed_back_when_telegram_asks_to_wait_long(desk: Desk) -> None:
    desk.tg.fail(429, "Too Many Requests: retry after 30", method="sendMessage", retry_after=30)
    assert (await refused(desk.platform.send(PAGE))).retry_after == 30
    again = await refused(asyncio.wait_for(desk.platform.send(PAGE), 5))
    assert again.retry_after is not None
    assert 25 < again.retry_after <= 30.5
    assert desk.tg.count("sendMessage") == 1


@pytest.mark.slow
async def test_an_answer_is_tried_again_when_telegram_was_busy_or_away(desk: Desk) -> None:
    desk.tg.fail(500, method="sendMessage")
    desk.tg.type(ANA, "/status")
    await desk.tg.wait_for(lambda each: each.text == "you said /status")
    assert desk.tg.count("sendMessage") == 2


async def test_a_group_that_becomes_a_supergroup_is_followed_and_told_of() -> None:
    async with fake_telegram(chat=-4001) as tg, started(a_platform(tg), tg) as desk:
        old = await desk.platform.send(PAGE)
        tg.migrate(-100777)
        ref = await desk.platform.send(PAGE)
        assert (ref.chat, tg.seen.chat) == ("-100777", -100777)
        assert "write chat = -100777" in (desk.platform.trouble or "")
        await desk.platform.edit(ref, Message("resolved"))
        assert (await refused(desk.platform.edit(old, Message("resolved")))).permanent
        tg.type(ANA, "/status")
        assert (await desk.next()).chat == "-100777"
        await tg.wait_for(lambda each: each.text == "you said /status")


async def test_a_group_that_says_it_moves_is_followed_at_once() -> None:
    async with fake_telegram(chat=-4001) as tg, started(a_platform(tg), tg) as desk:
        chat = tg.chat_json(-4001)
        tg.migrate(-100777)
        tg.push({"message": {"message_id": 1, "date": 1, "chat": chat, "migrate_to_chat_id": -100777}})
        await told(desk, "write chat = -100777")
        await desk.platform.send(PAGE)
        assert tg.seen.chat == -100777
        assert tg.count("sendMessage") == 1


async def test_a_bot_that_is_removed_from_the_chat_says_so_at_once(desk: Desk) -> None:
    def member(status: str) -> dict[str, object]:
        user = desk.tg.bot
        return {"user": user, "status": status, **({"until_date": 0} if status == "kicked" else {})}

    change = {"chat": desk.tg.chat_json(CHAT), "from": desk.tg.user_json(ANA), "date": 1}
    for before, after in (("member", "kicked"), ("kicked", "member")):
        desk.tg.push(
            {"my_chat_member": {**change, "old_chat_member": member(before), "new_chat_member": member(after)}}
        )
        await told(desk, "removed from the chat" if after == "kicked" else None)


# -- start, listening, stop ----------------------------------------------------------------------------------------


async def test_the_menu_is_the_registry(desk: Desk) -> None:
    assert desk.tg.commands == COMMANDS


async def test_a_menu_that_is_refused_keeps_nobody_from_listening(tg: FakeTelegram) -> None:
    tg.fail(400, "Bad Request: BOT_COMMAND_INVALID", method="setMyCommands")
    async with started(a_platform(tg), tg) as desk:
        tg.type(ANA, "/status")
        await desk.next()


async def test_a_webhook_is_removed_and_what_waited_is_kept(tg: FakeTelegram) -> None:
    tg.webhook = "https://elsewhere.example/hook"
    tg.type(ANA, "/status")
    async with started(a_platform(tg), tg) as desk:
        assert (await desk.next()).line == "/status"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (lambda tg: tg.revoke(), "does not accept the token"),
        (lambda tg: tg.reset(method="getMe"), "broke"),
        (lambda tg: tg.hang(method="getMe"), "in time"),
        (lambda tg: tg.fail(500, method="setMyCommands"), "trouble of its own"),
    ],
)
async def test_a_start_that_fails_says_why_and_may_be_tried_again(
    tg: FakeTelegram, trouble: Callable[[FakeTelegram], None], said: str
) -> None:
    platform = a_platform(tg, patience=0.3)
    trouble(tg)
    assert said in str(await refused(platform.start(Desk(platform, tg).handle)))
    assert not (await refused(platform.send(PAGE))).permanent
    tg.release()
    tg.restore()
    async with started(platform, tg) as desk:
        tg.type(ANA, "/status")
        await desk.next()


async def test_a_telegram_that_is_away_at_the_start_says_so() -> None:
    async with fake_telegram() as tg:
        await tg.away()
        error = await refused(a_platform(tg).start(Desk(a_platform(tg), tg).handle))
        assert "cannot be reached" in str(error)


async def test_a_line_is_confirmed_only_once_it_is_in_the_handler_s_hands(tg: FakeTelegram) -> None:
    tg.hang(method="answerCallbackQuery")
    platform = a_platform(tg)
    async with started(platform, tg) as desk:
        ref = await platform.send(PAGE)
        tg.press(int(ref.id), "ack 3f9c", ANA)
        await tg.until(lambda: tg.count("answerCallbackQuery"))
        polls = tg.count("getUpdates")
        assert len(tg.updates) == 1
        assert not (await asyncio.wait({asyncio.ensure_future(desk.next())}, timeout=0.1))[0]
        assert tg.count("getUpdates") == polls
        tg.release()
        await desk.next()
        await tg.until(lambda: not tg.updates)


async def test_a_line_that_was_not_confirmed_comes_again_with_the_same_event(tg: FakeTelegram) -> None:
    async with started(a_platform(tg), tg) as desk:
        await tg.until(lambda: tg.polling)
        tg.fail(500, method="getUpdates", times=1_000)
        tg.type(ANA, "/pause alpha")
        first = await desk.next()
    tg.release()
    async with started(a_platform(tg), tg) as desk:
        again = await desk.next()
        assert (again.event, again.line, again.time) == (first.event, first.line, first.time)


async def test_a_clean_stop_confirms_what_was_heard(tg: FakeTelegram) -> None:
    async with started(a_platform(tg), tg) as desk:
        tg.type(ANA, "/status")
        await desk.next()
    assert tg.updates == []


async def test_a_stop_does_not_confirm_what_is_in_nobody_s_hands_yet(tg: FakeTelegram) -> None:
    async with started(a_platform(tg), tg) as desk:
        ref = await desk.platform.send(PAGE)
        tg.hang(method="answerCallbackQuery")
        tg.press(int(ref.id), "ack 3f9c", ANA)
        await tg.until(lambda: tg.count("answerCallbackQuery"))
    assert (desk.heard, len(tg.updates)) == ([], 1)
    tg.release()
    async with started(a_platform(tg), tg) as again:
        assert (await again.next()).line == "ack 3f9c"


async def test_an_update_that_nobody_can_read_deafens_nobody(desk: Desk) -> None:
    desk.tg.push({"message": {"message_id": "x", "date": "yesterday", "chat": 7}})
    desk.tg.push({"callback_query": {"id": 1}})
    desk.tg.type(ANA, "/status")
    assert (await desk.next()).line == "/status"
    await desk.tg.until(lambda: not desk.tg.updates)


async def test_another_reader_of_the_token_is_named_and_outlived(desk: Desk) -> None:
    await desk.tg.until(lambda: desk.tg.polling)
    async with httpx.AsyncClient(trust_env=False) as rival:
        await rival.get(f"{desk.tg.url}{TOKEN}/getUpdates")
    await told(desk, "freqtrade")
    desk.tg.type(ANA, "/status")
    await desk.next()
    assert "freqtrade" in (desk.platform.trouble or "")


async def test_a_token_that_is_revoked_is_told_at_once_and_its_return_too(tg: FakeTelegram) -> None:
    async with started(a_platform(tg), tg) as desk:
        await tg.until(lambda: tg.polling)
        tg.revoke()
        await told(desk, "does not accept the token")
        tg.restore()
        await told(desk, None)


async def test_a_network_that_stays_away_is_told_and_its_return_too(tg: FakeTelegram) -> None:
    async with started(a_platform(tg), tg) as desk:
        await tg.until(lambda: tg.polling)
        await tg.away()
        assert desk.platform.trouble is None
        await told(desk, "cannot be reached")
        await tg.back()
        tg.type(ANA, "/status")
        await told(desk, None)
        await desk.next()


@pytest.mark.slow
async def test_a_telegram_that_no_longer_answers_polls_is_noticed(tg: FakeTelegram) -> None:
    section = Section(tg.chat, None, tg.url, SecretStr(TOKEN))
    platform = Telegram(section, commands=COMMANDS, pace=QUICK, poll=1.0, patience=0.2, again=0.05)
    async with started(platform, tg) as desk:
        await tg.until(lambda: tg.polling)
        tg.hang(method="getUpdates")
        await told(desk, "orders given there are not heard")
        tg.release()
        await told(desk, None)


async def test_it_stops_quickly_while_everything_hangs(desk: Desk) -> None:
    desk.tg.hang()
    sending = asyncio.create_task(desk.platform.send(PAGE))
    desk.tg.type(ANA, "/status")
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await desk.platform.stop()
    assert time.monotonic() - began < 1.9
    await refused(sending)


@pytest.mark.slow
async def test_a_page_is_not_stuck_behind_answers(tg: FakeTelegram) -> None:
    async with started(a_platform(tg, pace=Pace(burst=1, every=0.1)), tg) as desk:
        for number in range(10):
            tg.type(ANA, f"/status {number}")
        await desk.next(10)
        await desk.platform.send(PAGE)
        assert sum("you said" in each.text for each in tg.messages) < 5
        await tg.until(lambda: len(tg.messages) == 11)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged at the finest level, with no secret known that could be masked."""
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in NOISY}
    out = io.StringIO()
    configure("debug", (), out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)
    structlog.reset_defaults()
    sys.excepthook = hook


async def test_the_token_is_in_no_log_and_no_trouble_whatever_happens(tg: FakeTelegram, log: io.StringIO) -> None:
    platform = a_platform(tg, patience=0.5)
    tg.webhook = f"https://elsewhere.example/{TOKEN}"
    tg.revoke()
    await refused(platform.start(Desk(platform, tg).handle))
    tg.restore()
    async with started(platform, tg) as desk:
        tg.type(ANA, "/status")
        await desk.next()
        await tg.until(lambda: tg.polling)
        tg.fail(502, method="sendMessage")
        await refused(platform.send(PAGE))
        tg.reset(method="sendMessage")
        await refused(platform.send(PAGE))
        tg.push({"message": {"message_id": "x"}})
        tg.revoke()
        await told(desk, "does not accept the token")
        await refused(platform.send(PAGE))
        assert TOKEN not in (platform.trouble or "")
        await tg.away()
        await refused(platform.send(PAGE))
    assert "a webhook was set" in log.getvalue()
    assert TOKEN not in log.getvalue()
    assert TOKEN not in repr(platform)


async def test_an_edit_that_must_wait_long_is_handed_back_and_a_page_still_goes(tg: FakeTelegram) -> None:
    async with started(a_platform(tg, pace=Pace(burst=10, every=0.01, group=4, kept=1)), tg) as desk:
        ref = await desk.platform.send(Message("one"))
        await desk.platform.edit(ref, Message("two"))
        waits = []
        for _ in range(2):
            error = await refused(asyncio.wait_for(desk.platform.edit(ref, Message("three")), 2))
            assert error.retry_after is not None
            assert error.own
            waits.append(error.retry_after)
        assert 50 < waits[0] <= 61
        await asyncio.wait_for(desk.platform.send(Message("news")), 2)
        await asyncio.wait_for(desk.platform.send(PAGE), 2)
        assert tg.seen.text.startswith("🚨 CRITICAL")
