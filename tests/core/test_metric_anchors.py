"""Figures beside empyrical-reloaded and quantstats: the same to 1e-9, or a named trap of theirs (docs/metrics.md)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from monitor import statistics
from monitor.curve_file import read_curve
from monitor.grid import Floats, observations
from monitor.model import Sample
from monitor.performance import Performance, measure, reckon

pytestmark = pytest.mark.slow  # pandas and scipy take their time to be imported

DAYS = 365
START = 1_700_000_000.0


@pytest.fixture(scope="module")
def empyrical() -> Any:
    return pytest.importorskip("empyrical", reason="empyrical-reloaded is not installed: pip install it to compare")


@pytest.fixture(scope="module")
def quantstats() -> Any:
    return pytest.importorskip("quantstats.stats", reason="quantstats is not installed: pip install it to compare")


def gaussian(n: int = 1_000) -> Floats:
    return np.random.default_rng(20).normal(0.0005, 0.02, n)


def fat_tailed(n: int = 1_000) -> Floats:
    return np.clip(np.random.default_rng(21).standard_t(2.5, n) * 0.01, -0.6, None)


def crash() -> Floats:
    return np.concatenate(([-0.35], gaussian(200), [-0.5], np.zeros(40), fat_tailed(60)))


def rarely_losing() -> Floats:
    return np.where(np.arange(100) == 99, -0.01, 0.002)


SERIES = [gaussian(), fat_tailed(), crash(), rarely_losing(), -np.abs(gaussian(60)), np.abs(gaussian(60)), gaussian(30)]
NAMES = ["gaussian", "fat tails", "crash", "one loser", "only losers", "only winners", "thirty"]


def series(returns: Floats) -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.Series(returns, index=pandas.date_range("2024-01-01", periods=len(returns)))


def curve(returns: Floats) -> Performance:
    """The figures of the equity that daily returns make, with 100 before the first of them."""
    equity = 100.0 * np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    return reckon(
        "alpha", observations(START + 86_400.0 * np.arange(len(equity), dtype=np.float64), equity), (), spacing=86_400.0
    )


def value(of: Performance, key: str) -> float | None:
    found = next(each for each in of.all if each.key == key).value
    return None if found is None else float(found)


@pytest.mark.parametrize("returns", SERIES, ids=NAMES)
def test_figures_agree_with_empyrical(empyrical: Any, returns: Floats) -> None:
    found = curve(returns)
    theirs = {
        "sharpe": empyrical.sharpe_ratio(returns, annualization=DAYS),
        "sortino": empyrical.sortino_ratio(returns, annualization=DAYS),
        "volatility": empyrical.annual_volatility(returns, annualization=DAYS),
        "max_drawdown": -empyrical.max_drawdown(returns),
        "cagr": empyrical.cagr(returns, annualization=DAYS),
        "calmar": empyrical.calmar_ratio(returns, annualization=DAYS),
        "var": empyrical.value_at_risk(returns),
        "cvar": empyrical.conditional_value_at_risk(returns),
    }
    for key, expected in theirs.items():
        if math.isfinite(expected):
            assert value(found, key) == pytest.approx(expected, rel=1e-9, abs=1e-12), key
        else:
            assert value(found, key) is None, key


@pytest.mark.parametrize("returns", SERIES, ids=NAMES)
def test_figures_agree_with_quantstats(quantstats: Any, returns: Floats) -> None:
    found, theirs = curve(returns), series(returns)
    assert value(found, "sharpe") == pytest.approx(quantstats.sharpe(theirs, periods=DAYS), rel=1e-9)
    assert value(found, "volatility") == pytest.approx(quantstats.volatility(theirs, periods=DAYS), rel=1e-9)
    assert value(found, "max_drawdown") == pytest.approx(-quantstats.max_drawdown(theirs), rel=1e-9, abs=1e-12)
    historical = quantstats.conditional_value_at_risk(theirs, method="historical")
    if len(returns) == 1_000:  # where the quantile lies between two returns, as theirs takes those at or below it
        assert value(found, "cvar") == pytest.approx(historical, rel=1e-9)


def test_a_risk_free_rate_is_taken_off_as_empyrical_does(empyrical: Any) -> None:
    returns = fat_tailed()
    moments = statistics.moments(returns, 0.04 / DAYS)
    assert statistics.sharpe(moments, DAYS, 0.04 / DAYS).value == pytest.approx(
        empyrical.sharpe_ratio(returns, risk_free=0.04 / DAYS, annualization=DAYS), rel=1e-9
    )
    assert statistics.sortino(moments, DAYS, 0.04 / DAYS).value == pytest.approx(
        empyrical.sortino_ratio(returns, required_return=0.04 / DAYS, annualization=DAYS), rel=1e-9
    )


def test_a_venue_with_sessions_is_annualised_over_its_days(empyrical: Any) -> None:
    weekdays = [day for day in range(700) if day % 7 < 5]
    returns = fat_tailed(len(weekdays) - 1)
    equity = 100.0 * np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    of = observations(START // 86_400.0 * 86_400.0 + 86_400.0 * np.array(weekdays), equity)
    found = reckon("alpha", of, (), spacing=86_400.0, days=252)
    for key, theirs in (("sharpe", empyrical.sharpe_ratio), ("calmar", empyrical.calmar_ratio)):
        assert value(found, key) == pytest.approx(theirs(returns, annualization=252), rel=1e-9)


# The traps


def test_trap_a_loss_in_the_first_bar_is_left_out_of_the_drawdown(empyrical: Any, quantstats: Any) -> None:
    returns = np.array([-0.2, *[0.01] * 40])
    index = np.cumprod(1.0 + returns)
    assert np.min(index / np.maximum.accumulate(index) - 1.0) == 0.0  # quantstats 0.0.62
    for ours in (value(curve(returns), "max_drawdown"), -empyrical.max_drawdown(returns)):
        assert ours == pytest.approx(0.2)
    assert -quantstats.max_drawdown(series(returns)) == pytest.approx(0.2)


def test_trap_sortino_from_losers_only(empyrical: Any, quantstats: Any) -> None:
    returns = gaussian()
    losers = returns[returns < 0]
    ours = value(curve(returns), "sortino")
    assert ours == pytest.approx(empyrical.sortino_ratio(returns, annualization=DAYS), rel=1e-9)
    assert ours == pytest.approx(quantstats.sortino(series(returns), periods=DAYS), rel=1e-9)
    among_themselves = returns.mean() / math.sqrt(np.mean(losers**2)) * math.sqrt(DAYS)
    assert ours is not None
    assert abs(ours / among_themselves) > 1.3  # the more winners, the less there is to fear


def test_trap_calmar_with_the_periods_of_another_venue(empyrical: Any, quantstats: Any) -> None:
    returns = gaussian()
    ours = value(curve(returns), "calmar")
    assert ours == pytest.approx(quantstats.calmar(series(returns), periods=DAYS), rel=1e-9)
    for by_default in (empyrical.calmar_ratio(returns), quantstats.calmar(series(returns))):
        assert by_default != pytest.approx(ours, rel=0.1)  # 252 days, whatever the spacing of the rows
    growth = float(np.prod(1.0 + returns))
    assert growth ** (252 / len(returns)) - 1 != pytest.approx(value(curve(returns), "cagr"), rel=0.1)  # 0.0.62


def test_trap_a_loss_beyond_everything_read_as_growth(empyrical: Any, quantstats: Any) -> None:
    returns = np.array([*[0.01] * 40, -1.5, -1.5, *[0.01] * 400])
    for theirs in (empyrical.cagr(returns, annualization=DAYS), quantstats.cagr(series(returns), periods=DAYS)):
        assert theirs > 0.0
    assert -empyrical.max_drawdown(returns) > 1.0
    equity = 100.0 * np.cumprod(1.0 + np.concatenate(([0.0], returns)))
    found = curve(returns)
    assert equity.min() < 0.0
    assert (value(found, "cagr"), value(found, "calmar"), value(found, "max_drawdown")) == (None, None, 1.0)


def test_trap_a_guard_against_zero_that_a_rounding_slips_past(empyrical: Any, quantstats: Any) -> None:
    equity = 100.0 * 1.0001 ** np.arange(400)
    rote = np.diff(equity) / equity[:-1]
    assert 0.0 < np.std(rote) < 1e-16
    assert empyrical.sharpe_ratio(rote, annualization=DAYS) > 1e12
    assert quantstats.sharpe(series(rote), periods=DAYS) > 1e12
    assert value(curve(rote), "sharpe") is None
    dust = np.where(np.arange(400) % 7 == 0, -1e-17, 0.001)
    assert empyrical.sortino_ratio(dust, annualization=DAYS) > 1e12
    assert statistics.sortino(statistics.moments(dust), DAYS).value is None


def test_trap_a_value_at_risk_of_a_normal_distribution_that_nobody_trades(quantstats: Any) -> None:
    returns = fat_tailed()
    ours = value(curve(returns), "var")
    assert ours == pytest.approx(float(np.quantile(returns, 0.05)), rel=1e-9)
    assert quantstats.value_at_risk(series(returns)) < 1.2 * float(np.quantile(returns, 0.05))


def test_trap_returns_taken_for_prices(quantstats: Any) -> None:
    doubled = np.array([1.2, *[0.5] * 40])
    assert quantstats.sharpe(series(doubled), periods=DAYS) < 0.0  # no return lost a thing
    assert (value(curve(doubled), "sharpe") or 0.0) > 0.0


def test_trap_a_gap_is_no_month_of_one_day() -> None:
    days = [*range(40), *range(70, 110)]
    samples = [Sample("alpha", START + 86_400.0 * day, equity=100.0 + (day * 37) % 11) for day in days]
    found = measure("alpha", samples, (), (), spacing=86_400.0)
    assert found.gaps == 28  # the first three days still carry the last equity
    grown = (100.0 + (109 * 37) % 11) / 100.0
    assert value(found, "cagr") == pytest.approx(grown ** (365 / 109) - 1)


def test_the_figures_of_a_file_are_those_of_its_curve(empyrical: Any, tmp_path: Any) -> None:
    returns = fat_tailed(300)
    equity = 5_000.0 * np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    rows = "\n".join(f"{START + 3_600.0 * at},{each!r}" for at, each in enumerate(equity.tolist()))
    (tmp_path / "equity.csv").write_text(f"time,equity\n{rows}\n")
    read = read_curve(tmp_path / "equity.csv")
    assert read.spacing == 3_600.0
    found = reckon("file", read.observations, (), spacing=read.spacing)
    assert value(found, "sharpe") == pytest.approx(empyrical.sharpe_ratio(returns, annualization=8_760), rel=1e-9)
