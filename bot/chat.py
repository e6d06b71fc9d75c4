"""Messages, buttons and invocations as every platform understands them, and the port that a platform fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Tone(StrEnum):
    """How a message looks: amber and red are the guide's WARN and CRITICAL, green is recovered, grey is over."""

    PLAIN = "plain"
    WARN = "warn"
    CRITICAL = "critical"
    GOOD = "good"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Field:
    """One labelled value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings; every row is as long as `columns`. Columns after the first are figures."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Button:
    """A command line with a label: pressing it equals typing `line`."""

    label: str
    line: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, without a platform's markup: every text in it is plain and is escaped by the platform."""

    title: str
    text: str = ""
    fields: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()
    buttons: tuple[Button, ...] = ()
    footer: str = ""
    tone: Tone = Tone.PLAIN
    loud: bool = False
    """Whether it may make a sound."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands, in the platform's own words; `id` is opaque to everybody else."""

    platform: str
    chat: str
    id: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command line somebody typed or pressed, before anybody asked whether they may."""

    line: str
    platform: str
    user: str
    """The platform's id of the person."""
    display: str
    """What they call themselves; untrusted."""
    chat: str
    time: float
    """When they gave it, seconds since the epoch."""
    button: bool = False


Reply = Callable[[Message], Awaitable[None]]
Handler = Callable[[Invocation, Reply], Awaitable[None]]


class TransportError(Exception):
    """A platform did not take a message. `permanent`: it never will. `retry_after`: seconds it asked for."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class ChatPlatform(Protocol):
    """One chat: takes messages to people and command lines from them."""

    @property
    def name(self) -> str:
        """Short name, the key of people's ids (console, telegram, slack)."""

    async def start(self, handler: Handler) -> None:
        """Begin to listen; `handler` is called for each command line and answers through its Reply."""

    async def stop(self) -> None:
        """Stop listening; nothing is said afterwards."""

    async def send(self, message: Message) -> MessageRef:
        """Say something new to the people on call; raise TransportError when it was not taken."""

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Change what stands at `ref`; raise TransportError when it was not taken."""
