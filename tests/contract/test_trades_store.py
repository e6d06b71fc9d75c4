"""A trade is stored once, a correction beside what it replaced, and the sums over all of them are always right."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.attribution import DAY, DIMENSIONS, SPLITS, attribute
from monitor.earnings import earned
from monitor.model import Reset, Side, Trade
from monitor.ports import Change, Store, StoredTrades
from monitor.storage import Database
from tests.stores import T0, a_sample, new_database, new_store, opened

MIDNIGHT = T0 // DAY * DAY


def made(seed: int, many: int, days: float = 5.0) -> list[Trade]:
    chance = random.Random(seed)  # noqa: S311 - a seed for repeatable trades
    return [
        Trade(
            agent=chance.choice(["alpha", "beta"]),
            id=str(index),
            strategy=chance.choice(["grid", "trend"]),
            asset=chance.choice(["BTC/USDT", "ETH/USDT", "SOL/USDT"]),
            side=chance.choice(list(Side)),
            size=Decimal(chance.randrange(1, 500)) / 100,
            entry_price=Decimal(chance.randrange(100, 20_000)) / 100,
            exit_price=Decimal(chance.randrange(100, 20_000)) / 100,
            entry_time=(leave := MIDNIGHT + round(chance.random() * days * DAY, 6)) - 600.0,
            exit_time=leave,
            fees=Decimal(chance.randrange(-10, 200)) / 1000,
            slippage=Decimal(chance.randrange(-5, 5)) / 1000,
            paper=chance.random() < 0.2,
            funding=Decimal(chance.randrange(-20, 20)) / 1000,
            venue=chance.choice(["", "binance"]),
            exit_reason=chance.choice(["roi", "stop_loss"]),
            tag=chance.choice(["", "m1"]),
        )
        for index in range(many)
    ]


async def stored(store: Store, trades: list[Trade]) -> StoredTrades:
    """Import trades in two batches."""

    def batches() -> Iterator[list[Trade]]:
        half = len(trades) // 2
        yield trades[:half]
        yield trades[half:]

    return await store.import_trades(batches())


SOME = (("strategy",), ("hour",), ("asset", "strategy"), ("side", "weekday"), ("agent",), ("agent", "hour"))
EVERY = (*SPLITS, *SOME[-2:], ("side", "strategy"))


async def agree(
    store: Store,
    trades: list[Trade],
    since: float = 0.0,
    until: float | None = None,
    splits: Iterable[tuple[str, ...]] = EVERY,
) -> None:
    """Each split of a period is what the trades themselves give."""
    for paper in (False, True):
        for agent in (None, "beta"):
            wanted = [
                each
                for each in trades
                if each.paper is paper
                and agent in (None, each.agent)
                and since <= each.exit_time < (until or float("inf"))
            ]
            for by in splits:
                assert await earned(store, by, agent, since, until, paper=paper) == attribute(wanted, by)


async def test_what_is_stored_is_told_once_and_a_correction_keeps_what_was(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        (trade,) = made(1, 1)
        assert await stored(store, [trade]) == StoredTrades(1, 0, 0)
        assert await stored(store, [trade, trade]) == StoredTrades(0, 0, 2)
        right = replace(trade, exit_price=trade.exit_price + 1, strategy="carry")
        assert await stored(store, [right]) == StoredTrades(0, 1, 0)
        await store.commit(Change(trades=[replace(right, fees=Decimal(9))]))
        assert await store.versions(trade.agent, trade.id) == [trade, right]
        await agree(store, [replace(right, fees=Decimal(9))])


async def test_a_trade_stays_live_or_paper_as_it_was_first_told(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        (trade,) = made(1, 1)
        await store.commit(Change(trades=[replace(trade, paper=False)]))
        assert await stored(store, [replace(trade, paper=True)]) == StoredTrades(0, 0, 1)
        await agree(store, [replace(trade, paper=False)])


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (0.0, None),
        (MIDNIGHT + 1.3 * DAY, None),
        (MIDNIGHT + DAY, MIDNIGHT + 3 * DAY),
        (MIDNIGHT + 0.5 * DAY, MIDNIGHT + 3.25 * DAY),
        (MIDNIGHT + 1.25 * DAY, MIDNIGHT + 1.5 * DAY),
        (0.0, MIDNIGHT + 2.5 * DAY),
        (MIDNIGHT + 40 * DAY, None),
        (MIDNIGHT + 9.5 * DAY, MIDNIGHT + 83.5 * DAY),
        (0.0, MIDNIGHT + 60.5 * DAY),
    ],
)
async def test_any_period_is_its_whole_days_and_its_edges(tmp_path: Path, since: float, until: float | None) -> None:
    async with new_store(tmp_path) as store:
        trades = made(2, 120, days=90.0 if until is not None and until > MIDNIGHT + 9 * DAY else 5.0)
        await stored(store, trades)
        await agree(store, trades, since, until, EVERY if until is None else SOME)


steps = st.lists(
    st.tuples(st.integers(0, 11), st.integers(-500, 500), st.sampled_from(["grid", "trend"]), st.floats(0, 3)),
    max_size=25,
)


@settings(max_examples=8, deadline=None)
@given(steps)
def test_whatever_is_told_and_corrected_the_sums_are_those_of_what_stands(
    told: list[tuple[int, int, str, float]],
) -> None:
    async def run(folder: str) -> None:
        async with new_store(Path(folder)) as store:
            known: dict[tuple[str, str], Trade] = {}
            base = made(3, 12)
            for which, cents, strategy, day in told:
                leave = round(MIDNIGHT + day * DAY, 6)
                trade = replace(base[which], fees=Decimal(cents) / 100, strategy=strategy, exit_time=leave)
                await store.commit(Change(trades=[trade]))
                known[trade.agent, trade.id] = trade
            await agree(store, list(known.values()), splits=SOME)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(folder))


async def test_a_database_without_sums_has_them_once_it_is_opened(tmp_path: Path) -> None:
    path, trades = new_database(tmp_path), made(4, 60)
    async with opened(path) as store:
        await stored(store, trades)
    with sqlite3.connect(path) as raw:
        raw.execute("DELETE FROM rollups")
    raw.close()
    async with opened(path) as store:
        await agree(store, trades)


async def test_a_trade_of_which_nothing_is_left_leaves_no_empty_cell(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        (trade,) = made(1, 1)
        await stored(store, [trade])
        before = await cells(store)
        await stored(store, [replace(trade, strategy="carry")])
        assert await cells(store) == before


async def cells(store: Database) -> int:
    found = 0
    for by in SPLITS:
        for days in ((-1, 0), (0, 1 << 40)):
            for paper in (False, True):
                found += len(await store.rolled(",".join(by), days, None, paper=paper))
    return found


def test_every_dimension_but_the_agent_is_rolled_up() -> None:
    assert {name for split in SPLITS for name in split} == set(DIMENSIONS) - {"agent"}


async def test_of_samples_that_are_forgotten_the_last_equity_of_each_hour_stays(tmp_path: Path) -> None:
    hour = T0 // 3600 * 3600
    equity: list[float | None] = [1.0, 2.0, None, 4.0, 5.0, None]
    samples = [
        a_sample(agent, hour + 1200.0 * index + 1, equity=value)
        for agent in ("alpha", "beta")
        for index, value in enumerate(equity)
    ]
    async with new_store(tmp_path) as store:
        await store.commit(Change(samples=samples))
        while await store.forget(hour + 6000.0, 3):
            pass
        assert await store.hours("beta", 0.0) == [(hour + 1201.0, 2.0), (hour + 4801.0, 5.0)]
        assert await store.hours("alpha", hour + 3600.0) == [(hour + 4801.0, 5.0)]
        await store.commit(
            Change(samples=[a_sample("beta", hour + 7000.0 + each, equity=each) for each in (1.0, 900.0)])
        )
        assert await store.hours("beta", hour) == [
            (hour + 1201.0, 2.0),
            (hour + 7001.0, 1.0),
            (hour + 7900.0, 900.0),
        ]
        assert [each.time for each in await store.samples("alpha", 0.0)] == [hour + 6001.0]


async def test_resets_come_back_in_order(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        found = [Reset("alpha", T0 + 5, "ana", "a new model"), Reset("alpha", T0, "ben")]
        await store.commit(Change(resets=found))
        assert await store.resets("alpha") == found[::-1]


async def test_an_import_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def batches() -> Iterator[list[Trade]]:
        yield made(7, 20)
        raise ValueError("the file ends in the middle of a row")

    async with new_store(tmp_path) as store:
        with pytest.raises(ValueError, match="in the middle"):
            await store.import_trades(batches())
        assert await store.trades(None, 0.0) == []
        assert await cells(store) == 0


async def test_an_import_that_is_cancelled_leaves_nothing_and_reads_no_further(tmp_path: Path) -> None:
    begun, go_on, read = threading.Event(), threading.Event(), list[int]()

    def batches() -> Iterator[list[Trade]]:
        for seed in range(3):
            read.append(seed)
            yield made(seed, 20)
            begun.set()
            assert go_on.wait(10)

    async with new_store(tmp_path) as store:
        importing = asyncio.create_task(store.import_trades(batches()))
        assert await asyncio.to_thread(begun.wait, 10)
        importing.cancel()
        await asyncio.gather(importing, return_exceptions=True)
        go_on.set()
        await store._file._idle()
        assert await store.trades(None, 0.0) == []
        assert read == [0, 1]
