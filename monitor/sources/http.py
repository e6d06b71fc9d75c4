"""An agent read over HTTP: its snapshot as JSON, and its closed trades when it has new ones."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Literal

import aiohttp
import structlog
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from yarl import URL

from monitor.model import Agent, Sample, Trade
from monitor.outside import Address, Key, authorization, masked
from monitor.ports import AgentSource, Observation
from monitor.sources import Means
from monitor.sources._snapshot import FIELDS, BadAnswerError, parse, read_cursor, read_sample
from monitor.sources._trades import PAGE_ROWS, read_page

BODY_LIMIT = 1 << 20
MOST_PAGES = 20
FAULTS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((aiohttp.ClientConnectorDNSError,), "its host cannot be found by name: check its url"),
    (
        (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError),
        "its TLS certificate or encryption is not accepted",
    ),
    ((aiohttp.ClientConnectorError,), "refused the connection or is out of reach: see whether it runs at its url"),
    ((aiohttp.ClientResponseError,), "answered something that is not HTTP"),
    ((aiohttp.ClientPayloadError,), "broke its answer off"),
    ((Exception,), "dropped the connection without an answer"),
)
"""What the first kind of error that fits means."""

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
        self._session = means.session
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
                body = await self._get(self._snapshot)
            now, latency = self._clock.now(), loop.time() - start
            document = parse(body)
            sample = read_sample(agent.id, document, self._options.fields, now, latency)
            offered = read_cursor(document, "trades_cursor")
        except (BadAnswerError, TimeoutError, aiohttp.ClientError, OSError) as error:
            return Observation(Sample(agent.id, self._clock.now(), error=self._sentence(error)))
        wanted = self._options.trades
        if wanted is False or (wanted == "auto" and offered in (None, cursor)):
            return Observation(sample)
        trades, reached = await self._read_trades(agent.id, cursor, deadline)
        return Observation(sample, trades, reached if reached != cursor else None)

    async def well(self, agent: Agent) -> str | None:  # noqa: ARG002 - the port's shape
        """Why /live or /health do not answer 200, in a few words; None when both do."""
        try:
            async with asyncio.timeout(self._options.timeout):
                for path in ("/live", "/health"):
                    headers = authorization(self._options.key)
                    async with self._session.get(
                        URL(self._options.url + path), headers=headers, allow_redirects=False
                    ) as response:
                        if response.status != 200:  # noqa: PLR2004
                            return f"{path} answers HTTP {response.status}"
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return self._sentence(error)
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
                    page = read_page(agent, await self._get(self._trades.with_query(query)))
                    trades += page.trades
                    self._count_skipped(agent, page.skipped)
                    stuck = page.next is None or page.next == cursor
                    cursor = page.next or cursor
                    if not page.more or stuck:
                        break
            self._complained.discard("trades")
        except (BadAnswerError, TimeoutError, aiohttp.ClientError, OSError) as error:
            self._complain("trades", "trades could not be read", agent, self._sentence(error))
        return tuple(trades), cursor

    def _count_skipped(self, agent: str, reasons: tuple[str, ...]) -> None:
        if reasons:
            self.skipped_trades += len(reasons)
            self._complain("rows", "trades were skipped", agent, reasons[0])

    def _complain(self, about: str, event: str, agent: str, reason: str) -> None:
        if about not in self._complained:
            self._complained.add(about)
            log.warning(event, agent=agent, reason=reason)

    async def _get(self, url: URL) -> bytes:
        headers = {"Accept": "application/json", **authorization(self._options.key)}
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            self._refuse(response)
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise BadAnswerError("answered more than 1 MiB")
            return masked(bytes(body), self._options.key)

    def _refuse(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status in (401, 403):
            raise BadAnswerError(f"answered HTTP {status}: check {self._options.key_env or 'its key'}")
        if 300 <= status < 400:  # noqa: PLR2004 - the redirects of HTTP
            raise BadAnswerError(f"answered HTTP {status}, a redirect, which is not followed: correct its url")
        if status != 200:  # noqa: PLR2004
            raise BadAnswerError(f"answered HTTP {status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BadAnswerError("answered compressed though it was asked not to")
        if (response.content_length or 0) > BODY_LIMIT:
            raise BadAnswerError("answered more than 1 MiB")

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, BadAnswerError):
            return str(error)
        if isinstance(error, TimeoutError):
            return f"no answer within {self._options.timeout:g} s"
        # aiohttp has no kind of its own for these; by the words, which a test watches.
        if isinstance(error, aiohttp.ClientResponseError) and re.search(r"more than|Too many headers", error.message):
            return "answered with headers that are too large"
        return next(sentence for kinds, sentence in FAULTS if isinstance(error, kinds))
