"""A chat command: a frozen description, a function from context to message, and their discovery."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.chat import Invocation, Message, Reply
from monitor.desk import Desk
from monitor.mail import Mail
from monitor.model import Person
from monitor.units import discovered


class Role(enum.IntEnum):
    """What a person may do; each role may do what the lower ones may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


class UsageError(Exception):
    """The line does not say what is needed; the message is one sentence that says what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a command is given: who asks, with which words, and the desk."""

    desk: Desk
    person: Person
    role: Role
    args: tuple[str, ...]
    invocation: Invocation
    reply: Reply
    """Says something before the answer is ready."""
    commands: Mapping[str, Command]
    platforms: Mapping[str, str] = field(default_factory=dict)
    """Platform name -> its state, in words."""
    about: str | None = None
    """The alert whose card the line answers, or whose button was pressed."""
    mail: Mail | None = None
    """The outbox; None in a program that has none."""


Run = Callable[[Context], Awaitable[Message]]
Confirm = Callable[[Context], str | Message | None]


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the registry."""

    name: str
    usage: str
    """As typed, arguments in capitals: "/pause AGENT [REASON]"."""
    summary: str
    role: Role
    run: Run
    confirm: Confirm | None
    """Given the context, the question to ask first ("Record a deposit?"), or None to go on without asking."""
    examples: tuple[str, ...] = ()
    changes: Callable[[Context], bool] | None = None
    """Whether a line changes something, of a command that is for viewers as long as it does not."""

    def acts(self, ctx: Context) -> bool:
        """Whether a line changes something: then it is not carried out late, nor without an audit."""
        return self.role > Role.VIEWER if self.changes is None else self.changes(ctx)


def command(
    name: str,
    *,
    usage: str,
    summary: str,
    role: Role = Role.VIEWER,
    confirm: Confirm | None = None,
    examples: tuple[str, ...] = (),
    changes: Callable[[Context], bool] | None = None,
) -> Callable[[Run], Command]:
    """Turn a function into the command of its module."""

    def wrap(run: Run) -> Command:
        return Command(name, usage, summary, role, run, confirm, examples, changes)

    return wrap


def discover() -> Mapping[str, Command]:
    """Every command in bot/commands, by name: the objects of type Command that its modules hold."""
    return discovered("bot.commands", Command, lambda each: each.name)
