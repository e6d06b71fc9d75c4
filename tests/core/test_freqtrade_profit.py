"""What a real freqtrade says of its closed trades is what they come to here: profit, win rate, profit factor, parts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from monitor.attribution import attribute
from monitor.model import EXACT, Trade
from monitor.performance import measure
from monitor.sources._freqtrade_read import read_trade

SAMPLES = Path(__file__).parents[1] / "samples" / "freqtrade"


def said(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def trades() -> list[Trade]:
    rows = json.loads((SAMPLES / "trades.json").read_text(), parse_float=str, parse_int=str)["trades"]
    return [read_trade("ft", each, paper=True) for each in rows]


def test_closed_profit_and_trades_are_freqtrade_s_to_the_last_digit(trades: list[Trade]) -> None:
    profit = said("profit")
    total = attribute(trades, "strategy").total
    assert (total.trades, total.wins) == (profit["closed_trade_count"], profit["winning_trades"])
    assert float(total.net) == profit["profit_closed_coin"]


def test_win_rate_and_profit_factor_are_freqtrade_s(trades: list[Trade]) -> None:
    profit = said("profit")
    figures = {each.key: each.value for each in measure("ft", [], [], trades, spacing=60.0).figures}
    assert figures["win_rate"] == profit["winrate"]
    # freqtrade adds floats up, here the sums are exact: they part in the sixteenth digit.
    assert figures["profit_factor"] == pytest.approx(profit["profit_factor"], rel=1e-14)
    assert float(total := figures["total_pnl"] or 0) == profit["profit_closed_coin"]
    assert float(total) / len(trades) == pytest.approx(profit["expectancy"], rel=1e-14)


def test_profit_by_pair_and_wins_by_exit_reason_are_freqtrade_s(trades: list[Trade]) -> None:
    pairs = {line.key: line for line in attribute(trades, "asset").lines}
    assert {name: line.trades for name, line in pairs.items()} == {
        each["pair"]: each["count"] for each in said("performance")
    }
    for each in said("performance"):
        assert float(pairs[each["pair"]].net) == pytest.approx(each["profit_abs"], rel=1e-14)
    exits = {line.key: (line.wins, line.trades - line.wins) for line in attribute(trades, "exit").lines}
    assert exits == {name: (each["wins"], each["losses"]) for name, each in said("stats")["exit_reasons"].items()}


def test_profit_by_day_is_freqtrade_s(trades: list[Trade]) -> None:
    days: Counter[str] = Counter()
    profits: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for each in trades:
            day = datetime.fromtimestamp(each.exit_time, UTC).date().isoformat()
            days[day] += 1
            profits[day] = profits.get(day, Decimal(0)) + each.net
    for each in said("daily")["data"]:
        assert days[each["date"]] == each["trade_count"]
        assert float(profits[each["date"]]) == pytest.approx(each["abs_profit"], rel=1e-14)
