"""What is kept up to date one by one equals what is reckoned at once, whatever came, in whatever order."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import statistics
from monitor.arrivals import Grid, TooLate
from monitor.grid import Floats, grid_returns
from monitor.running import Expanding, Rolling, live
from monitor.tally import Tally

Row = tuple[float, float | None, float]

some_returns = st.lists(
    st.floats(-0.9, 3.0) | st.sampled_from([0.0, math.nan, 1e6, -0.999999, 1e-17]), min_size=1, max_size=80
)


def check(window: Rolling | Expanding, returns: Floats, target: float, near: float = 1e-9) -> None:
    """A window equals the figures of the returns that are in it."""
    known = returns[np.isfinite(returns)]
    found, expected = window.moments(), statistics.moments(known, target)
    assert found.n == expected.n
    if found.n < 2:
        return
    assert found.mean == pytest.approx(expected.mean, rel=near, abs=near * expected.spread + 1e-20)
    assert found.still == expected.still
    if not expected.still:
        assert (found.m2, found.m4, found.d2) == pytest.approx((expected.m2, expected.m4, expected.d2), rel=near)
        assert found.m3 == pytest.approx(expected.m3, rel=near, abs=near * expected.m2**1.5)
        assert (found.d3, found.d4) == pytest.approx((expected.d3, expected.d4), rel=near)
        assert found.logs == pytest.approx(expected.logs, rel=near, abs=1e-24, nan_ok=True)
    assert window.path() == pytest.approx(statistics.path(known), rel=near, abs=1e-12, nan_ok=True)


# Streaming equals batch


@given(some_returns, st.integers(1, 30), st.sampled_from([0.0, 0.001]))
def test_a_rolling_window_equals_its_last_returns_at_every_step(made: list[float], size: int, target: float) -> None:
    window = Rolling(size, target)
    for at, each in enumerate(made, start=1):
        window.push(each)
        check(window, np.array(made[max(0, at - size) : at]), target, 1e-7)


@given(some_returns)
def test_figures_since_a_reset_equal_those_of_every_return(made: list[float]) -> None:
    window = Expanding(0.001)
    for each in made:
        window.push(each)
    check(window, np.array(made), 0.001, 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("size", [None, 2_880, 100_000])
def test_an_outlier_of_a_million_among_a_million_returns_leaves_nothing_behind(size: int | None) -> None:
    made = np.maximum(np.random.default_rng(3).standard_t(4, 1_000_000) * 1e-3, -0.5)
    made[400_000], made[400_001] = 1e6, -0.999999
    window = Expanding(1e-6) if size is None else Rolling(size, 1e-6)
    looks = {399_999, 400_000, 400_001, 999_999, *(400_000 + (size or 0) + step for step in (-1, 0, 1, 2))}
    for at, each in enumerate(made.tolist()):
        window.push(each)
        if at in looks:
            check(window, made[0 if size is None else max(0, at + 1 - size) : at + 1], 1e-6)


def test_an_outlier_that_has_left_leaves_the_figures_that_would_be_without_it() -> None:
    made = np.random.default_rng(4).normal(0.0, 1e-3, 4_000)
    with_it = Rolling(1_000)
    without = Rolling(1_000)
    for at, each in enumerate(made.tolist()):
        with_it.push(1e6 if at == 1_500 else each)
        without.push(each)
    assert with_it.moments() == pytest.approx(without.moments(), rel=1e-12)


def test_a_spread_that_is_a_millionth_of_the_mean_is_not_lost_in_its_rounding() -> None:
    made = [1e-3 + 1e-9 * math.sin(at) for at in range(500)]
    window = Rolling(1_000)
    for each in made:
        window.push(each)
    found, expected = window.moments(), statistics.moments(np.array(made))
    assert found.spread == pytest.approx(expected.spread, rel=1e-6)  # of the last digits, many are gone in the returns


def test_a_window_that_has_no_loss_left_has_no_sortino() -> None:
    window = Rolling(50)
    for at in range(200):
        window.push(-0.01 if at == 100 else 0.001 + 1e-5 * (at % 3))
    assert statistics.sortino(window.moments(), 365.0).value is None


def test_the_ratios_of_the_tick_are_those_of_the_report() -> None:
    made = np.random.default_rng(5).normal(1e-4, 1e-2, 500)
    for window in (Rolling(400, 1e-5), Expanding(1e-5)):
        for each in made.tolist():
            window.push(each)
        inside = made[-window.moments().n :]
        of, walked = statistics.moments(inside, 1e-5), statistics.path(inside)
        annual = statistics.growth_rate(of, walked.growth, len(inside) / 8_760)
        assert live(window, 8_760, 1e-5) == pytest.approx(
            (
                statistics.sharpe(of, 8_760, 1e-5).value,
                walked.max_drawdown,
                statistics.calmar(annual, walked.max_drawdown).value,
            ),
            rel=1e-9,
        )


def test_too_few_returns_and_those_without_spread_or_drawdown_have_no_ratio_in_the_tick() -> None:
    window = Rolling(100)
    assert live(window, 365) == (None, None, None)
    for _ in range(29):
        window.push(0.01)
    assert live(window, 365) == (None, 0.0, None)
    window.push(0.01)
    assert live(window, 365) == (None, 0.0, None)


@given(some_returns, st.integers(1, 20))
def test_a_stored_window_goes_on_as_if_it_had_never_been_stored(made: list[float], size: int) -> None:
    windows: list[Rolling | Expanding] = [Rolling(size), Expanding()]
    for window in windows:
        for each in made:
            window.push(each)
        again = type(window).from_json(json.loads(json.dumps(window.to_json(), allow_nan=False)))
        more = [0.01, -0.02, 0.005]
        for each in more:
            again.push(each)
        check(again, np.array([*made, *more][-size if isinstance(window, Rolling) else 0 :]), 0.0, 1e-7)


@pytest.mark.parametrize(
    "data", [{}, {"size": 0, "target": 0.0, "values": []}, {"size": 1, "target": 0, "values": [1, 2]}]
)
def test_what_is_no_stored_window_is_refused_with_a_sentence(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a stored window"):
        Rolling.from_json(data)
    with pytest.raises(ValueError, match="not stored figures"):
        Expanding.from_json(data)
    with pytest.raises(ValueError, match="not stored trades"):
        Tally.from_json(data)
    with pytest.raises(ValueError, match="not a stored grid"):
        Grid.from_json(data)


# Trades


@given(st.lists(st.tuples(st.floats(0.0, 50.0), st.decimals("-1e12", "1e12", places=6)), max_size=40))
def test_a_tally_of_a_window_is_exact(made: list[tuple[float, Decimal]]) -> None:
    tally, every, now = Tally(100.0), Tally(), 0.0
    closed: list[tuple[float, Decimal]] = []
    for gap, net in made:
        now += gap
        closed.append((now, net))
        tally.push(now, net)
        every.push(now, net)
        recent = [each for time, each in closed if time > now - 100.0]
        assert (tally.n, tally.wins, tally.net) == (len(recent), sum(each > 0 for each in recent), sum(recent))
    assert every.net == sum(net for _, net in closed)
    again = Tally.from_json(json.loads(json.dumps(tally.to_json())))
    again.pass_to(now + 200.0)
    assert (again.n, again.wins, again.net) == (0, 0, Decimal(0))
    assert (again.win_rate(), again.profit_factor()) == (None, None)


# Rows as they come


def streamed(rows: Sequence[Row], step: float = 30.0, stale: float = 90.0) -> list[float]:
    grid = Grid(step, stale)
    made = [each for row in rows for each in grid.push(*row)]
    return made + grid.flush()


def at_once(rows: Sequence[Row], step: float = 30.0, stale: float = 90.0) -> list[float]:
    times = np.array([row[0] for row in rows])
    equity = np.array([math.nan if row[1] is None else row[1] for row in rows])
    return list(grid_returns(times, equity, [(row[0], row[2]) for row in rows], step, stale))


def late(rows: Sequence[Row], by: float, seed: int) -> Iterator[Row]:
    """The rows as they come when each may be up to `by` late, some of them twice."""
    source = random.Random(seed)  # noqa: S311 - a repeatable mess, nothing secret
    coming = [(row[0] + source.uniform(0.0, by), row) for row in rows]
    coming += [(time + source.uniform(0.0, by - (time - row[0])), row) for time, row in coming if source.random() < 0.2]
    return (row for _, row in sorted(coming, key=lambda each: each[0]))


equity = st.none() | st.floats(1.0, 1e6) | st.sampled_from([0.0, -1.0, 1e-300])
uneven = st.lists(
    st.tuples(
        st.floats(0.5, 80.0) | st.just(30.0) | st.just(500.0), equity, st.sampled_from([0.0, 0.0, 0.0, 50.0, -20.0])
    ),
    min_size=1,
    max_size=40,
)


def rows_of(steps: Sequence[tuple[float, float | None, float]]) -> list[Row]:
    time, rows = 1_000_000.0, []
    for gap, worth, flow in steps:
        time += gap
        rows.append((time, worth, flow))
    return rows


@given(uneven)
def test_a_grid_row_by_row_is_the_grid_at_once_bit_by_bit(steps: list[tuple[float, float | None, float]]) -> None:
    rows = rows_of(steps)
    assert np.array_equal(streamed(rows), at_once(rows), equal_nan=True)


@given(uneven, st.integers())
def test_rows_shuffled_within_two_steps_and_doubled_give_exactly_the_same_returns(
    steps: list[tuple[float, float | None, float]], seed: int
) -> None:
    rows = rows_of(steps)
    assert np.array_equal(streamed(list(late(rows, 60.0, seed))), streamed(rows), equal_nan=True)


def test_the_flow_of_a_doubled_row_counts_once_and_that_of_another_row_of_its_time_is_taken() -> None:
    rows: list[Row] = [
        (0.0, 100.0, 0.0),
        (30.0, 150.0, 50.0),
        (30.0, 150.0, 50.0),
        (60.0, None, 30.0),
        (60.0, 180.0, 0.0),
    ]
    assert streamed(rows) == [0.0, 0.0]


def test_a_row_that_comes_later_than_that_says_that_all_is_to_be_reckoned_anew() -> None:
    grid = Grid(30.0, 90.0)
    for at in range(10):
        grid.push(30.0 * at, 100.0 + at)
    grid.push(215.0, 107.0)  # 270 is the newest: within two steps
    with pytest.raises(TooLate) as signal:
        grid.push(175.0, 50.0)
    assert signal.value.time == 175.0
    in_order: list[Row] = [(0.0, 100.0, 0.0), (60.0, 106.0, 0.0), (61.0, 50.0, 0.0), (90.0, 106.0, 0.0)]
    assert streamed(in_order) == pytest.approx([0.0, 0.06, 0.0])  # in order, it is a row like any other


@given(uneven, st.integers(0, 40))
def test_a_stored_grid_goes_on_where_it_was(steps: list[tuple[float, float | None, float]], at: int) -> None:
    rows = rows_of(steps)
    grid = Grid(30.0, 90.0)
    made = [each for row in rows[:at] for each in grid.push(*row)]
    grid = Grid.from_json(json.loads(json.dumps(grid.to_json(), allow_nan=False)))
    made += [each for row in rows[at:] for each in grid.push(*row)]
    assert np.array_equal(made + grid.flush(), streamed(rows), equal_nan=True)


@given(st.lists(st.floats(-400.0, 900.0), min_size=1, max_size=30))
def test_money_that_only_moves_makes_no_return_and_no_drawdown(flows: list[float]) -> None:
    grid, window, worth = Grid(30.0, 90.0), Expanding(), 1_000.0
    rows: list[Row] = [(0.0, worth, 0.0)]
    for at, flow in enumerate(flows, start=1):
        moved = flow if worth + flow > 1.0 else 0.0
        worth += moved
        rows.append((30.0 * at, worth, moved))
    for row in rows:
        for each in grid.push(*row):
            window.push(each)
    for each in grid.flush():
        window.push(each)
    assert window.moments().n == len(flows)
    assert abs(window.moments().mean) < 1e-9
    assert window.path().max_drawdown < 1e-9


@given(some_returns, st.floats(1e-3, 1e6))
def test_a_drawdown_is_between_nothing_and_everything_and_knows_no_scale(made: list[float], scale: float) -> None:
    worths = [1.0]
    for each in made:
        worths.append(max(worths[-1] * (1.0 + (0.0 if math.isnan(each) else min(each, 3.0))), 1e-100))
    deepest = []
    for by in (1.0, scale):
        window = Rolling(50)
        for each in streamed([(30.0 * at, worth * by, 0.0) for at, worth in enumerate(worths)]):
            window.push(each)
        deepest.append(window.path().max_drawdown)
    assert 0.0 <= deepest[0] <= 1.0
    assert deepest[1] == pytest.approx(deepest[0], abs=1e-9)


@given(st.lists(st.floats(-1.0, None) | st.sampled_from([1e80, 1e300, -1.0, math.nan]), max_size=40), st.integers(1, 9))
def test_returns_out_of_all_bounds_break_no_window(made: list[float], size: int) -> None:
    for window in (Rolling(size), Expanding()):
        for each in made:
            window.push(each)
            found = live(window, 365.0, need=2, raised=2)
            assert all(value is None or math.isfinite(value) for value in found)
            assert statistics.sharpe(window.moments(), 365.0).why is not None
        type(window).from_json(json.loads(json.dumps(window.to_json(), allow_nan=False)))


@pytest.mark.parametrize("time", [math.nan, math.inf])
def test_a_row_without_a_time_is_no_row(time: float) -> None:
    assert Grid(30.0, 90.0).push(time, 100.0) == []


def test_a_gap_of_years_is_refused_instead_of_filled() -> None:
    grid = Grid(1.0, 3.0)
    grid.push(0.0, 100.0)
    grid.push(1e9, 100.0)
    with pytest.raises(ValueError, match="begin a new grid"):
        grid.flush()
