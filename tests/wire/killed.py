"""A desk killed at a point of delivery: `python -m tests.wire.killed SETTINGS commit|claim|send|never`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.app import App, serve
from bot.settings import load
from bot.wiring import discover_platforms


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fatal(call: Callable[..., Awaitable[Any]], when: Callable[[Any, Any], bool]) -> Callable[..., Awaitable[Any]]:
    """The same call, and the end of the process right after it."""

    async def wrapped(first: Any, *more: Any, **named: Any) -> Any:
        result = await call(first, *more, **named)
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


async def main(settings: str, point: str) -> int:
    chosen = load(Path(settings), os.environ)
    platforms = [each for each in discover_platforms(chosen) if each.name != "console"]
    for each in platforms if point == "send" else ():
        vars(each)["send"] = fatal(each.send, lambda *_: True)
    app = Doomed(chosen, platforms=platforms)
    app.point = point
    return await serve(app)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
