"""One night without a person: eight steps, each of which must really have happened, or the story ends there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import httpx
import typer

from bot.app import App
from bot.chat import Button, ChatPlatform, Message, Tone
from bot.command import Command
from bot.demo.processes import CAST, Processes, Role, on_stage
from bot.demo.stage import Stage
from bot.logs import configure
from bot.platforms.console import Console
from monitor.alerts.alert import Alert, State

HERO = "momentum"
"""The agent that gets into trouble."""
PERSON = "ana"
WHOLE = 60.0
"""Seconds the whole night may take."""


class BrokenError(Exception):
    """A step did not really happen; the message says what was missing."""


@dataclass(slots=True)
class Night:
    """What the steps work with, and what one leaves to the next."""

    app: App
    stage: Stage
    agents: Processes
    patience: float
    """Seconds any one thing may take."""
    card: Message = field(default_factory=lambda: Message(""))
    alert: Alert | None = None

    async def type(self, line: str) -> Message:
        """Type a line and give its last answer."""
        try:
            answers = await self.stage.type(line, self.patience)
        except TimeoutError:
            raise BrokenError(f"/{line} had no answer within {self.patience:g} s") from None
        need(bool(answers), f"/{line} had no answer")
        return answers[-1]

    async def press(self, message: Message, label: str) -> Message:
        """Press a button of a message and give the last answer."""
        found = next((button for button in message.buttons if button.label.startswith(label)), None)
        return await self.type(_there(found, f"{message.title!r} has no button {label}").line)

    async def hear(self, wanted: Callable[[Message], bool], what: str) -> Message:
        """Wait for something to be said."""
        try:
            return await self.stage.hear(wanted, self.patience)
        except TimeoutError:
            raise BrokenError(f"{what} was not told within {self.patience:g} s") from None

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for something to become true of the desk."""
        deadline = time.monotonic() + self.patience
        while not true():
            need(time.monotonic() < deadline, f"{what} within {self.patience:g} s")
            await asyncio.sleep(0.05)

    async def ask(self, path: str, name: str = HERO) -> dict[str, object]:
        """Ask an agent itself, past the desk."""
        try:
            return await self.agents.ask(name, path)
        except httpx.HTTPError as error:
            raise BrokenError(f"{name} itself did not answer {path}: {error!r}") from None


def need(true: bool, otherwise: str) -> None:
    """Go on only if something is true."""
    if not true:
        raise BrokenError(otherwise)


def _there(button: Button | None, otherwise: str) -> Button:
    if button is None:
        raise BrokenError(otherwise)
    return button


async def status(night: Night) -> None:
    """Every agent is in the picture with the equity that it has."""
    await night.until(lambda: all(each.answered for each in night.app.desk.status()), "some agent did not answer")
    said = await night.type("status")
    rows = {row[0]: row for table in said.tables for row in table.rows}
    for name in night.app.desk.agents:
        need(name in rows, f"/status does not show {name}")
        told = float(rows[name][2].replace(",", ""))
        itself = float(str((await night.ask("/metrics", name))["equity"]))
        need(abs(told / itself - 1) < 0.05, f"/status shows {told:,.2f} for {name}, which has {itself:,.2f}")  # noqa: PLR2004 - it trades on meanwhile


async def page(night: Night) -> None:
    """A fifth of the equity is gone, and the person on call is told with the reason."""
    await night.agents.fault(HERO, "crash")
    night.card = await night.hear(
        lambda said: said.tone is Tone.CRITICAL and HERO in said.title and "below its peak" in said.text,
        f"the drawdown of {HERO}",
    )
    night.alert = next((each for each in night.app.desk.alerts() if each.rule == "drawdown"), None)
    need(night.alert is not None, "a page was told, but no alert of drawdown is open")


async def acknowledgement(night: Night) -> None:
    """The alert is in somebody's hand, and its card says whose."""
    await night.press(night.card, "Acknowledge")
    name = night.alert.id if night.alert else ""
    taken = await night.app.desk.alert(name)
    need(taken.state is State.ACKNOWLEDGED and taken.acknowledged_by == PERSON, f"{name} is {taken.state}")
    await night.hear(lambda said: f"acknowledged by {PERSON}" in str(said.fields), "the card with the acknowledgement")


async def runbook(night: Night) -> None:
    """The steps come with this agent's live values."""
    said = await night.press(night.card, "Runbook")
    steps = [each for each in said.fields if each.label.startswith("Step")]
    need(len(steps) >= 3, f"the runbook has {len(steps)} steps")  # noqa: PLR2004 - fewer are no playbook
    below = f"{night.app.desk.agent(HERO).agent.limits.drawdown or 0:.1%}"
    need(below in str(said.fields) + said.text, f"the runbook does not name the limit {below} of {HERO}")
    need(any(button.line == f"pause {HERO}" for button in said.buttons), "the runbook has no button to pause")


async def pause(night: Night) -> None:
    """The agent itself says that it is paused."""
    said = await night.press(night.card, "Pause")
    need("confirmed" in said.title and said.tone is Tone.GOOD, said.title)
    need((await night.ask("/metrics"))["paused"] is True, f"{HERO} itself says it is not paused")


async def pnl(night: Night) -> None:
    """Profit and loss by strategy is what the agent's own trades add up to."""
    rows, path = [], "/trades"
    while True:
        answer = await night.ask(path)
        found, cursor = answer["trades"], str(answer["next"])
        rows += found if isinstance(found, list) else []
        path = f"/trades?since={cursor}"
        if not answer["more"]:
            break
    await night.until(lambda: night.app.desk.cursor(HERO) == cursor, f"the trades of {HERO} were not stored")
    said = await night.type("pnl by strategy")
    told = next((row[1] for table in said.tables for row in table.rows if row[0] == HERO), None)
    if told is None:
        raise BrokenError(f"the strategy {HERO} is not listed")
    net = sum((_net(row) for row in rows), Decimal(0))
    off = abs(Decimal(told.replace(",", "")) - net)
    need(off <= Decimal("0.01"), f"{HERO} is said to have made {told}, its own trades make {net:.2f}")


def _net(row: Mapping[str, str]) -> Decimal:
    size = Decimal(row["size"]) * (1 if row["side"] == "long" else -1)
    gross = size * (Decimal(row["exit_price"]) - Decimal(row["entry_price"]))
    return gross - Decimal(row["fees"]) - abs(Decimal(row["slippage"]) * size)


async def recovery(night: Night) -> None:
    """The price comes back, and the end of the alert is told."""
    await night.agents.fault(HERO, "recover")
    await night.hear(lambda said: said.tone is Tone.GOOD and HERO in said.title, f"the recovery of {HERO}")
    name = night.alert.id if night.alert else ""
    ended = await night.app.desk.alert(name)
    need(ended.state is State.RESOLVED, f"{name} is {ended.state}")


async def resume(night: Night) -> None:
    """The agent trades again, after a question, and says so itself."""
    question = await night.type(f"resume {HERO}")
    said = await night.press(question, "Yes")
    need("confirmed" in said.title and said.tone is Tone.GOOD, said.title)
    need((await night.ask("/metrics"))["paused"] is False, f"{HERO} itself says it is still paused")


STEPS = (status, page, acknowledgement, runbook, pause, pnl, recovery, resume)


async def tell(
    *,
    around: Callable[[ChatPlatform], ChatPlatform] = lambda platform: platform,
    commands: Mapping[str, Command] | None = None,
    faults: tuple[str, ...] = (),
    cast: tuple[Role, ...] = CAST,
    interval: str = "1s",
    patience: float = 15.0,
) -> int:
    """Play the night and print its transcript; returns the exit code: 0 only if every step really happened.

    The arguments are for those who want to see it fail: a platform put around the console, other commands, faults that
    the hero has from the start, fewer agents. Errors: DemoError, StoreError.
    """
    begun = time.monotonic()
    configure(level="error", secrets=())
    async with _set(around, commands, cast, interval, patience) as night:
        for fault in faults:
            await night.agents.fault(HERO, fault)
        for number, step in enumerate(STEPS, 1):
            told = f"step {number} of {len(STEPS)}, {step.__name__}"
            _show(f"\n--- {told}: {(step.__doc__ or '').strip()}")
            try:
                async with asyncio.timeout(WHOLE - (time.monotonic() - begun)):
                    await step(night)
            except (BrokenError, TimeoutError) as error:
                typer.echo(f"nightdesk: {told}, failed: {error or 'the night took too long'}.", err=True)
                return 1
    _show(f"\n--- All {len(STEPS)} steps really happened, in {time.monotonic() - begun:.1f} s.")
    return 0


@contextlib.asynccontextmanager
async def _set(
    around: Callable[[ChatPlatform], ChatPlatform],
    commands: Mapping[str, Command] | None,
    cast: tuple[Role, ...],
    interval: str,
    patience: float,
) -> AsyncIterator[Night]:
    """Start the agents and a desk over them."""
    async with on_stage(PERSON, interval, cast) as (settings, agents):
        with _nobody() as nobody:
            console = Console(PERSON, read=nobody)
            stage = Stage(around(console), PERSON, lambda line: _show(f"\n{PERSON}> /{line}"), time.time)
            app = App(settings, platforms=(stage,), commands=commands)
            await app.start()
            try:
                yield Night(app, stage, agents, patience)
            finally:
                await app.stop()


def _nobody() -> TextIO:
    """Open an input at which nobody types."""
    return Path(os.devnull).open(encoding="utf-8")


def _show(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()
