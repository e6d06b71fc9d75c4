"""`nightdesk import`: a file's trades are stored all or none, once, however often it is imported."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bot.offline.importing import Options, layout, prepared, run
from bot.settings import Settings, console_user, load
from monitor.ports import StoreError
from monitor.storage import Database, open_store
from monitor.storage.lock import locked
from monitor.trade_file import TradeFileError

HEAD = "id,strategy,asset,side,size,entry_price,exit_price,entry_time,exit_time,fees,slippage"
GOOD = [f"t{each},grid,BTC,long,0.1,30000,301{each:02d},1793525400,{1793529000 + each},0.3,0" for each in range(30)]
BAD = "b1,grid,BTC,up,0.1,30000,30100,1793525400,1793529000,0.3,0"

Open = Callable[[], Awaitable[Database]]
SETTINGS = """
[desk]
currency = "USD"
[[people]]
name = "ana"
role = "admin"
console = "USER"
[[agents]]
id = "alpha"
labels = { mode = "paper" }
source = { kind = "http", url = "http://127.0.0.1:9001" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return with_rows(tmp_path, *GOOD)


def with_rows(folder: Path, *lines: str) -> Path:
    path = folder / "trades.csv"
    path.write_text("\n".join((HEAD, *lines)) + "\n")
    return path


def opening(folder: Path) -> Open:
    return lambda: open_store(str(folder / "desk.db"))


async def said(options: Options) -> tuple[int, list[str]]:
    """Import into the file's folder; returns the exit code and what was said, complaints too."""
    told: list[str] = []
    return await run(options, opening(options.path.parent), told.append, told.append), told


async def kept(folder: Path) -> dict[str, Decimal]:
    store = await open_store(str(folder / "desk.db"))
    try:
        return {each.id: each.exit_price for each in await store.trades("alpha", 0)}
    finally:
        await store.close()


async def test_the_same_file_again_changes_nothing_and_a_correction_is_told_from_what_is_new(file: Path) -> None:
    options = Options(file, "alpha", layout())
    assert await said(options) == (0, ["30 trades in trades.csv for alpha: 30 new, 0 changed, 0 known."])
    again = "30 trades in trades.csv for alpha: 0 new, 0 changed, 30 known; nothing changed."
    assert await said(options) == (0, [again])
    with_rows(file.parent, *GOOD[1:], GOOD[0].replace("30100", "30200"), GOOD[0].replace("t0", "t30"), GOOD[3])
    corrected = "31 trades in trades.csv (1 row said the same again) for alpha: 1 new, 1 changed, 29 known."
    assert await said(options) == (0, [corrected])
    found = await kept(file.parent)
    assert (len(found), found["t0"], found["t1"]) == (31, Decimal(30200), Decimal(30101))


async def test_one_row_that_is_no_trade_keeps_everything_out_unless_it_is_to_be_left_out(file: Path) -> None:
    with_rows(file.parent, *GOOD[:3], BAD, *GOOD[3:])
    code, told = await said(Options(file, "alpha", layout()))
    assert (code, told) == (
        2,
        [
            "trades.csv: 1 row refused:\n  line 5: side is neither long nor short, buy nor sell",
            "Nothing was imported: mend them, or import the other rows with --skip-bad.",
        ],
    )
    assert not (file.parent / "desk.db").exists()
    code, told = await said(Options(file, "alpha", layout(), skip_bad=True))
    assert (code, told[-1]) == (0, "30 trades in trades.csv for alpha: 30 new, 0 changed, 0 known.")


async def test_of_many_refused_rows_twenty_are_shown_and_all_written_down(file: Path) -> None:
    with_rows(file.parent, *(BAD.replace("b1", f"b{each}") for each in range(30)))
    code, told = await said(Options(file, "alpha", layout()))
    assert (code, len(told[0].splitlines())) == (2, 22)
    assert told[0].endswith("\n  and 10 more rows: --refused FILE writes all down")
    all_of_them = file.parent / "refused.csv"
    _, told = await said(Options(file, "alpha", layout(), refused=all_of_them))
    assert told[0].endswith("\n  and 10 more rows")
    written = list(csv.DictReader(all_of_them.read_text().splitlines()))
    assert [int(each["row"]) for each in written] == list(range(2, 32))
    assert {(each["column"], each["why"]) for each in written} == {("side", "is neither long nor short, buy nor sell")}
    with pytest.raises(TradeFileError, match="holds the trades"):
        await said(Options(file, "alpha", layout(), refused=file))


async def test_a_dry_run_touches_no_database_and_an_empty_file_needs_none(file: Path) -> None:
    options = Options(file, "alpha", layout(), dry_run=True)
    assert await said(options) == (0, ["30 trades in trades.csv: nothing was stored, as asked."])
    with_rows(file.parent)
    assert await said(Options(file, "alpha", layout())) == (0, ["0 trades in trades.csv: nothing to import."])
    assert not (file.parent / "desk.db").exists()


async def test_ctrl_c_while_the_file_is_looked_through_ends_it_before_the_database_is_opened(file: Path) -> None:
    async def interrupted() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await said(Options(file, "alpha", layout()))

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(interrupted())
    assert not (file.parent / "desk.db.lock").exists()


async def test_a_running_desk_holds_its_database(file: Path) -> None:
    with locked(file.parent / "desk.db"), pytest.raises(StoreError, match=r"already uses desk\.db: stop it first"):
        await said(Options(file, "alpha", layout()))


def settings(folder: Path) -> Settings:
    path = folder / "nightdesk.toml"
    path.write_text(SETTINGS.replace("USER", console_user()))
    return load(path, {})


async def test_trades_of_an_agent_that_trades_without_money_are_marked_so(file: Path) -> None:
    options = prepared(settings(file.parent), "alpha", Options(file, "", layout(["slippage=fees"])))
    assert options.layout.currency == "USD"
    assert (await said(options))[0] == 0
    store = await open_store(str(file.parent / "desk.db"))
    try:
        assert {(each.paper, each.slippage) for each in await store.trades("alpha", 0)} == {(True, Decimal("0.3"))}
    finally:
        await store.close()


def test_an_agent_that_nobody_watches_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TradeFileError, match=r'"gamma" is no agent in the settings \(there is alpha\)'):
        prepared(settings(tmp_path), "gamma", Options(tmp_path, "", layout()))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"columns": ["qty"]}, "--map takes a name and a value"),
        ({"columns": ["size=qty", "size=amount"]}, "--map takes a name and a value, each name once"),
        ({"columns": ["quantity=qty"]}, '--map "quantity" is no field of a trade: there are id, strategy'),
        ({"defaults": ["strategy="]}, "for example --set strategy=grid"),
        ({"rates": ["BNB=much"]}, '--rate "BNB=much" is not a number.'),
        ({"rates": ["B N B=1"]}, "is no name of a currency"),
        ({"time_unit": "h"}, '--time-unit "h" is none: write s, ms, us, ns.'),
    ],
)
def test_options_that_make_no_sense_are_one_sentence(given: dict[str, list[str]], why: str) -> None:
    with pytest.raises(TradeFileError) as caught:
        layout(**given)  # type: ignore[arg-type]  # by name
    assert why in str(caught.value)
