"""What reading and storing a million trades of a file takes, in time and in memory."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

import pytest

from bot.offline.importing import Options, layout, run
from bot.offline.pnl import pnl
from monitor.storage import open_store
from monitor.trade_file import TradeFile

MANY = 1_000_000
HEAD = "id,strategy,asset,side,size,entry_price,exit_price,entry_time,exit_time,fees,slippage\n"
BEGUN = 1_760_000_000


def _write(path: Path, many: int) -> Path:
    """A year of ten strategies on twenty assets, in order of time."""
    with path.open("w") as file:
        file.write(HEAD)
        for each in range(many):
            entry = BEGUN + each * 31_536_000 // many
            file.write(
                f"t{each},s{each % 10},A{each % 20}/USDT,{'long' if each % 3 else 'short'},0.{each % 997 + 1:04d},"
                f"{30_000 + each % 500}.{each % 100:02d},{30_001 + each % 499}.{each % 90:02d},"
                f"{entry},{entry + 600}.5,0.{each % 100 + 1:03d},0.01\n"
            )
    return path


def _peak() -> float:
    """The most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.bench
@pytest.mark.timeout(600)
async def test_a_million_trades_are_imported_within_a_minute_and_memory_does_not_grow_with_them(tmp_path: Path) -> None:
    few, many = _write(tmp_path / "few.csv", MANY // 20), _write(tmp_path / "many.csv", MANY)
    assert await run(Options(few, "warm", layout()), lambda: open_store(str(tmp_path / "warm.db"))) == 0
    before, begun = _peak(), time.perf_counter()
    assert await run(Options(many, "alpha", layout()), lambda: open_store(str(tmp_path / "desk.db"))) == 0
    taken, grown = time.perf_counter() - begun, _peak() - before
    print(f"import of {MANY:,} trades {taken:.1f} s, peak memory +{grown:.0f} MB over that of {MANY // 20:,}")  # noqa: T201 - a bench says its figures
    assert taken < 60
    assert grown < 150


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_reading_a_million_trades_takes_a_fraction_of_that(tmp_path: Path) -> None:
    path = _write(tmp_path / "many.csv", MANY)
    before, begun = _peak(), time.process_time()
    file = TradeFile(path, "alpha")
    looked = file.look(lambda _: None)
    taken = time.process_time() - begun
    begun = time.process_time()
    found = json.loads(pnl(path, ["strategy"], form="json"))
    split = time.process_time() - begun
    print(f"CPU: look through {taken:.1f} s, P&L of the file {split:.1f} s, peak memory +{_peak() - before:.0f} MB")  # noqa: T201 - a bench says its figures
    assert found["total"]["count"] == looked.trades == MANY
    assert taken < 20
