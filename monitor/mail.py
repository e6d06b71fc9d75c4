"""The outbox and the inbox: what delivery needs of a store, and what people see of it and do about it."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from monitor.alerts.alert import Notification


class Closed(enum.StrEnum):
    """What a channel takes none of for a while, as it asked: anything, edits, or looks whether a message is there."""

    ALL = "all"
    EDITS = "edits"
    LOOKS = "looks"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one channel."""

    channel: str
    count: int
    oldest: float
    """When the oldest of it was created."""
    why: str | None
    """Why one of them was not taken; untrusted text. None when none was tried in vain."""
    closed: float | None
    """Until when the channel takes nothing; None when it is open."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: a message (no edit, no picture) that a channel will never take."""

    id: int
    notification: Notification
    ended: float
    """When it was given up."""
    why: str
    """Untrusted text."""


class Mail(Protocol):
    """The outbox as people see it."""

    async def waiting(self, now: float) -> list[Waiting]:
        """What waits, by channel; pictures do not count."""

    async def letters(self, limit: int) -> tuple[int, list[Letter]]:
        """How many dead letters there are, and the newest, newest first."""

    async def resend(self, letter: int | None) -> int:
        """Put a dead letter back to be sent, or every one; return how many went. None to a channel that is no more."""

    async def drop(self, letter: int | None) -> int:
        """Forget a dead letter, or every one; return how many there were."""


@dataclass(frozen=True, slots=True)
class Card:
    """Where an incident's card stands in one channel."""

    alert: str
    platform: str
    """The channel."""
    ref: str
    """The reference to the message, as the outbox packed it."""
    version: int
    """Version of the incident that it last showed."""


class Inbox(Protocol):
    """What came from a chat, remembered so that a second delivery is known as one."""

    async def first(self, platform: str, event: str, now: float) -> bool:
        """Whether an event comes for the first time in the last day; from now on it does not."""

    async def alert_at(self, platform: str, ref: str) -> str | None:
        """The incident that the message at a reference is about, whichever of its messages it is."""


@dataclass(frozen=True, slots=True)
class Untaken:
    """A CRITICAL incident that no channel has taken a message about."""

    alert: str
    channels: tuple[str, ...]
    """Where it was tried, or still is."""
    oldest: float
    """When the first of these was to be sent."""


class OutboxStore(Protocol):
    """The outbox: rows are claimed, sent, and only then marked done. `platform` is a channel, see Notification."""

    async def claim(self, platform: str, now: float, limit: int) -> list[Notification]:
        """Claim due notifications of a channel, the most urgent first; never two of one card at once but a picture.

        Urgent: by severity, then pages first, then what is oldest, and pictures after all others. Nothing for which it
        is closed (see `retry`).
        """

    async def delivered(
        self, notification: Notification, now: float, ref: str | None, *, delayed: float | None = None
    ) -> None:
        """Mark as done, and with a ref remember where it stands, in one transaction.

        A page without a ref had nothing to tell: nobody took it. `delayed`: seconds, where they are worth remembering.
        """

    async def retry(
        self,
        notification: Notification,
        at: float,
        error: str,
        *,
        uncertain: bool = False,
        tried: bool = True,
        closed: Closed | None = None,
    ) -> None:
        """Give the claim back, not to be sent before `at`; `tried`: with one attempt more.

        `uncertain`: it may have been taken. `closed`: what its channel takes none of before `at`, restart or not.
        """

    async def bury(self, notification: Notification, now: float, error: str) -> None:
        """Mark as a dead letter: the channel will never take it."""

    async def release(self, platform: str) -> int:
        """Give back every claim of a channel, whose worker is gone or starts anew; return how many there were.

        Nobody knows whether these were taken: each is uncertain from then on.
        """

    async def orphaned(self, platforms: Collection[str], now: float) -> list[str]:
        """Bury what waits for other channels than these; return the incidents that were told in none of these."""

    async def card(self, alert: str, platform: str) -> Card | None:
        """Where an incident's card stands in a channel."""

    async def undelivered(self) -> tuple[int, float | None]:
        """How many notifications wait, and when the oldest was created; pictures do not count."""

    async def untaken(self, before: float) -> list[Untaken]:
        """CRITICAL incidents whose last telling before a time no channel took, each having been told to before it."""
