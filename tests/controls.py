"""Controls of agents that need no process: what each does is the test's."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model import Agent
from monitor.ports import ControlError


class Willing:
    """A control that takes every order, reads nothing back and has no log; the orders it was given are in `given`."""

    kind = "willing"
    abilities: Mapping[str, str] = {"pause": "no new entries", "resume": "it trades again", "close": "all is sold"}

    def __init__(self) -> None:
        self.given: list[str] = []

    async def reach(self, agent: Agent) -> None:
        """Everybody hears it."""

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the shape of the port
        self.given.append(action)
        return ""

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the shape of the port
        return None

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the shape of the port
        raise ControlError("has no log")


class Supervisor(Willing):
    """A supervisor of one process, which runs until it is stopped."""

    kind = "pm2"
    abilities: Mapping[str, str] = {
        "stop": "its process is ended",
        "resume": "its process is started",
        "restart": "its process is begun anew",
        "logs": "its log",
    }

    def __init__(self) -> None:
        super().__init__()
        self.runs = True

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:
        self.runs = action != "stop"
        return await super().send(agent, action, by, reason)

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the shape of the port
        return "running" if self.runs else "stopped"

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:
        return tuple(f"{agent.id} line {number}" for number in range(lines))
