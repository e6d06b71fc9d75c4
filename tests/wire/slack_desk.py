"""The Slack platform beside a Slack of our own: what it heard, and answers that tests choose."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.chat import Button, Field, Invocation, Message, Reply, Tone
from bot.platforms.slack.http import PATH
from bot.platforms.slack.platform import Slack
from tests.fakes.slack import FakeSlack, fake_slack

CARD = Message(
    "🚨 CRITICAL · alpha · Drawdown over the limit",
    "23.1% below its peak",
    (Field("Since", "12:03 UTC (4 m)"), Field("State", "firing")),
    buttons=(Button("Acknowledge", "ack 3f9c1a"), Button("Pause alpha", "pause alpha")),
    footer="alert 3f9c1a",
    tone=Tone.CRITICAL,
    loud=True,
)
Answer = Callable[[Invocation, Reply], Awaitable[None]]


async def echo(invocation: Invocation, reply: Reply) -> None:
    await reply(Message(f"you said {invocation.line}"))


@dataclass
class Desk:
    """The platform, its Slack, and the lines that arrived."""

    slack: FakeSlack
    platform: Slack
    answer: Answer = echo
    heard: list[Invocation] = field(default_factory=list)
    _queue: asyncio.Queue[Invocation] = field(default_factory=asyncio.Queue)

    async def handler(self, invocation: Invocation, reply: Reply) -> None:
        self.heard.append(invocation)
        self._queue.put_nowait(invocation)
        await self.answer(invocation, reply)

    async def start(self) -> None:
        await self.platform.start(self.handler)
        if self.platform.port is not None:
            self.slack.events_url = f"http://127.0.0.1:{self.platform.port}{PATH}"

    async def next(self) -> Invocation:
        """The next line that arrives."""
        return await asyncio.wait_for(self._queue.get(), 5)


@contextlib.asynccontextmanager
async def slack_desk(
    mode: str = "socket",
    *,
    rate: tuple[int, float] | None = None,
    changes: tuple[int, float] | None = None,
    **how: Any,
) -> AsyncIterator[Desk]:
    """A platform that listens; `how`: what else the platform is told."""
    async with fake_slack(ack_within=0.5, rate=rate, changes=changes) as slack:
        desk = Desk(slack, Slack(slack.about(mode), **({"every": 0.0} | how)))
        await desk.start()
        try:
            yield desk
        finally:
            await desk.platform.stop()


async def becomes(holds: Callable[[], bool], within: float = 5.0) -> None:
    """Wait until something outside the fake holds. Errors: TimeoutError."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 -- nobody tells when it does
            await asyncio.sleep(0.01)
