"""Delivery: a notification is claimed, drawn, sent, and only then marked done: at least once, a card in its order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot.chat import ChatPlatform, Message, MessageRef, TransportError
from bot.delivery import LOOK, MARGIN, Draw, backoff, lateness, marked, pause, short, surely, undrawn
from bot.showing import Showing
from monitor.alerts.alert import Kind, Notification
from monitor.mail import Closed, OutboxStore
from monitor.ports import Clock, StoreError
from monitor.tasks import told_to_end

log = structlog.get_logger()

Dead = Callable[[Notification, str], Awaitable[None]]
"""Told of a message that will never be taken, and why, before it is given up; perhaps more than once."""

PATIENCE = 120.0
"""Seconds one message may take, waiting for its turn included: what hangs must not hold up the next for ever."""
SKEW = 120.0
"""Seconds that a chat's clock may be behind ours: so much earlier a message of ours is looked for."""
LOOKS = 5
"""Tries after which a message is sent though nobody could look whether it is there."""


@dataclass(slots=True)
class _Channel:
    """A chat of a platform; `to` is None for the platform's own."""

    name: str
    platform: ChatPlatform
    to: str | None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0
    """Messages in a row that were not taken."""


class Outbox:
    """One worker a channel, so that a chat that is down holds up no other, and one message at a time is on its way.

    Pictures go beside it: a page that comes meanwhile waits for none.

    `channels`: names of platforms, or of other chats of theirs ("telegram:-100123"); the platforms' own by default.
    Errors: ValueError (a channel of no platform).
    """

    def __init__(
        self,
        store: OutboxStore,
        platforms: Mapping[str, ChatPlatform],
        draw: Draw,
        clock: Clock,
        *,
        channels: Sequence[str] | None = None,
        dead: Dead | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._store = store
        self._draw = draw
        self._clock = clock
        self._dead = dead
        self._patience = patience
        self._showing = Showing(store, draw, clock, patience)
        self._channels = [_channel(name, platforms) for name in dict.fromkeys(channels or platforms)]
        self.trouble: dict[str, str] = {}
        """Channel -> why its last message was not taken; absent while all is well."""

    def wake(self) -> None:
        """There is something new to tell."""
        for channel in self._channels:
            channel.wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            for channel in self._channels:
                group.create_task(self._work(channel, group), name=f"outbox {channel.name}")

    async def _work(self, channel: _Channel, group: asyncio.TaskGroup) -> None:
        orphaned, faults = True, 0
        while True:
            channel.wake.clear()
            try:
                if orphaned:  # claims of a process that is gone, or of a try whose end could not be stored
                    await self._store.release(channel.name)
                    orphaned = False
                # One at a time: a page that comes meanwhile goes next.
                claimed = await self._store.claim(channel.name, self._clock.now(), 1)
                for row in claimed:
                    if row.kind is Kind.PICTURE:
                        group.create_task(self._showing.show(channel.platform, channel.to, row), name="picture")
                        continue
                    await self._rest(channel, await self._deliver(channel, row))
                faults = 0
            except StoreError as error:
                log.warning("the outbox stumbled and goes on", channel=channel.name, error=str(error))
                claimed, orphaned = [], True
            except Exception:
                log.exception("the outbox stumbled and goes on", channel=channel.name)
                claimed, orphaned, faults = [], True, faults + 1
                await self._rest(channel, self._clock.now() + backoff(faults))  # what it told will be told again
            if not claimed:
                await _woken(channel, LOOK)

    async def _rest(self, channel: _Channel, until: float) -> None:
        """Try nothing until then, whatever comes."""
        while (left := until - self._clock.now()) > 0:
            channel.wake.clear()
            await _woken(channel, min(left, LOOK))

    async def _deliver(self, channel: _Channel, row: Notification) -> float:
        """Tell one message and store what came of it; returns until when nothing more is tried."""
        try:
            told, late = await self._tell(channel, row)
        except TransportError as error:
            return await self._refused(channel, row, error)
        self.trouble.pop(channel.name, None)
        channel.failures = 0
        ref = None if told is None else told.pack()
        await surely(partial(self._store.delivered, row, self._clock.now(), ref, delayed=late))
        return 0.0

    async def _refused(self, channel: _Channel, row: Notification, error: TransportError) -> float:
        """Store that a message was not taken; returns until when nothing more is tried."""
        why, edit, asked = str(error), row.kind is Kind.UPDATE, error.retry_after
        if asked is None and not (error.permanent and edit):
            self.trouble[channel.name] = why
        if error.permanent:
            log.warning("a message will never be taken", channel=channel.name, key=row.key, error=why)
            await self._mourn(row, why)
            await surely(partial(self._store.bury, row, self._clock.now(), why))
            return 0.0
        wait = backoff(row.attempts) if asked is None else asked + MARGIN
        log.warning("a message was not taken", channel=channel.name, key=row.key, again_in=wait, error=why)
        now, doubt, closed = self._clock.now(), error.uncertain and not edit, _closed(row, error)
        again = partial(self._store.retry, row, now + wait, why, uncertain=doubt, tried=asked is None, closed=closed)
        await surely(again)
        if asked is not None:
            return now + wait if closed is Closed.ALL else 0.0
        channel.failures += 1
        return now + pause(channel.failures)

    async def _mourn(self, row: Notification, why: str) -> None:
        """Let the others know of a message that will never be taken."""
        try:
            if self._dead is not None:
                await surely(partial(self._dead, row, why))
        except Exception:
            log.exception("nobody was told that a message will never be taken", key=row.key)

    async def _tell(self, channel: _Channel, row: Notification) -> tuple[MessageRef | None, float | None]:
        """Send or edit; returns where it stands, and how late it was sent. Errors: TransportError."""
        platform = channel.platform
        if row.kind is Kind.LINE and not platform.threads:
            return None, None
        message, card = await self._drawn(row), await self._card(row)
        if message is None or (row.kind is Kind.UPDATE and card is None):
            return None, None
        try:
            async with asyncio.timeout(self._patience):
                if row.kind is Kind.UPDATE and card is not None:
                    await platform.edit(card, message)
                    return card, None
                found = await self._found(channel, row) if row.uncertain else None
                if found is not None:
                    return found, None
                now = self._clock.now()
                return await self._said(channel, row, marked(message, row, now), card), lateness(row, now)
        except TransportError:
            raise
        except TimeoutError:
            raise TransportError(f"{platform.name} took nothing for {self._patience:g} s", uncertain=True) from None
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and told_to_end():
                raise
            log.exception("a platform failed", channel=channel.name, key=row.key)
            raise TransportError(f"{platform.name} failed: {type(error).__name__}", uncertain=True) from error

    async def _found(self, channel: _Channel, row: Notification) -> MessageRef | None:
        """Where an earlier try stands that was taken. Errors: TransportError (nobody can tell yet)."""
        try:
            async with asyncio.timeout(self._patience / 4):
                return await channel.platform.find(row.key, to=channel.to, since=row.created - SKEW)
        except Exception as error:
            if isinstance(error, TransportError) and error.retry_after is not None:
                raise _UnseenError(str(error), retry_after=error.retry_after, own=error.own) from error
            log.warning("nobody could look whether a message was taken", channel=channel.name, error=str(error))
            if row.attempts < LOOKS:
                raise TransportError(f"{channel.platform.name} does not say whether it took it") from error
            return None

    async def _said(
        self, channel: _Channel, row: Notification, message: Message, card: MessageRef | None
    ) -> MessageRef:
        """Send; what a platform will never take is told once more in a few plain words."""
        send = partial(channel.platform.send, to=channel.to, key=row.key)
        try:
            return await send(message, card)
        except TransportError as error:
            if not error.permanent:
                raise
            log.warning("a message is told in short", channel=channel.name, key=row.key, error=str(error))
            return await send(short(message), None)

    async def _card(self, row: Notification) -> MessageRef | None:
        """The card that a message belongs to; a page is a card of its own."""
        if row.alert is None or row.kind is Kind.PAGE:
            return None
        try:
            card = await self._store.card(row.alert, row.platform)
        except StoreError as error:
            raise _unread(error) from error
        return None if card is None else MessageRef.unpack(card.ref)

    async def _drawn(self, row: Notification) -> Message | None:
        """Draw a notification; one that cannot be drawn is still told, plainly."""
        try:
            return await self._draw(row)
        except StoreError as error:
            raise _unread(error) from error
        except Exception:
            log.exception("a notification could not be drawn", key=row.key)
            return undrawn(row)


class _UnseenError(TransportError):
    """The chat wants nobody to look now whether a message is there."""


def _closed(row: Notification, error: TransportError) -> Closed | None:
    """What a channel takes none of for as long as it asked; None when it is only this message that waits."""
    if error.retry_after is None:
        return None
    if not error.own:
        return Closed.ALL
    if isinstance(error, _UnseenError):
        return Closed.LOOKS
    return Closed.EDITS if row.kind is Kind.UPDATE else None


async def _woken(channel: _Channel, within: float) -> None:
    # Not wait_for: in Python 3.11 it loses a cancellation that comes together with a wake.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            await channel.wake.wait()


def _channel(name: str, platforms: Mapping[str, ChatPlatform]) -> _Channel:
    kind, _, to = name.partition(":")
    if kind not in platforms:
        raise ValueError(f"there is no platform {kind} for the channel {name}")
    return _Channel(name, platforms[kind], to or None)


def _unread(error: StoreError) -> TransportError:
    return TransportError(f"the store did not answer: {error}")
