"""A process that pm2 keeps is stopped, started, restarted and read back by pm2 itself."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.controls._process import LONGEST_LINE, Ran, run
from monitor.model import Agent
from monitor.outside import line
from monitor.ports import AgentControl, ControlError

TAIL = 256 * 1024
"""Bytes of each log file that are read."""
LISTS = 20
"""Lines that may be the list of `pm2 jlist` and are tried: a banner may stand around it."""
ALIVE = ("online", "launching", "waiting restart", "one-launch-status")
MEANS: Mapping[str, str] = {
    "stop": "its process is ended: no entries and no increases; open positions are kept and nobody manages them",
    "resume": "its process is started again",
    "restart": "its process is ended and started again",
    "logs": "the newest lines of its out and error files",
}
DONE = {"stop": "stopped", "resume": "started", "restart": "restarted"}
VERBS = {"stop": "stop", "resume": "start", "restart": "restart"}


_TIME = re.compile(r"(?:err\| )?\[?([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,6})?)")
"""The time at the beginning of a line, as pm2's --time and most logs write it."""
_ELSE = re.compile(r"(?i)all|infinity|[0-9.]+(?:e-?[0-9]+)?|0[xob][0-9a-f]+|.*\.(?:json|ya?ml|config\.[cm]?js).*")


def _its_own(name: str) -> str:
    """A name that pm2 takes for nothing else: it stops everything for `all`, and reads a file for `a.json`."""
    if _ELSE.fullmatch(name):
        raise ValueError("is a number, a file or everything to pm2: give the process another name")
    return name


class Options(BaseModel):
    """Settings of one agent's pm2 control; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@][A-Za-z0-9_.@-]{0,99}$"), AfterValidator(_its_own)]
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
        ran = await self._pm2(verb, self._options.name, orders=True)
        if ran.code != 0:
            raise ControlError(f"was not ordered: pm2 {verb} failed: {ran.said or line(ran.out)}")
        return f"pm2: {self._options.name} {DONE[action]}"

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Whether its process runs or is stopped. Errors: ControlError."""
        return "running" if any(_alive(each) for each in await self._mine()) else "stopped"

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """The newest lines of its out and error files, in order if they tell the time. Errors: ControlError."""
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

    async def _pm2(self, *arguments: str, orders: bool = False) -> Ran:
        home = {} if self._options.home is None else {"PM2_HOME": self._options.home}
        discreet = {"PM2_DISCRETE_MODE": "1", "PM2_DISABLE_VERSION_CHECK": "true"}
        within = self._options.timeout * (3.0 if orders else 1.0)
        return await run((self._options.program, *arguments), within, {**discreet, **home}, orders=orders)


def _processes(out: str) -> list[Mapping[str, Any]]:
    """The processes of `pm2 jlist`, whatever banner stands around them. Errors: ControlError."""
    begun = [each for each in out.split("\n") if each.startswith("[")]
    found = next((each for each in map(_list, reversed(begun[-LISTS:])) if each is not None), None)
    if found is None:
        raise ControlError("cannot be looked up: pm2 jlist answered no list")
    return [each for each in found if isinstance(each, dict)]


def _list(text: str) -> list[Any] | None:
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
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
    """The newest lines of files that several may share. Errors: ControlError.

    In order where every file tells the time; else each file has its share, errors last, where they are seen.
    """
    marks: dict[str, str] = {}
    for mark, path in files:
        marks.setdefault(path, mark)
    if not marks:
        raise ControlError("has no log file that pm2 knows of")
    parts = [
        part for path, mark in marks.items() if (part := [f"{mark}{each[:LONGEST_LINE]}" for each in _tail(Path(path))])
    ]
    stamped = [_stamped(part) for part in parts]
    if all(stamped):
        merged = sorted((each for part in stamped for each in part), key=itemgetter(0))
        return tuple(each for _, each in merged[-lines:])
    share = max(1, lines // len(parts))
    spare = lines - sum(min(len(each), share) for each in parts)
    taken: list[str] = []
    for each in parts:
        many = min(len(each), share + max(0, spare))
        spare -= many - min(len(each), share)
        taken += each[-many:]
    return tuple(taken[-lines:])


def _stamped(part: list[str]) -> list[tuple[str, str]]:
    """Each line with the time it was written at, told by it or by the line before; nothing if none tells a time."""
    times = [f"{found[1]}T{found[2]}" if (found := _TIME.match(each)) else "" for each in part]
    last = next(filter(None, times), "")
    stamped = [(last := when or last, each) for when, each in zip(times, part, strict=True)]
    return stamped if last else []


def _tail(path: Path) -> list[str]:
    """The last lines of a file; none if it is not there, as after a rotation. Errors: ControlError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for without end
            return []
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL))
            text = file.read(TAIL).decode(errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ControlError(f"has a log that cannot be read: {error.strerror}") from None
    lines = text.split("\n")
    return [each for each in (lines[1:] if size > TAIL else lines) if each.strip()]
