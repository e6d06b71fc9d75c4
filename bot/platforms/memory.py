"""A platform that keeps what was said: for tests and for programs that embed the desk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bot.chat import ChatPlatform, Handler, Invocation, Message, MessageRef, TransportError


class Memory:
    """Says nothing to anybody, remembers all of it, and gives the lines it is told to give."""

    threads: bool = False
    """Every message stands for itself."""
    pictures: bool = False
    """Whether it counts as one that shows them; it keeps them in any case."""
    trouble: str | None = None
    """What is amiss shows when something is said."""
    heard: float | None = None
    """It has no server."""

    def __init__(self, name: str = "memory", clock: Callable[[], float] = time.time) -> None:
        self.sent: list[tuple[MessageRef, Message]] = []
        self.edits: list[tuple[MessageRef, Message]] = []
        self.replies: list[Message] = []
        self._said: list[Message] = []
        self._name = name
        self._clock = clock
        self._handler: Handler | None = None
        self._changed = asyncio.Event()
        self._failures: list[tuple[TransportError, bool]] = []
        self._keys: dict[tuple[str, str], tuple[float, MessageRef]] = {}
        """(chat, key) -> when it was first sent, and where it stands."""

    @property
    def name(self) -> str:
        """The key of people's ids."""
        return self._name

    async def start(self, handler: Handler) -> None:
        """Take lines from now on."""
        self._handler = handler

    async def stop(self) -> None:
        """Take and say nothing from now on."""
        self._handler = None

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        """Keep a new message; a chat is called like the platform unless `to` names another.

        Errors: TransportError (not started, told to fail).
        """
        del under  # it has no threads
        late = self._take()
        ref = MessageRef(self._name, to or self._name, str(len(self.sent) + 1))
        self.sent.append((ref, message))
        self._keys.setdefault((ref.chat, key), (self._clock(), ref))
        self._keep(message, late)
        return ref

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:
        """Where a message that was sent under a key stands. Errors: TransportError (not started)."""
        self._started()
        when, ref = self._keys.get((to or self._name, key), (since, None))
        return ref if key and when >= since else None

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Keep what a message became. Errors: TransportError (another platform's, not started, told to fail)."""
        if ref.platform != self._name:
            raise TransportError(f"{ref.platform} has that message, not {self._name}", permanent=True)
        late = self._take()
        self.edits.append((ref, message))
        self._keep(message, late)

    async def give(
        self,
        line: str,
        user: str = "1",
        *,
        display: str = "",
        button: bool = False,
        about: MessageRef | None = None,
        chat: str | None = None,
    ) -> tuple[Message, ...]:
        """Type or press a line as `user`, in `chat`; returns what was answered. Errors: TransportError (not started).

        `about`: the message that the line answers.
        """
        handler = self._started()
        answers: list[Message] = []

        async def reply(message: Message) -> None:
            late = self._take()
            answers.append(message)
            self.replies.append(message)
            self._keep(message, late)

        where = chat or (about.chat if about else self._name)
        channel = self._name if where == self._name else f"{self._name}:{where}"
        now, called = self._clock(), display or user
        given = Invocation(line, self._name, user, called, where, now, button, about=about, channel=channel)
        await handler(given, reply)
        return tuple(answers)

    def fail(self, times: int, error: TransportError | None = None, *, taken: bool = False) -> None:
        """Let the next `times` messages, edits and answers fail; `taken`: though they are taken."""
        self._failures += [(error or TransportError(f"{self._name} was told to fail"), taken)] * times

    async def wait_for(self, predicate: Callable[[Message], bool], timeout: float = 5.0) -> Message:  # noqa: ASYNC109 -- a bound is part of what it does
        """Wait until something is or was said for which `predicate` holds; returns the first of it.

        Errors: TimeoutError that tells what was said instead.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    found = next((each for each in self._said if predicate(each)), None)
                    if found is not None:
                        return found
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            said = "; ".join(each.title for each in self._said[-10:]) or "nothing"
            raise TimeoutError(f"{self._name} did not say it within {timeout:g} s; last it said: {said}") from None

    @property
    def refusals(self) -> int:
        """How many more messages it will not take."""
        return len(self._failures)

    def _started(self) -> Handler:
        if self._handler is None:
            raise TransportError(f"{self._name} is not started")
        return self._handler

    def _take(self) -> TransportError | None:
        """Errors: TransportError (not started, told to fail). Returns what is raised once it has been taken."""
        self._started()
        error, taken = self._failures.pop(0) if self._failures else (None, False)
        if error is not None and not taken:
            raise error
        return error

    def _keep(self, message: Message, late: TransportError | None) -> None:
        self._said.append(message)
        self._changed.set()
        if late is not None:
            raise late


def build(_settings: Any) -> ChatPlatform | None:
    """Never part of a desk by itself: a program that embeds the desk hands it over."""
    return None
