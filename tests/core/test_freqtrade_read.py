"""What freqtrade says becomes figures, and what a closed trade made is its own figure to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import EXACT, Side
from monitor.sources._freqtrade_read import MOST_POSITIONS, Looked, Profits, positions, read_sample, read_trade

REAL = """{"trade_id": 3, "pair": "BTC/USDT", "is_open": false, "amount": 0.001638, "strategy": "Bench",
 "open_timestamp": 1794634523007, "open_rate": 61039.9722140287, "close_timestamp": 1794648443007,
 "close_rate": 60688.794256711284, "close_profit_abs": -0.77462121, "leverage": 1.0, "is_short": false,
 "orders": [{"ft_order_side": "buy", "filled": 0.001638, "safe_price": 61039.9722140287, "is_open": false},
            {"ft_order_side": "sell", "filled": 0.001638, "safe_price": 60688.794256711284, "is_open": false}]}"""
CONFIG = {"state": "running", "dry_run": False, "max_open_trades": 3.0, "trading_mode": "futures"}


def a_trade(**changes: Any) -> dict[str, Any]:
    """A real row, its numbers still text, with some of it changed."""
    row: dict[str, Any] = json.loads(REAL, parse_float=str, parse_int=str)
    return {**row, **changes}


def looked(**changes: Any) -> Looked:
    known: dict[str, Any] = {"config": CONFIG, "balance": {"total": 1_000.0}, "open": [], "health": {}}
    return Looked(**{**known, **changes})


def test_a_real_trade_is_read_with_every_digit() -> None:
    trade = read_trade("alpha", a_trade(), paper=True)
    assert (trade.id, trade.strategy, trade.asset, trade.side) == ("3-1794634523007", "Bench", "BTC/USDT", Side.LONG)
    assert (trade.size, trade.entry_price) == (Decimal("0.001638"), Decimal("61039.9722140287"))
    assert (trade.entry_time, trade.exit_time, trade.paper) == (1_794_634_523.007, 1_794_648_443.007, True)
    assert trade.net == Decimal("-0.77462121")
    assert 0 < trade.fees < Decimal("0.21")  # two fees of 0.1 % of 100


@given(
    amount=st.decimals("0.00000001", 10**9, places=8),
    entry=st.decimals("0.00000001", 10**7, places=10),
    leave=st.decimals("0.00000001", 10**7, places=10),
    profit=st.floats(-1e9, 1e9).filter(lambda each: each == 0 or abs(each) > 1e-20),
    short=st.booleans(),
)
def test_what_a_trade_made_is_exactly_what_freqtrade_says(
    amount: Decimal, entry: Decimal, leave: Decimal, profit: float, short: bool
) -> None:
    figures = {"amount": amount, "open_rate": entry, "close_rate": leave, "close_profit_abs": repr(profit)}
    with localcontext(EXACT):
        trade = read_trade("alpha", a_trade(**figures, is_short=short, leverage="5.0"), paper=False)
        assert trade.net == Decimal(repr(profit))


def test_funding_that_was_received_is_told_apart_from_fees() -> None:
    trade = read_trade(
        "alpha", a_trade(funding_fees="0.05", exit_reason="roi", enter_tag="m1", exchange="binance"), paper=True
    )
    assert (trade.funding, trade.exit_reason, trade.tag, trade.venue) == (Decimal("-0.05"), "roi", "m1", "binance")
    assert trade.net == Decimal("-0.77462121")
    assert trade.fees == read_trade("alpha", a_trade(), paper=True).fees + Decimal("0.05")
    assert read_trade("alpha", a_trade(funding_fees=None, exit_reason=None), paper=True).exit_reason == ""


@pytest.mark.parametrize(("short", "into", "out"), [(False, "buy", "sell"), (True, "sell", "buy")])
def test_a_trade_that_was_left_in_parts_is_its_whole_size_at_mean_prices(short: bool, into: str, out: str) -> None:
    orders = [
        {"ft_order_side": into, "filled": "3.0", "safe_price": "100.0"},
        {"ft_order_side": out, "filled": "1.0", "safe_price": "110.0"},
        {"ft_order_side": into, "filled": "1.0", "safe_price": "108.0"},
        {"ft_order_side": out, "filled": None, "safe_price": "500.0"},
        {"ft_order_side": "stoploss", "filled": "3.0", "safe_price": "90.0"},
    ]
    last = {"amount": "3.0", "open_rate": "102.0", "close_rate": "90.0"}  # the last part only
    profit = "-30.0" if not short else "26.0"
    trade = read_trade("alpha", a_trade(**last, is_short=short, orders=orders, close_profit_abs=profit), paper=None)
    assert (trade.size, trade.entry_price, trade.exit_price) == (Decimal(4), Decimal(102), Decimal(95))
    assert (trade.net, trade.fees) == (Decimal(profit), Decimal(2))


@pytest.mark.parametrize(
    ("field", "value"),
    [("close_rate", None), ("amount", "NaN"), ("amount", "1e999999"), ("close_profit_abs", "much"), ("pair", ""),
     ("strategy", 7), ("trade_id", "-1"), ("open_timestamp", "9" * 400), ("close_timestamp", None),
     ("amount", "0"), ("amount", "-1"), ("open_rate", f"1.{'0' * 99}1"), ("close_timestamp", "9" * 15)],
)  # fmt: skip
def test_a_row_that_is_no_trade_is_one_sentence_that_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field} of a trade is no "):
        read_trade("alpha", a_trade(**{field: value}), paper=False)


def test_what_was_not_said_is_unknown_and_what_is_undefined_is_none() -> None:
    sample = read_sample("alpha", looked(profit={"closed_trade_count": 0, "winrate": 0.0}), 100.0, 0.1, Profits())
    unknown = (sample.balance, sample.available, sample.heartbeat_age, sample.uptime, sample.memory, sample.cpu)
    assert unknown == (None,) * 6
    assert (sample.win_rate, sample.max_drawdown, sample.pnl_1h) == (None, None, None)
    assert (sample.equity, sample.exposure, sample.leverage, sample.paper) == (1_000.0, 0.0, 0.0, False)


def test_a_short_counts_as_exposure_and_a_resting_entry_is_no_position() -> None:
    rows = [
        {"trade_id": 9, "pair": "ETH/USDT:USDT", "amount": 2.0, "open_rate": 3_000.0, "current_rate": 2_900.0,
         "is_short": True, "profit_abs": 190.0},
        {"trade_id": 8, "pair": "ETH/USDT:USDT", "amount": 1.0, "open_rate": 3_100.0, "current_rate": None},
        {"trade_id": 10, "pair": "BTC/USDT:USDT", "amount": 0.0, "open_rate": 60_000.0, "current_rate": 60_001.0},
    ]  # fmt: skip
    sample = read_sample("alpha", looked(open=rows), 100.0, None, Profits())
    assert sample.positions is not None
    assert [(each.id, each.side, each.size, each.pnl) for each in sample.positions] == [
        ("8", Side.LONG, 1.0, None),
        ("9", Side.SHORT, 2.0, 190.0),
    ]
    assert sample.exposure == 2.0 * 2_900.0 + 3_100.0
    assert sample.leverage == pytest.approx(8.9)


@pytest.mark.parametrize(("whole", "told"), [(7.5, 7.5), (None, 2.5), ("much", None)])
def test_a_position_made_what_its_exits_made_already_too(whole: object, told: float | None) -> None:
    row = {"trade_id": 1, "pair": "BTC/USDT", "amount": 1.0, "profit_abs": 2.5, "realized_profit": 5.0}
    (position,) = positions([row if whole is None else {**row, "total_profit_abs": whole}]) or ()
    assert position.pnl == told


def test_positions_are_told_whole_or_not_at_all() -> None:
    rows = [{"trade_id": each, "pair": "X", "amount": 1.0} for each in range(MOST_POSITIONS + 1)]
    assert len(positions(rows[:-1]) or ()) == MOST_POSITIONS
    assert positions(rows) is None
    assert positions([{"trade_id": 1, "pair": "X", "amount": None}]) is None
