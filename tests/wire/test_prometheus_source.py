"""An agent that only serves Prometheus text is read by the guide's names, or by those that the settings give."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from monitor.engine.clock import SteadyClock
from monitor.model import Agent, Sample
from monitor.sdk import OpenPosition, Probe
from monitor.sources import Means, fleet_session, http
from monitor.sources.prometheus import Options, build
from tests.wire.probing import a_venue, calm
from tests.wire.test_sdk_metrics import fields

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


async def test_what_nobody_named_and_is_merely_called_like_a_signal_is_left_out() -> None:
    text = 'balance_usd 10\nexposure{asset="BTC"} 1\nexposure{asset="ETH"} 2\ntokens_1h 1e300\nother{ broken\n'
    async with serving(text) as url:
        sample = await look(url)
        named = await look(url, fields={"exposure": "exposure"})
    assert (sample.error, sample.balance, sample.exposure, sample.tokens_1h) == (None, 10.0, None, None)
    assert named.error == "exposure has 2 series: choose one by `labels` of the source"


async def test_a_metric_keeps_its_name_whatever_its_type() -> None:
    async with serving("# TYPE errors_1h counter\nerrors_1h 3\n# TYPE spent_total counter\nspent_total 4\n") as url:
        sample = await look(url, fields={"cost_1h": "spent_total"})
    assert (sample.errors_1h, sample.cost_1h) == (3, 4.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("paper 1\n" * 5_001, "answered more than 5,000 series of its figures"),
        ("balance_usd one\n", "answered something that is no Prometheus text"),
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


async def test_no_signal_of_the_sdk_is_lost_on_the_way_through_prometheus() -> None:
    async with a_venue() as venue, Probe("alpha", machine=calm, venue=venue.url, paper=True) as probe:
        probe.money(80, 81, available=20, exposure=60, leverage=0.75, positions=[OpenPosition("BTC", "long", 1)])
        probe.trade(**fields())
        probe.decision()
        probe.order("BTC", "buy", 1)
        probe.reject()
        probe.feed()
        for number in range(10):
            probe.venue_call("orders", 0.125, ok=number > 0, rate_limit=0.25, server_time=1.0)
            probe.model_call(1.5, tokens=100, cost=0.25, ok=number > 0)
        await asyncio.sleep(0.3)  # until the lag of the loop was measured
        text = await look(f"http://127.0.0.1:{probe.port}", path="/metrics?format=prometheus")
        async with fleet_session(30.0) as session:
            options = http.Options(url=f"http://127.0.0.1:{probe.port}", trades=False)
            json = (await http.build(options, Means(session, SteadyClock())).fetch(ALPHA, None)).sample
    at_another_moment = {"time", "poll_latency", "heartbeat_age", "decision_age", "feed_age", "uptime", "loop_lag"}
    without = {"status", "checks", "positions", "error", "sharpe"}
    for name in {each.name for each in dataclasses.fields(Sample)} - without:
        assert getattr(text, name) is not None, name
        if name not in at_another_moment | {"latencies"}:
            assert getattr(text, name) == pytest.approx(getattr(json, name)), name
    assert dict(json.latencies).items() < dict(text.latencies).items()
