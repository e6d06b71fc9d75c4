"""The demo's agents are real processes: started with keys of their own, given faults by a pipe, gone with the desk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import httpx

from bot.settings import Settings, load

STARTS_WITHIN = 20.0
"""Seconds a process has to serve."""
ENDS_WITHIN = 2.0
"""Seconds a process has to end by itself."""
KEY_ENV = "NIGHTDESK_DEMO_KEY"


@dataclass(frozen=True, slots=True)
class Role:
    """One agent of the demo: its name is its strategy."""

    name: str
    venue: str


CAST = (
    Role("momentum", "binance"),
    Role("reversion", "binance"),
    Role("maker", "kraken"),
    Role("carry", "kraken"),
    Role("breakout", "bybit"),
)


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for a person."""


class Processes:
    """The agents of one demo, in a folder of its own."""

    def __init__(self, folder: Path, cast: tuple[Role, ...] = CAST) -> None:
        self.cast = cast
        self.key = secrets.token_urlsafe(24)
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._ports: dict[str, int] = {}

    async def start(self) -> None:
        """Start every agent at once. Errors: DemoError."""
        await asyncio.gather(*(self.launch(role.name) for role in self.cast))

    async def launch(self, name: str) -> None:
        """Start one agent, on the port it had if it ran before. Errors: DemoError."""
        seed = 1 + [role.name for role in self.cast].index(name)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot.demo.agent", name, "--strategy", name, "--seed", str(seed)),
            *("--port", str(self._ports.get(name, 0)), "--key-env", KEY_ENV),
            *("--state", str(self._folder / f"{name}.pause.json")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, KEY_ENV: self.key},
            start_new_session=True,
        )
        self._running[name] = process
        if process.stdout is None:
            raise DemoError(f"{name} has no output")
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                line = (await process.stdout.readline()).decode()
        except TimeoutError:
            raise DemoError(f"The agent {name} did not start within {STARTS_WITHIN:g} s.") from None
        if not line.startswith("ready "):
            raise DemoError(f"The agent {name} ended at its start: run `python -m bot.demo.agent {name}` to see why.")
        self._ports[name] = int(line.split()[1])

    def url(self, name: str) -> str:
        """Where an agent serves."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def alive(self, name: str) -> bool:
        """Whether an agent's process runs."""
        process = self._running.get(name)
        return process is not None and process.returncode is None

    async def fault(self, name: str, line: str) -> None:
        """Give an agent a fault, or take one from it (crash, recover, lie ...)."""
        process = self._running[name]
        if process.stdin is None or process.returncode is not None:
            return
        with contextlib.suppress(ConnectionError):
            process.stdin.write(f"{line}\n".encode())
            await process.stdin.drain()

    async def ask(self, name: str, path: str) -> dict[str, object]:
        """What an agent itself says, asked past the desk. Errors: httpx.HTTPError."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            answer = await client.get(self.url(name) + path, headers={"Authorization": f"Bearer {self.key}"})
            answer.raise_for_status()
            return dict(answer.json())

    async def stop(self) -> None:
        """End every agent; none is left."""
        for process in self._running.values():
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
        for process in self._running.values():
            try:
                async with asyncio.timeout(ENDS_WITHIN):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    def settings(self, user: str, interval: str, environ: Mapping[str, str]) -> str:
        """The demo's nightdesk.toml: what anybody would write, with shorter times, and the chats of the environment."""
        agents = "\n".join(
            f"""
[[agents]]
id = "{role.name}"
labels = {{ venue = "{role.venue}" }}
source = {{ kind = "http", url = "{self.url(role.name)}", key_env = "{KEY_ENV}" }}
control = {{ kind = "http", url = "{self.url(role.name)}", key_env = "{KEY_ENV}" }}
drawdown_limit = "15%"
hard_loss_24h = "40%"
min_balance = 100
heartbeat = "10s"
timeout = "2s"
confirm_within = "5s"
"""
            for role in self.cast
        )
        chats, ids = _chats(environ)
        return f"""[desk]
database = "demo.db"
interval = "{interval}"

[alerts]
group_wait = "1s"
{chats}
[[people]]
name = "ana"
role = "admin"
console = "{user}"
{ids}
{agents}"""


def _chats(environ: Mapping[str, str]) -> tuple[str, str]:
    """The tables of the chats whose tokens are in the environment, and the person's ids there."""
    tables, ids = "", ""
    if environ.get("TELEGRAM_TOKEN") and environ.get("TELEGRAM_CHAT_ID"):
        base = environ.get("TELEGRAM_BASE_URL")
        tables += f"[telegram]\nchat = {environ['TELEGRAM_CHAT_ID']}\n" + (f'base_url = "{base}"\n' if base else "")
        ids += f"telegram = {environ.get('TELEGRAM_USER_ID') or environ['TELEGRAM_CHAT_ID']}\n"
    if environ.get("SLACK_BOT_TOKEN") and environ.get("SLACK_APP_TOKEN") and environ.get("SLACK_CHANNEL"):
        base = environ.get("SLACK_BASE_URL")
        tables += f'[slack]\nchannel = "{environ["SLACK_CHANNEL"]}"\n' + (f'base_url = "{base}"\n' if base else "")
        ids += f'slack = "{environ["SLACK_USER_ID"]}"\n' if environ.get("SLACK_USER_ID") else ""
    return tables, ids


@contextlib.asynccontextmanager
async def on_stage(
    user: str, interval: str, cast: tuple[Role, ...] = CAST, environ: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[tuple[Settings, Processes]]:
    """Give living agents and the settings of a desk over them, in a folder that goes with them, whatever ends this.

    Errors: DemoError, SettingsError.
    """
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, this.cancel if this is not None else loop.stop)
    with TemporaryDirectory(prefix="nightdesk-demo-") as name:
        agents, file = Processes(Path(name), cast), Path(name) / "nightdesk.toml"
        try:
            await agents.start()
            file.write_text(agents.settings(user, interval, environ))
            yield load(file, {**environ, KEY_ENV: agents.key}), agents
        finally:
            await agents.stop()
