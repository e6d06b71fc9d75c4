"""The figures against reckonings by hand and in plain Python, and against nonsense."""

from __future__ import annotations

import math
import random
import statistics
import timeit
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.model import CashFlow, Sample, Side, Trade
from monitor.performance import FIGURES, FURTHER, MIN_RETURNS, Figure, Performance, measure
from monitor.series import EquityCurve

DAY = 86_400.0
HOURS = 365 * 24


def samples(equities: Sequence[float | None], spacing: float = 3_600.0, start: float = 1_000_000.0) -> list[Sample]:
    return [
        Sample("alpha", start + at * spacing, error="timed out" if equity is None else None, equity=equity)
        for at, equity in enumerate(equities)
    ]


def trade(net: str, at: int = 0) -> Trade:
    price = Decimal(net)
    return Trade("alpha", str(at), "trend", "BTC", Side.LONG, Decimal(1), Decimal(1_000), 1_000 + price, 0.0, 60.0)


def trades(*nets: str) -> list[Trade]:
    return [trade(net, at) for at, net in enumerate(nets)]


def flow(time: float, amount: float) -> CashFlow:
    return CashFlow("alpha", time, Decimal(amount), "ana")


def walk(count: int, seed: int = 3, spread: float = 0.004) -> list[float]:
    source = random.Random(seed)  # noqa: S311 - a repeatable walk, nothing secret
    equity, equities = 10_000.0, [10_000.0]
    for _ in range(count):
        equity *= 1 + source.gauss(0.0002, spread)
        equities.append(equity)
    return equities


def figure(of: Performance, key: str) -> Figure:
    return next(each for each in of.all if each.key == key)


def value(of: Performance, key: str) -> float | None:
    found = figure(of, key).value
    return None if found is None else float(found)


# Anchors


def test_the_ratios_agree_with_a_reckoning_in_plain_python() -> None:
    equities = walk(500)
    found = measure("alpha", samples(equities), [], [], spacing=3_600.0, risk_free=0.04)
    made = [after / before - 1 for before, after in pairwise(equities)]
    excess = [each - 0.04 / HOURS for each in made]
    assert value(found, "sharpe") == pytest.approx(statistics.mean(excess) / statistics.stdev(made) * math.sqrt(HOURS))
    peak, worst = equities[0], 0.0
    for equity in equities:
        peak = max(peak, equity)
        worst = max(worst, (peak - equity) / peak)
    assert value(found, "max_drawdown") == pytest.approx(worst)
    annual = (equities[-1] / equities[0]) ** (HOURS / 500) - 1
    assert value(found, "calmar") == pytest.approx(annual / worst)
    assert (found.gaps, found.spacing) == (0, 3_600.0)
    assert (found.since, found.until) == (1_000_000.0, 1_000_000.0 + 500 * 3_600.0)


def test_a_sharpe_by_hand() -> None:
    equities = [100.0]
    for at in range(30):
        equities.append(equities[-1] * (1.03 if at % 2 == 0 else 0.99))
    found = measure("alpha", samples(equities, DAY), [], [], spacing=DAY)
    # Fifteen returns of +3 % and fifteen of -1 %: mean 0.01, variance 30 x 0.02^2 / 29.
    assert value(found, "sharpe") == pytest.approx(0.01 / math.sqrt(0.012 / 29) * math.sqrt(365))
    assert value(found, "max_drawdown") == pytest.approx(0.01)
    assert value(found, "calmar") == pytest.approx(((1.03 * 0.99) ** (15 * 365 / 30) - 1) / 0.01)


def test_the_figures_of_trades_by_hand() -> None:
    found = measure("alpha", [], [], trades("30", "-10", "0", "15.5", "-5.1"), spacing=30.0)
    assert figure(found, "win_rate").value == 2 / 5
    assert figure(found, "profit_factor").value == pytest.approx(45.5 / 15.1)
    assert figure(found, "trades").value == 5
    assert figure(found, "total_pnl").value == Decimal("30.4")


def test_the_seven_are_always_there_in_the_guides_order() -> None:
    keys = ["sharpe", "max_drawdown", "win_rate", "profit_factor", "calmar", "trades", "total_pnl"]
    assert [each.key for each in FIGURES] == keys
    assert [each.key for each in measure("alpha", [], [], [], spacing=30.0).figures] == keys


# Spacing and gaps


def test_the_same_equity_every_half_minute_is_annualised_as_such() -> None:
    equities = walk(3_000)
    slow = value(measure("alpha", samples(equities), [], [], spacing=3_600.0), "sharpe")
    fast = value(measure("alpha", samples(equities, 30.0), [], [], spacing=30.0), "sharpe")
    assert slow is not None
    assert fast == pytest.approx(slow * math.sqrt(120))


def test_samples_that_jitter_tell_the_same_story() -> None:
    source = random.Random(5)  # noqa: S311 - a repeatable jitter, nothing secret
    equities = walk(5_000)
    even = samples(equities, 30.0)
    uneven = [Sample("alpha", sample.time + source.uniform(0, 2), equity=sample.equity) for sample in even]
    one, other = (measure("alpha", each, [], [], spacing=30.0) for each in (even, uneven))
    assert value(other, "max_drawdown") == value(one, "max_drawdown")
    assert value(other, "sharpe") == pytest.approx(value(one, "sharpe"), rel=0.1)
    assert other.gaps == 0


def test_samples_in_any_order_and_twice_are_the_same_samples() -> None:
    even = samples(walk(100))
    assert measure("alpha", [*reversed(even), *even], [], [], spacing=3_600.0) == measure(
        "alpha", even, [], [], spacing=3_600.0
    )


def test_a_gap_has_no_returns_and_is_counted() -> None:
    equities: list[float | None] = [*walk(60)]
    equities[20:30] = [None] * 10
    found = measure("alpha", samples(equities), [], [], spacing=3_600.0)
    assert found.gaps == 8  # ten polls failed, the last equity was carried over three of them, and one end of each step
    assert figure(found, "sharpe").n == 60 - 8


def test_a_spacing_that_is_no_number_of_seconds_is_refused() -> None:
    for spacing in (0.0, -30.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="at least a microsecond"):
            measure("alpha", samples([1.0, 2.0]), [], [], spacing=spacing)


# Cash flows


def test_money_moved_is_neither_profit_nor_loss() -> None:
    equities = walk(100)
    moved, share = [], 1.0
    for at, equity in enumerate(equities):
        share *= {30: 1.5, 60: 0.4}.get(at, 1.0)
        moved.append(equity * share)
    start = 1_000_000.0
    flows = [
        flow(start + 30 * 3_600.0 - 5.0, equities[30] * 0.5),
        flow(start + 60 * 3_600.0, -equities[60] * 1.5 * 0.6),
    ]
    plain = measure("alpha", samples(equities), [], [], spacing=3_600.0)
    found = measure("alpha", samples(moved), flows, [], spacing=3_600.0)
    for key in ("sharpe", "max_drawdown", "calmar"):
        assert value(found, key) == pytest.approx(value(plain, key), rel=1e-6)


# What is undefined, and what is judged


def test_without_anything_nothing_is_invented() -> None:
    found = measure("alpha", [], [], [], spacing=30.0)
    assert (found.spacing, found.since, found.until, found.gaps) == (None, None, None, 0)
    assert [each.value for each in found.figures] == [None, None, None, None, None, 0, Decimal(0)]
    assert [each.advice for each in found.figures] == [
        "too few returns: 0 of 30",
        "too few samples: 0 of 2",
        "too few trades: 0 of 1",
        "too few trades: 0 of 1",
        "too few returns: 0 of 2880",
        "",
        "",
    ]
    assert all(each.mark is None for each in found.figures)


def test_too_few_returns_say_how_many_are_lacking() -> None:
    found = figure(measure("alpha", samples(walk(12)), [], [], spacing=3_600.0), "sharpe")
    assert (found.value, found.n, found.need) == (None, 12, MIN_RETURNS)
    assert figure(measure("alpha", samples(walk(30)), [], [], spacing=3_600.0), "sharpe").value is not None


def test_a_short_record_has_a_sharpe_that_is_not_judged_and_no_calmar() -> None:
    found = measure("alpha", samples(walk(100), 30.0), [], [], spacing=30.0)
    sharpe, calmar = figure(found, "sharpe"), figure(found, "calmar")
    assert sharpe.value is not None
    assert (sharpe.mark, sharpe.advice) == (None, "too few returns to judge it by: 100 of 2880")
    assert (calmar.value, calmar.n, calmar.need) == (None, 100, 2_880)


def test_an_equity_that_stands_still_or_grows_by_rote_has_no_sharpe() -> None:
    for factor in (1.0, 1.0001, 1.07):
        found = measure("alpha", samples([100 * factor**at for at in range(60)]), [], [], spacing=3_600.0)
        assert figure(found, "sharpe").value is None
        assert figure(found, "sharpe").advice.startswith("undefined")
        assert figure(found, "calmar").advice == "undefined: there was no drawdown"
        assert figure(found, "max_drawdown").value == 0.0


def test_a_year_of_a_day_that_cannot_be_written_is_undefined() -> None:
    equities = [1.0 + 0.5 * (at % 2) + 10.0**at for at in range(40)]
    equities.append(1.0)
    found = figure(measure("alpha", samples([*equities, 1e30]), [], [], spacing=3_600.0), "calmar")
    assert found.value is None
    assert "out of all bounds" in found.advice


def test_returns_whose_spread_cannot_be_written_have_no_sharpe() -> None:
    found = figure(measure("alpha", samples([*walk(40), 1e200, 1.0]), [], [], spacing=3_600.0), "sharpe")
    assert (found.value, found.advice) == (None, "undefined: the returns are out of all bounds")


def test_returns_whose_spread_cannot_be_squared_have_ratios_without_intervals() -> None:
    found = figure(measure("alpha", samples([*[1.0] * 40, 1e-118, 1.0, 1.0]), [], [], spacing=3_600.0), "sharpe")
    assert found.value is not None
    assert (found.low, found.high) == (None, None)


def test_profit_without_loss_has_no_factor() -> None:
    found = figure(measure("alpha", [], [], trades("1", "2"), spacing=30.0), "profit_factor")
    assert (found.value, found.n, found.advice) == (None, 2, "undefined: no trade has lost money")


def test_an_equity_lost_to_the_last_penny_is_a_drawdown_of_one_without_calmar() -> None:
    found = measure("alpha", samples([*walk(40), 0.0, 0.0]), [], [], spacing=3_600.0)
    assert (figure(found, "max_drawdown").value, figure(found, "max_drawdown").mark) == (1.0, "act")
    assert figure(found, "calmar").advice == "undefined: the equity was at or below zero, or out of all bounds"
    never = figure(measure("alpha", samples([0.0, -1.0]), [], [], spacing=3_600.0), "max_drawdown")
    assert (never.value, never.advice) == (None, "undefined: the equity was never above zero")


@pytest.mark.parametrize(
    ("low", "mark", "advice"),
    [(90.0, "good", ""), (80.0, "watch", "good is below 15 %"), (70.0, "act", "pause the agent")],
)
def test_a_drawdown_is_marked_by_the_guides_table(low: float, mark: str, advice: str) -> None:
    found = figure(measure("alpha", samples([100.0, low]), [], [], spacing=30.0), "max_drawdown")
    assert (found.mark, found.advice) == (mark, advice)


@pytest.mark.parametrize(
    ("wins", "mark"), [(6, "act"), (7, "watch"), (8, "watch"), (9, "good"), (13, "good"), (14, "watch")]
)
def test_a_win_rate_is_marked_by_the_guides_table(wins: int, mark: str) -> None:
    made = trades(*["1"] * 20 * wins, *["-1"] * 20 * (20 - wins))
    found = figure(measure("alpha", [], [], made, spacing=30.0), "win_rate")
    assert (found.value, found.mark) == (wins / 20, mark)


@pytest.mark.parametrize(("profit", "mark"), [("0.1", "act"), ("1", "watch"), ("1.5", "watch"), ("1.51", "good")])
def test_a_profit_factor_is_marked_by_the_guides_table(profit: str, mark: str) -> None:
    found = figure(measure("alpha", [], [], trades(*[profit, "-1"] * 10), spacing=30.0), "profit_factor")
    assert found.mark == mark


def test_what_chance_alone_may_do_is_no_reason_to_act() -> None:
    rate = figure(measure("alpha", [], [], trades(*["1"] * 6, *["-1"] * 14), spacing=30.0), "win_rate")
    assert (rate.value, rate.mark) == (0.3, "watch")
    assert rate.advice == "good is 45 to 65 %, but chance alone may do this"
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < 0.3
    assert rate.high > 0.35
    factor = figure(measure("alpha", [], [], trades(*["0.99", "-1"] * 10), spacing=30.0), "profit_factor")
    assert factor.mark == "watch"


@given(st.lists(st.decimals(-1_000, 1_000, places=2), max_size=10))
def test_ten_trades_never_make_a_reason_to_act(nets: list[Decimal]) -> None:
    assert "act" not in {each.mark for each in measure("alpha", [], [], trades(*map(str, nets)), spacing=30.0).all}


def test_a_sharpe_below_the_line_by_chance_is_watched_and_one_that_is_not_is_acted_on() -> None:
    marks = []
    for count in (100, 4_000):
        equities = [100.0]
        for at in range(count):
            equities.append(equities[-1] * (1 - 0.0002 + (0.005 if at % 2 else -0.005)))
        found = figure(measure("alpha", samples(equities), [], [], spacing=3_600.0), "sharpe")
        marks.append((found.mark, found.low is not None and found.high is not None and found.low < 0.5 < found.high))
    assert marks == [("watch", True), ("act", False)]


def test_few_trades_are_not_judged() -> None:
    found = figure(measure("alpha", [], [], trades("-1", "-2"), spacing=30.0), "win_rate")
    assert (found.value, found.mark, found.advice) == (0.0, None, "too few trades to judge it by: 2 of 20")


@pytest.mark.parametrize(("drift", "mark"), [(0.001, "good"), (-0.001, "act")])
def test_ratios_are_marked_by_the_guides_table(drift: float, mark: str) -> None:
    equities = [100.0]
    for at in range(400):
        equities.append(equities[-1] * (1 + drift + (0.005 if at % 2 else -0.005)))
    found = measure("alpha", samples(equities), [], [], spacing=3_600.0)
    assert (figure(found, "sharpe").mark, figure(found, "calmar").mark) == (mark, mark)
    assert figure(found, "sharpe").advice == ("" if mark == "good" else "review the strategy")


# Beyond the guide's


def test_a_fall_has_a_start_a_trough_a_recovery_and_its_time_under_water() -> None:
    found = measure("alpha", samples([100.0, 110.0, 99.0, 88.0, 120.0, 114.0]), [], [], spacing=3_600.0)
    start = 1_000_000.0
    for key, expected in (
        ("max_drawdown", 0.2),
        ("drawdown", 0.05),
        ("drawdown_start", start + 3_600),
        ("drawdown_trough", start + 3 * 3_600),
        ("drawdown_recovery", start + 4 * 3_600),
        ("drawdown_duration", 3 * 3_600.0),
        ("under_water", 3 / 5),
        ("recovery_factor", 0.14 / 0.2),
    ):
        assert value(found, key) == pytest.approx(expected), key


def test_a_fall_that_lasts_has_no_recovery() -> None:
    found = measure("alpha", samples([100.0, 80.0, 90.0]), [], [], spacing=3_600.0)
    assert found.fall is not None
    assert (found.fall.start, found.fall.recovery, found.fall.duration) == (1_000_000.0, None, 7_200.0)
    assert figure(found, "drawdown_recovery").advice == "undefined: there was no drawdown, or it lasts"


def test_the_further_figures_of_trades_by_hand() -> None:
    made = [replace(each, fees=Decimal("0.5")) for each in trades("30.5", "-9.5", "0.5", "16", "-4.6")]
    found = measure("alpha", samples([1_000.0, 1_000.0], 365 * DAY), [], made, spacing=365 * DAY)
    assert value(found, "expectancy") == pytest.approx((30 - 10 + 0 + 15.5 - 5.1) / 5)
    assert value(found, "payoff") == pytest.approx((45.5 / 2) / (15.1 / 2))
    assert value(found, "fee_drag") == pytest.approx(2.5 / (30.5 + 9.5 + 0.5 + 16 + 4.6))
    assert value(found, "turnover") == pytest.approx(
        sum(1_000 + each / 2 for each in (30.5, -9.5, 0.5, 16, -4.6)) / 1_000
    )


def test_time_exposed_is_told_by_the_samples_that_know() -> None:
    told = [
        replace(each, open_positions=count)
        for each, count in zip(samples([1.0] * 6), (0, 2, 1, None, 0, 1), strict=True)
    ]
    assert value(measure("alpha", told, [], [], spacing=3_600.0), "exposure") == 3 / 5


def test_a_window_begins_at_the_last_equity_before_it_so_that_its_first_loss_counts() -> None:
    since = 1_000_000.0 + 2 * 3_600 + 60.0
    moves = [flow(1_000_000.0 + 3_600, 50.0)]
    made = [replace(trade("1"), id=str(at), exit_time=since + at) for at in (-1, 0, 1)]
    found = measure("alpha", samples([100.0, 200.0, 160.0, 120.0, 144.0]), moves, made, spacing=3_600.0, since=since)
    assert found.since == 1_000_000.0 + 2 * 3_600
    assert value(found, "max_drawdown") == pytest.approx(0.25)
    assert value(found, "trades") == 1
    early = measure("alpha", samples([100.0, 90.0, 45.0]), [], [], spacing=3_600.0, until=1_000_000.0 + 3_700.0)
    assert value(early, "max_drawdown") == pytest.approx(0.1)


def test_a_venue_with_sessions_has_no_returns_while_it_is_shut() -> None:
    equities: list[float | None] = []
    for week in range(10):
        equities += [100.0 + week + day for day in range(5)] + [None, None]
    found = measure("alpha", samples(equities, DAY), [], [], spacing=DAY, days=252)
    made = [after / before - 1 for before, after in pairwise(each for each in equities if each is not None)]
    assert figure(found, "sharpe").n == 49
    assert value(found, "sharpe") == pytest.approx(statistics.mean(made) / statistics.stdev(made) * math.sqrt(252))
    assert (found.gaps, found.days) == (0, 252)


def test_hours_of_a_session_are_annualised_by_the_hours_there_are() -> None:
    midnight = 11 * DAY
    looks = walk(400)
    given_samples = [
        Sample("alpha", midnight + day * DAY + hour * 3_600.0, equity=looks[day * 6 + hour - 9])
        for day in range(60)
        for hour in range(9, 15)
    ]
    found = measure("alpha", given_samples, [], [], spacing=3_600.0, days=252)
    made = [after / before - 1 for before, after in pairwise(looks[:360])]
    expected = statistics.mean(made) / statistics.stdev(made) * math.sqrt(252 * 359 / 60)
    assert value(found, "sharpe") == pytest.approx(expected)


@pytest.mark.parametrize("days", [0.0, -1.0, 400.0, math.nan])
def test_a_year_of_no_number_of_days_is_refused(days: float) -> None:
    with pytest.raises(ValueError, match="a year has 1 to 366 trading days"):
        measure("alpha", [], [], [], spacing=30.0, days=days)


def test_a_drawdown_is_a_fact_and_has_no_interval() -> None:
    found = measure("alpha", samples(walk(100)), [], [], spacing=3_600.0)
    without = {each.key for each in found.all if each.low is None and each.high is None and each.value is not None}
    assert {"max_drawdown", "drawdown", "trades", "total_pnl", "skew", "kurtosis", "probabilistic_sharpe"} <= without
    assert not without & {"sharpe", "sortino", "volatility", "calmar", "cagr", "var", "cvar"}


def test_every_figure_has_a_key_of_its_own() -> None:
    keys = [each.key for each in (*FIGURES, *FURTHER)]
    assert len(keys) == len(set(keys))
    assert [each.key for each in measure("alpha", [], [], [], spacing=30.0).all] == keys


def test_every_figure_with_a_threshold_says_what_to_do_and_what_is_good() -> None:
    for each in FIGURES:
        assert (each.good is None) == (each.act is None) == (not each.advice) == (not each.aim)


# Laws


anything = st.none() | st.floats() | st.sampled_from([0.0, -1.0, 1e308, -1e308, 5e-324])


@given(
    st.lists(st.tuples(anything, st.floats(0.0, 200.0)), max_size=60),
    st.lists(st.tuples(st.floats(0.0, 5_000.0), st.integers(-(10**30), 10**30)), max_size=3),
    st.lists(st.integers(-(10**28), 10**28), max_size=30),
    st.floats(10.0, 1e6),
)
@example(
    [(each, 1.0) for each in (0.0, 0.0, -8e307, -1e308, 0.0, 0.0, 8e307, 1e308)], [], [], 10.0
)  # its partial sums are infinite, one up and one down
def test_every_figure_of_anything_is_finite_or_undefined(
    steps: list[tuple[float | None, float]], moves: list[tuple[float, int]], nets: list[int], spacing: float
) -> None:
    time, given_samples = 0.0, []
    for equity, gap in steps:
        time += gap
        given_samples.append(Sample("alpha", time, equity=equity))
    flows = [CashFlow("alpha", at, Decimal(amount), "ana") for at, amount in moves]
    found = measure("alpha", given_samples, flows, trades(*map(str, nets)), spacing=spacing)
    for each in found.all:
        assert all(end is None or math.isfinite(end) for end in (each.low, each.high))
        assert each.value is None or math.isfinite(each.value)
        assert each.value is not None or each.advice
        assert each.mark is None or each.value is not None
    drawdown = value(found, "max_drawdown")
    assert drawdown is None or 0.0 <= drawdown <= 1.0


@given(st.lists(st.integers(-300, 400), min_size=31, max_size=60), st.floats(1e-3, 1e6))
def test_the_size_of_an_account_changes_no_figure(made: list[int], scale: float) -> None:
    equities = [1_000.0]
    for thousandths in made:
        equities.append(equities[-1] * (1 + thousandths / 1_000))
    one = measure("alpha", samples(equities), [], [], spacing=3_600.0)
    other = measure("alpha", samples([scale * equity for equity in equities]), [], [], spacing=3_600.0)
    for key in ("sharpe", "max_drawdown", "calmar"):
        expected = value(one, key)
        assert value(other, key) == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12))


@given(st.lists(st.tuples(st.floats(-10.0, 1e6), st.sampled_from([0, 0, 0, -40, 70])), min_size=2, max_size=40))
def test_the_drawdown_is_the_one_that_is_watched_live(steps: list[tuple[float, int]]) -> None:
    curve, flows = EquityCurve(), []
    given_samples = samples([equity for equity, _ in steps])
    for sample, (_, amount) in zip(given_samples, steps, strict=True):
        first = sample is given_samples[0]
        curve = curve.fold(sample.time, sample.equity, 0.0 if first else amount)
        flows += [flow(sample.time, amount)] if amount else []
    assert value(measure("alpha", given_samples, flows, [], spacing=3_600.0), "max_drawdown") == curve.max_drawdown


def test_growth_beyond_all_bounds_leaves_the_drawdown_that_is_watched_live() -> None:
    given_samples = samples([1.0, 1e200, 1.0, 1e200, 5e199])
    withdrawal = flow(given_samples[2].time, -1e200)
    found = measure("alpha", given_samples, [withdrawal], [], spacing=3_600.0)
    assert value(found, "max_drawdown") == 0.5


@pytest.mark.bench
def test_a_week_of_samples_takes_some_milliseconds() -> None:
    week = samples(walk(20_160), 30.0)
    assert min(timeit.repeat(lambda: measure("alpha", week, [], [], spacing=30.0), number=1, repeat=7)) < 0.05
