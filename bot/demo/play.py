"""The demo in a terminal: five living agents, a desk, a person, and faults that come and go by themselves."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass

import typer

from bot.app import App, serve
from bot.demo.processes import Processes, on_stage
from bot.logs import configure
from bot.settings import console_user

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
    async with on_stage(console_user(), "1s", environ=os.environ) as (settings, agents):
        app = App(settings)
        typer.echo(WELCOME)
        sys.stdout.flush()
        troubles = asyncio.create_task(_troubles(agents))
        try:
            return await serve(app)
        finally:
            troubles.cancel()


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
