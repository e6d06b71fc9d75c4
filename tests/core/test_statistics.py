"""Estimators by hand, and their intervals by how often they hold what is true."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import statistics, trade_statistics
from monitor.grid import Floats
from monitor.statistics import Estimate, moments, path

returns = st.lists(st.floats(-1.0, 1.0) | st.sampled_from([1e80, 1e160, 1e300, -1.0]), min_size=1, max_size=60).map(
    np.array
)


def generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def holds(make: Callable[[np.random.Generator], Estimate], truth: float, times: int = 400) -> float:
    """How often an interval of 95 % holds the truth."""
    source, hits = generator(11), 0
    for _ in range(times):
        found = make(source)
        hits += found.low is not None and found.high is not None and found.low <= truth <= found.high
    return hits / times


def skewed(source: np.random.Generator, n: int) -> Floats:
    """Returns with a fat left tail: mean 0.001, standard deviation 0.01."""
    return 0.001 - 0.01 * (source.gamma(4.0, 0.5, n) - 2.0)


# Values


def test_moments_are_those_of_the_textbook() -> None:
    found = moments(np.array([0.1, -0.2, 0.3, -0.1]), 0.05)
    assert found.n == 4
    assert found.mean == pytest.approx(0.025)
    off = np.array([0.075, -0.225, 0.275, -0.125])
    assert (found.m2, found.m3, found.m4) == pytest.approx([np.mean(off**power) for power in (2, 3, 4)])
    below = np.array([0.0, -0.25, 0.0, -0.15])
    assert (found.d2, found.d3, found.d4) == pytest.approx([np.mean(below**power) for power in (2, 3, 4)])
    assert found.logs == pytest.approx(np.var(np.log1p([0.1, -0.2, 0.3, -0.1]), ddof=1))


def test_moments_of_many_blocks_are_those_of_one() -> None:
    many = skewed(generator(), 100_000)
    found = moments(many)
    assert (found.mean, found.spread) == pytest.approx((np.mean(many), np.std(many, ddof=1)), rel=1e-12)
    assert found.m4 == pytest.approx(np.mean((many - np.mean(many)) ** 4), rel=1e-12)


def test_a_probabilistic_sharpe_is_that_of_the_paper() -> None:
    # Bailey and Lopez de Prado 2012: monthly Sharpe ratio 0.458 of 24 months, skew -2.448, kurtosis 10.164, and a
    # benchmark of 0.1 a year to a probability of 0.913 when the skew is passed over, 0.96 to 0.92 as the tail fattens.
    m2 = 0.0365**2 * 23 / 24
    of = statistics.Moments(24, 0.458 * 0.0365, m2, -2.448 * m2**1.5, 10.164 * m2**2, 0.0, 0.0, 0.0, 0.0)
    found = statistics.probabilistic_sharpe(of, benchmark=0.1 / math.sqrt(12)).value
    expected = (0.458 - 0.1 / math.sqrt(12)) * math.sqrt(23) / math.sqrt(1 + 2.448 * 0.458 + 9.164 / 4 * 0.458**2)
    assert found == pytest.approx(0.5 * math.erfc(-expected / math.sqrt(2)))
    assert found == pytest.approx(0.9, abs=0.02)


def test_the_worst_returns_by_hand() -> None:
    hundred = np.arange(-50, 51) / 100.0
    assert statistics.value_at_risk(hundred).value == pytest.approx(-0.45)
    assert statistics.shortfall(hundred).value == pytest.approx(-0.475)


def test_a_quantile_of_few_returns_has_no_lower_bound() -> None:
    found = statistics.value_at_risk(skewed(generator(), 40))
    assert found.low is None
    assert found.high is not None


def test_an_interval_of_wilson_by_hand() -> None:
    found = trade_statistics.share(4, 10)
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.168180, 0.687326), abs=1e-6)
    assert (trade_statistics.share(0, 10).low, trade_statistics.share(10, 10).high) == (0.0, 1.0)


def test_a_quantile_of_student_is_that_of_the_tables() -> None:
    for freedom, table in ((4, 2.776), (9, 2.262), (30, 2.042), (120, 1.980)):
        assert trade_statistics.student(freedom) == pytest.approx(table, abs=1e-3)


def test_a_profit_factor_has_the_same_interval_whenever_and_in_whatever_order_it_is_asked_for() -> None:
    nets = generator().normal(1.0, 5.0, 300)
    assert trade_statistics.profit_factor(nets)[1:] == trade_statistics.profit_factor(nets[::-1])[1:]


def test_the_delta_method_takes_over_from_the_bootstrap_without_a_jump() -> None:
    nets = generator().normal(1.0, 5.0, 1_001)
    drawn, delta = trade_statistics.profit_factor(nets[1:]), trade_statistics.profit_factor(nets)
    assert delta[1:3] == pytest.approx(drawn[1:3], rel=0.05)


def test_a_draw_without_a_loss_leaves_the_profit_factor_unbounded() -> None:
    found = trade_statistics.profit_factor(np.array([-1.0, *[1.0] * 9]))
    assert found.value == 9.0
    assert (found.low is not None, found.high) == (True, None)


def test_long_returns_are_linked_in_lanes_to_the_same_path() -> None:
    many = skewed(generator(), 10_000)
    index = np.concatenate(([1.0], np.cumprod(1.0 + many)))
    peaks = np.maximum.accumulate(index)
    found = path(many)
    assert found.growth == pytest.approx(index[-1], rel=1e-12)
    assert found.drawdown == pytest.approx(1.0 - index[-1] / peaks[-1], rel=1e-9)
    assert found.max_drawdown == pytest.approx(np.max(1.0 - index / peaks), rel=1e-9)
    for at in (0, 4_095, 4_096, 9_999):  # at the ends of lanes, and after the last whole one
        crashed = many.copy()
        crashed[at] = -0.9
        index = np.concatenate(([1.0], np.cumprod(1.0 + crashed)))
        expected = np.max(1.0 - index / np.maximum.accumulate(index))
        assert path(crashed).max_drawdown == pytest.approx(expected, rel=1e-12)


# Intervals


@pytest.mark.parametrize(
    ("make", "truth"),
    [
        (lambda source: statistics.sharpe(moments(skewed(source, 500)), 1.0), 0.1),
        (lambda source: statistics.volatility(moments(skewed(source, 500)), 1.0), 0.01),
        (lambda source: statistics.value_at_risk(source.normal(0.0, 1.0, 500)), -1.6448536),
        (lambda source: statistics.shortfall(source.normal(0.0, 1.0, 2_000)), -2.0627128),
        (lambda source: trade_statistics.expectancy(source.normal(3.0, 10.0, 12)), 3.0),
        (lambda source: trade_statistics.share(int(source.binomial(40, 0.2)), 40), 0.2),
        (lambda source: trade_statistics.payoff(source.choice([3.0, 2.0, 1.0, -1.0, -2.0], 200)), 2.0 / 1.5),
        (lambda source: trade_statistics.profit_factor(source.choice([3.0, 2.0, -1.0, -2.0], 100)), 5.0 / 3.0),
        (lambda source: trade_statistics.profit_factor(source.choice([3.0, 2.0, -1.0, -2.0], 1_500)), 5.0 / 3.0),
    ],
    ids=["sharpe", "volatility", "var", "cvar", "expectancy", "win rate", "payoff", "profit factor", "many trades"],
)
def test_an_interval_holds_the_truth_in_about_nineteen_of_twenty_cases(
    make: Callable[[np.random.Generator], Estimate], truth: float
) -> None:
    assert 0.92 <= holds(make, truth, 200 if truth == 5.0 / 3.0 else 600) <= 0.98


def test_the_interval_of_sortino_holds_the_truth_too() -> None:
    lift = 0.008  # so that the mean and the losses move together
    many = skewed(generator(5), 2_000_000) + lift
    truth = float(np.mean(many) / np.sqrt(np.mean(np.minimum(many, 0.0) ** 2)))
    assert (
        0.92 <= holds(lambda source: statistics.sortino(moments(skewed(source, 500) + lift), 1.0), truth, 600) <= 0.98
    )


def test_the_interval_of_growth_holds_the_truth_and_that_of_calmar_is_it_over_the_drawdown() -> None:
    def made(source: np.random.Generator) -> Estimate:
        some = np.expm1(source.normal(0.001, 0.02, 365))
        return statistics.growth_rate(moments(some), path(some).growth, 1.0)

    assert 0.92 <= holds(made, math.expm1(0.365), 600) <= 0.98
    annual = made(generator())
    assert annual.low is not None
    assert annual.high is not None
    assert statistics.calmar(annual, 0.5)[:3] == pytest.approx((annual[0] * 2, annual.low * 2, annual.high * 2))  # type: ignore[operator]


# Laws


@given(returns)
def test_no_estimate_is_infinite_or_nan(some: Floats) -> None:
    of, walked = moments(some), path(some)
    annual = statistics.growth_rate(of, walked.growth, len(some) / 365)
    found = [
        statistics.sharpe(of, 365.0),
        statistics.probabilistic_sharpe(of),
        statistics.sortino(of, 365.0),
        statistics.volatility(of, 365.0),
        statistics.skew(of),
        statistics.kurtosis(of),
        statistics.value_at_risk(some),
        statistics.shortfall(some),
        annual,
        statistics.calmar(annual, walked.max_drawdown),
        trade_statistics.profit_factor(some),
        trade_statistics.payoff(some),
        trade_statistics.expectancy(some),
    ]
    for each in found:
        assert each.value is None or math.isfinite(each.value)
        assert each.value is not None or each.why
        for end in (each.low, each.high):
            assert end is None or (math.isfinite(end) and each.value is not None)
        if each.value is not None and each.low is not None:
            assert each.low <= each.value + 1e-9 * (1.0 + abs(each.value))
    assert math.isnan(walked.growth) or 0.0 <= walked.drawdown <= walked.max_drawdown <= 1.0
