"""One agent of the demo: a real process built on the SDK, with faults that a line on its standard input brings on."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.demo.market import Market
from bot.demo.trader import STYLES, Trader, TradeRow
from bot.demo.venue import Venue
from monitor.sdk import OpenPosition, Probe

MINIMUM = 100.0
"""Balance below which the agent's wallet check turns red."""
LOSS = 0.2
"""Share of the equity that a crash costs."""


class DemoProbe(Probe):
    """A probe that can be told to lie: its pause then answers as if it were obeyed, and changes nothing."""

    lying = False

    async def pause(self, by: str = "", reason: str = "") -> str:
        """Pause, or only say so."""
        return "paused" if self.lying else await super().pause(by, reason)


@dataclass(slots=True)
class Life:
    """Everything one agent is made of."""

    market: Market
    trader: Trader
    venue: Venue
    probe: DemoProbe
    hanging: bool = False
    deaf: socket.socket | None = None
    """Holds the port while nobody answers."""
    falling: list[float] = field(default_factory=list)
    """Gaps still to come, one a tick."""
    torn: bool = False

    @property
    def asset(self) -> str:
        """The asset that a crash tears."""
        return self.trader.style.assets[0]

    def tick(self) -> None:
        """Let the market move, decide unless hanging, tell the probe."""
        if self.falling:
            self.market.tear(self.asset, self.falling.pop(0))
        prices = self.market.tick()
        self.probe.feed()
        if not self.hanging:
            halted, before = (self.asset,) if self.torn else (), self.trader.positions
            closed = self.trader.act(prices, time.time(), may_open=not self.probe.paused, halted=halted)
            self._told(closed)
            for each in set(self.trader.positions) - set(before):
                self.probe.order(each.asset, "buy" if each.side > 0 else "sell", each.size, each.price)
            self.probe.decision()
        self.tell()

    def tell(self) -> None:
        """Tell the probe what the account holds."""
        prices = self.market.prices
        held = [
            OpenPosition(
                each.asset,
                "long" if each.side > 0 else "short",
                each.size,
                entry_price=each.price,
                pnl=round(each.profit(prices[each.asset]), 2),
                id=each.strategy,
            )
            for each in self.trader.positions
        ]
        worth = sum(each.size * prices[each.asset] for each in self.trader.positions)
        self.probe.money(self.trader.balance, self.trader.equity(prices), exposure=worth, positions=held)

    async def ask(self) -> None:
        """Ask the venue, as one does for prices."""
        took, well = await self.venue.ask()
        self.probe.venue_call("ticker", took, ok=well)

    async def close(self) -> None:
        """Close every position, as ordered."""
        self._told(self.trader.close_all(self.market.prices, time.time()))
        self.tell()

    def _told(self, closed: list[TradeRow]) -> None:
        for row in closed:
            side = "sell" if row["side"] == "long" else "buy"
            self.probe.order(row["asset"], side, float(row["size"]), float(row["exit_price"]))
            self.probe.trade(**row)


def crash(life: Life) -> None:
    """Let the holding's price gap down within two ticks so far that it costs a fifth of the equity."""
    prices = life.market.prices
    exposure, loss = life.trader.exposure(prices), LOSS * life.trader.equity(prices)
    if life.torn or exposure <= loss:
        _complain("crash: no position is open that could lose that much")
        return
    life.torn = True
    life.falling = [1 - loss / exposure / 2, 1 - loss / exposure]


def recover(life: Life) -> None:
    """Bring the price back."""
    life.torn, life.falling = False, []
    life.market.tear(life.asset, 1)


async def deafen(life: Life) -> None:
    """Take connections and never answer; so the port stays this agent's."""
    if life.deaf is None:
        await life.probe.stop()
        life.deaf = socket.create_server(("127.0.0.1", life.probe.port))


async def hear(life: Life) -> None:
    """Answer again, on the same port."""
    if life.deaf is not None:
        life.deaf.close()
        life.deaf = None
        await life.probe.start()


def _status(status: int) -> Callable[[Life], None]:
    def fault(life: Life) -> None:
        life.venue.status = status

    return fault


def _hang(on: bool) -> Callable[[Life], None]:
    def fault(life: Life) -> None:
        life.hanging = on

    return fault


def _lie(on: bool) -> Callable[[Life], None]:
    def fault(life: Life) -> None:
        life.probe.lying = on

    return fault


def _lock(on: bool) -> Callable[[Life], None]:
    def fault(life: Life) -> None:
        life.trader.locked = life.trader.cash - MINIMUM / 2 if on else 0.0

    return fault


FAULTS: dict[str, Callable[[Life], Awaitable[None] | None]] = {
    "crash": crash,
    "recover": recover,
    "venue-down": _status(500),
    "venue-up": _status(200),
    "hang": _hang(on=True),
    "unhang": _hang(on=False),
    "deaf": deafen,
    "hear": hear,
    "lie": _lie(on=True),
    "honest": _lie(on=False),
    "drain": _lock(on=True),
    "fill": _lock(on=False),
    "die": lambda _life: os._exit(1),
}


async def live(options: argparse.Namespace, key: str) -> None:
    """Trade until told to stop."""
    loop, stop, lines = asyncio.get_running_loop(), asyncio.Event(), asyncio.Queue[str]()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_listen, args=(loop, lines), daemon=True).start()
    venue = Venue()
    async with await venue.open():
        trader = Trader(options.strategy, options.seed, f"{time.time_ns():x}")
        life: Life

        async def close() -> None:
            await life.close()

        probe = DemoProbe(
            options.name,
            key=key,
            port=options.port,
            state=options.state,
            venue=venue.url,
            min_balance=MINIMUM,
            stale_after=options.stale_after,
            checks_ttl=0.5,
            on_close=close,
        )
        life = Life(Market(options.seed), trader, venue, probe)
        for row in trader.past(options.name, time.time()):
            probe.trade(**row)
        life.tick()
        async with probe:
            print(f"ready {probe.port}", flush=True)  # noqa: T201 - the parent reads it
            obeying = asyncio.create_task(_obey(life, lines))
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(options.tick):
                        await stop.wait()
                life.tick()
                await life.ask()
            obeying.cancel()


async def _obey(life: Life, lines: asyncio.Queue[str]) -> None:
    while True:
        line = await lines.get()
        fault = FAULTS.get(line)
        if fault is None:
            _complain(f"there is no fault {line[:40]!r}; there are {', '.join(FAULTS)}")
            continue
        try:
            done = fault(life)
            if done is not None:
                await done
        except OSError as error:
            _complain(f"{line}: {error}")


def _listen(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str]) -> None:
    # Not through sys.stdin: a thread that waits in it would hold its lock while the interpreter ends.
    rest = b""
    while chunk := os.read(0, 4096):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            loop.call_soon_threadsafe(lines.put_nowait, line.decode("utf-8", "replace").strip())
    # The parent is gone, perhaps killed: nobody would ever end this process.
    os._exit(0)


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - for whoever typed the line


def main() -> None:
    """Run one agent."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.agent", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--strategy", choices=sorted(STYLES), required=True)
    parser.add_argument("--port", type=int, default=0, help="0 is any free one")
    parser.add_argument("--key-env", required=True, help="environment variable that holds the key")
    parser.add_argument("--state", required=True, help="file in which a pause outlives a restart")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--tick", type=float, default=0.2, help="seconds between two looks at the market")
    parser.add_argument("--stale-after", type=float, default=5.0, help="seconds until its own strategy check turns red")
    options = parser.parse_args()
    key = os.environ.get(options.key_env)
    if not key:
        parser.error(f"the environment variable {options.key_env} holds no key")
    try:
        asyncio.run(live(options, key))
    except (OSError, ValueError) as error:
        sys.exit(f"{options.name}: {error}")


if __name__ == "__main__":
    main()
