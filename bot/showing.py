"""A picture is shown below its card, beside all other messages: tried a few times, and left out rather than late."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from bot.chat import ChatPlatform, MessageRef, TransportError
from bot.delivery import MARGIN, Draw, backoff, surely
from monitor.alerts.alert import Notification
from monitor.mail import Closed, OutboxStore
from monitor.ports import Clock, StoreError
from monitor.tasks import told_to_end

TRIES = 10
"""Tries after which a picture that is not taken is given up."""
LATEST = 600.0
"""Seconds after its page from which on a picture tells nothing new."""
log = structlog.get_logger()


class Showing:
    """Shows pictures; whatever becomes of one, no page waits for it and no chat counts as in trouble.

    `patience`: seconds that a platform may take for one.
    """

    def __init__(self, store: OutboxStore, draw: Draw, clock: Clock, patience: float) -> None:
        self._store = store
        self._draw = draw
        self._clock = clock
        self._patience = patience
        self._under_way: set[str] = set()

    async def show(self, platform: ChatPlatform, to: str | None, row: Notification) -> None:
        """Show a claimed picture in a chat of a platform (None: its own), and store what came of it."""
        if row.key in self._under_way:  # claimed anew because the store stumbled: who has it in hand ends it
            return
        self._under_way.add(row.key)
        try:
            await self._settle(platform, to, row)
        except Exception:
            log.exception("nobody knows what became of a picture", key=row.key)
        finally:
            self._under_way.discard(row.key)

    async def _settle(self, platform: ChatPlatform, to: str | None, row: Notification) -> None:
        try:
            ref = await self._shown(platform, to, row)
        except TransportError as error:
            await self._refused(row, error)
        else:
            packed = None if ref is None else ref.pack()
            await surely(lambda: self._store.delivered(row, self._clock.now(), packed))

    async def _shown(self, platform: ChatPlatform, to: str | None, row: Notification) -> MessageRef | None:
        """Where it stands; None where there is nothing to show, or no longer. Errors: TransportError."""
        if not platform.pictures or self._clock.now() - row.created > LATEST:
            return None
        try:
            card = await self._store.card(row.alert or "", row.platform)
            message = None if card is None else await self._draw(row)
            if card is None or message is None or message.picture is None:
                return None
            async with asyncio.timeout(self._patience):
                return await platform.send(message, MessageRef.unpack(card.ref), to=to, key=row.key)
        except TransportError:
            raise
        except StoreError as error:
            raise TransportError(f"the store did not answer: {error}") from error
        except TimeoutError:
            raise TransportError(f"{platform.name} took nothing for {self._patience:g} s", uncertain=True) from None
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and told_to_end():
                raise
            log.exception("a picture failed", key=row.key)
            raise TransportError(f"the picture failed: {type(error).__name__}", permanent=True) from error

    async def _refused(self, row: Notification, error: TransportError) -> None:
        """Give up what will not be taken, or may have been: a picture twice is worse than none."""
        now, why, asked = self._clock.now(), str(error), error.retry_after
        over = asked is None and row.attempts + 1 >= TRIES
        if error.permanent or error.uncertain or over:
            log.warning("a picture is left out", key=row.key, error=why)
            await surely(lambda: self._store.bury(row, now, why))
            return
        log.info("a picture was not taken yet", key=row.key, error=why)
        wait = backoff(row.attempts) if asked is None else asked + MARGIN
        closed = Closed.ALL if asked is not None and not error.own else None
        await surely(partial(self._store.retry, row, now + wait, why, tried=asked is None, closed=closed))
