"""What an agent tells in single calls becomes figures of the last minutes; what it never told stays unknown."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sdk import OpenPosition
from monitor.sdk.book import Book
from monitor.sdk.meter import BUCKETS, MOST_ENDPOINTS, MOST_ORDERS, Meter, Repeats, Rolling
from monitor.sdk.position import MOST, rows

WALL = 1_790_000_000.0


def test_what_was_never_told_is_unknown_and_not_zero() -> None:
    figures = Meter().figures(1_000.0, WALL)
    assert figures.pop("latencies") == {}
    assert set(figures.values()) == {None}


def test_each_call_fills_its_figures() -> None:
    meter = Meter()
    meter.decision(100.0)
    for at in (101.0, 102.0, 103.0):
        meter.order(at, "BTC", "long", 1, 64_000)
    meter.order(103.0, "ETH", "long", 1, None)
    meter.reject(104.0)
    assert meter.feed(WALL - 7.0, WALL)
    for ok in (True, True, True, True, False) * 2:
        meter.venue_call(105.0, "orders", 0.2, WALL, 0.4, WALL + 1.5, ok=ok)
        meter.model_call(106.0, 2.5, 300, 0.1, ok=ok)
    assert meter.figures(110.0, WALL + 3.0) == {
        "decision_age": 10.0,
        "decisions_1h": 1,
        "orders_1h": 4,
        "rejects_1h": 1,
        "repeated_orders": 3,
        "feed_age": 10.0,
        "latencies": {"orders": 0.2},
        "venue_errors": 0.2,
        "rate_limit": 0.4,
        "clock_skew": 1.5,
        "model_latency": 2.5,
        "model_errors": 0.2,
        "tokens_1h": 3_000,
        "cost_1h": 1.0,
        "cost_24h": 1.0,
    }


def test_counts_run_out_with_their_window_and_then_are_zero() -> None:
    meter = Meter()
    meter.decision(0.0)
    meter.order(0.0, "BTC", "long", 1, None)
    meter.model_call(0.0, 1.0, 100, 2.0, ok=False)
    late = meter.figures(3_700.0, WALL)
    assert (late["decisions_1h"], late["orders_1h"], late["repeated_orders"], late["cost_1h"]) == (0, 0, 0, 0.0)
    assert (late["cost_24h"], late["model_errors"], late["decision_age"]) == (2.0, None, 3_700.0)


def test_old_data_makes_no_feed_younger_and_a_time_that_is_none_makes_nothing() -> None:
    meter = Meter()
    assert meter.feed(WALL - 5.0, WALL)
    assert meter.feed(WALL - 50.0, WALL)
    assert not meter.feed(math.nan, WALL)
    assert meter.figures(0.0, WALL)["feed_age"] == 5.0


def test_data_of_the_future_grows_old_and_milliseconds_are_no_time() -> None:
    meter = Meter()
    assert meter.feed(WALL + 3_600.0, WALL)
    assert meter.figures(0.0, WALL + 40.0)["feed_age"] == 40.0
    assert not meter.feed(1_000.0 * WALL, WALL + 50.0)
    assert meter.venue_call(0.0, "time", 0.1, WALL, None, 1_000.0 * WALL, ok=True) == 1
    figures = meter.figures(0.0, WALL + 60.0)
    assert (figures["feed_age"], figures["clock_skew"]) == (60.0, None)


def test_one_order_is_the_same_however_its_figures_are_written() -> None:
    meter = Meter()
    for size, price in ((0.5, 100), (Decimal("0.50"), 100.0), ("0.5", "100.00")):
        assert meter.order(1.0, "BTC", "buy", size, price) == 0
    assert meter.figures(1.0, WALL)["repeated_orders"] == 3


@pytest.mark.parametrize(
    "wrong", [math.nan, None, "much", 10**400, Decimal("sNaN"), object()], ids=lambda it: type(it).__name__
)
def test_orders_that_are_not_known_whole_are_orders_and_no_repeats(wrong: object) -> None:
    meter = Meter()
    assert [meter.order(1.0, "BTC", "buy", wrong, None) for _ in range(3)] == [1, 1, 1]
    figures = meter.figures(1.0, WALL)
    assert (figures["orders_1h"], figures["repeated_orders"]) == (3, 0)


def test_whatever_a_model_is_said_to_cost_the_sum_is_a_figure() -> None:
    meter = Meter()
    for _ in range(3):
        assert meter.model_call(1.0, 1.0, 1e308, 1e308, ok=True) == 2
        assert meter.model_call(1.0, -1.0, 7, 1e15, ok=True) == 1
    figures = meter.figures(1.0, WALL)
    assert (figures["tokens_1h"], figures["cost_24h"], figures["model_latency"]) == (21, 3e15, 1.0)


def test_figures_that_are_none_change_nothing_and_raise_nothing() -> None:
    meter = Meter()
    meter.venue_call(0.0, "x" * 500, math.inf, WALL, "much", None, ok=True)
    meter.model_call(0.0, math.nan, -5, "free", ok=True)
    figures = meter.figures(1.0, WALL)
    assert (figures["latencies"], figures["rate_limit"], figures["model_latency"]) == ({}, None, None)
    assert (figures["tokens_1h"], figures["cost_1h"]) == (0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 5_000), st.integers(1, 9)), max_size=80), st.floats(0, 6_000))
def test_a_rolling_sum_is_right_to_one_bucket(added: list[tuple[float, int]], later: float) -> None:
    added.sort()
    rolling = Rolling(600.0)
    for at, amount in added:
        rolling.add(at, amount)
    now = max((at for at, _ in added), default=0.0) + later
    width = 600.0 / BUCKETS
    surely = sum(amount for at, amount in added if at > now - 600.0 + width)
    perhaps = sum(amount for at, amount in added if at >= now - 600.0 - width)
    assert surely <= rolling.total(now) <= perhaps


def test_memory_is_bounded_however_much_is_told() -> None:
    repeats, meter = Repeats(), Meter()
    for number in range(3 * MOST_ORDERS):
        repeats.add(1.0, (number,))
        repeats.add(1.0, ("same",))
        meter.venue_call(1.0, f"endpoint {number}", 0.1, WALL, None, None, ok=True)
    assert repeats.most(2.0) == MOST_ORDERS
    assert len(repeats._times) == MOST_ORDERS
    latencies = meter.figures(2.0, WALL)["latencies"]
    assert isinstance(latencies, dict)
    assert len(latencies) == MOST_ENDPOINTS


def test_positions_are_told_whole_or_not_at_all() -> None:
    book = Book("b0")
    good = [OpenPosition("ETH", "short", 2, 3_000), OpenPosition("BTC", "long", 1, pnl=-4.5, id="7")]
    assert book.tell_positions(good) == 0
    assert [row["asset"] for row in book.positions or ()] == ["BTC", "ETH"]
    assert book.money.open_positions == 2
    assert book.tell_positions(None) == 0
    assert book.positions is None


@pytest.mark.parametrize(
    "wrong",
    [
        OpenPosition("", "long", 1),
        OpenPosition("BTC", "up", 1),
        OpenPosition("BTC", "long", 0),
        OpenPosition("BTC", "long", math.nan),
        OpenPosition("BTC", "long", 1, entry_price=math.inf),
        OpenPosition("BTC\x00", "long", 1),
        {"asset": "BTC", "side": "long", "size": 1},
    ],
)
def test_one_position_that_makes_no_sense_makes_all_of_them_unknown(wrong: object) -> None:
    assert rows([OpenPosition("BTC", "long", 1), wrong]) is None
    assert rows([OpenPosition("BTC", "long", 1)] * (MOST + 1)) is None
