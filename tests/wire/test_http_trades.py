from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from monitor.engine.clock import SteadyClock
from monitor.model import Agent, Side
from monitor.ports import Observation
from monitor.sources import Means, fleet_session
from monitor.sources.http import HttpSource, Options
from tests import hostile
from tests.hostile import HEALTHY, Request, response, serve

ALPHA = Agent("alpha", interval=1.0)
ROW = {
    "id": "t1",
    "strategy": "trend",
    "asset": "BTC",
    "side": "long",
    "size": "0.1",
    "entry_price": 100.1,
    "exit_price": "110.000000000000000001",
    "entry_time": 1_750_000_000.5,
    "exit_time": "2025-06-15T15:06:42Z",
    "fees": "-0.01",
    "slippage": None,
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


def with_trades(pages: Mapping[str, Any], offered: str = "c9") -> hostile.Behaviour:
    """Tell a snapshot, and at /trades the page of each `since`; text is sent as it is."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        told = HEALTHY | {"trades_cursor": offered}
        if request.path == "/trades":
            told = pages[request.query.get("since", "")]
        writer.write(response(told.encode() if isinstance(told, str) else json.dumps(told).encode()))

    return behave


MORE = {"funding": "-0.125", "venue": "binance", "exit_reason": "stop", "tag": "model-7"}


async def test_trades_are_read_page_by_page(session: aiohttp.ClientSession) -> None:
    pages = {
        "": {"trades": [ROW], "next": "c1", "more": True},
        "c1": {"trades": [ROW | {"id": 7, "side": "short"} | MORE], "next": "c9", "more": False},
    }
    seen = await look(session, with_trades(pages))
    first, second = seen.trades
    assert seen.cursor == "c9"
    assert (first.agent, first.id, second.id, second.side) == ("alpha", "t1", "7", Side.SHORT)
    assert (first.size, first.entry_price) == (Decimal("0.1"), Decimal("100.1"))
    assert first.exit_price == Decimal("110.000000000000000001")
    assert (first.entry_time, first.exit_time) == (1_750_000_000.5, 1_750_000_002.0)
    assert (first.fees, first.slippage) == (Decimal("-0.01"), Decimal(0))
    assert (first.funding, first.venue, first.exit_reason, first.tag) == (Decimal(0), "", "", "")
    assert (second.funding, second.venue, second.exit_reason) == (Decimal("-0.125"), "binance", "stop")
    assert second.tag == "model-7"


async def test_trades_are_left_alone_when_there_is_nothing_new(session: aiohttp.ClientSession) -> None:
    seen = await look(session, with_trades({}), cursor="c9")
    assert (seen.sample.error, seen.trades, seen.cursor) == (None, (), None)
    seen = await look(session, with_trades({}), cursor="c1", trades=False)
    assert (seen.sample.error, seen.trades, seen.cursor) == (None, (), None)


async def test_trades_can_be_asked_for_without_an_offer(session: aiohttp.ClientSession) -> None:
    seen = await look(session, with_trades({"": {"trades": [ROW], "next": "c1"}}, offered=""), trades=True)
    assert (len(seen.trades), seen.cursor) == (1, "c1")


@pytest.mark.parametrize(
    "fault",
    [
        {"size": "0"},
        {"size": True},
        {"size": "1e999999999"},
        {"fees": "0e-99999999"},
        {"fees": float("nan")},
        {"entry_price": "much"},
        {"exit_price": None},
        {"exit_time": 1_750_000_000_000},
        {"exit_time": "yesterday"},
        {"entry_time": -1},
        {"side": "buy"},
        {"asset": ""},
        {"strategy": "\x1b[31m"},
        {"id": ["t1"]},
        {"id": "x" * 201},
    ],
)
async def test_a_bad_row_is_skipped_and_counted(session: aiohttp.ClientSession, fault: dict[str, Any]) -> None:
    rows = [ROW | fault, "no object", ROW]
    async with serve(with_trades({"c1": {"trades": rows, "next": "c9", "more": False}})) as server:
        source = a_source(session, server.url)
        seen = await source.fetch(ALPHA, "c1")
    assert [trade.id for trade in seen.trades] == ["t1"]
    assert seen.cursor == "c9"
    assert source.skipped_trades == 2


@pytest.mark.parametrize(
    "second",
    [
        "[]",
        json.dumps({"trades": [ROW] * 501}),
        '{"trades": 1}',
        '{"trades": [], "more": "yes"}',
        " " * (1 << 21),
        "[" * 99_999,
    ],
)
async def test_a_fault_in_a_page_keeps_the_sample_and_what_was_read(
    session: aiohttp.ClientSession, second: str
) -> None:
    pages = {"c1": {"trades": [ROW], "next": "c2", "more": True}, "c2": second}
    seen = await look(session, with_trades(pages), cursor="c1")
    assert seen.sample.balance == 1000.5
    assert (len(seen.trades), seen.cursor) == (1, "c2")


async def test_trades_that_never_come_keep_the_sample(session: aiohttp.ClientSession) -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path == "/trades":
            await asyncio.Event().wait()
        writer.write(response(json.dumps(HEALTHY | {"trades_cursor": "c1"}).encode()))

    seen = await look(session, behave, timeout=0.5)
    assert (seen.sample.error, seen.trades, seen.cursor) == (None, (), None)


async def test_pages_without_end_end(session: aiohttp.ClientSession) -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        told: dict[str, Any] = HEALTHY | {"trades_cursor": "c9"}
        if request.path == "/trades":
            number = int(request.query["since"]) + 1
            told = {"trades": [ROW | {"id": str(number)}], "next": str(number), "more": True}
        writer.write(response(json.dumps(told).encode()))

    seen = await look(session, behave, cursor="0")
    assert (len(seen.trades), seen.cursor) == (20, "20")
    stuck = await look(session, with_trades({"c1": {"trades": [ROW], "next": "c1", "more": True}}), cursor="c1")
    assert (len(stuck.trades), stuck.cursor) == (1, None)
