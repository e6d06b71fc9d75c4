"""A desk that cannot store what it sees says so everywhere, past the outbox: once at the beginning, once at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import structlog

from bot.chat import ChatPlatform, Message, Tone, TransportError
from bot.format import plain, span

log = structlog.get_logger()

GRACE = 10.0
"""Seconds of trouble before anybody is told: one that ends by itself is no news."""
EVERY = 1.0
"""Seconds between two looks at the store."""
PATIENCE = 10.0
"""Seconds a chat may take to be told."""


class Watch:
    """Remembers since when something is in trouble, and whether that has been told."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._since: float | None = None
        self._told = False

    def look(self, why: str | None, now: float) -> float | None:
        """Seconds of trouble that are to be told now: with `why` that it stands, without that it is over."""
        since, told = self._since, self._told
        if why is None:
            self._since, self._told = None, False
            return now - since if since is not None and told else None
        if since is None:
            self._since = since = now
            return None
        self._told = now - since >= self._grace
        return now - since if self._told and not told else None


class Blindness:
    """Watches the store: whoever is not told that the desk is blind believes that all is well."""

    def __init__(self, grace: float = GRACE) -> None:
        self._watch = Watch(grace)

    def look(self, why: str | None, now: float) -> Message | None:
        """What is to be told now; `why`: the store's trouble, None while all is well."""
        lasted = self._watch.look(why, now)
        if lasted is None:
            return None
        if why is None:
            title = f"✅ The desk stores again what it sees, after {span(lasted)}"
            return Message(title, "What it saw meanwhile is being worked through.", tone=Tone.GOOD)
        text = f"{plain(why, 300)} Until that is mended nobody is paged, and /status shows old figures."
        return Message("🚨 The desk cannot store what it sees", text, tone=Tone.CRITICAL, loud=True)


async def mind(
    trouble: Callable[[], str | None], now: Callable[[], float], platforms: Collection[ChatPlatform], grace: float
) -> None:
    """Watch the store until cancelled; `trouble` says why it does not store now."""
    blindness = Blindness(grace)
    while True:
        await asyncio.sleep(EVERY)
        message = blindness.look(trouble(), now())
        if message is not None:
            await asyncio.gather(*(_say(platform, message) for platform in platforms))


async def _say(platform: ChatPlatform, message: Message) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await platform.send(message)
    except Exception as error:  # noqa: BLE001 - a chat that fails takes nothing with it
        log.warning("a trouble could not be told", platform=platform.name, error=_why(error))


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, TransportError) else type(error).__name__
