"""An agent that only serves Prometheus text is read by the guide's names, or by those that the settings give."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from monitor.engine.clock import SteadyClock
from monitor.model import Agent, Sample
from monitor.sdk import OpenPosition, Probe
from monitor.sources import Means, fleet_session
from monitor.sources.prometheus import Options, build
from tests.wire.probing import calm

ALPHA = Agent("alpha")


@asynccontextmanager
async def serving(text: str, status: int = 200) -> AsyncIterator[str]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    async with running(answer) as url:
        yield url


@asynccontextmanager
async def running(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def look(url: str, agent: Agent = ALPHA, **options: object) -> Sample:
    async with fleet_session(30.0) as session:
        source = build(Options.model_validate({"url": url, **options}), Means(session, SteadyClock()))
        return (await source.fetch(agent, None)).sample


GUIDE = """# TYPE balance_usd gauge
balance_usd{agent_id="alpha"} 9731.5
balance_usd{agent_id="beta"} 5
pnl_24h_usd{agent_id="alpha"} -12.25
win_rate_pct{agent_id="alpha"} 55
max_drawdown_pct{agent_id="alpha"} NaN
open_positions{agent_id="alpha"} 2
api_latency_ms{agent_id="alpha",endpoint="orders"} 120
api_latency_ms{agent_id="alpha",endpoint="venue"} 40
"""


async def test_the_guides_names_are_known_and_the_series_of_others_are_not_taken() -> None:
    async with serving(GUIDE) as url:
        sample = await look(url)
    assert (sample.error, sample.balance, sample.equity, sample.pnl_24h) == (None, 9_731.5, 9_731.5, -12.25)
    assert (sample.win_rate, sample.max_drawdown, sample.open_positions) == (0.55, None, 2)
    assert (sample.venue_latency, sample.latencies) == (0.04, (("orders", 0.12), ("venue", 0.04)))
    assert sample.paused is None


async def test_other_names_and_series_are_chosen_by_the_settings() -> None:
    text = 'wallet{account="a"} 10\nwallet{account="b"} 20\nlag_ms 250\nstopped 1\n'
    fields = {"balance": "wallet", "feed_age": "lag_ms", "paused": "stopped"}
    async with serving(text) as url:
        sample = await look(url, fields=fields, labels={})
        assert sample.error == "wallet has 2 series: choose one by `labels` of the source"
    async with serving(text.replace("lag_ms", 'lag_ms{account="b"}').replace("stopped", 'stopped{account="b"}')) as url:
        sample = await look(url, fields=fields, labels={"account": "b"})
    assert (sample.balance, sample.feed_age, sample.paused) == (20.0, 0.25, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html>", "answered something that is no Prometheus text"),
        ("up 1\n", "answered no metric that is known: name its own in `fields` of the source"),
        ("balance_usd 1e300\n", "balance_usd is larger than 1e+15"),
        ("", "answered no metric that is known"),
    ],
)
async def test_what_makes_no_sense_is_one_sentence(text: str, says: str) -> None:
    async with serving(text) as url:
        assert says in str((await look(url)).error)


async def test_money_that_was_named_and_is_missing_is_no_silence() -> None:
    async with serving("up 1\n") as url:
        sample = await look(url, fields={"balance": "wallet", "errors_1h": "up"})
    assert sample.error == "wallet (balance) is missing: correct it in `fields` of the source"


async def test_an_agent_that_is_away_or_refuses_is_a_sample_with_its_error() -> None:
    async with serving("no", status=503) as url:
        assert (await look(url)).error == "answered HTTP 503"
    assert "refused the connection" in str((await look(url)).error)


async def test_what_the_sdk_serves_can_be_read_back() -> None:
    async with Probe("alpha", machine=calm) as probe:
        probe.money(balance=80, equity=81, positions=[OpenPosition("BTC", "long", 1)], exposure=60)
        probe.decision()
        probe.feed()
        sample = await look(f"http://127.0.0.1:{probe.port}", path="/metrics?format=prometheus")
    assert (sample.error, sample.balance, sample.equity, sample.open_positions) == (None, 80.0, 81.0, 1)
    assert (sample.exposure, sample.orders_1h) == (60.0, None)
    assert sample.decision_age is not None
    assert sample.feed_age is not None
