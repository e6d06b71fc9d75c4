"""What an agent tells the SDK in one call each is what the desk reads, by the SDK's JSON."""

from __future__ import annotations

import asyncio
import math
import time
from decimal import Decimal
from typing import Any

import pytest

from monitor.engine.clock import SteadyClock
from monitor.model import Agent, CashFlow, Position, Sample, Side
from monitor.ports import Observation
from monitor.sdk import OpenPosition, Probe
from monitor.sources import Means, fleet_session
from monitor.sources.http import Options, build
from tests.wire.probing import ask, calm


async def look(probe: Probe) -> Sample:
    return (await looked(probe)).sample


async def looked(probe: Probe) -> Observation:
    async with fleet_session(30.0) as session:
        source = build(Options(url=f"http://127.0.0.1:{probe.port}"), Means(session, SteadyClock()))
        return await source.fetch(Agent("alpha"), None)


async def test_every_signal_of_the_four_layers_arrives() -> None:
    async with Probe("alpha", machine=calm, paper=True) as probe:
        probe.decision()
        for _ in range(3):
            probe.order("BTC", "buy", 0.1, 64_000)
        probe.reject()
        probe.feed(time.time() - 4.0)
        for number in range(10):
            probe.venue_call("orders", 0.125, ok=number > 1, rate_limit=0.25, server_time=time.time() + 2.0)
            probe.model_call(1.5, tokens=100, cost=0.25, ok=number > 0)
        held = [OpenPosition("ETH", "short", 2, entry_price=3_000, pnl=-5.5), OpenPosition("BTC", "long", 0.1, id="7")]
        probe.money(balance=9_000, equity=10_000, available=4_000, exposure=12_400, leverage=1.24, positions=held)
        sample = await look(probe)
    assert sample.error is None
    assert (sample.paper, sample.orders_1h, sample.rejects_1h, sample.repeated_orders) == (True, 3, 1, 3)
    assert (sample.decisions_1h, sample.tokens_1h, sample.cost_1h, sample.cost_24h) == (1, 1_000, 2.5, 2.5)
    assert (sample.venue_errors, sample.rate_limit, sample.model_errors, sample.model_latency) == (0.2, 0.25, 0.1, 1.5)
    assert (sample.available, sample.exposure, sample.leverage) == (4_000.0, 12_400.0, 1.24)
    assert sample.latencies == (("orders", 0.125),)
    assert sample.positions == (
        Position("BTC", Side.LONG, 0.1, id="7"),
        Position("ETH", Side.SHORT, 2.0, 3_000.0, -5.5),
    )
    assert sample.open_positions == 2
    assert sample.feed_age is not None
    assert 4.0 <= sample.feed_age < 60.0
    assert sample.clock_skew is not None
    assert 1.5 < sample.clock_skew <= 2.0
    assert sample.decision_age is not None


async def test_an_agent_that_tells_nothing_of_it_leaves_it_unknown() -> None:
    async with Probe("alpha", machine=calm) as probe:
        probe.money(balance=9_000)
        probe.beat()
        sample = await look(probe)
    assert sample.error is None
    names = ("paper", "decision_age", "orders_1h", "repeated_orders", "feed_age", "model_errors", "cost_1h", "exposure")
    assert {getattr(sample, name) for name in names} == {None}
    assert (sample.positions, sample.latencies, sample.open_positions) == (None, (), None)


class Nameless:
    def __str__(self) -> str:
        raise RuntimeError


WRONG: list[Any] = [math.nan, -math.inf, 10**5_000, "\ud800", Nameless(), [], -1e300]


@pytest.mark.parametrize("wrong", WRONG, ids=[type(each).__name__ for each in WRONG])
async def test_a_figure_that_is_none_is_an_error_and_neither_raises_nor_blinds_the_desk(wrong: Any) -> None:
    async with Probe("alpha", machine=calm) as probe:
        probe.order("BTC", "buy", 1, wrong)
        probe.feed(wrong)
        probe.venue_call("orders", wrong, rate_limit=wrong, server_time=wrong)
        probe.model_call(wrong, tokens=wrong, cost=wrong)
        probe.money(balance=9_000, positions=wrong)
        probe.money(balance=9_000, positions=[wrong])
        sample = await look(probe)
        told = sample.errors_1h
        probe.venue_call(wrong, 0.5)
        probe.order(wrong, wrong, 1)
        text = await ask(probe, "/metrics?format=prometheus")
        again = await look(probe)
    assert (sample.error, again.error, text.status) == (None, None, 200)
    assert (sample.balance, sample.positions, sample.orders_1h, again.orders_1h) == (9_000.0, None, 1, 2)
    assert sample.latencies == ()
    # A price of less than nothing is a figure, no positions are positions.
    assert told == 10 - (wrong == -1e300) - (wrong == [])


async def test_money_that_was_moved_arrives_as_it_was_told_and_what_is_none_is_an_error() -> None:
    async with Probe("alpha", machine=calm) as probe:
        assert (await looked(probe)).flows == ()
        probe.flow("1000.10", at=1_700_000_000.0, note="top\nup")
        probe.flow(-250.5, at=1_700_000_060.0)
        for wrong in (0, "much", float("nan"), None, True):
            probe.flow(wrong)  # type: ignore[arg-type]  # what people give all the same
        probe.flow(5, at=1_700_000_000_000.0)
        seen = await looked(probe)
        assert seen.flows == (
            CashFlow("alpha", 1_700_000_000.0, Decimal("1000.10"), "alpha", "top up"),
            CashFlow("alpha", 1_700_000_060.0, Decimal("-250.5"), "alpha"),
        )
        assert seen.sample.errors_1h == 6


async def test_a_blocked_loop_is_seen_as_lag() -> None:
    async with Probe("alpha", machine=calm) as probe:
        time.sleep(0.6)  # noqa: ASYNC251 - the fault under test
        await asyncio.sleep(0.05)  # until the sleeper has woken, late
        sample = await look(probe)
    assert sample.loop_lag is not None
    assert sample.loop_lag > 0.1
