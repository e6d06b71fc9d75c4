"""Where the answers to one line go: by its response_url while that lasts, else into its thread or to one person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.chat import Message, TransportError, without_picture
from bot.format import plain
from bot.platforms.slack.api import Api
from bot.platforms.slack.errors import RefusedError
from bot.platforms.slack.incoming import Order

USES = 5
LASTS = 29 * 60.0
"""Seconds for which a response_url is used; Slack takes it for thirty minutes."""
LONGEST_WAIT = 60.0
"""An answer that would be later than that is not worth waiting for."""
_TRIES = 3
_T = TypeVar("_T")
log = structlog.get_logger()


class Answers:
    """Says the answers to one order."""

    def __init__(self, api: Api, order: Order, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._order = order
        self._clock = clock
        self._left = USES if order.response_url and order.thread is None else 0
        self._until = clock() + LASTS

    async def say(self, message: Message) -> None:
        """Say one answer, and show its picture below it; when Slack asks to wait a little, wait.

        What keeps the picture away is told with the text, or after it. Errors: TransportError (the text was not taken).
        """
        message, file = await self._uploaded(message)
        await _patiently(lambda: self._say(message))
        if file is None:
            return
        title = plain(message.title)
        try:
            await _patiently(lambda: self._api.show(self._order.chat, file, title, self._order.thread))
        except TransportError as error:
            log.warning("a picture was not shown", error=str(error))
            why = Message("The picture may be missing", str(error))
            await _patiently(lambda: self._say(why))

    async def _uploaded(self, message: Message) -> tuple[Message, str | None]:
        """What is to be said, and the id of its picture; None when it has none, or Slack does not take it."""
        picture = message.picture
        if picture is None:
            return message, None
        if message.private:
            return without_picture(message, "it would be seen by everybody here"), None
        try:
            return message, await _patiently(lambda: self._api.upload(picture))
        except TransportError as error:
            log.warning("a picture was not taken", error=str(error))
            return without_picture(message, str(error)), None

    async def _say(self, message: Message) -> None:
        order = self._order
        if order.response_url and self._left > 0 and self._clock() < self._until:
            self._left -= 1
            try:
                await self._api.hook(order.response_url, message, private=message.private)
            except RefusedError as error:
                if error.retry_after is not None:
                    self._left += 1
                    raise
                self._left = 0  # Slack takes it no more, whatever was counted
            else:
                return
        if message.private:
            await self._api.whisper(order.chat, order.user, message, order.thread)
        else:
            await self._api.post(order.chat, message, thread=order.thread)


async def _patiently(call: Callable[[], Awaitable[_T]]) -> _T:
    """Call, and again when Slack asks to wait a little. Errors: TransportError."""
    for _ in range(_TRIES - 1):
        try:
            return await call()
        except TransportError as error:
            if error.retry_after is None or error.retry_after > LONGEST_WAIT:
                raise
            await asyncio.sleep(error.retry_after + 0.1)
    return await call()
