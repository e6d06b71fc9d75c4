"""`nightdesk pnl` without a desk: of a file and of what a desk has stored, the parts are exactly the whole."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from bot.offline.pnl import pnl, stored, window, words
from monitor.model import Side
from monitor.ports import Change
from monitor.trade_file import Layout, TradeFileError
from tests.stores import T0, a_trade, new_store

HEAD = "id,strategy,asset,side,size,entry_price,exit_price,entry_time,exit_time,fees,slippage\n"
TRADES = HEAD + (
    "1,grid,BTC,long,0.1,30000,30100.000000000000000001,2026-11-01T09:00:00Z,2026-11-01T10:00:00Z,0.3,0\n"
    "2,grid,ETH,short,2,2000,2010,2026-11-02T09:00:00Z,2026-11-02T10:00:00Z,-0.1,0.5\n"
    '3,"trend, slow",BTC,buy,1,100,100,2026-11-03T23:30:00Z,2026-11-04T00:30:00Z,0.2,0\n'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(TRADES)
    return path


def test_json_has_every_digit_and_its_rows_sum_to_the_total(file: Path) -> None:
    text = pnl(file, ["strategy"], form="json")
    found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    assert found["by"] == ["strategy"]
    assert found["rows"][1] == {
        "strategy": "grid", "gross": Decimal("-9.9999999999999999999"), "fees": Decimal("0.2"), "slippage": 1,
        "funding": 0, "net": Decimal("-11.1999999999999999999"), "count": 2, "wins": 1,
    }  # fmt: skip
    for name, whole in found["total"].items():
        assert sum(row[name] for row in found["rows"]) == whole
    assert found["fee_drag"] == pytest.approx(Decimal(100) * Decimal("0.4") / Decimal("30.0000000000000000001"))
    assert isinstance(json.loads(text)["total"]["net"], float)


def test_two_dimensions_are_crossed_however_they_are_said(file: Path) -> None:
    crossed = pnl(file, ["strategy x asset"], form="json")
    assert crossed == pnl(file, ["strategy", "asset"], form="json") == pnl(file, ["Strategy,ASSET"], form="json")
    places = [(row["strategy"], row["asset"], row["count"]) for row in json.loads(crossed)["rows"]]
    assert sorted(places) == [("grid", "BTC", 1), ("grid", "ETH", 1), ("trend, slow", "BTC", 1)]
    with pytest.raises(TradeFileError, match="cannot be split by 'moon'; choose strategy"):
        pnl(file, ["moon"])


def test_csv_is_read_back_and_no_name_is_a_formula(file: Path) -> None:
    file.write_text(TRADES.replace('"trend, slow"', "=2+5"))
    rows = list(csv.DictReader(pnl(file, form="csv").splitlines()))
    assert [(row["strategy"], row["net"], row["count"]) for row in rows] == [
        ("'=2+5", "-0.2", "1"),
        ("grid", "-11.1999999999999999999", "2"),
    ]


def test_the_table_is_aligned_and_ends_with_the_total(file: Path) -> None:
    head, *rows, total, _, footer = pnl(file, ["strategy"]).splitlines()
    assert head.split() == ["Strategy", "Gross", "Fees", "Slippage", "Funding", "Net", "Trades", "Won"]
    assert {len(each) for each in (head, *rows, total)} == {len(head)}
    assert total.split() == ["total", "-10.00", "0.40", "1.00", "0.00", "-11.40", "3", "33.3%"]
    assert footer == "Net = gross - fees - slippage - funding. Fee drag 1.3% of gross moves."


def test_a_row_that_is_no_trade_gives_no_figures_unless_it_is_to_be_left_out(file: Path) -> None:
    file.write_text(TRADES + "4,grid,BTC,long,-1,1,2,1,2,0,0\n" + TRADES.splitlines()[1])
    with pytest.raises(TradeFileError) as caught:
        pnl(file)
    assert str(caught.value).splitlines() == [
        "trades.csv: 1 row refused, mend them or leave them out with --skip-bad:",
        "  line 5: size is not above 0: a short is said by its side",
    ]
    found = json.loads(pnl(file, form="json", skip_bad=True))
    assert (found["total"]["count"], found["refused"], found["doubled"]) == (3, 1, 1)
    assert pnl(file, skip_bad=True).endswith("1 row refused.\n1 row said the same again.")


@pytest.mark.parametrize(
    ("period", "ids"),
    [
        (None, 3), ("7d", 3), ("1d", 1), ("38h30m", 2), ("2026-11-02..", 2), ("..2026-11-02", 1),
        ("2026-11-02T10:00:00Z..2026-11-04T00:30", 1), ("2030-01-01..", 0),
    ],
)  # fmt: skip
def test_a_period_ends_with_the_file_or_lies_between_dates(file: Path, period: str | None, ids: int) -> None:
    assert json.loads(pnl(file, form="json", period=period))["total"]["count"] == ids


def test_what_is_no_period_is_said_and_a_file_is_told_from_one(file: Path) -> None:
    assert words([str(file), "7d"]) == (file, "7d")
    assert words(["7d"]) == (None, "7d")
    for wrong in ("soon", "7", "2026-13-01..", "a..b"):
        with pytest.raises(TradeFileError, match="is no period: write 7d"):
            window(wrong, T0)
    with pytest.raises(TradeFileError, match="more than one file"):
        words([str(file), "7d", "8d"])


def test_paper_trades_are_counted_apart(file: Path) -> None:
    paper = Layout(defaults={"paper": "yes"})
    assert json.loads(pnl(file, form="json", layout=paper))["total"]["count"] == 0
    assert json.loads(pnl(file, form="json", layout=paper, paper=True))["total"]["count"] == 3
    assert pnl(file, layout=paper) == "No closed trades."


async def test_what_a_desk_has_stored_is_split_the_same_way(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        trades = [a_trade(f"t{each}", exit_time=T0 + each * 86_400) for each in range(10)]
        await store.commit(Change(trades=[*trades, a_trade("x", "beta", T0, side=Side.SHORT)]))
        week = json.loads(await stored(store, ["side"], now=T0 + 9 * 86_400 + 1, period="7d", form="json"))
        assert [(row["side"], row["count"]) for row in week["rows"]] == [("long", 7)]
        assert json.loads(await stored(store, ["agent"], now=T0, form="json"))["total"]["count"] == 11
        assert json.loads(await stored(store, now=T0, agent="beta", form="json"))["total"]["count"] == 1
