"""`nightdesk performance equity.csv` from real files: good ones, large ones and every kind of bad one."""

from __future__ import annotations

import json
import math
import time
from itertools import pairwise
from pathlib import Path

import pytest

from bot.offline.performance import performance
from monitor import curve_file
from monitor.curve_file import CurveFileError, read_curve

START = 1_700_000_000


@pytest.fixture
def equity(tmp_path: Path) -> Path:
    return tmp_path / "equity.csv"


def told(path: Path) -> dict[str, dict[str, float | None]]:
    """The JSON, read as strictly as others read it."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    found: dict[str, dict[str, float | None]] = json.loads(performance(path, json=True), parse_constant=refuse)
    return found


def test_hourly_rows_make_every_figure_with_its_interval(equity: Path) -> None:
    worth = [100.0 + 10 * math.sin(at / 5) + at / 10 for at in range(200)]
    equity.write_text("time,equity\n" + "".join(f"{START + 3_600 * at},{each}\n" for at, each in enumerate(worth)))
    found = told(equity)
    assert all(set(each) == {"value", "n", "low", "high"} for each in found.values())
    assert {"sharpe", "sortino", "max_drawdown", "calmar", "volatility", "cagr", "var", "cvar"} <= set(found)
    assert "win_rate" not in found
    made = [after / before - 1 for before, after in pairwise(worth)]
    mean = sum(made) / 199
    spread = math.sqrt(sum((each - mean) ** 2 for each in made) / 198)
    assert found["sharpe"]["value"] == pytest.approx(mean / spread * math.sqrt(8_760))
    assert found["sharpe"]["n"] == 199
    low, value, high = (found["sharpe"][key] for key in ("low", "value", "high"))
    assert low is not None
    assert value is not None
    assert high is not None
    assert low < value < high
    peak, worst = 0.0, 0.0
    for each in worth:
        peak = max(peak, each)
        worst = max(worst, 1 - each / peak)
    assert found["max_drawdown"] == {"value": pytest.approx(worst), "n": 200, "low": None, "high": None}


def test_the_rows_may_be_in_any_order_doubled_and_in_any_form_of_time(equity: Path) -> None:
    plain = equity.with_name("plain.csv")
    rows = [(START + 60 * at, 1_000.0 + (at * 7) % 13) for at in range(60)]
    plain.write_text(
        "time,equity,flow\n" + "".join(f"{when},{worth},{'250' if when % 50 == 0 else ''}\n" for when, worth in rows)
    )
    iso = [f"2023-11-14T{22 + (13 + at) // 60:02d}:{(13 + at) % 60:02d}:20{'Z' if at % 2 else ''}" for at in range(60)]
    mixed = [
        f"{worth} , note {at},{iso[at] if at % 3 else when}.0,{' 250' if when % 50 == 0 else ' '}"
        for at, (when, worth) in enumerate(rows)
        if at % 3 == 0
    ]
    mixed += [
        f"{worth},,{iso[at]},{'250' if when % 50 == 0 else ''}"
        for at, (when, worth) in enumerate(rows)
        if at % 3 or at == 30
    ]
    equity.write_text("\ufeffEquity,note, Time ,flow\r\n" + "\r\n".join(reversed(mixed)) + "\r\n\r\n", encoding="utf-8")
    assert told(equity) == told(plain)


def test_a_time_without_a_zone_is_utc_wherever_the_desk_stands(equity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    equity.write_text("time,equity\n2023-11-14T22:13:20,1\n1970-01-01 00:00:01.5,2\n2023-11-14T23:13:20+01:00,3\n")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert read_curve(equity).observations.times.tolist() == [1.5, START]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_money_that_moved_is_neither_profit_nor_loss(equity: Path) -> None:
    equity.write_text("time,equity,flow\n" + "".join(f"{60 * at},{1_000 + 500 * at},{500}\n" for at in range(40)))
    found = told(equity)
    assert (found["max_drawdown"]["value"], found["volatility"]["value"]) == (0.0, 0.0)
    assert found["sharpe"]["value"] is None


def test_a_missing_equity_is_a_gap_and_is_told(equity: Path) -> None:
    lines = [f"{60 * at},{'' if 10 <= at < 20 else 1_000 + at}\n" for at in range(60)]
    equity.write_text("time,equity\n" + "".join(lines))
    assert "8 gaps" in performance(equity, json=False)


def test_the_table_is_aligned(equity: Path) -> None:
    equity.write_text("time,equity\n" + "".join(f"{86_400 * at},{1_000 - at * 10 + at % 3}\n" for at in range(60)))
    lines = performance(equity, json=False).splitlines()
    end = lines[0].index("n", lines[0].index("interval") + 8) + 1
    assert all(line[end - 1].isdigit() and line[end : end + 2].strip() == "" for line in lines[1:19])
    assert any(line.startswith("Max drawdown") and line.endswith("ACT: pause the agent") for line in lines)
    assert lines[-1] == "60 rows, one every 1 d; a year has 365 days."


def test_one_row_makes_no_figure_and_no_error(equity: Path) -> None:
    equity.write_text("time,equity\n0,100\n")
    assert {each["value"] for each in told(equity).values()} == {None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "equity.csv, line 1: there is no column time; the header names time, equity and, if money moved, flow."),
        ("time,worth\n1,2\n", "equity.csv, line 1: there is no column equity; the header names time, equity"),
        ("time,equity,Equity\n1,2,3\n", "equity.csv, line 1: there are two columns equity; leave one."),
        ("time,equity\n", "equity.csv has no rows below its header; write one row a sample, time and equity."),
        ("time,equity\n1,2\nnoon,3\n", 'line 3, column time: "noon" is no time; write ISO 8601 or epoch seconds.'),
        ("time,equity\n1700000000000,2\n", "is no time; milliseconds? write seconds."),
        ("time,equity\n-9e10,2\n", "is no time; write ISO 8601 or epoch seconds."),
        ("time,equity\n1,2\n\n2,1o0\n", 'line 4, column equity: "1o0" is no number; write 10000.50, or nothing'),
        ("time,equity\n1,inf\n", 'line 2, column equity: "inf" is no number'),
        ("time,equity,flow\n1,2,much\n", 'line 2, column flow: "much" is no number; write 500 or -250.50, or nothing.'),
        ("time,equity\n1,2\n3\n", "line 3: 1 of its 2 columns are there; complete it."),
        (
            "time,equity\n1,2,\n3,1,000.5\n",
            "line 3: 3 columns, and the header names 2; write 1000.50 without thousands marks.",
        ),
        ('time,equity\n1,"2\n', "this is no CSV"),
        ("time,equity\n1," + "2" * 20_000, "line 2: it is longer than 10,000 characters; this is no curve."),
        ("time,equity\n0,1\n0.001,1\n0.002,1\n9e9,1\n", "most rows are 0.001 s apart, but a grid of 0.001 s"),
        ("time,equity\n1,\x1b[2J\n", 'column equity: "?[2J" is no number'),
    ],
)
def test_a_bad_file_is_one_sentence_with_line_and_column(equity: Path, text: str, said: str) -> None:
    equity.write_text(text, encoding="utf-8")
    with pytest.raises(CurveFileError) as error:
        performance(equity, json=True)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_text_and_what_is_not_there_is_a_sentence_too(equity: Path) -> None:
    with pytest.raises(CurveFileError, match=r"cannot be read: No such file"):
        performance(equity, json=True)
    equity.write_bytes(b"time,equity\n1,\xff\xfe\n")
    with pytest.raises(CurveFileError, match="no text in UTF-8"):
        performance(equity, json=True)


def test_more_rows_than_fit_are_refused_while_they_are_read(equity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve_file, "MAX_ROWS", 10)
    equity.write_text("time,equity\n" + "".join(f"{at},1\n" for at in range(11)))
    with pytest.raises(CurveFileError, match="more than 10 rows"):
        read_curve(equity)
