"""The demo's market is fat-tailed, clusters its volatility, comes back to its anchor, and is the same for one seed."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.demo.market import ANCHORS, VOLATILITY, Market, student


def returns(seed: int, ticks: int = 20_000) -> NDArray[np.float64]:
    market = Market(seed, ("BTC",))
    return np.diff(np.log([market.tick()["BTC"] for _ in range(ticks)]))


@given(st.integers(), st.integers(1, 200))
def test_one_seed_is_one_path_of_finite_prices_above_zero(seed: int, ticks: int) -> None:
    first, second = Market(seed), Market(seed)
    for _ in range(ticks):
        prices = first.tick()
        assert prices == second.tick()
        assert all(math.isfinite(price) and price > 0 for price in prices.values())


def test_two_seeds_are_two_paths_and_assets_move_on_their_own() -> None:
    assert Market(1).tick() != Market(2).tick()
    market = Market(3)
    path = np.log([list(market.tick().values()) for _ in range(5000)])
    correlation = np.corrcoef(np.diff(path, axis=0).T)
    assert np.abs(correlation - np.eye(len(ANCHORS))).max() < 0.1


def test_students_t_has_variance_one_and_fat_tails() -> None:
    draw = random.Random(5)  # noqa: S311 - a simulated market
    values = np.array([student(draw) for _ in range(50_000)])
    assert values.var() == pytest.approx(1.0, abs=0.15)
    assert (np.abs(values) > 4).mean() > 20 * math.erfc(4 / math.sqrt(2))


def test_returns_have_fat_tails_and_the_stated_size() -> None:
    moves = returns(7)
    assert 0.5 * VOLATILITY < moves.std() < 2 * VOLATILITY
    standard = (moves - moves.mean()) / moves.std()
    assert (standard**4).mean() > 5
    assert (np.abs(standard) > 5).any()


def test_large_moves_follow_large_moves() -> None:
    size = np.abs(returns(11))
    clustered = np.corrcoef(size[:-1], size[1:])[0, 1]
    shuffled = np.random.default_rng(0).permutation(size)
    assert clustered > 0.05 > abs(np.corrcoef(shuffled[:-1], shuffled[1:])[0, 1])


def test_the_price_stays_around_its_anchor() -> None:
    market = Market(13, ("ETH",))
    path = np.array([market.tick()["ETH"] for _ in range(20_000)]) / ANCHORS["ETH"]
    assert path.mean() == pytest.approx(1.0, abs=0.02)
    assert path.min() > 0.85
    assert path.max() < 1.15


def test_a_torn_price_gaps_and_comes_back_when_it_is_mended() -> None:
    torn, whole = Market(17), Market(17)
    torn.tear("BTC", 0.6)
    assert torn.prices["BTC"] == pytest.approx(0.6 * whole.prices["BTC"])
    torn.tear("BTC", 1)
    assert torn.tick() == whole.tick()


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_a_price_cannot_gap_to_nothing(factor: float) -> None:
    with pytest.raises(ValueError, match="factor above 0"):
        Market(1).tear("BTC", factor)
