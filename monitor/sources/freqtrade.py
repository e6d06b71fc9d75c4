"""A freqtrade bot read over its REST API, and looked at once its WebSocket tells of a fill."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.model import Agent, Sample, Trade
from monitor.outside import Address
from monitor.ports import AgentSource, Observation
from monitor.sources import Means
from monitor.sources._freqtrade_api import Api, GoneError
from monitor.sources._freqtrade_read import DAY, Looked, Profits, read_sample, read_trade, trade_id
from monitor.sources._freqtrade_stream import Stream
from monitor.sources._freqtrade_walk import Walk
from monitor.sources._http import FAULT, sentence
from monitor.sources._snapshot import BadAnswerError

PAGE, MOST_PAGES = 500, 10
"""Trades a page, pages a look: a long history is read over several looks."""
MOST_MISSING = 50
"""Trades asked for one by one in a look."""
FRESH = 60.0
"""Seconds since its loop last turned within which a bot that was just started is well."""

log = structlog.get_logger()


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
        self._profits = Profits()
        self._complained: set[str] = set()
        self._from_first = False
        """Whether this run reads from the first trade on."""

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        """One look at the bot, with the trades that closed since `cursor`."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        deadline = start + self._options.timeout
        try:
            async with asyncio.timeout_at(deadline):
                seen = await self._look()
            now, latency = self._means.clock.now(), loop.time() - start
            paper = seen.config.get("dry_run") is True
            trades, walk = await self._trades(agent.id, Walk.unpack(cursor), seen.open, deadline, paper=paper)
            self._profits.add(trades)
            self._profits.forget(now - 8 * DAY)
            sample = read_sample(agent.id, seen, now, latency, self._profits)
        except FAULT as error:
            said = sentence(error, self._options.timeout)
            return Observation(Sample(agent.id, self._means.clock.now(), error=said))
        self._listen(agent.id)
        packed = walk.pack()
        return Observation(sample, tuple(trades), packed if packed != cursor else None)

    async def well(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Why its API does not answer, or its loop does not turn, in a few words; None when it is well."""
        try:
            async with asyncio.timeout(self._options.timeout):
                await self._api.get("ping")
                health = await self._api.get("health")
        except FAULT as error:
            return sentence(error, self._options.timeout)
        worked = health.get("last_process_ts") if isinstance(health, dict) else None
        if not isinstance(worked, int | float) or self._means.clock.now() - worked > FRESH:
            return "its loop has not turned yet"
        return None

    async def close(self) -> None:
        """Listen no more."""
        if self._stream is not None:
            await self._stream.close()

    async def _look(self) -> Looked:
        config, balance, open_, health, machine = await asyncio.gather(
            self._api.get("show_config"),
            self._api.get("balance"),
            self._api.get("status"),
            self._api.get("health"),
            self._maybe("sysinfo"),
        )
        if not all(isinstance(each, dict) for each in (config, balance, health)) or not isinstance(open_, list):
            raise BadAnswerError("answered something that is not freqtrade's")
        return Looked(config, balance, open_, health, machine if isinstance(machine, dict) else None)

    async def _maybe(self, path: str) -> Any:
        """What only some versions have."""
        try:
            return await self._api.get(path)
        except BadAnswerError:
            return None

    async def _trades(
        self, agent: str, walk: Walk, open_: Sequence[Any], deadline: float, *, paper: bool
    ) -> tuple[list[Trade], Walk]:
        """Read on; what was read until the end of its time, or a fault, counts."""
        found: list[Trade] = []
        try:
            async with asyncio.timeout_at(deadline):
                self._from_first |= not walk.last
                if not self._from_first and not self._profits.known:
                    await self._remember(agent, paper=paper)
                walk = await self._pages(agent, walk, _ids(open_), found, paper=paper)
                walk = await self._missing(agent, walk, found, paper=paper)
            self._complained.discard("trades")
        except FAULT as error:
            self._complain("trades", "trades could not be read", agent, sentence(error, self._options.timeout))
        return found, walk

    async def _pages(self, agent: str, walk: Walk, open_: set[int], found: list[Trade], *, paper: bool) -> Walk:
        offset, horizon = walk.offset, max({walk.last, *open_})
        for number in range(MOST_PAGES):
            rows = await self._page(offset)
            ids = [trade_id(each) for each in rows]
            if number == 0 and walk.anew(ids):
                walk, offset, self._from_first = Walk(), 0, True
                rows = await self._page(offset)
                ids = [trade_id(each) for each in rows]
            news = walk.news(ids)
            after = _ids(await self._api.get("status")) if news else set()
            found += self._read(agent, (each for each in rows if trade_id(each) in news), paper=paper)
            walk = walk.page(ids, offset, open_ | after, horizon)
            offset += len(rows)
            if len(rows) < PAGE:
                self._end()
                return walk
        return walk

    async def _page(self, offset: int) -> list[Any]:
        said = await self._api.get("trades", exact=True, limit=PAGE, offset=offset, order_by_id="true")
        rows = said.get("trades") if isinstance(said, dict) else None
        if not isinstance(rows, list):
            raise BadAnswerError("answered /trades without trades")
        return rows

    async def _missing(self, agent: str, walk: Walk, found: list[Trade], *, paper: bool) -> Walk:
        """Ask for trades one by one that were passed open and are so no longer."""
        missing = walk.missing(_ids(await self._api.get("status"))) if walk.open else ()
        for each in missing[:MOST_MISSING]:
            try:
                row = await self._api.get(f"trade/{each}", exact=True)
            except GoneError:
                walk = walk.found(each, closed=False)
                continue
            if isinstance(row, dict) and row.get("is_open") is False:
                found += self._read(agent, (row,), paper=paper)
                walk = walk.found(each, closed=True)
        return walk

    async def _remember(self, agent: str, *, paper: bool) -> None:
        """Read the newest closed trades again, after a start: what was made in the last days follows from them."""
        said = await self._api.get("trades", exact=True, limit=1, order_by_id="true")
        total = int(said.get("total_trades", 0)) if isinstance(said, dict) else 0
        rows = await self._page(max(0, total - PAGE))
        self._profits.add(self._read(agent, rows, paper=paper))
        oldest = min((int(row["open_timestamp"]) / 1000 for row in rows), default=0.0)
        self._profits.whole(0.0 if total <= PAGE else oldest)

    def _end(self) -> None:
        """The newest trade was reached."""
        if self._from_first:
            self._profits.whole(0.0)

    def _read(self, agent: str, rows: Iterable[Any], *, paper: bool) -> list[Trade]:
        found = []
        for row in rows:
            try:
                found.append(read_trade(agent, row, paper=paper))
            except ValueError as error:
                self._complain("rows", "trades were skipped", agent, str(error))
        return found

    def _complain(self, about: str, event: str, agent: str, reason: str) -> None:
        if about not in self._complained:
            self._complained.add(about)
            log.warning(event, agent=agent, reason=reason)

    def _listen(self, agent: str) -> None:
        if self._options.websocket and self._stream is None:
            self._stream = Stream(self._means.session, self._options.url, self._api, agent, self._means.stir)


def _ids(rows: Any) -> set[int]:
    """The ids of open trades. Errors: BadAnswerError."""
    try:
        return {trade_id(each) for each in (rows if isinstance(rows, list) else [])}
    except ValueError as error:
        raise BadAnswerError(f"answered /status with a trade that is none: {error}") from None
