"""The guide's seven of a million points, beside its own way, empyrical, quantstats, pandas and polars; and one poll."""

from __future__ import annotations

import importlib
import importlib.util
import math
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitor import statistics, trade_statistics
from monitor.arrivals import Grid
from monitor.grid import Floats, observations
from monitor.performance import reckon
from monitor.running import Expanding, Rolling, live

POINTS = 1_000_000
YEAR = 365 * 24 * 60.0  # returns of a minute
REPEATS = 5

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]


def curve() -> tuple[Floats, Floats, Floats]:
    """Equity of a million points, its returns, and what each of as many trades made."""
    made = np.clip(np.random.default_rng(7).standard_t(4, POINTS - 1) * 3e-4 + 1e-7, -0.5, None)
    equity = 10_000.0 * np.concatenate(([1.0], np.cumprod(1.0 + made)))
    return equity, equity[1:] / equity[:-1] - 1.0, np.diff(equity)


def best(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=1, repeat=REPEATS))


def guides_way(equity: list[float], nets: list[float]) -> tuple[float, ...]:
    """The guide's seven as its sample code goes about them: lists, loops, statistics by hand."""
    returns = [(equity[at] - equity[at - 1]) / equity[at - 1] for at in range(1, len(equity))]
    mean = sum(returns) / len(returns)
    variance = sum((each - mean) ** 2 for each in returns) / (len(returns) - 1)
    sharpe = mean / variance**0.5 * YEAR**0.5
    peak, worst = equity[0], 0.0
    for each in equity:
        peak = max(peak, each)
        worst = max(worst, (peak - each) / peak)
    total = equity[-1] / equity[0] - 1
    calmar = ((1 + total) ** (YEAR / len(returns)) - 1) / worst
    wins = [each for each in nets if each > 0]
    losses = [each for each in nets if each < 0]
    return sharpe, worst, len(wins) / len(nets), sum(wins) / -sum(losses), calmar, len(nets), sum(nets)


def ours(returns: Floats, nets: Floats) -> tuple[float | None, ...]:
    """The same seven, the ratios with their intervals."""
    of, walked = statistics.moments(returns), statistics.path(returns)
    annual = statistics.growth_rate(of, walked.growth, len(returns) / YEAR)
    return (
        statistics.sharpe(of, YEAR).value,
        walked.max_drawdown,
        trade_statistics.share(int(np.count_nonzero(nets > 0)), len(nets)).value,
        trade_statistics.profit_factor(nets).value,
        statistics.calmar(annual, walked.max_drawdown).value,
        len(nets),
        float(np.sum(nets)),
    )


def our_three(returns: Floats) -> tuple[float | None, ...]:
    of, walked = statistics.moments(returns), statistics.path(returns)
    annual = statistics.growth_rate(of, walked.growth, len(returns) / YEAR)
    return (
        statistics.sharpe(of, YEAR).value,
        walked.max_drawdown,
        statistics.calmar(annual, walked.max_drawdown).value,
    )


def library(name: str) -> Any:
    return importlib.import_module(name) if importlib.util.find_spec(name.partition(".")[0]) else None


def others(returns: Floats) -> dict[str, Callable[[], tuple[float, float, float]]]:
    """Sharpe ratio, max drawdown and Calmar ratio by whatever is installed."""
    found: dict[str, Callable[[], tuple[float, float, float]]] = {}
    if empyrical := library("empyrical"):
        found["empyrical"] = lambda: (
            empyrical.sharpe_ratio(returns, annualization=YEAR),
            -empyrical.max_drawdown(returns),
            empyrical.calmar_ratio(returns, annualization=YEAR),
        )
    if pandas := library("pandas"):
        series = pandas.Series(returns, index=pandas.date_range("2024-01-01", periods=len(returns), freq="min"))

        def by_pandas() -> tuple[float, float, float]:
            index = (1.0 + series).cumprod()
            worst = float((1.0 - index / index.cummax().clip(lower=1.0)).max())
            sharpe = float(series.mean() / series.std() * math.sqrt(YEAR))
            return sharpe, worst, (float(index.iloc[-1]) ** (YEAR / len(returns)) - 1.0) / worst

        found["pandas"] = by_pandas
        if quantstats := library("quantstats.stats"):
            found["quantstats"] = lambda: (
                quantstats.sharpe(series, periods=YEAR),
                -quantstats.max_drawdown(series),
                quantstats.calmar(series, periods=YEAR),
            )
    if polars := library("polars"):
        column = polars.Series(returns)

        def by_polars() -> tuple[float, float, float]:
            index = (column + 1.0).cum_prod()
            worst = float((1.0 - index / index.cum_max().clip(1.0)).max())
            sharpe = column.mean() / column.std() * math.sqrt(YEAR)
            return sharpe, worst, (float(index[-1]) ** (YEAR / len(returns)) - 1.0) / worst

        found["polars"] = by_polars
    return found


def test_the_seven_of_a_million_points_are_eight_times_faster_than_the_guides_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    equity, returns, nets = curve()
    lists = equity.tolist(), nets.tolist()
    assert ours(returns, nets) == pytest.approx(guides_way(*lists), rel=1e-9)
    theirs, taken = best(lambda: guides_way(*lists)), best(lambda: ours(returns, nets))
    times = np.arange(POINTS, dtype=np.float64) * 60.0
    whole = best(lambda: reckon("alpha", observations(times, equity), (), spacing=60.0))
    with capsys.disabled():
        print(f"\nthe guide's way {theirs * 1e3:8.1f} ms")  # noqa: T201 - a bench says its figures
        print(f"ours {taken * 1e3:19.1f} ms, {theirs / taken:.1f} times faster")  # noqa: T201 - a bench says its figures
        print(f"all 27 figures from times and equity, with intervals {whole * 1e3:.1f} ms")  # noqa: T201 - a bench says its figures
    assert theirs / taken >= 8


def test_the_three_ratios_are_twice_as_fast_as_empyricals(capsys: pytest.CaptureFixture[str]) -> None:
    _, returns, _ = curve()
    found, mine = others(returns), our_three(returns)
    if "empyrical" not in found:
        pytest.skip("empyrical-reloaded is not installed: pip install it to compare")
    taken = best(lambda: our_three(returns))
    ratios = {}
    for name, reckoned in found.items():
        assert reckoned() == pytest.approx(mine, rel=1e-6), name
        ratios[name] = best(reckoned) / taken
    with capsys.disabled():
        print(f"\nours, with intervals {taken * 1e3:8.1f} ms")  # noqa: T201 - a bench says its figures
        for name, ratio in ratios.items():
            print(f"{name:20} {ratio * taken * 1e3:8.1f} ms, {ratio:.1f} times ours")  # noqa: T201 - a bench says its figures
    assert ratios["empyrical"] >= 2


def test_a_poll_is_a_hundred_times_cheaper_than_the_guides_way_over_the_window(
    capsys: pytest.CaptureFixture[str],
) -> None:
    equity, returns, nets = curve()
    some, window = returns[:100_000].tolist(), (equity[:2_881].tolist(), nets[:2_880].tolist())
    rolling, expanding, grid = Rolling(2_880), Expanding(), Grid(60.0, 180.0)
    pushed(rolling, some)
    taken = {
        "the guide's seven over 2,880 points": best(lambda: guides_way(*window)) * 1e6,
        "a return into a window of 2,880": best(lambda: pushed(rolling, some)) * 10,
        "the same, and Sharpe, drawdown, Calmar": best(lambda: polled(rolling, some)) * 10,
        "a return since a reset": best(lambda: pushed(expanding, some)) * 10,
        "a row onto the grid": best(lambda: arrived(grid)) * 10,
    }
    with capsys.disabled():
        print()  # noqa: T201 - a bench says its figures
        for name, micros in taken.items():
            print(f"{name:40} {micros:8.2f} us")  # noqa: T201 - a bench says its figures
    assert taken["the guide's seven over 2,880 points"] >= 100 * taken["the same, and Sharpe, drawdown, Calmar"]


def pushed(window: Rolling | Expanding, some: list[float]) -> None:
    for each in some:
        window.push(each)


def polled(window: Rolling, some: list[float]) -> None:
    for each in some:
        window.push(each)
        live(window, YEAR)


def arrived(grid: Grid) -> None:
    start = grid._newest + 60.0 if math.isfinite(grid._newest) else 0.0
    for at in range(100_000):
        grid.push(start + 60.0 * at, 10_000.0)
