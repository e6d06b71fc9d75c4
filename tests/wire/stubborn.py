"""An agent that takes orders its own way, a process by itself: `python -m tests.wire.stubborn NAME WAY --folder F`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from monitor.sdk import Probe

WAYS = {
    "honest": "the SDK, with a file in which a pause outlives it",
    "forgetful": "obeys, and begins running whenever it is started",
    "deaf": "answers ok to every order and carries out none",
    "trading": "says that it is paused and opens a position at every look",
    "later": "says that it is paused, and opens a position once it is told `opens`",
    "slow": "obeys a second after it answered",
    "keeping": "closes all positions but the first",
}
KEY = "k-fleet"
CALM: dict[str, Any] = {"equity": 10_000.0, "venue": True, "opens": False, "assets": ["BTC", "ETH"], "fit": True}
"""What it says unless its file says otherwise; `venue`: whether its venue answers it, `fit`: whether /health is 200."""
SOON = 0.02


@dataclass
class Desk:
    """The folder through which a test talks to an agent past the desk."""

    name: str
    folder: Path

    def says(self) -> dict[str, Any]:
        """What it is told to say."""
        with contextlib.suppress(OSError, ValueError):
            return {**CALM, **json.loads((self.folder / f"{self.name}.says").read_text())}
        return dict(CALM)

    def hears(self, action: str) -> None:
        """Keep that an order came."""
        with (self.folder / f"{self.name}.heard").open("a") as file:
            file.write(f"{action}\n")


@dataclass
class Liar:
    """An agent without the SDK: its state is in its memory alone."""

    way: str
    desk: Desk
    ran: float
    """Seconds for which it says it has run already."""
    paused: bool = False
    assets: list[str] = field(default_factory=lambda: list(CALM["assets"]))
    begun: float = field(default_factory=time.monotonic)

    def metrics(self) -> dict[str, Any]:
        """What it says of itself now."""
        says = self.desk.says()
        if self.paused and (self.way == "trading" or (self.way == "later" and says["opens"])):
            self.assets.append(f"COIN{len(self.assets)}")
        return {
            "agent_id": self.desk.name,
            "status": "paused" if self.paused else "ok",
            "paused": self.paused,
            "equity": says["equity"],
            "balance": says["equity"],
            "open_positions": len(self.assets),
            "positions": [{"asset": each, "side": "long", "size": 1.0, "entry_price": 100.0} for each in self.assets],
            "heartbeat_age": 0.1,
            "uptime": self.ran + time.monotonic() - self.begun,
            "checks": [{"name": "venue", "ok": says["venue"], "detail": ""}],
        }

    def take(self, action: str) -> None:
        """Do with an order what its way is."""
        self.desk.hears(action)
        if self.way == "deaf":
            return
        if action == "close":
            self.assets = self.assets[:1] if self.way == "keeping" else []
        elif self.way == "slow":
            asyncio.get_running_loop().call_later(1.0, setattr, self, "paused", action == "pause")
        else:
            self.paused = action == "pause"


def routes(liar: Liar) -> web.Application:
    """Its HTTP face, shaped like the SDK's."""

    async def metrics(request: web.Request) -> web.Response:
        require_key(request)
        return web.json_response(liar.metrics())

    async def order(request: web.Request) -> web.Response:
        require_key(request)
        liar.take(request.path.strip("/"))
        return web.json_response({"ok": True, "detail": "done"})

    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"}, status=200 if liar.desk.says()["fit"] else 503)

    app = web.Application()
    app.router.add_get("/live", live)
    app.router.add_get("/health", health)
    app.router.add_get("/metrics", metrics)
    for action in ("pause", "resume", "close"):
        app.router.add_post(f"/{action}", order)
    return app


def require_key(request: web.Request) -> None:
    if request.headers.get("Authorization") != f"Bearer {KEY}":
        raise web.HTTPUnauthorized


async def lie(liar: Liar, port: int) -> None:
    """Serve until killed."""
    runner = web.AppRunner(routes(liar), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ready(runner.addresses[0][1])
    await asyncio.Event().wait()


async def obey(desk: Desk, port: int) -> None:
    """Serve as the SDK does, until killed."""

    async def venue() -> bool:
        return bool(desk.says()["venue"])

    async def paused() -> None:
        desk.hears("pause")

    async def resumed() -> None:
        desk.hears("resume")

    state = desk.folder / f"{desk.name}.pause.json"
    probe = Probe(
        desk.name,
        key=KEY,
        state=state,
        port=port,
        venue=venue,
        checks_ttl=SOON,
        on_pause=paused,
        on_resume=resumed,
        machine=lambda: (0.1, 0.1),
    )
    async with probe:
        tell(desk, probe)
        ready(probe.port)
        while True:
            await asyncio.sleep(SOON)
            tell(desk, probe)


def tell(desk: Desk, probe: Probe) -> None:
    """Tell the probe what the file says."""
    equity = float(desk.says()["equity"])
    probe.money(balance=equity, equity=equity, open_positions=0)
    probe.beat()


def ready(port: int) -> None:
    """Say where it serves."""
    sys.stdout.write(f"ready {port}\n")
    sys.stdout.flush()


def main() -> None:
    """Run one agent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ran", type=float, default=0.0)
    given = parser.parse_args()
    desk = Desk(given.name, given.folder)
    work = obey(desk, given.port) if given.way == "honest" else lie(Liar(given.way, desk, given.ran), given.port)
    asyncio.run(work)


if __name__ == "__main__":
    main()
