"""A freqtrade bot read over its REST API, and looked at once its WebSocket tells of a fill."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.model import Agent, Sample
from monitor.outside import Address
from monitor.ports import AgentSource, Observation
from monitor.sources import Means
from monitor.sources._freqtrade_api import Api
from monitor.sources._freqtrade_read import DAY, Looked, read_sample
from monitor.sources._freqtrade_stream import Stream
from monitor.sources._freqtrade_trades import Reading, TradeReader
from monitor.sources._freqtrade_walk import Walk
from monitor.sources._http import FAULT, sentence
from monitor.sources._snapshot import BadAnswerError

ASIDE = 0.6
"""Share of a look's time that what it can do without may take."""
FRESH = 60.0
"""Seconds since its loop last turned within which a bot that was just started is well."""


class Options(BaseModel):
    """Settings of one bot; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Address
    username: Annotated[str, Field(pattern=r"^[^:\x00-\x1f]{1,100}$")]
    password: SecretStr
    password_env: str | None = None
    """Name of the environment variable that holds the password, for sentences about it."""
    login: Literal["basic", "jwt"] = "basic"
    """Whether each call shows the password, or a token that is renewed."""
    websocket: bool = True
    """Whether to listen for fills; without it they are seen at the next poll."""
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds one whole look may take."""


def build(options: Options, means: Means) -> AgentSource:
    """Build the source of one bot."""
    return FreqtradeSource(options, means)


class FreqtradeSource:
    """Reads one bot within one time-out."""

    def __init__(self, options: Options, means: Means) -> None:
        self._options = options
        self._means = means
        self._api = Api(
            means.session,
            options.url,
            options.username,
            options.password,
            options.password_env,
            tokens=options.login == "jwt",
        )
        self._stream: Stream | None = None
        self._reader = TradeReader(self._api)
        self._judged: Mapping[str, Any] | None = None
        """What /profit said last."""
        self._judge = True
        """Whether trades have closed since."""

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        """One look at the bot, with the trades that closed since `cursor`."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        deadline = start + self._options.timeout
        try:
            async with asyncio.timeout_at(deadline):
                seen, latency = await self._look(start + ASIDE * self._options.timeout)
            now = self._means.clock.now()
            look = Reading(agent.id, seen.config.get("dry_run") is True, Walk.unpack(cursor))
            profits = await self._reader.read(look, seen.open, deadline, self._options.timeout)
            self._reader.forget(now - 8 * DAY)
            self._judge |= bool(look.trades)
            sample = read_sample(agent.id, seen, now, latency, profits)
        except FAULT as error:
            said = sentence(error, self._options.timeout)
            return Observation(Sample(agent.id, self._means.clock.now(), error=said))
        self._listen(agent.id)
        packed = look.walk.pack()
        return Observation(sample, tuple(look.trades), packed if packed != cursor else None)

    async def well(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Why its API does not answer, or its loop does not turn, in a few words; None when it is well."""
        try:
            async with asyncio.timeout(self._options.timeout):
                pong, health, config = await _together(*map(self._api.get, ("ping", "health", "show_config")))
        except FAULT as error:
            return sentence(error, self._options.timeout)
        if not all(isinstance(each, dict) for each in (pong, health, config)) or pong.get("status") != "pong":
            return "what answers is not freqtrade"
        worked = health.get("last_process_ts")
        fresh = isinstance(worked, int | float) and self._means.clock.now() - worked <= FRESH
        # The loop of one that is stopped does not turn, and it is well: it waits to be started.
        return None if fresh or config.get("state") == "stopped" else "its loop has not turned yet"

    async def close(self) -> None:
        """Listen no more."""
        if self._stream is not None:
            await self._stream.close()

    async def _look(self, aside: float) -> tuple[Looked, float]:
        """What it says, and the seconds that took. `aside`: when what a look can do without is waited for no more."""
        time = asyncio.get_running_loop().time
        start = time()
        further = asyncio.create_task(self._further(aside))  # /sysinfo alone takes a second in versions of 2024
        try:
            config, balance, open_, health = await _together(
                self._api.get("show_config"), self._api.get("balance"), self._api.get("status"), self._api.get("health")
            )
            latency = time() - start
            if not all(isinstance(each, dict) for each in (config, balance, health)) or not isinstance(open_, list):
                raise BadAnswerError("answered something that is not freqtrade's")
            machine = await further
        finally:
            further.cancel()
        return Looked(config, balance, open_, health, machine, self._judged), latency

    async def _further(self, until: float) -> Mapping[str, Any] | None:
        """What /sysinfo says; and /profit, which reads every trade, only when some have closed."""
        if not self._judge:
            return await self._maybe("sysinfo", until)
        machine: Mapping[str, Any] | None
        machine, judged = await _together(self._maybe("sysinfo", until), self._maybe("profit", until))
        self._judge, self._judged = False, judged or self._judged
        return machine

    async def _maybe(self, path: str, until: float) -> Mapping[str, Any] | None:
        """What only some versions have, or some bots in time."""
        try:
            async with asyncio.timeout_at(until):
                said = await self._api.get(path)
        except FAULT:
            return None
        return said if isinstance(said, dict) else None

    def _listen(self, agent: str) -> None:
        if self._options.websocket and self._stream is None:
            self._stream = Stream(self._means.session, self._options.url, self._api, agent, self._means.stir)


async def _together(*asked: Coroutine[Any, Any, Any]) -> list[Any]:
    """What all of them return; when one fails, nothing of the others goes on."""
    tasks = [asyncio.create_task(each) for each in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for each in tasks:
            each.cancel()
