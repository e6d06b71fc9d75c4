"""The demo's account adds up: what its trades say it earned is what its money says."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.market import Market
from bot.demo.trader import START, STYLES, Trader, TradeRow
from monitor.sdk.trade import ClosedTrade, closed_trade

NOW = 1_800_000_000.0


def checked(row: TradeRow) -> ClosedTrade:
    return closed_trade(**row)


def lived(strategy: str, seed: int, ticks: int) -> tuple[Market, Trader, list[TradeRow]]:
    market, trader, closed = Market(seed), Trader(strategy, seed, "b"), list[TradeRow]()
    for tick in range(ticks):
        closed += trader.act(market.tick(), NOW + tick, may_open=True)
    return market, trader, closed


@settings(max_examples=30)
@given(strategy=st.sampled_from(sorted(STYLES)), seed=st.integers(0, 10_000), ticks=st.integers(1, 300))
@pytest.mark.slow
def test_the_money_is_the_start_plus_the_net_of_every_closed_trade(strategy: str, seed: int, ticks: int) -> None:
    market, trader, closed = lived(strategy, seed, ticks)
    closed += trader.close_all(market.prices, NOW + ticks)
    assert trader.positions == ()
    assert trader.cash == pytest.approx(START + sum(float(checked(row).net) for row in closed), abs=0.01)
    assert trader.equity(market.prices) == trader.cash
    assert len({row["id"] for row in closed}) == len(closed)


@pytest.mark.parametrize("strategy", sorted(STYLES))
@pytest.mark.slow
def test_every_strategy_keeps_closing_trades_and_its_equity(strategy: str) -> None:
    market, trader, closed = lived(strategy, 5, 3000)
    assert len(closed) >= 30
    assert {row["asset"] for row in closed} == set(STYLES[strategy].assets)
    assert {row["strategy"] for row in closed} == {strategy}
    assert trader.equity(market.prices) == pytest.approx(START, rel=0.05)
    assert trader.exposure(market.prices) > 0.4 * START


@pytest.mark.slow
def test_the_strategies_behave_differently() -> None:
    def habits(strategy: str) -> tuple[float, float, bool]:
        trades = [checked(row) for row in lived(strategy, 9, 4000)[2]]
        held = sum(trade.exit_time - trade.entry_time for trade in trades) / len(trades)
        return round(held, 1), len(trades), all(trade.fees < 0 for trade in trades)

    seen = {strategy: habits(strategy) for strategy in STYLES}
    assert len(set(seen.values())) == len(STYLES)
    assert [strategy for strategy, (_, _, rebate) in seen.items() if rebate] == ["maker"]


def test_who_may_not_open_keeps_what_is_open_and_opens_nothing() -> None:
    market, trader, _ = lived("carry", 3, 40)
    before = trader.positions
    assert len(before) == 3
    for tick in range(200):
        assert trader.act(market.tick(), NOW + 100 + tick, may_open=False) == []
    assert trader.positions == before


def test_a_halted_asset_is_left_alone() -> None:
    market, trader, _ = lived("carry", 3, 40)
    halted = STYLES["carry"].assets[0]
    kept = [each for each in trader.positions if each.asset == halted]
    for tick in range(200):
        trader.act(market.tick(), NOW + 100 + tick, may_open=True, halted=(halted,))
    assert [each for each in trader.positions if each.asset == halted] == kept


@pytest.mark.parametrize("strategy", sorted(STYLES))
def test_the_past_is_a_whole_day_of_valid_trades(strategy: str) -> None:
    trades = [checked(row) for row in Trader(strategy, 1, "b").past("alpha", NOW)]
    assert len(trades) == 40
    assert all(NOW - 86_400 <= trade.entry_time < trade.exit_time < NOW for trade in trades)
    assert len({int(trade.entry_time // 3600) for trade in trades}) >= 20
    assert abs(sum(float(trade.net) for trade in trades)) < START / 20


def test_the_past_has_the_same_ids_after_a_restart() -> None:
    first, second = (Trader("maker", 1, boot).past("alpha", now) for boot, now in (("a", NOW), ("b", NOW + 60)))
    assert [row["id"] for row in first] == [row["id"] for row in second]


def test_locked_money_lowers_the_balance_and_not_the_equity() -> None:
    trader = Trader("maker", 1, "b")
    prices: Mapping[str, float] = Market(1).prices
    trader.locked = 9_950
    assert trader.balance == START - 9_950
    assert trader.equity(prices) == START
