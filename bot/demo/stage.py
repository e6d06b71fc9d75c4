"""The console with a person at it who types by themselves and forgets nothing that was said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.chat import ChatPlatform, Handler, Invocation, Message, MessageRef, Reply


class Stage:
    """A platform around another one: it says what that one says, and types what it is told to type."""

    def __init__(self, inner: ChatPlatform, user: str, show: Callable[[str], None], clock: Callable[[], float]) -> None:
        """`user`: the id of the person on stage; `show`: prints what they type."""
        self._inner = inner
        self._user = user
        self._show = show
        self._clock = clock
        self._handler: Handler | None = None
        self._said: list[Message] = []
        self._changed = asyncio.Condition()

    @property
    def name(self) -> str:
        """The inner platform's."""
        return self._inner.name

    @property
    def threads(self) -> bool:
        """The inner platform's."""
        return self._inner.threads

    @property
    def pictures(self) -> bool:
        """The inner platform's."""
        return self._inner.pictures

    @property
    def trouble(self) -> str | None:
        """The inner platform's."""
        return self._inner.trouble

    @property
    def heard(self) -> float | None:
        """The inner platform's."""
        return self._inner.heard

    async def start(self, handler: Handler) -> None:
        """Begin to listen."""
        self._handler = handler
        await self._inner.start(handler)

    async def stop(self) -> None:
        """Stop listening."""
        await self._inner.stop()

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        """Say something new."""
        ref = await self._inner.send(message, under, to=to, key=key)
        await self._remember(message)
        return ref

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:
        """Where a message stands."""
        return await self._inner.find(key, to=to, since=since)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Change what was said."""
        await self._inner.edit(ref, message)
        await self._remember(message)

    async def type(self, line: str, within: float) -> tuple[Message, ...]:
        """Type a line, or press the button that is that line; returns every answer. Errors: TimeoutError."""
        answers: list[Message] = []
        self._show(line)

        async def reply(message: Message) -> None:
            answers.append(message)
            await self._inner.send(message)

        if self._handler is None:
            raise TimeoutError
        async with asyncio.timeout(within):
            await self._give(self._handler, line, reply)
        return tuple(answers)

    async def _give(self, handler: Handler, line: str, reply: Reply) -> None:
        await handler(Invocation(line, self.name, self._user, self._user, self.name, self._clock()), reply)

    async def hear(self, wanted: Callable[[Message], bool], within: float) -> Message:
        """Wait until something that is wanted is or was said. Errors: TimeoutError."""
        async with asyncio.timeout(within), self._changed:
            while True:
                found = next((each for each in self._said if wanted(each)), None)
                if found is not None:
                    return found
                await self._changed.wait()

    async def _remember(self, message: Message) -> None:
        async with self._changed:
            self._said.append(message)
            self._changed.notify_all()
