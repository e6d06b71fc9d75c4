"""Messages, buttons and invocations as every platform understands them, and the port that a platform fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
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
class Mention:
    """A person whom a message calls by name; `id` is the platform's id of them, None where it knows none."""

    name: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to a text that says the same in words."""

    png: bytes = field(repr=False)
    alt: str
    """What it shows, for whoever does not see it."""
    name: str
    """What a file of it is called, without a path: alpha-24h.png."""


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
    private: bool = False
    """Only for the person who asked: a chat of many says it so that the others do not see it, or not at all."""
    mentions: tuple[Mention, ...] = ()
    """Who is called: a chat that can calls them so that it reaches them; nobody else is ever called."""
    picture: Picture | None = None
    """Shown with an answer, and with what is sent where a platform shows pictures; an edit goes without it."""


def without_picture(message: Message, why: str) -> Message:
    """A message whose picture could not be shown: its text, and one sentence that says why."""
    said = why if why.endswith(".") else f"{why}."
    return replace(message, text="\n".join(filter(None, (message.text, f"Without its picture: {said}"))), picture=None)


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands, in the platform's own words; `id` is opaque to everybody else."""

    platform: str
    chat: str
    id: str

    def pack(self) -> str:
        """The reference as the store keeps it."""
        return f"{self.platform}\x1f{self.chat}\x1f{self.id}"

    @classmethod
    def unpack(cls, text: str) -> MessageRef:
        """A reference out of the store."""
        return cls(*text.split("\x1f"))


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
    event: str = ""
    """The platform's id of this line, the same when it is delivered again; empty where nothing comes twice."""
    about: MessageRef | None = None
    """The message that it answers, or whose button was pressed."""
    channel: str | None = None
    """The channel (as in notifications) whose people all see the answer; None: in private, or nobody can tell."""


Reply = Callable[[Message], Awaitable[None]]
Handler = Callable[[Invocation, Reply], Awaitable[None]]


class TransportError(Exception):
    """A platform did not take a message; the text is one sentence without secrets.

    `permanent`: it never will. `retry_after`: seconds it asked for, during which the whole chat takes nothing; `own`:
    no, only this way of calling it waits, or our own pace. `uncertain`: it may have taken it all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        own: bool = False,
        uncertain: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.own = own
        self.uncertain = uncertain


class ChatPlatform(Protocol):
    """One chat: takes messages to people and command lines from them."""

    @property
    def name(self) -> str:
        """Short name, the key of people's ids (console, telegram, slack)."""

    @property
    def threads(self) -> bool:
        """Whether `send(..., under=card)` begins or continues a thread of its own, so that a card has a time line."""

    @property
    def pictures(self) -> bool:
        """Whether `send` shows the picture of a message."""

    @property
    def trouble(self) -> str | None:
        """Why it cannot be relied on now, in one sentence without secrets; None while all is well."""

    @property
    def heard(self) -> float | None:
        """Seconds since its server was last heard of; None where nothing is listened to, or never was heard."""

    async def start(self, handler: Handler) -> None:
        """Begin to listen, and return once it does; `handler` is called for each command line, not one after another.

        Errors: TransportError; it is then called again, until it listens. Whoever loses a connection that was there
        restores it, and says so by `trouble`.
        """

    async def stop(self) -> None:
        """Stop listening; nothing is said afterwards."""

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        """Say something new to the people on call, as an answer to `under`. Errors: TransportError (not taken).

        `to`: another chat of the platform than its own. `key`: a name under which `find` finds the message again.
        """

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:
        """Where the message sent under `key` stands, sent at `since` at the earliest; None when it is not there.

        Also None where a platform cannot tell. Errors: TransportError (it could not look).
        """

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Change what stands at `ref`; raise TransportError when it was not taken."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that looking at a chat found, in a sentence that says what to do and holds no secret."""

    fine: bool | None
    """None is neither: worth knowing."""
    sentence: str
    deaf: str = ""
    """Why the press of a button there is not to be waited for, in a few words; empty where it may be."""
