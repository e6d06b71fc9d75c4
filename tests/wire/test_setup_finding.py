"""Who writes a command is found, with the chat and the topic; what stands in the way is named with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot.setup import finding
from bot.setup.finding import Heard, NotFoundError
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.wire.chats import ANA, STRANGER
from tests.wire.test_check_chats import another_reader


async def heard(tg: FakeTelegram, notes: list[str] | None = None, within: float = 5.0) -> Heard:
    return await finding.in_telegram(tg.token, tg.url, (notes if notes is not None else []).append, within)


async def test_a_command_tells_person_chat_and_topic_and_comes_to_no_desk(tg: FakeTelegram) -> None:
    tg.topics = {12}
    tg.type(ANA[0], "good morning")
    tg.type(ANA[0], "/start@desk_bot", thread=12)
    assert await heard(tg) == Heard("1001", "Person 1001", str(tg.chat), "On call", 12)
    assert not tg.updates
    tg.type(ANA[0], "/start", chat=ANA[0])
    alone = await heard(tg)
    assert (alone.chat, alone.topic) == ("1001", None)


async def test_what_was_written_before_the_question_is_no_answer_to_it(tg: FakeTelegram) -> None:
    for _ in range(101):  # more than one answer holds
        tg.type(STRANGER[0], "/start", chat=STRANGER[0])
    await finding.forget(tg.token, tg.url)
    tg.type(ANA[0], "/start@desk_bot")
    assert (await heard(tg)).user == str(ANA[0])


async def test_who_writes_as_the_group_is_told_how_to_be_somebody(tg: FakeTelegram) -> None:
    notes: list[str] = []
    tg.type(ANA[0], "/start", anonymous=True)
    tg.type(ANA[0], "/start")
    assert (await heard(tg, notes)).user == str(ANA[0])
    assert notes == [finding.ANONYMOUS]


async def test_a_webhook_is_in_the_way_until_it_is_removed(tg: FakeTelegram) -> None:
    tg.webhook = "https://elsewhere.example/hook"
    with pytest.raises(NotFoundError, match="has set a webhook for this bot"):
        await finding.forget(tg.token, tg.url)
    await finding.forget(tg.token, tg.url, unhook=True)
    assert not tg.webhook


async def test_another_program_with_the_same_token_is_named(tg: FakeTelegram) -> None:
    async with another_reader(tg):
        with pytest.raises(NotFoundError, match="a second desk, or freqtrade's own Telegram"):
            await heard(tg)


async def test_nobody_who_writes_is_said(tg: FakeTelegram, slack: FakeSlack) -> None:
    with pytest.raises(NotFoundError, match=r"nobody gave a command within 0\.2 s: is the bot in that chat"):
        await heard(tg, within=0.2)
    with pytest.raises(NotFoundError, match=r"nobody mentioned the app within 0\.2 s: .* /invite it first"):
        await finding.in_slack(slack.bot_token, slack.app_token, slack.url, 0.2)


async def test_in_slack_a_mention_and_a_slash_command_are_heard(slack: FakeSlack) -> None:
    mention: Callable[[], Awaitable[object]] = lambda: slack.mention(ANA[1], f"<@{slack.user}> hello")  # noqa: E731
    for speak in (mention, lambda: slack.slash(ANA[1], "/desk", "help")):
        connected = slack.deliveries.connected
        listening = asyncio.create_task(finding.in_slack(slack.bot_token, slack.app_token, slack.url, 5.0))
        await slack.until(lambda: slack.deliveries.connected > connected)  # noqa: B023 - awaited at once
        await speak()
        found = await listening
        assert (found.user, found.chat) == (ANA[1], slack.channel)


async def test_a_channel_has_its_name_or_says_why_nothing_can_be_written_there(slack: FakeSlack) -> None:
    (found,) = await finding.slack_channel(slack.bot_token, slack.url, slack.channel)
    assert (found.fine, found.sentence) == (True, "pages go to #on-call")
    slack.channels[slack.channel] = replace(slack.channels[slack.channel], member=False)
    (found,) = await finding.slack_channel(slack.bot_token, slack.url, slack.channel)
    assert (found.fine, found.sentence) == (False, "the app is not in #on-call: type /invite @nightdesk there")


async def test_socket_mode_that_is_switched_off_is_named(slack: FakeSlack) -> None:
    slack.deliveries.greets = False
    listening = asyncio.create_task(finding.in_slack(slack.bot_token, slack.app_token, slack.url, 5.0))
    await slack.until(lambda: bool(slack.deliveries.sockets))
    await slack.deliveries.disconnect("link_disabled")
    with pytest.raises(NotFoundError, match="Socket Mode is switched off for the app: at"):
        await listening
