"""Every platform keeps these promises, whatever it looks like."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.chat import (
    Button,
    ChatPlatform,
    Field,
    Invocation,
    Mention,
    Message,
    MessageRef,
    Reply,
    Table,
    Tone,
    TransportError,
)
from bot.platforms.console import Console
from bot.platforms.memory import Memory
from bot.platforms.slack.platform import Slack
from bot.platforms.telegram import platform as telegram
from bot.platforms.telegram.pace import Pace
from bot.settings import Telegram
from tests.fakes.slack import fake_slack
from tests.fakes.telegram import fake_telegram

FULL = Message(
    title="a title",
    text="a text",
    fields=(Field("a label", "a value"),),
    tables=(Table(("name", "figure"), (("alpha", "1.00"),)),),
    buttons=(Button("a button", "whoami"),),
    footer="a footer",
    tone=Tone.CRITICAL,
    loud=True,
)


@dataclass
class Chat:
    """A platform, a way to speak into it, and a way to read what it showed."""

    platform: ChatPlatform
    speak: Callable[[str], object]
    shown: Callable[[], str]
    other: str
    """Another chat of the platform."""
    heard: asyncio.Queue[Invocation] = field(default_factory=asyncio.Queue)

    async def handler(self, invocation: Invocation, reply: Reply) -> None:
        await reply(Message(f"you said {invocation.line}"))
        self.heard.put_nowait(invocation)

    async def say(self, line: str) -> Invocation:
        self.speak(line)
        return await asyncio.wait_for(self.heard.get(), 5)


def memory_chat() -> tuple[Chat, Callable[[], None]]:
    memory = Memory()
    given: list[asyncio.Task[tuple[Message, ...]]] = []

    def shown() -> str:
        messages = [*(message for _, message in (*memory.sent, *memory.edits)), *memory.replies]
        return "\n".join(text for message in messages for text in texts(message))

    def speak(line: str) -> None:
        given.append(asyncio.create_task(memory.give(line)))

    return Chat(memory, speak, shown, "elsewhere"), given.clear


def console_chat(folder: Path) -> tuple[Chat, Callable[[], None]]:
    into, out = os.pipe()
    page = folder / "page"
    read, write = os.fdopen(into, "rb"), page.open("wb")
    chat = Chat(
        Console("ana", read, write), lambda line: os.write(out, f"{line}\n".encode()), page.read_text, "console"
    )

    def close() -> None:
        os.close(out)
        read.close()
        write.close()

    return chat, close


async def telegram_chat(stack: contextlib.AsyncExitStack) -> tuple[Chat, Callable[[], None]]:
    tg = await stack.enter_async_context(fake_telegram())
    tg.titles[-100555] = "Ops"
    section = Telegram(tg.chat, None, tg.url, SecretStr(tg.token))
    platform = telegram.Telegram(section, commands={"status": "a summary"}, pace=Pace(burst=1_000))
    return Chat(platform, lambda line: tg.type(1001, line), tg.shown, "-100555"), tg.release


async def slack_chat(stack: contextlib.AsyncExitStack) -> tuple[Chat, Callable[[], None]]:
    slack = await stack.enter_async_context(fake_slack())
    slack.open("C0OPS")
    platform = Slack(slack.about(), every=0.0)
    return Chat(platform, lambda line: slack.type("U0ANA", line), slack.shown, "C0OPS"), slack.faults.clear


@pytest.fixture(params=["memory", "console", "telegram", "slack"])
async def chat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Chat]:
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "telegram":
            made, close = await telegram_chat(stack)
        elif request.param == "slack":
            made, close = await slack_chat(stack)
        else:
            made, close = memory_chat() if request.param == "memory" else console_chat(tmp_path)
        await made.platform.start(made.handler)
        yield made
        await made.platform.stop()
        close()


def texts(message: Message) -> list[str]:
    return [
        message.title,
        *(each.name for each in message.mentions),
        message.text,
        *(text for each in message.fields for text in (each.label, each.value)),
        *(cell for table in message.tables for row in (table.columns, *table.rows) for cell in row),
        *(button.label for button in message.buttons),
        message.footer,
    ]


async def test_everything_in_a_message_is_shown(chat: Chat) -> None:
    await chat.platform.send(FULL)
    assert all(text in chat.shown() for text in texts(FULL))


async def test_each_message_has_a_reference_of_its_own(chat: Chat) -> None:
    first, second = await chat.platform.send(Message("one")), await chat.platform.send(Message("two"))
    assert first != second
    assert {first.platform, second.platform} == {chat.platform.name}


async def test_what_stands_at_a_reference_can_be_changed_again_and_again(chat: Chat) -> None:
    ref = await chat.platform.send(Message("firing"))
    for title in ("acknowledged by ana", "resolved"):
        await chat.platform.edit(ref, Message(title))
        assert title in chat.shown()


async def test_a_change_of_a_message_from_before_a_restart_is_not_lost(chat: Chat) -> None:
    ref = await chat.platform.send(Message("firing"))
    await chat.platform.stop()
    await chat.platform.start(chat.handler)
    await chat.platform.edit(ref, Message("resolved meanwhile"))
    assert "resolved meanwhile" in chat.shown()


async def test_a_message_of_another_platform_is_refused_for_good(chat: Chat) -> None:
    with pytest.raises(TransportError) as caught:
        await chat.platform.edit(MessageRef("elsewhere", "1", "1"), Message("lost"))
    assert caught.value.permanent


async def test_another_chat_of_the_platform_is_told_and_changed(chat: Chat) -> None:
    ref = await chat.platform.send(FULL, to=chat.other, key="page 1")
    assert (ref.platform, ref.chat) == (chat.platform.name, chat.other)
    assert MessageRef.unpack(ref.pack()) == ref
    await chat.platform.edit(ref, Message("resolved there"))
    assert "resolved there" in chat.shown()


async def test_what_is_found_again_is_what_was_sent_under_the_key(chat: Chat) -> None:
    before = time.time()
    for to in (None, chat.other):
        ref = await chat.platform.send(Message("page"), to=to, key=f"page {to}")
        await chat.platform.send(Message("another"), to=to, key="another")
        found = await chat.platform.find(f"page {to}", to=to, since=before)
        assert found in ((ref,) if chat.platform.name in ("memory", "slack") else (None,))
        assert await chat.platform.find("nothing", to=to, since=before) is None
        assert await chat.platform.find(f"page {to}", to=to, since=time.time() + 60) is None


async def test_whoever_is_called_is_named_below_the_title(chat: Chat) -> None:
    await chat.platform.send(Message("a title", "a text", mentions=(Mention("ana"), Mention("<b>en"))))
    shown = chat.shown()
    assert shown.index("a title") < shown.index("ana") < shown.index("<b>en") < shown.index("a text")


async def test_how_long_nothing_was_heard_is_told_where_there_is_a_server(chat: Chat) -> None:
    await chat.say("/status alpha")
    heard = chat.platform.heard
    if chat.platform.name in ("telegram", "slack"):
        assert heard is not None
        assert 0 <= heard < 5
    else:
        assert heard is None
    await chat.platform.stop()
    assert chat.platform.heard is None


async def test_a_line_reaches_the_handler_with_who_and_where_and_its_answer_is_shown(chat: Chat) -> None:
    heard = await chat.say("/status alpha")
    assert (heard.line, heard.platform, heard.button) == ("/status alpha", chat.platform.name, False)
    assert heard.channel == chat.platform.name
    assert heard.user
    assert heard.time > 1_700_000_000
    assert "you said /status alpha" in chat.shown()


@pytest.mark.parametrize(
    "text", ["[bold]x[/bold]", "<b>x</b> &amp;", "_a_ *b* `c` ~d~", "[/]", "\\[x]", ":smile:", "{agent}", "http://x.y"]
)
async def test_markup_in_a_text_is_shown_as_it_is(chat: Chat, text: str) -> None:
    message = Message(text, text, (Field(text, text),), (Table((text,), ((text,),)),), (Button(text, "whoami"),), text)
    await chat.platform.send(message)
    assert chat.shown().count(text) == len(texts(message))


async def test_a_long_text_stays_whole_and_readable(chat: Chat) -> None:
    words = " ".join(f"word{number}" for number in range(700))
    assert len(words) > 5_000
    await chat.platform.send(Message("long", words))
    assert words in " ".join(chat.shown().split())


async def test_a_long_table_is_shown_row_by_row(chat: Chat) -> None:
    rows = tuple((f"agent{number}", f"{number}.00") for number in range(200))
    await chat.platform.send(Message("long", tables=(Table(("Agent", "Equity"), rows),)))
    shown = chat.shown().split()
    assert [cell for cell in shown if cell.startswith("agent")] == [name for name, _ in rows]


async def test_nothing_is_said_after_the_end(chat: Chat) -> None:
    await chat.platform.stop()
    before = chat.shown()
    with pytest.raises(TransportError) as caught:
        await chat.platform.send(Message("too late"))
    assert not caught.value.permanent
    assert chat.shown() == before


async def test_a_message_that_was_taken_though_it_failed_is_found_again() -> None:
    memory = Memory()
    await memory.start(Chat(memory, print, str, "").handler)
    memory.fail(1, TransportError("broken off", uncertain=True), taken=True)
    with pytest.raises(TransportError, match="broken off"):
        await memory.send(Message("page"), key="page 1")
    ref = await memory.find("page 1", since=0.0)
    assert memory.sent == [(ref, Message("page"))]
    memory.fail(1)
    with pytest.raises(TransportError, match="told to fail"):
        await memory.send(Message("page"), key="page 2")
    assert await memory.find("page 2", since=0.0) is None
