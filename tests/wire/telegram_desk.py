"""The Telegram platform beside a Bot API of our own: what it heard, and answers that tests choose."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from bot.chat import Button, Field, Invocation, Message, Reply, Tone, TransportError
from bot.command import discover
from bot.platforms.telegram.pace import Pace
from bot.platforms.telegram.platform import Telegram
from bot.settings import Telegram as Section
from tests.fakes.telegram import TOKEN, FakeTelegram

ANA, BEN, STRANGER = 1001, 1002, 6666
QUICK = Pace(burst=10_000, every=0.001, group=10_000)
COMMANDS = {name: each.summary for name, each in discover().items()}
PAGE = Message(
    "🚨 CRITICAL · alpha · Drawdown over the limit",
    "16.2% below its peak",
    (Field("State", "firing"),),
    buttons=(Button("Acknowledge", "ack 3f9c"), Button("Pause alpha", "pause alpha")),
    footer="alert 3f9c",
    tone=Tone.CRITICAL,
    loud=True,
)


@dataclass
class Desk:
    """A platform that is started, and what it handed on."""

    platform: Telegram
    tg: FakeTelegram
    heard: list[Invocation] = field(default_factory=list)
    answer: Callable[[Invocation], Message | None] = lambda asked: Message(f"you said {asked.line}")

    async def handle(self, asked: Invocation, reply: Reply) -> None:
        self.heard.append(asked)
        self.tg.notify()
        message = self.answer(asked)
        if message is not None:
            await reply(message)

    async def next(self, count: int = 1) -> Invocation:
        await self.tg.until(lambda: len(self.heard) >= count)
        return self.heard[count - 1]

    async def settled(self) -> None:
        """Everything typed so far has been read: what comes now comes after it."""
        marker = f"/status {len(self.heard)}{time.monotonic_ns()}"
        self.tg.type(ANA, marker)
        await self.tg.until(lambda: any(each.line == marker for each in self.heard))
        self.heard[:] = [each for each in self.heard if each.line != marker]


def a_platform(
    tg: FakeTelegram,
    *,
    topic: int | None = None,
    pace: Pace = QUICK,
    patience: float = 5.0,
    also: frozenset[str] = frozenset(),
) -> Telegram:
    section = Section(tg.chat, topic, tg.url, SecretStr(TOKEN))
    people = {str(ANA), str(BEN)}
    return Telegram(
        section, also=also, people=people, commands=COMMANDS, pace=pace, poll=1.0, patience=patience, again=0.05
    )


@contextlib.asynccontextmanager
async def started(platform: Telegram, tg: FakeTelegram) -> AsyncIterator[Desk]:
    desk = Desk(platform, tg)
    await platform.start(desk.handle)
    try:
        yield desk
    finally:
        await platform.stop()


async def refused(call: object) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await call  # type: ignore[misc] # any coroutine
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def told(desk: Desk, what: str | None) -> None:
    async with asyncio.timeout(15):
        while (desk.platform.trouble is None) != (what is None):  # noqa: ASYNC110 -- a property announces nothing
            await asyncio.sleep(0.02)
    assert what is None or what in (desk.platform.trouble or "")
