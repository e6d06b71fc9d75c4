"""What `/pnl` takes over a million stored trades, beside a thousand of them, SQL and polars."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from bot.offline.importing import Options, layout, run
from monitor.earnings import earned
from monitor.storage import open_store
from tests.bench.test_import_bench import BEGUN, MANY, _write

DAY = 86_400.0
ASKED = (("strategy",), ("strategy", "asset"), ("hour",), ("agent",))


async def _best(work: Callable[[], Awaitable[object]], times: int = 15) -> float:
    """The shortest of some runs, in ms: what the work itself takes."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - begun)
    return min(taken) * 1e3


async def _stored(folder: Path, many: int) -> str:
    path = str(folder / f"{many}.db")
    file = _write(folder / f"{many}.csv", many)
    assert await run(Options(file, "alpha", layout()), lambda: open_store(path)) == 0
    return path


def _by_hand(path: str) -> tuple[float, float | None]:
    """The same in floating point, by GROUP BY and by polars, in ms."""
    move = "(exit_price - entry_price) * size * (CASE side WHEN 'long' THEN 1 ELSE -1 END)"
    query = f"SELECT strategy, SUM({move} - fees - ABS(slippage * size)) FROM trades GROUP BY strategy"  # noqa: S608 - no value is in it
    with sqlite3.connect(path) as connection:
        begun = time.perf_counter()
        connection.execute(query).fetchall()
        grouped = (time.perf_counter() - begun) * 1e3
        try:
            import polars as pl  # noqa: PLC0415 - not everybody has it
        except ImportError:
            return grouped, None
        rows = connection.execute("SELECT strategy, side, size, entry_price, exit_price, fees, slippage FROM trades")
        names = ["strategy", "side", "size", "entry_price", "exit_price", "fees", "slippage"]
        frame = pl.DataFrame(rows.fetchall(), schema=names, orient="row")
    frame = frame.with_columns(pl.col(each).cast(pl.Float64) for each in names[2:])
    sign = pl.when(pl.col("side") == "long").then(1.0).otherwise(-1.0)
    net = (pl.col("exit_price") - pl.col("entry_price")) * pl.col("size") * sign
    cost = pl.col("fees") + (pl.col("slippage") * pl.col("size")).abs()
    begun = time.perf_counter()
    frame.group_by("strategy").agg((net - cost).sum())
    return grouped, (time.perf_counter() - begun) * 1e3


@pytest.mark.bench
@pytest.mark.timeout(900)
async def test_the_answer_does_not_grow_with_the_trades(tmp_path: Path) -> None:
    few, many = await _stored(tmp_path, 1_000), await _stored(tmp_path, MANY)
    grouped, framed = _by_hand(many)
    small, large = await open_store(few), await open_store(many)
    try:
        for by in ASKED:
            a, b = await _best(partial(earned, small, by)), await _best(partial(earned, large, by))
            print(f"{' x '.join(by)}: {b:.2f} ms over {MANY:,}, {a:.2f} ms over 1,000: {b / a:.2f} times")  # noqa: T201
            assert b < 2 * a
            assert b < 20
        since = BEGUN + 100.3 * DAY
        week = await _best(lambda: earned(large, "strategy", None, since, since + 7 * DAY), 5)
        half = await _best(lambda: earned(large, "strategy", None, since, since + 182 * DAY), 5)
        crossed = await _best(lambda: earned(large, ("strategy", "asset"), None, since, since + 182 * DAY), 3)
        print(f"a week {week:.1f} ms, half a year {half:.1f} ms, that of two crossed {crossed:.1f} ms")  # noqa: T201
        polars = "not installed" if framed is None else f"{framed:.0f} ms of trades already in memory"
        print(f"by hand, in floating point: GROUP BY {grouped:.0f} ms, polars {polars}")  # noqa: T201
    finally:
        await small.close()
        await large.close()
