"""Where the answers to one line go: by its response_url while that lasts, else into its thread or to one person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.chat import Message, TransportError
from bot.platforms.slack.api import Api
from bot.platforms.slack.errors import RefusedError
from bot.platforms.slack.incoming import Order

USES = 5
LASTS = 29 * 60.0
"""Seconds for which a response_url is used; Slack takes it for thirty minutes."""
LONGEST_WAIT = 60.0
"""An answer that would be later than that is not worth waiting for."""
_TRIES = 3


class Answers:
    """Says the answers to one order."""

    def __init__(self, api: Api, order: Order, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._order = order
        self._clock = clock
        self._left = USES if order.response_url and order.thread is None else 0
        self._until = clock() + LASTS

    async def say(self, message: Message) -> None:
        """Say one answer; when Slack asks to wait a little, wait. Errors: TransportError."""
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                await self._say(message)
            except TransportError as error:
                if last or error.retry_after is None or error.retry_after > LONGEST_WAIT:
                    raise
                await asyncio.sleep(error.retry_after + 0.1)
            else:
                return

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
