"""The outbox as people see it: what waits, what is a dead letter, and what can be done about one."""

from __future__ import annotations

import enum
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
    """A dead letter: a message (no edit) that a channel will never take."""

    id: int
    notification: Notification
    ended: float
    """When it was given up."""
    why: str
    """Untrusted text."""


class Mail(Protocol):
    """The outbox as people see it."""

    async def waiting(self, now: float) -> list[Waiting]:
        """What waits, by channel."""

    async def letters(self, limit: int) -> tuple[int, list[Letter]]:
        """How many dead letters there are, and the newest, newest first."""

    async def resend(self, letter: int | None) -> int:
        """Put a dead letter back to be sent, or every one; return how many went. None to a channel that is no more."""

    async def drop(self, letter: int | None) -> int:
        """Forget a dead letter, or every one; return how many there were."""
