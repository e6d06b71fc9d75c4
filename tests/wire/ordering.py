"""A real desk over agents that are real processes, each of which takes orders its own way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.app import App
from bot.chat import Message
from bot.platforms.memory import Memory
from bot.settings import console_user, load
from monitor.order import Order
from monitor.ports import AuditEntry
from tests.wire.stubborn import KEY

ROOT = Path(__file__).parents[2]
ANA, BEN = console_user(), "somebody-else"
"""Their ids at the console; ana is who starts the desk."""
ENVIRON = {"FLEET_KEY": KEY}
NEVER = ("deaf", "trading", "keeping")
"""Ways that never do as ordered: it is not worth waiting for them."""
STARTS_WITHIN = 20.0


@dataclass
class Agents:
    """Agents' processes, and their folder."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    _ways: dict[str, str] = field(default_factory=dict)
    _running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str, way: str = "honest", *, ran: float = 600.0) -> None:
        """Start one, which says that it has run for a while already."""
        self._ways[name] = way
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.wire.stubborn", name, way, "--folder", str(self.folder)),
            *("--port", str(self.ports.get(name, 0)), "--ran", str(ran)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._running[name] = process
        assert process.stdout is not None
        async with asyncio.timeout(STARTS_WITHIN):
            word, port = (await process.stdout.readline()).decode().split()
        assert word == "ready"
        self.ports[name] = int(port)

    async def kill(self, name: str) -> None:
        """End one as the kernel does."""
        self._running[name].kill()
        await self._running[name].wait()

    async def again(self, name: str) -> None:
        """Start one anew at its old place; what it did before it has forgotten."""
        await self.start(name, self._ways[name], ran=0.0)

    def limits(self, name: str) -> str:
        """How long one has to show that it obeyed."""
        within = "1s" if self._ways.get(name) in NEVER else "5s"
        return f'confirm_within = "{within}"\nclose_within = "{within}"\n'

    def url(self, name: str) -> str:
        """Where one serves."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def say(self, name: str, **says: Any) -> None:
        """Let one say something else from its next look on."""
        file = self.folder / f"{name}.says"
        known = json.loads(file.read_text()) if file.exists() else {}
        new = file.with_suffix(".new")
        new.write_text(json.dumps({**known, **says}))
        new.replace(file)

    def heard(self, name: str) -> list[str]:
        """The orders that it got, in order."""
        file = self.folder / f"{name}.heard"
        return file.read_text().split() if file.exists() else []

    async def order(self, name: str, action: str) -> None:
        """Order one past the desk."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.url(name)}/{action}", headers={"Authorization": f"Bearer {KEY}"})
            answer.raise_for_status()

    async def ask(self, name: str) -> dict[str, Any]:
        """What one says of itself, asked past the desk."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.url(name)}/metrics", headers={"Authorization": f"Bearer {KEY}"})
            return dict(answer.json())

    async def stop(self) -> None:
        """End every one of them."""
        for process in self._running.values():
            if process.returncode is None:
                process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def agents(folder: Path, **ways: str) -> AsyncIterator[Agents]:
    """Start agents at once, by name and way; none is left."""
    found = Agents(folder)
    try:
        await asyncio.gather(*(found.start(name, way) for name, way in ways.items()))
        yield found
    finally:
        await found.stop()


def settings(fleet: Agents, tables: Mapping[str, str] | None = None, more: str = "") -> Path:
    """The settings of a desk over them. `tables`: what is written of each in place of its control and limits."""
    people = "".join(
        f'[[people]]\nname = "{name}"\nrole = "{role}"\nconsole = "{user}"\n'
        for name, role, user in (("ana", "admin", ANA), ("ben", "operator", BEN))
    )
    watched = "".join(
        f'[[agents]]\nid = "{name}"\nsource = {{ kind = "http", url = "{fleet.url(name)}", key_env = "FLEET_KEY" }}\n'
        + (tables or {}).get(name, own_control(fleet, name) + fleet.limits(name))
        for name in fleet.ports
    )
    file = fleet.folder / "nightdesk.toml"
    file.write_text(
        '[desk]\ndatabase = "nightdesk.db"\ninterval = "300ms"\n'
        f'[alerts]\ngroup_wait = "0s"\nhold = "0s"\n{more}{people}{watched}'
    )
    return file


def own_control(fleet: Agents, name: str) -> str:
    """The line that lets an agent be ordered by itself."""
    return f'control = {{ kind = "http", url = "{fleet.url(name)}", key_env = "FLEET_KEY" }}\n'


@dataclass
class Ordering:
    """A running desk and its only chat."""

    app: App
    chat: Memory

    async def give(self, line: str, user: str = ANA) -> Message:
        """Type a line; gives the last answer. A question is not answered."""
        return (await self.chat.give(line, user))[-1]

    async def sure(self, line: str, user: str = ANA) -> tuple[Message, Message]:
        """Type a line that asks, and say yes; gives the question and the last answer."""
        question = await self.give(line, user)
        return question, await self.give(question.buttons[0].line, user)

    def titles(self) -> list[str]:
        """What was told without being asked, in order."""
        return [message.title for _, message in self.chat.sent]

    async def told(self, words: str, within: float = 10.0) -> Message:
        """Wait until something is or was told, asked or not, whose title has these words."""
        return await self.chat.wait_for(lambda each: words in each.title, within)

    async def until(self, holds: Callable[[], object], within: float = 10.0) -> None:
        """Wait until something holds of the desk."""
        async with asyncio.timeout(within):
            while not holds():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)

    def alerts(self, rule: str = "order_unconfirmed") -> list[str]:
        """The reasons of the open alerts of one rule."""
        return [each.reason for each in self.app.desk.alerts() if each.rule == rule]

    def pause(self, agent: str = "alpha") -> Order | None:
        """The hold on an agent that stands."""
        return self.app.desk.agent(agent).pause

    async def audit(self, line: str) -> list[AuditEntry]:
        """What the desk recorded under a line, oldest first."""
        return [each for each in reversed(await self.app.store.audit(500)) if each.line == line]


@contextlib.asynccontextmanager
async def desk(file: Path, *, calm: bool = True) -> AsyncIterator[Ordering]:
    """A desk in this process. `calm`: once it listens and has looked at every agent."""
    chat = Memory("console")
    app = App(load(file, ENVIRON), platforms=[chat])
    await app.start()
    try:
        found = Ordering(app, chat)
        if calm:
            await found.until(lambda: chat._handler is not None and all(each.sample for each in app.desk.status()))
        yield found
    finally:
        await app.stop()


@dataclass
class Program:
    """`nightdesk run` as a process of its own; its terminal is two pipes."""

    process: asyncio.subprocess.Process
    shown: str = ""

    def type(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def see(self, words: str, within: float = 20.0) -> str:
        """Wait until something was shown; gives everything that was."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within):
            while words not in self.shown:
                piece = await self.process.stdout.read(65_536)
                assert piece, f"the desk ended; it showed {self.shown}"
                self.shown += piece.decode(errors="replace")
        return self.shown

    async def kill(self) -> None:
        """End it as the kernel does."""
        self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def program(file: Path) -> AsyncIterator[Program]:
    """Start the real program; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--settings", str(file), "--log-level", "error"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **ENVIRON, "COLUMNS": "200"},
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
