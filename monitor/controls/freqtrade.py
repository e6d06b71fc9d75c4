"""Orders to a freqtrade bot: no new entries, nothing at all, all over again, or every open trade sold."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.controls._http import HALFWAY, UNSURE, Call, accepted, ask, fault
from monitor.model import Agent
from monitor.outside import Address, line
from monitor.ports import AgentControl, ControlError

MEANS: Mapping[str, str] = {
    "pause": "no new entries; open trades are kept, and their exits go on",
    "stop": "the bot does nothing any more: open trades are kept, and only stop losses on the exchange watch them",
    "resume": "it enters and exits again",
    "close": "every open trade is left at market by a forced exit",
    "logs": "the newest lines that the bot itself keeps",
}
RELOADS_WITHIN, ASKS_AGAIN = 10.0, 0.25
"""Seconds that a bot has to read its settings anew; seconds between two looks whether it has."""
LOG_LIMIT = 4 << 20
"""Bytes of an answer that are read."""


class Options(BaseModel):
    """Settings of one bot's control; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Address
    username: Annotated[str, Field(pattern=r"^[^:\x00-\x1f]{1,100}$")]
    password: SecretStr
    password_env: str | None = None
    """Name of the environment variable that holds the password, for sentences about it."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds the bot has to answer an order."""


def build(options: Options) -> AgentControl:
    """Build the control of one bot."""
    return FreqtradeControl(options)


class FreqtradeControl:
    """Gives one bot orders over its REST API."""

    kind = "freqtrade"
    abilities = MEANS

    def __init__(self, options: Options) -> None:
        self._options = options
        pair = f"{options.username}:{options.password.get_secret_value()}"
        self._headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    async def reach(self, agent: Agent) -> None:  # noqa: ARG002 - the port's shape
        """See whether the bot answers and takes the password. Errors: ControlError."""
        if not isinstance((await self._json("version")).get("version"), str):
            raise ControlError("answered /version without one: see whether it is freqtrade's API")

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the port's shape
        """Order one of the abilities; return what the bot said. Errors: ControlError."""
        match action:
            case "pause":
                return await self._pause()
            case "resume":
                return await self._resume()
            case "stop":
                return await self._order(action, "stop")
            case "close":
                return await self._order(action, "forceexit", {"tradeid": "all", "ordertype": "market"})
        raise ControlError(f"cannot be ordered to {line(action, 32)}: it takes {', '.join(MEANS)}")

    async def state(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Nothing: the bot itself reports it."""
        return None

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """The newest lines of its log, oldest first. Errors: ControlError."""
        said = await self._json(f"logs?limit={lines}")
        rows = said.get("logs") if isinstance(said, dict) else None
        return tuple(_lines(rows if isinstance(rows, list) else []))

    async def _pause(self) -> str:
        """Stop entries, by the name that every version knows, or by the older one.

        One that is stopped enters nothing as it is; newer versions would take a pause for an order to begin.
        """
        with suppress(ControlError):  # what cannot be asked is ordered all the same
            if (await self._json("show_config")).get("state") == "stopped":
                return "it is stopped already"
        status, said = await self._ask("POST", "stopentry")
        if status == 404:  # noqa: PLR2004 - before it was called so
            status, said = await self._ask("POST", "stopbuy")
        return self._accepted("pause", status, said)

    async def _resume(self) -> str:
        """Begin again; in versions of 2024 what was set to 0 comes back only by reading its settings anew."""
        config = await self._json("show_config")
        if config.get("max_open_trades") != 0 or config.get("state") == "paused":  # there is no paused in 2024
            return await self._order("resume", "start")
        said = await self._order("resume", "reload_config")
        # Then it is as its settings say, which may be stopped; a start before that would undo the reading.
        return await self._order("resume", "start") if await self._reloaded() == "stopped" else said

    async def _reloaded(self) -> str | None:
        """Wait until it has read its settings anew, and return its state; None if that takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RELOADS_WITHIN):
                while True:
                    await asyncio.sleep(ASKS_AGAIN)
                    with suppress(ControlError):  # its API is away for a moment
                        state = (await self._json("show_config")).get("state")
                        if isinstance(state, str) and state != "reload_config":
                            return state
        return None

    async def _order(self, action: str, path: str, body: Mapping[str, str] | None = None) -> str:
        return self._accepted(action, *await self._ask("POST", path, body))

    def _accepted(self, action: str, status: int, said: str) -> str:
        if status == 401:  # noqa: PLR2004 - who asks is not known
            raise ControlError(f"refused user and password: check {self._options.password_env or 'them'}")
        # Heard, and will not be carried out: so freqtrade says it, and not a proxy before it.
        refused = status == 502 and said.startswith("Error querying ")  # noqa: PLR2004
        uncertain = status in HALFWAY and not refused
        try:
            return accepted(status, _word(said), action, (), self._options.password_env)
        except ControlError as error:
            raise ControlError(str(error), uncertain=uncertain) from None

    async def _json(self, path: str) -> Any:
        """The JSON of an answer. Errors: ControlError."""
        name = path.partition("?")[0]
        try:
            status, said = await self._ask("GET", path, limit=LOG_LIMIT)
            document = json.loads(self._accepted(name, status, _word(said)) if status != 200 else said)  # noqa: PLR2004
        except ControlError as error:  # a question that fails is no order that may have been heard
            raise ControlError(str(error).replace(UNSURE, "it got no order")) from None
        except (ValueError, RecursionError):
            raise ControlError(f"answered /{name} with something that is not JSON") from None
        return document if isinstance(document, dict) else {}

    async def _ask(
        self, method: str, path: str, body: Mapping[str, str] | None = None, limit: int | None = None
    ) -> tuple[int, str]:
        within = self._options.timeout
        call = Call(method, f"{self._options.url}/api/v1/{path}", self._headers, body)
        try:
            async with asyncio.timeout(within):
                return await ask(call, within, self._options.password, raw=limit)
        except (TimeoutError, httpx.HTTPError) as error:
            raise fault(error, within) from None


def _word(said: str) -> str:
    """What freqtrade says of an order: the `status` or `result` of a JSON object, or the text as it is."""
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        return said
    words = [answer.get(name) for name in ("status", "result", "error", "detail")] if isinstance(answer, dict) else []
    return line(next((each for each in words if isinstance(each, str)), said))


def _lines(rows: list[Any]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, list) and len(row) >= 5:  # noqa: PLR2004 - date, time, logger, level, text
            date, _, name, level, text = (str(each) for each in row[:5])
            yield f"{date} {level} {name}: {text}"
