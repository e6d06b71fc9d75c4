"""What was set up is proved: everything is checked, and a page arrives in every chat and is acknowledged."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from bot import drill
from bot.access import Access
from bot.chat import ChatPlatform, Found
from bot.check import check
from bot.format import span
from bot.logs import redact
from bot.settings import Settings
from bot.setup.asking import Console
from bot.wiring import discover_platforms, looking

TRIES = 3
"""Times that a page which nobody acknowledges is sent."""


async def prove(settings: Settings, console: Console, wait: float | None) -> bool:
    """Check everything, then send each chat a test page and wait `wait` seconds for its press; None: send nothing.

    Returns whether nothing is left to mend and somebody who may pressed every page.
    """
    async with looking(settings) as (fetch, reach):
        fine = await check(settings, fetch, reach, console.say) == 0
    if wait is None:
        return fine
    return await _acknowledged(settings, console, wait) and fine


async def _acknowledged(settings: Settings, console: Console, wait: float) -> bool:
    """Whether somebody who may pressed the page of every chat; at a terminal it is sent again where nobody did."""
    waiting, fine = frozenset({"telegram", "slack"}), True
    for number in range(TRIES):
        if number and not (console.interactive and console.sure("Nobody pressed its button. Send it again?")):
            break
        chats = [each for each in discover_platforms(settings) if each.name in waiting]  # each listens only once
        found = await asyncio.gather(*(_pressed(each, settings, console, wait) for each in chats))
        fine = fine and all(each.fine is not False for each in found)
        waiting = frozenset(chat.name for chat, each in zip(chats, found, strict=True) if each.fine is None)
        if not waiting:
            break
    return fine and not waiting


async def _pressed(platform: ChatPlatform, settings: Settings, console: Console, wait: float) -> Found:
    """What came of the test page in one chat; None is neither: it arrived, and nobody pressed its button."""
    scrub, found, began = redact(settings.secrets), Found(False, ""), 0.0

    def tell(said: Found) -> None:
        nonlocal found, began
        if began and said.fine:
            said = replace(said, sentence=f"{said.sentence}, after {span(time.monotonic() - began)}")
        found, began = said, began or time.monotonic()
        word = {True: "ok  ", False: "fail", None: "note"}[said.fine]
        console.say(scrub(f"{word}  {platform.name:<9}  {said.sentence}"))

    await drill.press(platform, Access(settings.people), wait, tell)
    return found
