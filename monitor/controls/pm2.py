"""A process that pm2 keeps is stopped, started, restarted and read back by pm2 itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from monitor.controls._process import Ran, run
from monitor.model import Agent
from monitor.outside import line
from monitor.ports import AgentControl, ControlError

TAIL = 256 * 1024
"""Bytes of each log file that are read."""
ALIVE = ("online", "launching", "waiting restart", "one-launch-status")
MEANS: Mapping[str, str] = {
    "stop": "its process is ended: no entries and no increases; open positions are kept and nobody manages them",
    "resume": "its process is started again",
    "restart": "its process is ended and started again",
    "logs": "the newest lines of its out and error files",
}
DONE = {"stop": "stopped", "resume": "started", "restart": "restarted"}
VERBS = {"stop": "stop", "resume": "start", "restart": "restart"}


class Options(BaseModel):
    """Settings of one agent's pm2 control; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@][A-Za-z0-9_.@-]{0,99}$")]
    """What pm2 calls it."""
    program: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./@][A-Za-z0-9_./@ -]{0,500}$")] = "pm2"
    home: str | None = None
    """PM2_HOME, where it is not the user's own."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds that pm2 may take; ending a process may take three times as long."""


def build(options: Options) -> AgentControl:
    """Build the control of one agent."""
    return Pm2Control(options)


class Pm2Control:
    """Gives orders to pm2 about one process."""

    kind = "pm2"
    abilities = MEANS

    def __init__(self, options: Options) -> None:
        self._options = options

    async def reach(self, agent: Agent) -> None:  # noqa: ARG002 - the port's shape
        """See whether pm2 is there and knows the process. Errors: ControlError."""
        await self._mine()

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the port's shape
        """Stop, start or restart it; return what pm2 shows then. Errors: ControlError."""
        verb = VERBS.get(action)
        if verb is None:
            raise ControlError(f"cannot be ordered to {line(action, 32)}: pm2 takes {', '.join(VERBS)}")
        await self._mine()  # a name that pm2 does not know is said with those that it does
        ran = await self._pm2(verb, self._options.name, patience=3.0)
        if ran.code != 0:
            raise ControlError(f"was not ordered: pm2 {verb} failed: {ran.said or line(ran.out)}")
        return f"pm2: {self._options.name} {DONE[action]}"

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Whether its process runs or is stopped. Errors: ControlError."""
        return "running" if any(_alive(each) for each in await self._mine()) else "stopped"

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """The newest lines, those of its out file first, then those of its error file. Errors: ControlError."""
        files = [file for each in await self._mine() for file in _files(each)]
        return await asyncio.to_thread(_newest, tuple(dict.fromkeys(files)), lines)

    async def _mine(self) -> list[Mapping[str, Any]]:
        """What pm2 knows under its name. Errors: ControlError (pm2 is not there, does not know it)."""
        ran = await self._pm2("jlist")
        if ran.code != 0:
            raise ControlError(f"cannot be looked up: pm2 jlist failed: {ran.said or line(ran.out)}")
        known = _processes(ran.out)
        mine = [each for each in known if each.get("name") == self._options.name]
        if not mine:
            names = ", ".join(sorted({line(str(each.get("name")), 40) for each in known})[:20])
            raise ControlError(f"is not known to pm2 as {self._options.name}: it knows {names or 'none'}")
        return mine

    async def _pm2(self, *arguments: str, patience: float = 1.0) -> Ran:
        home = {} if self._options.home is None else {"PM2_HOME": self._options.home}
        discreet = {"PM2_DISCRETE_MODE": "1", "PM2_DISABLE_VERSION_CHECK": "true"}
        return await run((self._options.program, *arguments), patience * self._options.timeout, {**discreet, **home})


def _processes(out: str) -> list[Mapping[str, Any]]:
    """The processes of `pm2 jlist`, behind whatever banner stands before them. Errors: ControlError."""
    begins = next((index for index in _brackets(out) if _list(out[index:]) is not None), None)
    found = None if begins is None else _list(out[begins:])
    if found is None:
        raise ControlError("cannot be looked up: pm2 jlist answered no list")
    return [each for each in found if isinstance(each, dict)]


def _brackets(out: str) -> Iterator[int]:
    yield from (index for index, char in enumerate(out) if char == "[" and (index == 0 or out[index - 1] == "\n"))


def _list(text: str) -> list[Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _alive(process: Mapping[str, Any]) -> bool:
    """Whether it runs: by its state, or because it still has a pid."""
    pid = process.get("pid")
    return _env(process).get("status") in ALIVE or (isinstance(pid, int) and pid > 0)


def _env(process: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its pm2_env, which holds its whole environment too: only named keys of it are read."""
    env = process.get("pm2_env")
    return env if isinstance(env, dict) else {}


def _files(process: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for mark, key in (("", "pm_out_log_path"), ("err| ", "pm_err_log_path")):
        path = _env(process).get(key)
        if isinstance(path, str) and path.startswith("/") and path != "/dev/null":
            yield mark, path


def _newest(files: tuple[tuple[str, str], ...], lines: int) -> tuple[str, ...]:
    """The newest lines of files that several may share, errors last, where they are seen. Errors: ControlError."""
    seen: set[str] = set()
    parts: list[list[str]] = []
    for mark, path in files:
        if path not in seen:
            seen.add(path)
            parts.append([f"{mark}{each}" for each in _tail(Path(path))])
    if not parts:
        raise ControlError("has no log file that pm2 knows of")
    share = max(1, lines // len(parts))
    spare = lines - sum(min(len(each), share) for each in parts)
    taken: list[str] = []
    for each in parts:
        many = min(len(each), share + max(0, spare))
        spare -= many - min(len(each), share)
        taken += each[-many:] if many else []
    return tuple(taken[-lines:])


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL))
            text = file.read(TAIL).decode(errors="replace")
    except OSError as error:
        raise ControlError(f"has a log that cannot be read: {error.strerror}") from None
    lines = text.split("\n")
    return [each for each in (lines[1:] if size > TAIL else lines) if each.strip()]
