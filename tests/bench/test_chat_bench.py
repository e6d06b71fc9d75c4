"""How long it takes from a press in one chat to the other chat's card, over real sockets and the real libraries."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from monitor.alerts.alert import State
from tests.wire.chats import ANA, two_chats

ROUNDS = 25
REST = 3.0
"""Seconds between two presses, so that no chat's own pace is measured."""


@pytest.mark.bench
async def test_from_a_press_to_the_other_chats_card(tmp_path: Path) -> None:
    took: list[float] = []
    async with two_chats(tmp_path, agents=ROUNDS, hurried=False) as chats:
        await chats.seen()
        chats.puppet.says["equity"] = 8_000.0
        await chats.settled(lambda: len(chats.app.desk.alerts()) == ROUNDS, within=30)
        await chats.delivered(within=300)
        for alert in chats.app.desk.alerts():
            await asyncio.sleep(REST)
            name = alert.id
            twin = await chats.slack.wait_for(lambda posted, name=name: name in posted.reading, timeout=120)  # type: ignore[misc] # a default binds the loop's value
            began = time.monotonic()
            chats.telegram.press(chats.telegram.messages[0], f"ack {name}", ANA[0])
            await chats.slack.until(
                lambda ts=twin.ts: "cknowledged by ana" in chats.slack.at(ts).reading,  # type: ignore[misc] # likewise
                timeout=30,
            )
            took.append(time.monotonic() - began)
            assert (await chats.app.desk.alert(name)).state is State.ACKNOWLEDGED
    took.sort()
    print(f"press to card: median {took[len(took) // 2] * 1000:.0f} ms, p99 {took[-1] * 1000:.0f} ms")  # noqa: T201 - a figure for people
