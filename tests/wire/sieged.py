"""A whole desk under siege: `python -m tests.wire.sieged SETTINGS real|hurried` (without the chats' real pace)."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bot import running
from bot.app import App, serve
from bot.settings import load
from bot.wiring import discover_platforms
from tests.wire.chats import HURRIED


async def main(settings: str, pace: str) -> int:
    chosen = load(Path(settings), os.environ)
    platforms = [each for each in discover_platforms(chosen) if each.name != "console"]
    if pace == "hurried":
        running.AGAIN = (0.2, 1.0)
        for each in platforms:
            vars(each)["_pace"] = HURRIED[each.name]()
    return await serve(App(chosen, platforms=platforms))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
