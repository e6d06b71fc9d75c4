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
    trouble: str | None = None
    """What is amiss shows when something is said."""

    def __init__(self, name: str = "memory", clock: Callable[[], float] = time.time) -> None:
        self.sent: list[tuple[MessageRef, Message]] = []
        self.edits: list[tuple[MessageRef, Message]] = []
        self.replies: list[Message] = []
        self._said: list[Message] = []
        self._name = name
        self._clock = clock
        self._handler: Handler | None = None
        self._changed = asyncio.Event()
        self._failures: list[TransportError] = []

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

    async def send(self, message: Message, under: MessageRef | None = None) -> MessageRef:  # noqa: ARG002 - it has no threads
        """Keep a new message. Errors: TransportError (not started, told to fail)."""
        self._take()
        ref = MessageRef(self._name, self._name, str(len(self.sent) + 1))
        self.sent.append((ref, message))
        self._keep(message)
        return ref

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Keep what a message became. Errors: TransportError (another platform's, not started, told to fail)."""
        if ref.platform != self._name:
            raise TransportError(f"{ref.platform} has that message, not {self._name}", permanent=True)
        self._take()
        self.edits.append((ref, message))
        self._keep(message)

    async def give(self, line: str, user: str = "1", *, display: str = "", button: bool = False) -> tuple[Message, ...]:
        """Type or press a line as `user`; returns what was answered. Errors: TransportError (not started)."""
        if self._handler is None:
            raise TransportError(f"{self._name} is not started")
        answers: list[Message] = []

        async def reply(message: Message) -> None:
            self._take()
            answers.append(message)
            self.replies.append(message)
            self._keep(message)

        invocation = Invocation(line, self._name, user, display or user, self._name, self._clock(), button)
        await self._handler(invocation, reply)
        return tuple(answers)

    def fail(self, times: int, error: TransportError | None = None) -> None:
        """Let the next `times` messages, edits and answers not be taken."""
        self._failures += [error or TransportError(f"{self._name} was told to fail")] * times

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

    def _take(self) -> None:
        if self._handler is None:
            raise TransportError(f"{self._name} is not started")
        if self._failures:
            raise self._failures.pop(0)

    def _keep(self, message: Message) -> None:
        self._said.append(message)
        self._changed.set()


def build(_settings: Any) -> ChatPlatform | None:
    """Never part of a desk by itself: a program that embeds the desk hands it over."""
    return None
