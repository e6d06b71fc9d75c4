"""The demo in a terminal: five living agents, a desk, a person, and faults that come and go by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from bot.app import App, serve
from bot.demo.processes import KEY_ENV, Processes
from bot.logs import configure
from bot.settings import console_user, load

WELCOME = """
Nightdesk watches five agents that trade a simulated market; each is a process of its own.
In a moment something will go wrong. You are on call: type commands, or the number of a button.
    /status    /alerts    /runbook    /pnl by strategy    /pause momentum    /help
Ctrl-C ends the desk and every agent.
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault of the timeline: it comes `after` seconds of calm and goes `lasts` seconds later."""

    after: float
    agent: str
    comes: str
    lasts: float
    goes: str


TIMELINE = (
    Trouble(15, "momentum", "crash", 60, "recover"),
    Trouble(10, "maker", "venue-down", 25, "venue-up"),
    Trouble(15, "carry", "hang", 30, "unhang"),
    Trouble(15, "breakout", "die", 20, "launch"),
    Trouble(15, "reversion", "drain", 20, "fill"),
)


async def live() -> int:
    """Run the demo until Ctrl-C; returns the exit code. Errors: DemoError, StoreError."""
    configure(level="warning", secrets=())
    async with demo("1s") as (app, agents):
        typer.echo(WELCOME)
        sys.stdout.flush()
        troubles = asyncio.create_task(_troubles(agents))
        try:
            return await serve(app)
        finally:
            troubles.cancel()


@contextlib.asynccontextmanager
async def demo(interval: str) -> AsyncIterator[tuple[App, Processes]]:
    """Give a desk that is not started yet over living agents, in a folder that goes with them. Errors: DemoError."""
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    if this is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, this.cancel)
    with TemporaryDirectory(prefix="nightdesk-demo-") as name:
        agents = Processes(Path(name))
        try:
            await agents.start()
            file = Path(name) / "nightdesk.toml"
            file.write_text(agents.settings(console_user(), interval))
            yield App(load(file, {KEY_ENV: agents.key})), agents
        finally:
            await agents.stop()


async def _troubles(agents: Processes) -> None:
    """One trouble at a time, again and again."""
    while True:
        for each in TIMELINE:
            await asyncio.sleep(each.after)
            await agents.fault(each.agent, each.comes)
            await asyncio.sleep(each.lasts)
            if each.goes == "launch":
                await agents.launch(each.agent)
            else:
                await agents.fault(each.agent, each.goes)
