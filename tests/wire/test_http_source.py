from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from monitor.engine.clock import SteadyClock
from monitor.model import Agent, Sample
from monitor.ports import Observation
from monitor.sources import Means, discover, fleet_session
from monitor.sources.http import HttpSource, Options
from tests import hostile
from tests.hostile import HEALTHY, HOSTILE, response, serve, tells

ALPHA = Agent("alpha", interval=1.0)
FULL = HEALTHY | {
    "agent_id": "alpha",
    "timestamp": 1_750_000_000.0,
    "status": "degraded",
    "paused": False,
    "equity": 1010,
    "win_rate": 0.5,
    "sharpe": None,
    "max_drawdown": 0.1,
    "heartbeat_age": 3.5,
    "errors_1h": 4,
    "uptime": 100,
    "memory": 0.7,
    "cpu": 0.2,
    "venue_latency": 0.05,
    "checks": [{"name": "venue", "ok": False, "detail": "answered\x1b[31m HTTP 500\n\u202e" + "!" * 300}],
    "trades_cursor": "",
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with fleet_session(1.0) as session:
        yield session


def a_source(session: aiohttp.ClientSession, url: str, **options: Any) -> HttpSource:
    return HttpSource(Options(url=url, **{"timeout": 5.0, **options}), Means(session, SteadyClock()))


async def look(
    session: aiohttp.ClientSession, behaviour: hostile.Behaviour, cursor: str | None = None, **options: Any
) -> Observation:
    async with serve(behaviour) as server:
        return await a_source(session, server.url, **options).fetch(ALPHA, cursor)


async def test_it_reads_a_whole_snapshot(session: aiohttp.ClientSession) -> None:
    sample = (await look(session, tells(FULL))).sample
    (check,) = sample.checks
    assert sample.error is None
    assert (sample.status, sample.paused, sample.balance, sample.equity) == ("degraded", False, 1000.5, 1010)
    assert (sample.open_positions, sample.errors_1h, sample.sharpe, sample.win_rate) == (2, 4, None, 0.5)
    assert (sample.heartbeat_age, sample.memory, sample.venue_latency) == (3.5, 0.7, 0.05)
    assert sample.poll_latency is not None
    assert sample.poll_latency > 0
    assert (check.name, check.ok, len(check.detail)) == ("venue", False, 200)
    assert check.detail.startswith("answered [31m HTTP 500 !!!")


async def test_it_reads_the_guides_three_figures(session: aiohttp.ClientSession) -> None:
    sample = (await look(session, tells(HEALTHY | {"api_latency_ms": 250}))).sample
    assert (sample.balance, sample.equity, sample.pnl_24h) == (1000.5, 1000.5, -12.25)
    assert (sample.open_positions, sample.venue_latency, sample.status) == (2, 0.25, None)


async def test_fields_are_found_where_the_settings_say(session: aiohttp.ClientSession) -> None:
    document = {"wallet": {"total": 7}, "profit": 3, "stats": {"win_pct": 60}, "ping_ms": 20, "balance": "nonsense"}
    fields = {
        "balance": "wallet.total",
        "pnl_24h": "profit",
        "win_rate": "stats.win_pct",
        "venue_latency": "ping_ms",
        "sharpe": "stats.sharpe",
    }
    sample = (await look(session, tells(document), fields=fields)).sample
    assert (sample.error, sample.balance, sample.pnl_24h, sample.sharpe) == (None, 7, 3, None)
    assert sample.win_rate == pytest.approx(0.6)
    assert sample.venue_latency == pytest.approx(0.02)


async def test_money_that_is_not_where_the_settings_say_is_an_error(session: aiohttp.ClientSession) -> None:
    sample = (await look(session, tells({"pnl_24h": 1}), fields={"balance": "wallet.total"})).sample
    assert sample.error == "wallet.total (balance) is missing: correct it in `fields` of the source"


async def test_it_asks_as_an_agent_expects(session: aiohttp.ClientSession) -> None:
    async with serve(hostile.COOKIE) as server:
        source = a_source(session, server.url + "/", key="s3cret", path="/v1/state?full=1")
        assert (await source.fetch(ALPHA, None)).sample.reachable
        assert (await source.fetch(ALPHA, None)).sample.reachable
    request = server.requests[1]
    assert (request.method, request.path, request.query) == ("GET", "/v1/state", {"full": "1"})
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers
    assert server.connections == 1
    assert "s3cret" not in repr(source.__dict__)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_agent_is_an_error_with_its_reason(session: aiohttp.ClientSession, kind: str) -> None:
    behaviour, reason = HOSTILE[kind]
    seen = await look(session, behaviour, timeout=0.3 if "no answer" in reason else 5.0)
    assert seen.sample.error is not None
    assert reason in seen.sample.error
    assert len(seen.sample.error) < 200
    assert seen == Observation(Sample("alpha", seen.sample.time, error=seen.sample.error))


async def test_an_agent_that_is_not_there_is_an_error(session: aiohttp.ClientSession) -> None:
    gone = await a_source(session, hostile.closed_port()).fetch(ALPHA, None)
    nowhere = await a_source(session, "http://nowhere.invalid").fetch(ALPHA, None)
    async with serve(tells(HEALTHY)) as server:
        no_tls = await a_source(session, server.url.replace("http:", "https:"), timeout=0.3).fetch(ALPHA, None)
    assert gone.sample.error == "refused the connection or is out of reach: see whether it runs at its url"
    assert nowhere.sample.error == "its host cannot be found by name: check its url"
    assert no_tls.sample.error == "no answer within 0.3 s"


async def test_an_agent_without_tls_is_an_error(session: aiohttp.ClientSession) -> None:
    def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"", status="400 Bad Request"))
        writer.close()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with listener:
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        seen = await a_source(session, url).fetch(ALPHA, None)
    assert seen.sample.error == "its TLS certificate or encryption is not accepted"


async def test_a_redirect_is_not_followed(session: aiohttp.ClientSession) -> None:
    async with serve(tells(HEALTHY)) as target:
        seen = await look(session, hostile.redirects(target.url + "/metrics"), key="s3cret")
    assert seen.sample.error == "answered HTTP 302, a redirect, which is not followed: correct its url"
    assert target.requests == []


@pytest.mark.parametrize(
    ("key_env", "error"),
    [("ALPHA_KEY", "answered HTTP 401: check ALPHA_KEY"), (None, "answered HTTP 401: check its key")],
)
async def test_a_refused_key_is_named(session: aiohttp.ClientSession, key_env: str | None, error: str) -> None:
    seen = await look(session, hostile.says(response(b"", status="401 Unauthorized")), key_env=key_env)
    assert seen.sample.error == error


def test_the_http_source_is_found_by_its_name() -> None:
    assert discover()["http"].Options is Options


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://host"},
        {"url": "http://"},
        {"url": "http://ana:s3cret@host"},
        {"url": "http://host/?key=s3cret"},
        {"url": "http://a..b"},
        {"url": "http://host:99999"},
        {"url": "http://host", "path": "metrics"},
        {"url": "http://host", "timeout": 0},
        {"url": "http://host", "fields": {"blance": "x"}},
        {"url": "http://host", "surprise": 1},
        {"url": "http://host", "key": ""},
        {"url": "http://host", "key": "s3cret\nX-Injected: 1"},
        {"url": "http://host", "key": "s3crets\u00e9"},
    ],
)
def test_wrong_options_are_refused_without_showing_them(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Options(**wrong)
    assert "s3cret" not in str(caught.value)


async def test_a_key_that_an_agent_sends_back_is_masked(session: aiohttp.ClientSession) -> None:
    says = {"balance": 1.0, "checks": [{"name": "venue", "ok": False, "detail": "401 for Bearer s3cret-key"}]}
    seen = await look(session, hostile.tells(says), key="s3cret-key")
    assert seen.sample.checks[0].detail == "401 for Bearer ••••"
