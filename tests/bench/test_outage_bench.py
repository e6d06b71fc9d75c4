"""A chat that is away for twenty seconds, at the start and in the middle: when the page is there after its return."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.wire.chats import Chats, two_chats

AWAY = 20.0


async def gone(chats: Chats, which: str) -> None:
    await (chats.telegram.away() if which == "telegram" else chats.slack.away())


async def here(chats: Chats, which: str) -> None:
    await (chats.telegram.back() if which == "telegram" else chats.slack.back())


@pytest.mark.bench
@pytest.mark.parametrize("which", ["telegram", "slack"])
@pytest.mark.parametrize("when", ["start", "middle"])
async def test_away_for_twenty_seconds(which: str, when: str, tmp_path: Path) -> None:
    async with two_chats(tmp_path, start=when == "middle", hurried=False) as chats:
        if when == "start":
            await gone(chats, which)
            await chats.app.start()
            await chats.seen()
        else:
            await chats.seen()
            await gone(chats, which)
        chats.puppet.says["equity"] = 8_000.0
        began = time.monotonic()
        if which == "telegram":
            await chats.slack.wait_for(lambda posted: "Drawdown over the limit" in posted.reading, timeout=10)
        else:
            await chats.telegram.wait_for(lambda entry: "Drawdown over the limit" in entry.text, timeout=10)
        other = time.monotonic() - began
        await asyncio.sleep(AWAY - other)
        await here(chats, which)
        back = time.monotonic()
        await chats.telegram.wait_for(lambda entry: "Drawdown over the limit" in entry.text, timeout=90)
        await chats.slack.wait_for(lambda posted: "Drawdown over the limit" in posted.reading, timeout=90)
        told = (
            f"{which} away at the {when}: the other chat after {other:.2f} s, this one {time.monotonic() - back:.1f} s"
        )
        print(f"{told} after its return")  # noqa: T201 - a figure for people
