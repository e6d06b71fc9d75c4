"""Lines reach the handler from slash commands, mentions and buttons, over Socket Mode and over signed requests."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.chat import Button, Invocation, Message, MessageRef, Reply
from bot.platforms.slack.http import PATH
from tests.wire.slack_desk import CARD, Desk, becomes, slack_desk


@pytest.fixture(params=["socket", "http"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with slack_desk(request.param) as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[Desk]:
    async with slack_desk("http") as made:
        yield made


async def whispered(desk: Desk, text: str, user: str = "U0ANA") -> None:
    found = await desk.slack.wait_for(lambda each: text in each.reading)
    assert found.only == user
    assert not any(text in each.reading for each in desk.slack.messages)


@pytest.mark.parametrize(
    ("command", "text", "line"),
    [
        ("/desk", "status", "status"),
        ("/desk", "", "help"),
        ("/pnl", "by strategy", "/pnl by strategy"),
        ("/pause", 'alpha "a & b <now>"', '/pause alpha "a & b <now>"'),
    ],
)
async def test_a_slash_command_is_a_line(desk: Desk, command: str, text: str, line: str) -> None:
    await desk.slack.slash("U0ANA", command, text, trigger_id="1.2.3")
    heard = await desk.next()
    assert (heard.line, heard.platform, heard.user, heard.chat) == (line, "slack", "U0ANA", desk.slack.channel)
    assert (heard.event, heard.button, heard.about) == ("1.2.3", False, None)
    assert abs(heard.time - time.time()) < 5
    answer = await desk.slack.wait_for(lambda each: each.reading == f"you said {line}")
    assert (answer.via, answer.only) == ("response_url", None)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("status", "status"),
        ("/status alpha", "/status alpha"),
        ("", "help"),
        ("pause <http://alpha.io|alpha.io> too &lt;fast&gt; &amp; bad", "pause alpha.io too <fast> & bad"),
        ("ack 3f for <@U0BEN> in <#C0DESK0001|on-call>", "ack 3f for @U0BEN in #on-call"),
    ],
)
async def test_a_mention_is_a_line_and_is_answered_in_a_thread(desk: Desk, written: str, line: str) -> None:
    await desk.slack.mention("U0ANA", written, event_id="Ev1")
    heard = await desk.next()
    asked = desk.slack.messages[0]
    assert (heard.line, heard.event, heard.about, heard.time) == (line, "Ev1", None, float(asked.ts))
    answer = await desk.slack.wait_for(lambda each: each.reading == f"you said {line}")
    assert (answer.thread_ts, answer.via) == (asked.ts, "api")


async def test_a_mention_in_a_cards_thread_is_about_the_card(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    await desk.slack.mention("U0ANA", "ack", ref.id)
    assert (await desk.next()).about == ref
    assert (await desk.slack.wait_for(lambda each: each.reading == "you said ack")).thread_ts == ref.id


async def test_a_button_is_its_line_about_its_card_and_is_answered_in_the_thread(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    await desk.slack.press(ref.id, "Acknowledge", "U0ANA", action_ts="1764072180.123456", trigger_id="7.8")
    heard = await desk.next()
    assert (heard.line, heard.button, heard.about, heard.user) == ("ack 3f9c1a", True, ref, "U0ANA")
    assert (heard.time, heard.event) == (1764072180.123456, "1764072180.123456:7.8")
    assert (await desk.slack.wait_for(lambda each: "you said" in each.reading)).thread_ts == ref.id


async def test_a_button_of_an_answer_in_the_thread_is_about_the_card_too(desk: Desk) -> None:
    async def ask(_invocation: Invocation, reply: Reply) -> None:
        await reply(Message("Pause alpha?", "Sure?", buttons=(Button("Yes", "confirm 12"),)))

    desk.answer = ask
    ref = await desk.platform.send(CARD)
    await desk.slack.press(ref.id, "Pause alpha", "U0ANA")
    question = await desk.slack.wait_for(lambda each: "Yes" in each.buttons)
    await desk.slack.press(question.ts, "Yes", "U0ANA")
    assert [(await desk.next()).line for _ in range(2)] == ["pause alpha", "confirm 12"]
    assert desk.heard[1].about == ref


async def test_slack_has_its_answer_before_the_work_begins_and_lines_do_not_wait_for_each_other(desk: Desk) -> None:
    release, busy = asyncio.Event(), asyncio.Event()

    async def slow(invocation: Invocation, reply: Reply) -> None:
        if invocation.line == "pause alpha":
            busy.set()
            await release.wait()
        await reply(Message(f"done {invocation.line}"))

    desk.answer = slow
    ref = await desk.platform.send(CARD)
    first = await desk.slack.press(ref.id, "Pause alpha", "U0ANA")
    assert await first.acknowledged() < 1
    await asyncio.wait_for(busy.wait(), 5)
    for delivery in (await desk.slack.slash("U0ANA", "/desk", "status"), await desk.slack.mention("U0ANA", "pnl")):
        assert await delivery.acknowledged() < 1
    await desk.slack.wait_for(lambda each: each.reading == "done status")
    await desk.slack.wait_for(lambda each: each.reading == "done pnl")
    release.set()
    await desk.slack.wait_for(lambda each: each.reading == "done pause alpha")


async def test_a_handler_that_fails_disturbs_nobody(desk: Desk) -> None:
    async def fails(invocation: Invocation, reply: Reply) -> None:
        if invocation.line == "bad":
            raise RuntimeError("a bug")
        await reply(Message("fine"))

    desk.answer = fails
    for line in ("bad", "good"):
        delivery = await desk.slack.slash("U0ANA", "/desk", line)
        await delivery.acknowledged()
    await desk.slack.wait_for(lambda each: each.reading == "fine")


async def test_a_private_answer_is_seen_by_its_giver_alone(desk: Desk) -> None:
    async def secretly(invocation: Invocation, reply: Reply) -> None:
        await reply(Message(f"only for you: {invocation.line}", private=True))

    desk.answer = secretly
    ref = await desk.platform.send(CARD)
    await desk.slack.slash("U0ANA", "/ids")
    await whispered(desk, "only for you: /ids")
    await desk.slack.mention("U0ANA", "ids", ref.id)
    await whispered(desk, "only for you: ids")
    await desk.slack.press(ref.id, "Acknowledge", "U0ANA")
    await whispered(desk, "only for you: ack 3f9c1a")
    assert [each.thread_ts for each in desk.slack.whispers] == [None, ref.id, ref.id]


async def test_a_button_that_only_one_person_sees_is_answered_by_its_own_address(desk: Desk) -> None:
    async def answer(invocation: Invocation, reply: Reply) -> None:
        await reply(Message("you?", invocation.line, buttons=(Button("Help", "help"),), private=not invocation.button))

    desk.answer = answer
    await desk.slack.slash("U0ANA", "/ids")
    hint = await desk.slack.wait_for(lambda each: "Help" in each.buttons)
    await desk.slack.press(hint.ts, "Help", "U0ANA")
    await desk.next()
    heard = await desk.next()
    assert (heard.line, heard.button, heard.about) == ("help", True, None)
    assert (await desk.slack.wait_for(lambda each: each.only is None)).via == "response_url"


async def test_answers_beyond_the_fifth_go_into_the_channel(desk: Desk) -> None:
    async def talk(_invocation: Invocation, reply: Reply) -> None:
        for number in range(7):
            await reply(Message(f"part {number}", private=number == 6))

    desk.answer = talk
    await desk.slack.slash("U0ANA", "/desk", "status")
    await desk.slack.wait_for(lambda each: each.reading == "part 6")
    assert [each.via for each in desk.slack.messages] == ["response_url"] * 5 + ["api"]
    assert [(each.reading, each.only) for each in desk.slack.whispers] == [("part 6", "U0ANA")]
    assert [each.outcome for each in desk.slack.calls if each.method == "response_url"] == ["ok"] * 5


async def test_an_answer_whose_address_is_too_old_goes_into_the_channel(desk: Desk) -> None:
    release = asyncio.Event()

    async def late(_invocation: Invocation, reply: Reply) -> None:
        await release.wait()
        await reply(Message("late"))

    desk.answer = late
    await desk.slack.slash("U0ANA", "/desk", "status")
    await desk.next()
    for hook in desk.slack.hooks.values():
        hook.made -= 1_801
    release.set()
    assert (await desk.slack.wait_for(lambda each: each.reading == "late")).via == "api"


async def test_an_answer_waits_when_slack_asks_it_to(desk: Desk) -> None:
    desk.slack.faults.limit(0.3, method="chat.postMessage")
    await desk.slack.mention("U0ANA", "status")
    await desk.slack.wait_for(lambda each: each.reading == "you said status")
    assert desk.slack.faults.early == 0


async def test_another_workspace_gets_a_private_hint_and_nothing_runs(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    await desk.slack.slash("U0EVE", "/desk", "pause alpha", team="T0OTHER")
    await whispered(desk, "own workspace only", "U0EVE")
    await desk.slack.press(ref.id, "Pause alpha", "U0EVE", team="T0OTHER")
    await desk.slack.mention("U0EVE", "pause alpha", team="T0OTHER")
    await desk.slack.until(lambda: len(desk.slack.whispers) == 3)
    assert desk.heard == []


async def test_another_channel_gets_a_private_hint_with_both_ids_and_nothing_runs(desk: Desk) -> None:
    desk.slack.channels["C0RANDOM"] = type(desk.slack.channels[desk.slack.channel])("C0RANDOM")
    await desk.slack.slash("U0ANA", "/pause", "alpha", channel="C0RANDOM")
    await whispered(desk, "C0RANDOM")
    await desk.slack.mention("U0ANA", "pause alpha", channel="C0RANDOM")
    await desk.slack.until(lambda: len(desk.slack.whispers) == 2)
    assert all(desk.slack.channel in each.reading for each in desk.slack.whispers)
    assert desk.heard == []


@pytest.mark.parametrize(
    "event",
    [
        {"edited": {"user": "U0ANA", "ts": "1.2"}},
        {"bot_id": "B0OTHER"},
        {"bot_profile": {"id": "B0OTHER"}},
        {"subtype": "message_changed"},
        {"user": "U0DESKBOT"},
        {"user": None},
        {"type": "message"},
        {"type": "message", "subtype": "message_changed", "message": {"text": "<@U0DESKBOT> pause alpha"}},
        {"ts": ""},
        {"text": None, "user": 7},
    ],
)
async def test_bots_edits_and_nonsense_give_no_orders(desk: Desk, event: dict[str, object]) -> None:
    delivery = await desk.slack.mention("U0ANA", "pause alpha", event=event)
    await asyncio.wait_for(delivery.done.wait(), 5)
    await desk.slack.slash("U0ANA", "/desk", "whoami")
    assert (await desk.next()).line == "whoami"
    assert len(desk.heard) == 1


async def test_a_mention_in_the_middle_of_a_sentence_is_no_order(desk: Desk) -> None:
    await desk.slack.mention("U0ANA", "", raw="do not pause alpha, <@U0DESKBOT> said so")
    await whispered(desk, "begins with the mention")
    assert desk.heard == []


async def test_an_event_that_comes_again_has_the_same_id(desk: Desk) -> None:
    for _ in range(2):
        await desk.slack.mention("U0ANA", "status", event_id="Ev7")
    assert [(await desk.next()).event for _ in range(2)] == ["Ev7", "Ev7"]


async def test_a_wrong_signature_is_refused_and_nothing_runs(http: Desk) -> None:
    old, now = str(int(time.time()) - 301), str(int(time.time()))
    forged: list[dict[str, Any]] = [
        {"secret": "wrong"},
        {"timestamp": old},
        {"timestamp": "nonsense"},
        {"timestamp": ""},
        {"timestamp": "9" * 30},
        {"headers": {"X-Slack-Signature": "v0=ünicode"}},
        {"headers": {"X-Slack-Signature": ""}},
        {"headers": {"X-Slack-Request-Timestamp": now[:-1] + "x"}},
    ]
    for how in forged:
        delivery = await http.slack.slash("U0ANA", "/pause", "alpha", **how)
        assert delivery.status == 401, how
    ref = await http.platform.send(CARD)
    assert (await http.slack.press(ref.id, "Pause alpha", "U0ANA", secret="wrong")).status == 401
    assert (await http.slack.mention("U0ANA", "pause alpha", secret="wrong")).status == 401
    assert http.heard == []


async def test_slacks_question_whether_the_address_is_ours_is_answered(http: Desk) -> None:
    assert http.slack.events_url is not None
    body = b'{"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"}'
    headers = {**http.slack.deliveries.signed(body), "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as web, web.post(http.slack.events_url, data=body, headers=headers) as answer:
        assert (answer.status, "3eZbrw1a" in await answer.text()) == (200, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 404), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 5_000, 400), (b"x" * 2_000_000, 413)],
)
async def test_signed_nonsense_and_what_is_too_large_are_refused(http: Desk, body: bytes, status: int) -> None:
    assert http.slack.events_url is not None
    headers = {**http.slack.deliveries.signed(body), "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as web,
        web.post(http.slack.events_url, data=io.BytesIO(body), headers=headers) as answer,
    ):
        assert answer.status == status
    await http.slack.slash("U0ANA", "/desk", "status")
    assert (await http.next()).line == "status"


async def test_a_body_that_never_ends_well_is_refused(http: Desk) -> None:
    stamp = f"X-Slack-Request-Timestamp: {time.time():.0f}"
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Slack-Signature: v0=a\r\n{stamp}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", http.platform.port)
    writer.write(f"{head}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc".encode())
    assert (await asyncio.wait_for(reader.read(100), 5)).startswith(b"HTTP/1.1 400")
    writer.close()
    _, torn = await asyncio.open_connection("127.0.0.1", http.platform.port)
    torn.write(f"{head}Content-Length: 9\r\n\r\nabc".encode())
    await torn.drain()
    torn.transport.abort()
    await http.slack.slash("U0ANA", "/desk", "status")
    assert (await http.next()).line == "status"


async def test_only_one_address_is_answered(http: Desk) -> None:
    assert http.slack.events_url is not None
    async with aiohttp.ClientSession() as web:
        async with web.get(http.slack.events_url) as answer:
            assert answer.status == 405
        async with web.post(http.slack.events_url.replace(PATH, "/"), data=b"x") as answer:
            assert answer.status == 404


async def test_many_lines_at_once_are_all_heard(desk: Desk) -> None:
    for number in range(40):
        await desk.slack.slash("U0ANA", "/desk", f"line {number}")
    await becomes(lambda: len(desk.heard) == 40)
    assert {each.line for each in desk.heard} == {f"line {number}" for number in range(40)}


async def test_a_reference_survives_being_stored(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    await desk.slack.press(ref.id, "Acknowledge", "U0ANA")
    about = (await desk.next()).about
    assert about is not None
    assert MessageRef.unpack(about.pack()) == ref
