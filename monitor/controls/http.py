"""Orders to an agent that embeds the SDK; only 2xx is an acceptance, and what is unsure is said to be unsure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field

from monitor.controls._http import Call, accepted, ask, fault
from monitor.model import Agent
from monitor.outside import Address, Key, authorization, line
from monitor.ports import AgentControl, ControlError


class Options(BaseModel):
    """Settings of one agent's HTTP control; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Address
    key: Key | None = None
    """The agent's bearer key."""
    key_env: str | None = None
    """Name of the environment variable that holds the key, for sentences about it."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds the agent has to answer an order."""


def build(options: Options) -> AgentControl:
    """Build the control of one agent."""
    return HttpControl(options)


MEANS = {
    "pause": "no new entries and no increases; open positions are kept, and their exits go on",
    "resume": "it trades again",
    "close": "it closes all its positions, if it was started with on_close",
}


class HttpControl:
    """Gives one agent orders over HTTP."""

    kind = "http"
    abilities: Mapping[str, str] = MEANS

    def __init__(self, options: Options) -> None:
        self._options = options

    async def reach(self, agent: Agent) -> None:  # noqa: ARG002 - the port's shape
        """See whether anybody listens; whatever is answered is a listener. Errors: ControlError."""
        try:
            async with asyncio.timeout(self._options.timeout):
                await ask(self._call("GET", "live"), self._options.timeout, self._options.key)
        except (TimeoutError, httpx.HTTPError):
            raise ControlError("cannot be reached at its url: no order would get there") from None

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the port's shape
        """Order one of the abilities; return what the agent said. Errors: ControlError."""
        if action not in self.abilities:
            raise ControlError(f"cannot be ordered to {line(action, 32)}: it takes {', '.join(self.abilities)}")
        order = {"by": line(by, 100), "reason": line(reason, 500)}
        within = self._options.timeout
        try:
            async with asyncio.timeout(within):
                status, said = await ask(self._call("POST", action, order), within, self._options.key)
        except (TimeoutError, httpx.HTTPError) as error:
            raise fault(error, within) from None
        return accepted(status, said, action, (), self._options.key_env)

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Nothing: the agent itself reports it."""
        return None

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """Refuse. Errors: ControlError."""
        raise ControlError("gives no log lines over HTTP: add a pm2 or systemd control, or look on its machine")

    def _call(self, method: str, path: str, order: Mapping[str, str] | None = None) -> Call:
        return Call(method, f"{self._options.url}/{path}", authorization(self._options.key), order)
