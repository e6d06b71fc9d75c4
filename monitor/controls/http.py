"""Orders to an agent that embeds the SDK: POST /pause, /resume, /close; only 2xx is an acceptance, what is unsure is said so."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
from collections.abc import Mapping
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field

from monitor.model import Agent
from monitor.outside import Address, Key, authorization, line, masked
from monitor.ports import AgentControl, ControlError

BODY_LIMIT = 4096
HALFWAY = (500, 502, 503, 504)
"""Answers after which nobody knows whether the order was heard."""
UNSURE = "it may have obeyed; watch /status"


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


@functools.cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # slow to make, and the same for every agent


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
                await self._ask("GET", "live", None)
        except (TimeoutError, httpx.HTTPError):
            raise ControlError("cannot be reached at its url: no order would get there") from None

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the port's shape
        """Order one of the abilities; return what the agent said. Errors: ControlError."""
        if action not in self.abilities:
            raise ControlError(f"cannot be ordered to {line(action, 32)}: it takes {', '.join(self.abilities)}")
        try:
            async with asyncio.timeout(self._options.timeout):
                order = {"by": line(by, 100), "reason": line(reason, 500)}
                status, said = await self._ask("POST", action, order)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise ControlError("cannot be reached at its url: it got no order") from None
        except (TimeoutError, httpx.TimeoutException):
            raise ControlError(f"did not answer within {self._options.timeout:g} s: {UNSURE}", uncertain=True) from None
        except httpx.HTTPError:
            raise ControlError(f"broke off before it had answered: {UNSURE}", uncertain=True) from None
        if not 200 <= status < 300:  # noqa: PLR2004 - the successes of HTTP
            raise ControlError(self._refusal(action, status, said), uncertain=status in HALFWAY)
        return said

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Nothing: the agent itself reports it."""
        return None

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """Refuse. Errors: ControlError."""
        raise ControlError("gives no log lines over HTTP: add a pm2 or systemd control, or look on its machine")

    async def _ask(self, method: str, path: str, order: Mapping[str, str] | None) -> tuple[int, str]:
        url = f"{self._options.url}/{path}"
        headers = {"Accept-Encoding": "identity", "User-Agent": "nightdesk", **authorization(self._options.key)}
        verify = _trusted() if url.startswith("https:") else False
        # A connection of its own for each order: a kept one may be dead, and then nobody knows whether it was heard.
        # Less time to connect than for the whole: then it is known that an agent out of reach got no order.
        patience = httpx.Timeout(self._options.timeout, connect=0.8 * self._options.timeout)
        async with (
            httpx.AsyncClient(verify=verify, trust_env=False, timeout=patience) as client,
            client.stream(method, url, json=order, headers=headers) as response,
        ):
            return response.status_code, await _said(response, self._options.key)

    def _refusal(self, action: str, status: int, said: str) -> str:
        if status == 401 or (status == 403 and not said):  # noqa: PLR2004 - who asks is not known, or may not
            return f"refused the key: check {self._options.key_env or 'it'}"
        if status == 404:  # noqa: PLR2004 - not found
            return f"does not know /{action}" + (f": {said}" if said else "")
        if 300 <= status < 400:  # noqa: PLR2004 - the redirects of HTTP
            return f"answered HTTP {status}, a redirect, which is not followed: correct its url"
        return f"answered HTTP {status}: {said}" if said else f"answered HTTP {status}"


async def _said(response: httpx.Response, key: Key | None) -> str:
    """What the agent said, in one line: the `detail` or `error` of a JSON object, or the text as it is."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return ""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= BODY_LIMIT:
            break
    text = masked(bytes(body[:BODY_LIMIT]), key).decode(errors="replace")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.lstrip().startswith("<") else line(text)
    words = [answer.get(name) for name in ("error", "detail")] if isinstance(answer, dict) else []
    return line(next((each for each in words if isinstance(each, str)), text))
