"""Delivery: a notification is claimed, drawn, sent, and only then marked done: at least once, a card in its order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.chat import ChatPlatform, Message, MessageRef, Tone, TransportError
from monitor.alerts.alert import Kind, Notification
from monitor.model import Severity
from monitor.ports import Clock, OutboxStore, StoreError
from monitor.tasks import told_to_end

log = structlog.get_logger()

Draw = Callable[[Notification], Awaitable[Message | None]]
"""What a notification says now; None when there is nothing left to tell."""

BATCH = 10
LOOK = 1.0
"""Seconds between two looks at the outbox when nobody wakes it (retries fall due by themselves)."""
LONGEST_WAIT = 60.0
"""Seconds between two tries at most."""
PATIENCE = 120.0
"""Seconds one message may take, waiting for its turn included: what hangs must not hold up the next for ever."""
MARGIN = 0.5
"""Seconds waited beyond what a platform asked for."""


def backoff(attempts: int) -> float:
    """Seconds to wait after `attempts` tries that were not taken: 1, 2, 4 ... up to a minute."""
    return min(LONGEST_WAIT, 2.0 ** min(attempts, 10))


def _short(message: Message) -> Message:
    """Say the same in a few plain words, without tables, fields and buttons."""
    text = f"{message.text[:200]}\nIn short, since the chat did not take the whole: /alerts tells more.".lstrip()
    return Message(message.title[:100], text, tone=message.tone, loud=message.loud)


def _odd(error: Exception) -> bool:
    """Whether an error deserves its traceback in the log; the store's sentence says it all."""
    return not isinstance(error, StoreError)


class Outbox:
    """One worker a platform, so that a platform that is down holds up no other."""

    def __init__(
        self,
        store: OutboxStore,
        platforms: Mapping[str, ChatPlatform],
        draw: Draw,
        clock: Clock,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._store = store
        self._platforms = platforms
        self._draw = draw
        self._clock = clock
        self._patience = patience
        self._wakes = {name: asyncio.Event() for name in platforms}
        self.trouble: dict[str, str] = {}
        """Platform -> why its last message was not taken; absent while all is well."""

    def wake(self) -> None:
        """There is something new to tell."""
        for event in self._wakes.values():
            event.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, platform in self._platforms.items():
                group.create_task(self._work(name, platform), name=f"outbox {name}")

    async def _work(self, name: str, platform: ChatPlatform) -> None:
        wake, orphaned = self._wakes[name], True
        while True:
            wake.clear()
            try:
                if orphaned:  # claims of a process that is gone, or of a try whose end could not be stored
                    await self._store.release(name)
                    orphaned = False
                rows = await self._store.claim(name, self._clock.now(), BATCH)
                for row in rows:
                    await self._deliver(platform, row)
            except Exception as error:
                log.warning("the outbox stumbled and goes on", platform=name, error=str(error), exc_info=_odd(error))
                rows, orphaned = [], True
            if not rows:
                # Not wait_for: in Python 3.11 it loses a cancellation that comes together with a wake.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await wake.wait()

    async def _deliver(self, platform: ChatPlatform, row: Notification) -> None:
        now = self._clock.now
        try:
            ref = await self._tell(platform, row)
        except TransportError as error:
            if error.retry_after is None and not (error.permanent and row.kind is Kind.UPDATE):
                self.trouble[platform.name] = str(error)
            if error.permanent:
                log.warning("a message will never be taken", platform=platform.name, key=row.key, error=str(error))
                await self._store.bury(row, now(), str(error))
            else:
                wait = backoff(row.attempts) if error.retry_after is None else error.retry_after + MARGIN
                log.warning(
                    "a message was not taken", platform=platform.name, key=row.key, again_in=wait, error=str(error)
                )
                await self._store.retry(row, now() + wait, str(error))
        else:
            self.trouble.pop(platform.name, None)
            await self._store.delivered(row, now(), ref)

    async def _tell(self, platform: ChatPlatform, row: Notification) -> str | None:
        """Send or edit; return the reference of a new card."""
        if row.kind is Kind.LINE and not platform.threads:
            return None
        message = await self._drawn(row)
        if message is None:
            return None
        try:
            async with asyncio.timeout(self._patience):
                ref = await self._said(platform, row, message)
        except (TransportError, StoreError):
            raise
        except TimeoutError:
            raise TransportError(f"{platform.name} took nothing for {self._patience:g} s", uncertain=True) from None
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and told_to_end():
                raise
            log.exception("a platform failed", platform=platform.name, key=row.key)
            raise TransportError(f"{platform.name} failed: {type(error).__name__}") from error
        return ref.pack() if ref is not None and row.kind is Kind.PAGE else None

    async def _said(self, platform: ChatPlatform, row: Notification, message: Message) -> MessageRef | None:
        """Send or edit; what a platform will never take is told once more in a few plain words."""
        under = await self._card(platform, row)
        if row.kind is Kind.UPDATE:
            if under is not None:
                await platform.edit(under, message)
            return None
        try:
            return await platform.send(message, under)
        except TransportError as error:
            if not error.permanent:
                raise
            log.warning("a message is told in short", platform=platform.name, key=row.key, error=str(error))
            return await platform.send(_short(message), None)

    async def _card(self, platform: ChatPlatform, row: Notification) -> MessageRef | None:
        """The card that a message belongs to; a page is a card of its own."""
        if row.alert is None or row.kind is Kind.PAGE:
            return None
        card = await self._store.card(row.alert, platform.name)
        return None if card is None else MessageRef.unpack(card.ref)

    async def _drawn(self, row: Notification) -> Message | None:
        """Draw a notification; one that cannot be drawn is still told, plainly."""
        try:
            return await self._draw(row)
        except StoreError as error:
            raise TransportError(f"the store did not answer: {error}") from error
        except Exception:
            log.exception("a notification could not be drawn", key=row.key)
            critical = row.severity is Severity.CRITICAL
            return Message(
                title=f"{row.severity.name}: alert {row.alert or ''} ({row.kind})",
                text="Its card could not be drawn; the log says why. Ask /alerts for what is open.",
                tone=Tone.CRITICAL if critical else Tone.WARN,
                loud=critical,
            )
