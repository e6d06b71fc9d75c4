"""A process that systemd keeps is stopped, started, restarted and read back by systemctl; its log is the journal's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.controls._process import LONGEST_LINE, Ran, run
from monitor.model import Agent
from monitor.outside import line
from monitor.ports import AgentControl, ControlError

MEANS: Mapping[str, str] = {
    "stop": "its process is ended: no entries and no increases; open positions are kept and nobody manages them",
    "resume": "its process is started again",
    "restart": "its process is ended and started again",
    "logs": "the newest lines of its journal",
}
VERBS = {"stop": "stop", "resume": "start", "restart": "restart"}
SHOWN = ("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts")
GONE = ("inactive", "failed")


def _whole(unit: str) -> str:
    return unit if unit.endswith((".service", ".target", ".scope")) else f"{unit}.service"


class Options(BaseModel):
    """Settings of one agent's systemd control; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9@_.][A-Za-z0-9@:_.\\-]{0,199}$"), AfterValidator(_whole)]
    """Its unit, a service unless it says otherwise."""
    user: bool = False
    """Whether it is a unit of the user that runs the desk."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds that systemctl may take; ending a process may take three times as long."""


def build(options: Options) -> AgentControl:
    """Build the control of one agent."""
    return SystemdControl(options)


class SystemdControl:
    """Gives orders to systemd about one unit."""

    kind = "systemd"
    abilities = MEANS

    def __init__(self, options: Options) -> None:
        self._options = options
        self._whose = ("--user",) if options.user else ()

    async def reach(self, agent: Agent) -> None:  # noqa: ARG002 - the port's shape
        """See whether systemd is there and knows the unit. Errors: ControlError."""
        await self._shown()

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the port's shape
        """Stop, start or restart it; return what systemd shows then. Errors: ControlError."""
        verb = VERBS.get(action)
        if verb is None:
            raise ControlError(f"cannot be ordered to {line(action, 32)}: systemd takes {', '.join(VERBS)}")
        await self._shown()
        ran = await self._run(
            "systemctl", *self._whose, "--no-ask-password", verb, "--", self._options.unit, orders=True
        )
        if ran.code != 0:
            raise ControlError(f"was not ordered: systemctl {verb} failed: {ran.said or f'code {ran.code}'}")
        try:
            shown = await self._shown()
        except ControlError:  # it was accepted all the same
            return f"systemd: {self._options.unit} took {verb}"
        return f"systemd: {self._options.unit} is {shown['ActiveState']} ({shown['SubState']})"

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Whether its process runs or is stopped. Errors: ControlError."""
        shown = await self._shown()
        return "stopped" if shown["ActiveState"] in GONE and shown["MainPID"] in ("", "0") else "running"

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """The newest lines of its journal, oldest first. Errors: ControlError."""
        which = ("-u", self._options.unit, "-n", str(lines), "-o", "short-iso", "--no-pager")
        ran = await self._run("journalctl", *self._whose, *which)
        found = [each for each in ran.out.split("\n") if each.strip() and not each.startswith("-- ")]
        if ran.code != 0 or (not found and ran.said):  # without the right to read it, it says so and ends well
            raise ControlError(f"has a journal that cannot be read: {ran.said or f'code {ran.code}'}")
        return tuple(each[:LONGEST_LINE] for each in found[-lines:])

    async def _shown(self) -> Mapping[str, str]:
        """What systemd knows of the unit. Errors: ControlError (systemd is not there, does not know it)."""
        ran = await self._run("systemctl", *self._whose, "show", "-p", ",".join(SHOWN), "--", self._options.unit)
        if ran.code != 0:
            raise ControlError(f"cannot be looked up: systemctl show failed: {ran.said or f'code {ran.code}'}")
        shown = dict(each.partition("=")[::2] for each in ran.out.splitlines() if "=" in each)
        if shown.get("LoadState") != "loaded":
            state = line(shown.get("LoadState", "unknown"), 40)
            raise ControlError(f"is not known to systemd as {self._options.unit} ({state}): correct its unit")
        return {name: shown.get(name, "") for name in SHOWN}

    async def _run(self, *arguments: str, orders: bool = False) -> Ran:
        within = self._options.timeout * (3.0 if orders else 1.0)
        return await run(arguments, within, {"SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}, orders=orders)
