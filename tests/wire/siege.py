"""Servers that go wrong at random, by a seed: 429, 500, a reset before and a reset after taking the message."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.slack import Channel, FakeSlack, fake_slack
from tests.fakes.slack_faults import Fault as SlackFault
from tests.fakes.slack_faults import Faults
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_values import Fault, Refuse

SENDS = frozenset({"sendmessage", "chat.postMessage"})
TO_A_CHAT = SENDS | {"editmessagetext", "senddocument", "chat.update", "conversations.history"}
"""Calls of which a desk that starts anew can know that it must wait; others are never asked to."""
KINDS = ("429", "500", "reset before", "reset after")
_FINE, _WRONG = 28, 3
"""Of 40 calls these go well, and so many wrong in each way: 30 %, shuffled."""


@dataclass(frozen=True)
class Early:
    """A call that did not await what a 429 had asked for."""

    asked: float
    """By the monotonic clock."""
    seconds: int
    came: float
    method: str


@dataclass
class Dice:
    """What goes wrong with the next call, and what went wrong so far."""

    seed: int
    waits: tuple[int, int]
    """Seconds that a 429 asks for, at least and at most."""
    thrown: Counter[str] = field(default_factory=Counter)
    """Kind -> how often, of the calls that send a message."""
    asked: tuple[float, int] = (0.0, 0)
    """When the newest 429 was answered, by the monotonic clock, and for how many seconds."""
    early: list[Early] = field(default_factory=list)
    calm: bool = False

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 -- a test that can be repeated
        self._decks: dict[bool, list[str | None]] = {True: [], False: []}

    def throw(self, method: str) -> str | None:
        """The trouble of a call."""
        if self.calm:
            return None
        deck = self._decks[method in SENDS]
        if not deck:
            deck += [*[None] * _FINE, *KINDS * _WRONG]
            self._random.shuffle(deck)
        kind = deck.pop()
        if method in SENDS and kind is not None:
            self.thrown[kind] += 1
        return "500" if kind == "429" and method not in TO_A_CHAT else kind

    def seconds(self) -> int:
        """What a 429 asks for."""
        self.asked = (time.monotonic(), self._random.randint(*self.waits))
        return self.asked[1]

    def came_early(self, method: str) -> None:
        """A call came before the time that the newest 429 had asked for."""
        self.early.append(Early(*self.asked, time.monotonic(), method))


class Telegram(FakeTelegram):
    """A Bot API under siege."""

    def __init__(self, dice: Dice) -> None:
        super().__init__(TOKEN, -1001234567890, "desk_bot")
        self.dice = dice

    def _wait_asked(self, key: str) -> None:
        before = self.early
        try:
            super()._wait_asked(key)
        except Refuse:
            if self.early > before:
                self.dice.came_early(self.calls[-1].method)
            raise

    async def _fault(self, method: str, key: str) -> str | None:
        kind = self.dice.throw(method)
        if kind == "429":
            wait = self.dice.seconds()
            fault = Fault("fail", None, 1, 429, f"Too Many Requests: retry after {wait}", {"retry_after": wait})
        elif kind == "500":
            fault = Fault("fail", None, 1, 500, "Internal Server Error")
        elif kind is not None:
            fault = Fault("reset" if kind == "reset before" else kind, None, 1)
        else:
            return await super()._fault(method, key)
        self._faults.insert(0, fault)
        return await super()._fault(method, key)


class SlackFaults(Faults):
    """The faults of a Slack under siege."""

    def __init__(self, dice: Dice) -> None:
        super().__init__()
        self.dice = dice

    def met(self, method: str) -> SlackFault | None:
        kind = self.dice.throw(method)
        if kind == "429":
            return SlackFault("limit", 1, method, self.dice.seconds())
        if kind == "500":
            return SlackFault("status", 1, method, 500)
        return SlackFault(kind, 1, method) if kind is not None else super().met(method)

    def refusal(
        self, method: str, arguments: Mapping[str, Any], fault: SlackFault | None
    ) -> tuple[web.Response, str] | None:
        before = self.early
        found = super().refusal(method, arguments, fault)
        if self.early > before:
            self.dice.came_early(method)
        return found


@contextlib.asynccontextmanager
async def besieged_telegram(dice: Dice, person: int) -> AsyncIterator[Telegram]:
    """A Bot API with one person who has opened a private chat."""
    fake = Telegram(dice)
    fake.start_private(person)
    await fake.open()
    try:
        yield fake
    finally:
        dice.calm = True
        await fake.close()


@contextlib.asynccontextmanager
async def besieged_slack(dice: Dice, person: str) -> AsyncIterator[FakeSlack]:
    """A Slack with one direct message channel."""
    async with fake_slack() as fake:
        fake.channels[person] = Channel(person)
        fake.faults = SlackFaults(dice)
        try:
            yield fake
        finally:
            dice.calm = True
