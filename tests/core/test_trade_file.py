"""A file of trades is read with every digit, and what is no trade is refused by its line, its column and why."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Side, Trade
from monitor.trade_file import BATCH, Layout, Looked, Refused, TradeFile, TradeFileError
from monitor.trade_rows import RowReader

HEAD = [
    "id", "strategy", "asset", "side", "size", "entry_price", "exit_price", "entry_time", "exit_time", "fees",
    "slippage",
]  # fmt: skip
ROW = {
    "id": "t1", "strategy": "grid", "asset": "BTC/USDT", "side": "long", "size": "0.10", "entry_price": "30000.1",
    "exit_price": "30010.30", "entry_time": "2026-11-01T09:30:00Z", "exit_time": "1793529000.5", "fees": "-0.25",
    "slippage": "0.01",
}  # fmt: skip
TRADE = Trade(
    "alpha", "t1", "grid", "BTC/USDT", Side.LONG, Decimal("0.10"), Decimal("30000.1"), Decimal("30010.30"),
    1793525400.0, 1793529000.5, Decimal("-0.25"), Decimal("0.01"),
)  # fmt: skip


def table(*rows: dict[str, str], mark: str = ",", head: list[str] = HEAD) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=mark)
    writer.writerow(head)
    writer.writerows([row.get(name, "") for name in head] for row in rows)
    return out.getvalue()


def some(**changes: str) -> dict[str, str]:
    return {**ROW, **changes}


def read(path: Path, text: str | bytes, **layout: object) -> tuple[list[Trade], list[Refused], Looked]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    file = TradeFile(path, "alpha", Layout(**layout))  # type: ignore[arg-type]  # fields by name
    refused: list[Refused] = []
    looked = file.look(refused.append)
    trades = [each for batch in file.batches(looked) for each in batch]
    assert (len(trades), len(refused)) == (looked.trades, looked.refused)
    return trades, refused, looked


def sentence(path: Path, text: str | bytes, **layout: object) -> str:
    with pytest.raises(TradeFileError) as caught:
        read(path, text, **layout)
    return str(caught.value)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize(
    "encode", [str.encode, lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.encode("utf-16")]
)
def test_any_dialect_of_csv_gives_the_same_trade(tmp_path: Path, mark: str, encode: Callable[[str], bytes]) -> None:
    trades, refused, looked = read(
        tmp_path / "t.csv", encode(table(some(note='a "b", c;\nd'), mark=mark, head=["note", *HEAD]))
    )
    assert (trades, refused, looked.unread) == ([TRADE], [], ("note",))


@pytest.mark.parametrize(
    "whole",
    [
        lambda one, two: f"[{one},\n {two}]",
        lambda one, two: f'{{"count": 12, "page": {{"trades": [1]}}, "trades": [{one}, {two}], "next": null}}',
        lambda one, two: json.dumps({"trades": [json.loads(one), json.loads(two)]}, indent=2),
        lambda one, two: f"{one}\n\n{two}\n",
    ],
)
def test_json_comes_as_a_list_as_trades_of_an_object_or_one_object_a_line(
    tmp_path: Path, whole: Callable[[str, str], str]
) -> None:
    one, two = json.dumps({**ROW, "id": 1, "venue": None}), json.dumps({**ROW, "id": 2, "fees": -0.25})
    trades, refused, _ = read(tmp_path / "t.json", whole(one, two))
    assert refused == []
    assert [each.id for each in trades] == ["1", "2"]
    assert {(each.fees, each.exit_time, each.venue) for each in trades} == {(Decimal("-0.25"), 1793529000.5, "")}


def test_numbers_of_json_pass_through_no_float(tmp_path: Path) -> None:
    row = json.dumps({**ROW, "size": 7.0}).replace("7.0", "0.1000000000000000055511151231257827")
    assert read(tmp_path / "t.json", row)[0][0].size == Decimal("0.1000000000000000055511151231257827")


@pytest.mark.slow
def test_a_json_list_far_longer_than_what_is_read_at_once_loses_no_row(tmp_path: Path) -> None:
    many = [{**ROW, "id": f"t{each}"} for each in range(9_000)]  # 2.3 MB
    trades, refused, _ = read(tmp_path / "t.json", json.dumps({"trades": many}))
    assert ([each.id for each in trades], refused) == ([each["id"] for each in many], [])


def test_parquet_with_real_times_and_figures_gives_the_same_trade(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    moment = arrow.array([1793525400 * 10**9, None], arrow.timestamp("ns", "UTC"))
    columns: dict[str, Any] = {name: [ROW[name], "" if name == "id" else ROW[name]] for name in HEAD}
    columns |= {"entry_time": moment, "exit_time": [1793529000.5] * 2, "fees": [-0.25, 0.0], "ignored": [1, 2]}
    columns["entry_price"] = arrow.array([Decimal("30000.1"), Decimal(1)], arrow.decimal128(20, 8))
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    trades, refused, looked = read(tmp_path / "t.parquet", (tmp_path / "t.parquet").read_bytes())
    assert trades == [TRADE]
    assert [(each.at, each.column, looked.unit) for each in refused] == [(2, "id", "row")]
    broken = (tmp_path / "t.parquet").read_bytes()[:-40]
    assert "no whole parquet file" in sentence(tmp_path / "b.parquet", broken)


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("id", "", "is empty"),
        ("strategy", "\x1b[2J", "is not 1 to 200 printable characters"),
        ("asset", "x" * 201, "is not 1 to 200 printable characters"),
        ("side", "up", "is neither long nor short, buy nor sell"),
        ("size", "-1", "is not above 0: a short is said by its side"),
        ("size", "0", "is not above 0: a short is said by its side"),
        ("entry_price", "1,234.5", "is not a number: write 1234.5 without commas"),
        ("entry_price", "NaN", "is not a number"),
        ("exit_price", "1e30", "is larger or finer than any price"),
        ("exit_price", f"0.{'1' * 41}", "is larger or finer than any price"),
        ("entry_time", "yesterday", "is neither seconds since 1970 nor an ISO date"),
        ("entry_time", "20260131", "is a date without dashes: write it like 2026-01-31"),
        ("exit_time", "1793529000500", "is in milliseconds: say --time-unit ms"),
        ("exit_time", "1793529000500000", "is in microseconds: say --time-unit us"),
        ("exit_time", "nan", "is no time in s since 1970"),
        ("exit_time", "2026-11-01T09:29:59Z", "is before entry_time"),
        ("fees", "", "is empty"),
        ("fees", "12%", "is not a number"),
    ],
)
def test_what_is_no_trade_is_refused_by_line_column_and_why(tmp_path: Path, column: str, cell: str, why: str) -> None:
    trades, refused, looked = read(tmp_path / "t.csv", table(ROW, some(**{"id": "t2", column: cell}), some(id="t3")))
    assert [each.id for each in trades] == ["t1", "t3"]
    assert (refused, looked.unit) == ([Refused(3, column, why)], "line")


def test_a_row_that_is_too_short_and_a_line_that_is_no_json_cost_only_themselves(tmp_path: Path) -> None:
    trades, refused, _ = read(tmp_path / "t.csv", table(ROW) + "t2,grid\n\n" + table(some(id="t3")).splitlines()[1])
    assert ([each.id for each in trades], refused) == (
        ["t1", "t3"],
        [Refused(3, "", "has 2 cells where 11 columns are named")],
    )
    lines = [
        json.dumps(ROW),
        '{"id": ',
        "[" * 100_000,
        "7",
        json.dumps(some(id="t5")),
        json.dumps({**ROW, "size": [1]}),
    ]
    trades, refused, _ = read(tmp_path / "t.json", "\n".join(lines))
    assert [each.id for each in trades] == ["t1", "t5"]
    assert list(map(str, refused)) == [
        "2: is no JSON", "3: is no JSON", "4: is no object", "6: size is neither a text nor a number",
    ]  # fmt: skip


def test_times_that_are_plainly_in_another_unit_are_not_guessed_at(tmp_path: Path) -> None:
    ms = some(entry_time="1793525400000", exit_time="1793529000500")
    assert read(tmp_path / "t.csv", table(ms), time_unit="ms")[0] == [TRADE]
    in_seconds = some(entry_time="1793525400", exit_time="1793529000")
    _, refused, _ = read(tmp_path / "t.csv", table(in_seconds), time_unit="ms")
    assert [each.why for each in refused] == ["is before 1973 in ms: is it in seconds, without --time-unit?"]


def test_times_without_a_zone_are_utc(tmp_path: Path) -> None:
    row = some(entry_time="2026-11-01 09:30:00", exit_time="2026-11-01T11:30:00.5+01:00")
    assert read(tmp_path / "t.csv", table(row))[0] == [TRADE]


def test_a_row_said_twice_counts_once_and_one_said_in_two_ways_not_at_all(tmp_path: Path) -> None:
    rows = [ROW, some(size="0.1", fees="-0.250"), some(id="t2"), some(id="t3"), some(id="t2", fees="-2"), some(id="t2")]
    trades, refused, looked = read(tmp_path / "t.csv", table(*rows))
    assert [each.id for each in trades] == ["t1", "t3"]
    assert (looked.doubled, [(each.at, each.column) for each in refused]) == (1, [(4, "id"), (6, "id"), (7, "id")])
    assert refused[0].why == "stands in line 6 again, with other values"


def test_minus_one_and_minus_two_are_different_fees(tmp_path: Path) -> None:  # their hashes are the same
    _, refused, looked = read(tmp_path / "t.csv", table(some(fees="-1"), some(fees="-2")))
    assert (len(refused), looked.doubled) == (2, 0)


def test_columns_of_other_names_are_mapped_and_missing_ones_given_a_default(tmp_path: Path) -> None:
    head = ["ID", "asset", "side", "Qty", "Entry Price", "exit_price", "entry_time", "exit_time", "Commission"]
    cells = ["t1", "BTC/USDT", "BUY", "0.10", "30000.1", "30010.30", ROW["entry_time"], ROW["exit_time"], ""]
    text = ";".join(head) + "\n" + ";".join(cells)
    trades, refused, _ = read(
        tmp_path / "t.csv", text, columns={"size": "qty", "fees": "commission"},
        defaults={"strategy": "grid", "slippage": "0.01", "fees": "-0.25"},
    )  # fmt: skip
    assert (trades, refused) == ([TRADE], [])


@pytest.mark.parametrize(
    ("head", "layout", "said"),
    [
        (HEAD[:-2], {}, "There is no column fees: name the one that holds it with --map fees=COLUMN, or say it for e"),
        ([*HEAD[:-2], "commission"], {}, "There is no column fees (there is commission): "),
        (HEAD, {"columns": {"size": "qty"}}, "There is no column qty (there is size): "),
        ([*HEAD, "qty"], {"columns": {"venue": "market"}}, "There is no column market (there is qty): "),
        (HEAD, {"defaults": {"side": "up"}}, "What is set for side is neither long nor short"),
        ([*HEAD, "fees"], {}, "The column fees stands there twice"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit_are_one_sentence(
    tmp_path: Path, head: list[str], layout: dict[str, object], said: str
) -> None:
    assert said in sentence(tmp_path / "t.csv", table(ROW, head=head), **layout)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"t1,grid,BTC\n", "no column id"),
        (table(ROW).encode() + b"\xff\xfe", "is no text in UTF-8"),
        (table(ROW).encode() + b'"' + b"x\n" * 100_000, "is a closing quote missing"),
        (b"id," + b"x" * 2_000_000, "longer than any row"),
        (json.dumps([ROW]).encode()[:-1], "Is the file whole?"),
        (json.dumps([ROW, ROW]).encode()[:-9], "from row 2 on"),
        (b'{"answers": [1, 2],\n"count": 2}', "without a list of trades"),
        (b"[" * 500_000, "nested too deeply"),
        (b"PAR1" + b"\0" * 100, "is no whole parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, text: bytes, said: str) -> None:
    if text[:4] == b"PAR1":
        pytest.importorskip("pyarrow")
    found = sentence(tmp_path / "t.csv", text)
    assert said in found
    assert len(found) < 300
    assert found.startswith("t.csv")


@pytest.mark.slow
def test_what_is_no_file_and_what_changes_meanwhile_is_said(tmp_path: Path) -> None:
    with pytest.raises(TradeFileError, match="is no file"):
        TradeFile(tmp_path, "alpha").look(lambda _: None)
    path = tmp_path / "t.csv"
    path.write_text(table(*(some(id=f"t{each}") for each in range(BATCH + 1))))
    file = TradeFile(path, "alpha")
    batches = file.batches(file.look(lambda _: None))
    assert len(next(batches)) == BATCH
    os.utime(path, (1, 1))
    with pytest.raises(TradeFileError, match="was changed while it was read"):
        next(batches)


@pytest.mark.parametrize(
    ("asset", "paid_in", "fees"),
    [
        ("BTC/USDT", "usdt", "0.002"),
        ("BTC/USDT:USDT", "USDT", "0.002"),
        ("BTC/USDT", "BTC", "60.02060"),  # at the exit price
        ("btc-usdt", "BTC", "60.02060"),
        ("BTC", "BTC", "60.02060"),
        ("BTC", "USD", "0.002"),
        ("BTC/USDT", "BNB", "1.2246"),
        ("BTC/USDT", "", "0.002"),
    ],
)
def test_a_fee_in_another_currency_is_money_at_a_known_price(
    tmp_path: Path, asset: str, paid_in: str, fees: str
) -> None:
    row = some(asset=asset, fees="0.002", fee_currency=paid_in)
    known = {"rates": {"BNB": Decimal("612.3")}, "currency": "USD"}
    trades, refused, _ = read(tmp_path / "t.csv", table(row, head=[*HEAD, "fee_currency"]), **known)
    assert refused == []
    assert trades[0].fees == Decimal(fees)


@pytest.mark.parametrize(("asset", "paid_in"), [("BTC/USDT", "BNB"), ("BTC/EUR", "USD"), ("BTC", "USDT")])
def test_a_fee_in_a_currency_that_nobody_knows_the_price_of_is_refused(
    tmp_path: Path, asset: str, paid_in: str
) -> None:
    row = some(asset=asset, fee_currency=paid_in)
    _, refused, _ = read(tmp_path / "t.csv", table(row, head=[*HEAD, "fee_currency"]), currency="USD")
    (why,) = [each.why for each in refused if each.column == "fee_currency"]
    assert why == f"{paid_in} is neither side of {asset}: say what one is worth, like --rate {paid_in}=1.5"


figures = st.decimals(-(10**18) + 1, 10**18 - 1, allow_nan=False, places=None).filter(
    lambda each: abs(int(each.as_tuple().exponent)) <= 40
)


@given(
    entry=figures,
    leave=figures,
    fees=figures,
    funding=figures,
    opened=st.integers(10**8, 10**10),
    lasts=st.floats(0, 1e9),
)
def test_every_digit_that_was_written_is_read(
    entry: Decimal, leave: Decimal, fees: Decimal, funding: Decimal, opened: int, lasts: float
) -> None:
    trade = RowReader("alpha", [*HEAD, "funding", "tag"], Layout())(
        [
            "t1",
            "grid",
            "BTC",
            "sell",
            "0.1",
            *map(str, (entry, leave, opened, opened + lasts, fees)),
            "",
            str(funding),
            "",
        ]
    )
    assert (trade.entry_price, trade.exit_price, trade.fees, trade.funding) == (entry, leave, fees, funding)
    assert (trade.side, trade.slippage, trade.tag) == (Side.SHORT, Decimal(0), "")
    assert trade.exit_time == pytest.approx(opened + lasts, abs=1e-6)
