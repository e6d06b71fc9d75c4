"""A desk killed at a point of delivery: `python -m tests.wire.killed SETTINGS LEDGER|chats commit|claim|send|never`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.app import App, discover_platforms, serve
from bot.chat import ChatPlatform, Handler, Message, MessageRef
from bot.settings import load


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Ledger:
    """A platform that writes down what it took, and has it on disk before it says so."""

    name = "console"
    threads = False
    trouble = None

    def __init__(self, path: Path, *, fatal: bool) -> None:
        self._path = path
        self._fatal = fatal

    async def start(self, handler: Handler) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def send(self, message: Message, under: MessageRef | None = None) -> MessageRef:  # noqa: ARG002 - the shape of the port
        self._write(f"sent {message.title}")
        if self._fatal:
            die()
        return MessageRef(self.name, self.name, "1")

    async def edit(self, ref: MessageRef, message: Message) -> None:  # noqa: ARG002 - the shape of the port
        self._write(f"edited {message.title}")

    def _write(self, line: str) -> None:
        with self._path.open("a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


def fatal(call: Callable[..., Awaitable[Any]], when: Callable[[Any, Any], bool]) -> Callable[..., Awaitable[Any]]:
    """The same call, and the end of the process right after it."""

    async def wrapped(first: Any, *more: Any) -> Any:
        result = await call(first, *more)
        if when(first, result):
            die()
        return result

    return wrapped


class Doomed(App):
    """A desk that ends right after the first notifications have been stored, or claimed."""

    point = "never"

    async def start(self) -> None:
        await super().start()
        store: Any = self.store
        if self.point == "commit":
            store.commit = fatal(store.commit, lambda change, _: bool(change.notifications))
        if self.point == "claim":
            store.claim = fatal(store.claim, lambda _, rows: bool(rows))


async def main(settings: str, ledger: str, point: str) -> int:
    chosen = load(Path(settings), os.environ)
    platforms: list[ChatPlatform] = [Ledger(Path(ledger), fatal=point == "send")]
    if ledger == "chats":
        platforms = [each for each in discover_platforms(chosen) if each.name != "console"]
    for each in platforms if ledger == "chats" and point == "send" else ():
        vars(each)["send"] = fatal(each.send, lambda *_: True)
    app = Doomed(chosen, platforms=platforms)
    app.point = point
    return await serve(app)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
