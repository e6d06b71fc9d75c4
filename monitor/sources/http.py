"""An agent read over HTTP: its snapshot as JSON, and its closed trades when it has new ones."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import structlog
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from yarl import URL

from monitor.model import Agent, Sample, Trade
from monitor.outside import Address, Key
from monitor.ports import AgentSource, Observation
from monitor.sources import Means
from monitor.sources._flows import read_flows
from monitor.sources._http import FAULT, Getter, sentence
from monitor.sources._snapshot import FIELDS, parse, read_cursor, read_sample
from monitor.sources._trades import PAGE_ROWS, read_page

MOST_PAGES = 20

log = structlog.get_logger()


def _known(fields: dict[str, str]) -> dict[str, str]:
    for name in fields:
        if name not in FIELDS:
            raise ValueError(f"has no field {name!r}: it knows {', '.join(sorted(FIELDS))}")
    return fields


class Options(BaseModel):
    """Settings of one agent's HTTP source; seconds where it is time."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Address
    key: Key | None = None
    """The agent's bearer key."""
    key_env: str | None = None
    """Name of the environment variable that holds the key, for sentences about it."""
    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = "/metrics"
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds one whole look may take, trades included."""
    fields: Annotated[dict[str, Annotated[str, Field(min_length=1)]], AfterValidator(_known)] = {}
    """Sample field -> dotted path in the agent's JSON."""
    trades: bool | Literal["auto"] = "auto"
    """Whether to read /trades: always, never, or when the snapshot shows a new `trades_cursor`."""


def build(options: Options, means: Means) -> AgentSource:
    """Build the source of one agent."""
    return HttpSource(options, means)


class HttpSource:
    """Reads one agent over HTTP, within one time-out and a bounded body."""

    skipped_trades: int
    """Rows of trades that made no sense, since the start."""

    def __init__(self, options: Options, means: Means) -> None:
        self._options = options
        self._getter = Getter(means.session, options.key, options.key_env)
        self._clock = means.clock
        self._snapshot = URL(options.url + options.path)
        self._trades = URL(options.url + "/trades")
        self._complained: set[str] = set()
        self.skipped_trades = 0

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        """One look at the agent, with the closed trades after `cursor`."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        deadline = start + self._options.timeout
        try:
            async with asyncio.timeout_at(deadline):
                body = await self._getter.get(self._snapshot)
            now, latency = self._clock.now(), loop.time() - start
            document = parse(body)
            sample = read_sample(agent.id, document, self._options.fields, now, latency)
            offered = read_cursor(document, "trades_cursor")
            flows = read_flows(agent.id, document)
        except FAULT as error:
            return Observation(Sample(agent.id, self._clock.now(), error=sentence(error, self._options.timeout)))
        wanted = self._options.trades
        if wanted is False or (wanted == "auto" and offered in (None, cursor)):
            return Observation(sample, flows=flows)
        trades, reached = await self._read_trades(agent.id, cursor, deadline)
        return Observation(sample, trades, reached if reached != cursor else None, flows)

    async def well(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Why /live or /health do not answer 200, in a few words; None when both do."""
        try:
            async with asyncio.timeout(self._options.timeout):
                for path in ("/live", "/health"):
                    status = await self._getter.status(URL(self._options.url + path))
                    if status != 200:  # noqa: PLR2004
                        return f"{path} answers HTTP {status}"
        except FAULT as error:
            return sentence(error, self._options.timeout)
        return None

    async def close(self) -> None:
        """Nothing was begun."""

    async def _read_trades(
        self, agent: str, cursor: str | None, deadline: float
    ) -> tuple[tuple[Trade, ...], str | None]:
        """Read pages until the last, the deadline or a fault; what was read until then counts."""
        trades: list[Trade] = []
        try:
            async with asyncio.timeout_at(deadline):
                for _ in range(MOST_PAGES):
                    query = {"limit": str(PAGE_ROWS)} | ({} if cursor is None else {"since": cursor})
                    page = read_page(agent, await self._getter.get(self._trades.with_query(query)))
                    trades += page.trades
                    self._count_skipped(agent, page.skipped)
                    stuck = page.next is None or page.next == cursor
                    cursor = page.next or cursor
                    if not page.more or stuck:
                        break
            self._complained.discard("trades")
        except FAULT as error:
            self._complain("trades", "trades could not be read", agent, sentence(error, self._options.timeout))
        return tuple(trades), cursor

    def _count_skipped(self, agent: str, reasons: tuple[str, ...]) -> None:
        if reasons:
            self.skipped_trades += len(reasons)
            self._complain("rows", "trades were skipped", agent, reasons[0])

    def _complain(self, about: str, event: str, agent: str, reason: str) -> None:
        if about not in self._complained:
            self._complained.add(about)
            log.warning(event, agent=agent, reason=reason)
