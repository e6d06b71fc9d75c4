"""An agent that embeds the SDK and is alive, and wrong in one way: `python -m tests.wire.wrong_agent NAME WAY`."""

from __future__ import annotations

import asyncio
import random
import sys

from monitor.sdk import OpenPosition, Probe

WAYS = ("healthy", "undecided", "repeating", "blind", "exposed", "failing", "costly", "frozen")
STEP = 0.05


async def run(name: str, way: str) -> None:
    """Live until killed."""
    probe = Probe(name, machine=lambda: (0.5, 0.1))
    async with probe:
        print(f"ready {probe.port}", flush=True)  # noqa: T201 - the parent reads it
        probe.decision()
        probe.feed()
        if way == "repeating":
            for _ in range(12):
                probe.order("BTC", "buy", 0.1, 64_000)
        for number in range(12):
            probe.model_call(1.0, tokens=100, cost=0.01, ok=way != "failing" or number % 3 == 0)
        if way == "costly":
            probe.model_call(1.0, tokens=10_000, cost=7.5)
        while True:
            live(probe, way)
            await asyncio.sleep(STEP)


def live(probe: Probe, way: str) -> None:
    """One turn of its loop."""
    probe.beat()
    if way != "undecided":
        probe.decision()
    if way != "blind":
        probe.feed()
    move = 0.0 if way == "frozen" else random.uniform(-5.0, 5.0)  # noqa: S311 - a market
    held = [OpenPosition("BTC", "long", 0.1, entry_price=64_000.0, pnl=move)]
    exposure = 16_000.0 if way == "exposed" else 6_400.0
    probe.money(balance=10_000.0, equity=10_100.0 + move, exposure=exposure, leverage=0.64, positions=held)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2]))
