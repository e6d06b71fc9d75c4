"""An agent that pm2 keeps: it embeds the SDK, and says in its log what no log should say."""

from __future__ import annotations

import asyncio
import os
import sys

from monitor.sdk import Probe


async def main(port: int) -> None:
    """Live until ended; what it logs holds secrets."""
    print("connecting with api_key=k-very-secret-1234", flush=True)  # noqa: T201 - its log
    print("opened BTC/USDT long 0.1 @ 64000.5", flush=True)  # noqa: T201 - its log
    print("https://ana:hunter2hunter2@venue.example refused", file=sys.stderr, flush=True)  # noqa: T201 - its log
    fails = os.path.exists(os.environ["VENUE_IS_DOWN"])  # noqa: ASYNC240, PTH110 - a test's flag

    async def venue() -> bool:
        return not fails

    async with Probe("alpha", port=port, venue=venue, machine=lambda: (0.5, 0.1)) as probe:
        while True:
            probe.decision()
            probe.money(balance=10_000, equity=10_000)
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
