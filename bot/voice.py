"""Answers are said one after the other, beside the order they are about: a chat that hangs delays nothing."""

from __future__ import annotations

import asyncio

import structlog

from bot.chat import Message, Reply, TransportError

log = structlog.get_logger()


class Voice:
    """Says one thing after the other without letting an order wait for the chat; a chat that fails stops nothing."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._last: asyncio.Task[None] | None = None

    async def say(self, message: Message) -> None:
        """Say it once what came before has been said; returns at once."""
        self._last = asyncio.create_task(self._say(self._last, message))

    async def _say(self, before: asyncio.Task[None] | None, message: Message) -> None:
        if before is not None:
            await before
        try:
            await self._reply(message)
        except TransportError as error:
            log.warning("an answer was not taken by the chat", error=str(error))
        except Exception:
            log.exception("an answer was not taken by the chat")

    async def finish(self) -> None:
        """Wait until everything has been said."""
        if self._last is not None:
            await self._last

    def drop(self) -> None:
        """Say no more."""
        if self._last is not None:
            self._last.cancel()
