"""Returns and drawdown net of cash flows, sample by sample and on even grids."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.series import (
    EquityCurve,
    even_grid,
    grid_returns,
    growths,
    moved,
    observations,
    step_return,
    typical_spacing,
)

anything = st.floats() | st.sampled_from([0.0, -1.0, 1e308, -1e308, 5e-324, math.nan, math.inf])
money = st.floats(min_value=1.0, max_value=1e9)
change = st.floats(min_value=-0.5, max_value=1.0)


def curve_of(*steps: tuple[float | None, float]) -> EquityCurve:
    curve = EquityCurve()
    for at, (equity, flow) in enumerate(steps):
        curve = curve.fold(float(at), equity, flow)
    return curve


# One step


def test_a_return_is_net_of_the_cash_that_moved() -> None:
    assert step_return(100.0, 110.0) == pytest.approx(0.10)
    assert step_return(100.0, 160.0, 50.0) == pytest.approx(0.10)
    assert step_return(100.0, 60.0, -50.0) == pytest.approx(0.10)


def test_emptying_an_account_is_no_loss() -> None:
    assert step_return(100.0, 0.0, -100.0) == 0.0


@pytest.mark.parametrize("before", [None, 0.0, -5.0, math.nan, math.inf])
def test_a_return_on_nothing_is_undefined(before: float | None) -> None:
    assert step_return(before, 100.0) is None


@pytest.mark.parametrize("after", [None, math.nan, math.inf, -math.inf])
def test_a_return_to_an_unknown_equity_is_undefined(after: float | None) -> None:
    assert step_return(100.0, after) is None


@pytest.mark.parametrize("flow", [math.nan, math.inf, -math.inf, 1.7e308])
def test_a_return_net_of_an_impossible_flow_is_undefined(flow: float) -> None:
    assert step_return(1e308, 100.0, flow) is None


def test_more_than_everything_cannot_be_lost() -> None:
    assert step_return(100.0, -50.0) == -1.0


def test_a_fee_on_a_large_deposit_is_not_the_loss_of_everything() -> None:
    assert step_return(0.5, 9_990.0, 10_000.0) == pytest.approx(9_990.0 / 10_000.5 - 1)
    assert step_return(100.0, 40.0, 50.0) == pytest.approx(40.0 / 150.0 - 1)


@given(anything, anything, anything)
def test_any_return_is_finite_and_at_least_minus_one_or_undefined(before: float, after: float, flow: float) -> None:
    made = step_return(before, after, flow)
    assert made is None or -1.0 <= made < math.inf


@given(money, change, st.floats(min_value=-0.9, max_value=0.49))
def test_a_flow_taken_out_of_equity_leaves_the_return_as_it_was(before: float, made: float, share: float) -> None:
    flow = share * before
    assert step_return(before, before * (1 + made) + flow, flow) == pytest.approx(made, abs=1e-9)


# The equity curve


def test_drawdown_is_unknown_before_the_first_equity() -> None:
    assert EquityCurve().drawdown is None
    assert curve_of((None, 0.0), (0.0, 0.0), (-3.0, 0.0)).drawdown is None


def test_the_first_loss_counts() -> None:
    curve = curve_of((100.0, 0.0), (80.0, 0.0))
    assert curve.drawdown == pytest.approx(0.20)
    assert curve.max_drawdown == pytest.approx(0.20)


def test_drawdown_recovers_and_the_worst_is_remembered() -> None:
    curve = curve_of((100.0, 0.0), (120.0, 0.0), (90.0, 0.0), (150.0, 0.0), (141.0, 0.0))
    assert curve.index == pytest.approx(1.41)
    assert curve.peak == pytest.approx(1.5)
    assert curve.drawdown == pytest.approx(0.06)
    assert curve.max_drawdown == pytest.approx(0.25)


def test_deposits_and_withdrawals_are_no_drawdown_and_hide_none() -> None:
    withdrawn = curve_of((100.0, 0.0), (40.0, -60.0))
    assert withdrawn.drawdown == 0.0
    hidden = curve_of((100.0, 0.0), (80.0, 0.0), (130.0, 50.0))
    assert hidden.drawdown == pytest.approx(0.20)


def test_money_moved_while_equity_was_unknown_is_still_netted() -> None:
    assert curve_of((100.0, 0.0), (None, -30.0), (math.nan, -20.0), (50.0, 0.0)).drawdown == 0.0


def test_losing_everything_is_a_drawdown_of_one() -> None:
    for equity in (0.0, -40.0):
        curve = curve_of((100.0, 0.0), (equity, 0.0))
        assert (curve.drawdown, curve.max_drawdown) == (1.0, 1.0)


def test_a_zero_that_was_a_glitch_leaves_the_drawdown_as_it_was() -> None:
    curve = curve_of((100.0, 0.0), (90.0, 0.0), (0.0, 0.0), (0.0, 0.0), (90.0, 0.0))
    assert curve.drawdown == pytest.approx(0.10)
    assert curve.max_drawdown == 1.0


def test_new_money_after_a_total_loss_starts_the_curve_anew() -> None:
    curve = curve_of((100.0, 0.0), (0.0, 0.0), (500.0, 500.0), (450.0, 0.0))
    assert curve.drawdown == pytest.approx(0.10)
    assert curve.max_drawdown == 1.0


def test_money_that_comes_before_it_shows_in_the_equity_starts_the_curve_anew_too() -> None:
    assert curve_of((100.0, 0.0), (0.0, 0.0), (0.0, 500.0), (500.0, 0.0)).drawdown == 0.0


def test_an_account_overdrawn_by_a_withdrawal_goes_on_where_it_was() -> None:
    curve = curve_of((100.0, 0.0), (-10.0, -110.0), (-20.0, 0.0), (300.0, 320.0), (150.0, 0.0))
    assert curve.drawdown == pytest.approx(0.50)


def test_an_account_emptied_by_a_withdrawal_goes_on_where_it_was() -> None:
    curve = curve_of((100.0, 0.0), (90.0, 0.0), (0.0, -90.0), (0.0, 0.0), (500.0, 500.0), (400.0, 0.0))
    assert curve.drawdown == pytest.approx(1 - 0.9 * 0.8)
    assert curve.max_drawdown == pytest.approx(1 - 0.9 * 0.8)


@pytest.mark.parametrize("time", [1.0, 0.5, math.nan, math.inf])
def test_a_sample_that_is_not_later_changes_no_curve(time: float) -> None:
    curve = curve_of((100.0, 0.0), (90.0, 0.0))
    assert curve.fold(time, 10.0, 5.0) is curve


def test_a_stored_curve_reads_back_as_it_was() -> None:
    for curve in (EquityCurve(), curve_of((100.0, 0.0), (90.0, 7.0), (None, 3.0))):
        assert EquityCurve.from_json(json.loads(json.dumps(curve.to_json()))) == curve
    assert set(EquityCurve().to_json()) == {field.name for field in fields(EquityCurve)}


@pytest.mark.parametrize("data", [{}, {"time": 1}, None, [], "text"])
def test_what_is_no_stored_state_is_refused_with_a_sentence(data: object) -> None:
    with pytest.raises(ValueError, match="not a stored equity curve"):
        EquityCurve.from_json(data)  # type: ignore[arg-type]  # nonsense on purpose


@pytest.mark.parametrize(
    ("field", "value"), [("index", 0.0), ("index", 2.0), ("peak", "1"), ("pending", None), ("equity", math.nan)]
)
def test_a_stored_curve_with_one_wrong_field_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match="not a stored equity curve"):
        EquityCurve.from_json({**EquityCurve().to_json(), field: value})


@given(st.lists(st.tuples(st.none() | anything, anything)))
def test_any_history_leaves_a_finite_curve_that_can_be_stored(steps: list[tuple[float | None, float]]) -> None:
    curve = EquityCurve()
    for at, (equity, flow) in enumerate(steps):
        curve = curve.fold(float(at), equity, flow)
        assert curve.drawdown is None or 0.0 <= curve.drawdown <= 1.0
        assert curve.max_drawdown is None or curve.max_drawdown >= (curve.drawdown or 0.0)
    assert EquityCurve.from_json(json.loads(json.dumps(curve.to_json(), allow_nan=False))) == curve


@given(st.lists(st.tuples(change, st.floats(min_value=-0.4, max_value=0.4)), min_size=1, max_size=30), money)
def test_a_curve_net_of_flows_is_the_curve_without_them(steps: list[tuple[float, float]], start: float) -> None:
    plain = curve_of((start, 0.0))
    mixed = plain
    equity, with_flows = start, start
    for at, (made, share) in enumerate(steps, start=1):
        equity *= 1 + made
        flow = share * with_flows
        with_flows = with_flows * (1 + made) + flow
        plain, mixed = plain.fold(at, equity), mixed.fold(at, with_flows, flow)
    assert plain.drawdown is not None
    assert mixed.drawdown == pytest.approx(plain.drawdown, abs=1e-9)
    assert mixed.index == pytest.approx(plain.index, rel=1e-9)


# Grids


def test_the_last_observation_is_carried_forward_until_it_is_stale() -> None:
    times = np.array([0.0, 30.0, 61.0, 200.0])
    grid, values = even_grid(times, np.array([1.0, 2.0, 3.0, 4.0]), 30.0, 60.0)
    assert grid.tolist() == [0.0, 30.0, 60.0, 90.0, 120.0, 150.0, 180.0]
    assert values[:5].tolist() == [1.0, 2.0, 2.0, 3.0, 3.0]
    assert np.isnan(values[5:]).all()


def test_what_is_not_finite_is_no_observation() -> None:
    _, values = even_grid(np.array([0.0, 1.0, 2.0]), np.array([5.0, math.nan, 6.0]), 1.0, 1.0)
    assert values.tolist() == [5.0, 5.0, 6.0]


def test_a_grid_over_nothing_is_empty() -> None:
    grid, values = even_grid(np.empty(0), np.empty(0), 1.0, 1.0)
    assert len(grid) == len(values) == 0
    assert len(grid_returns(np.empty(0), np.empty(0), [], 1.0, 1.0)) == 0
    assert len(grid_returns(np.array([1.0]), np.array([1.0]), [(1.0, 2.0)], 1.0, 1.0)) == 0


@pytest.mark.parametrize("step", [0.0, -1.0, math.nan, math.inf, 1e-300])
def test_a_step_that_is_no_number_of_seconds_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="at least a microsecond"):
        even_grid(np.array([0.0, 1.0]), np.array([1.0, 1.0]), step, 1.0)


def test_a_grid_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="take a longer step"):
        even_grid(np.array([0.0, 1e12]), np.array([1.0, 1.0]), 1.0, 1.0)


def test_returns_on_the_grid_are_net_of_flows_where_they_show_in_the_equity() -> None:
    times = np.array([0.0, 30.0, 60.0, 90.0])
    equity = np.array([100.0, 110.0, 221.0, 99.45])
    made = grid_returns(times, equity, [(0.0, 100.0), (35.0, 100.0), (90.0, -110.5), (91.0, 7.0)], 30.0, 60.0)
    assert made == pytest.approx([0.10, 0.10, -0.05])


def test_returns_within_a_step_are_linked_and_nothing_happens_between_samples() -> None:
    times = np.array([0.0, 10.0, 20.0, 50.0, 60.0])
    made = grid_returns(times, np.array([100.0, 110.0, 99.0, 99.0, 198.0]), [], 20.0, 60.0)
    assert made == pytest.approx([1.1 * 0.9 - 1, 0.0, 1.0])


def test_returns_across_a_gap_are_missing() -> None:
    times = np.array([0.0, 1.0, 2.0, 10.0, 11.0])
    made = grid_returns(times, np.array([1.0, 2.0, 4.0, 1.0, 3.0]), [], 1.0, 3.0)
    assert np.isnan(made).tolist() == [False, False, False, False, False, True, True, True, True, True, False]
    assert made[[0, 1, -1]] == pytest.approx([1.0, 1.0, 2.0])


@given(st.lists(st.tuples(anything, anything, anything), min_size=2, max_size=20))
def test_growth_of_many_steps_is_that_of_each(steps: list[tuple[float, float, float]]) -> None:
    equity = np.array([equity for equity, _, _ in steps])
    money = np.array([flow for _, flow, _ in steps])
    for at, growth in enumerate(growths(equity, money)):
        made = step_return(float(equity[at]), float(equity[at + 1]), float(money[at + 1]))
        assert math.isnan(growth) if made is None else growth - 1.0 == made


def test_money_moved_belongs_to_the_first_sample_that_can_show_it() -> None:
    times = np.array([10.0, 20.0, 30.0])
    flows = [(9.0, 1.0), (10.0, 2.0), (10.5, 4.0), (20.0, 8.0), (20.1, 16.0), (31.0, 32.0), (25.0, math.inf)]
    assert moved(times, flows).tolist() == [0.0, 12.0, 16.0]


# Rows in any state


def test_rows_in_any_order_doubled_or_unknown_become_observations() -> None:
    times = np.array([30.0, 0.0, 10.0, math.nan, 20.0, 10.0, 20.0])
    found = observations(
        times,
        np.array([4.0, 1.0, 2.0, 9.0, math.nan, 7.0, 3.0]),
        [(20.0, 8.0), (15.0, 1.0), (0.0, 5.0), (10.0, math.nan)],
    )
    assert found.times.tolist() == [0.0, 10.0, 20.0, 30.0]
    assert found.equity.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.money.tolist() == [0.0, 0.0, 9.0, 0.0]


def test_money_that_moved_while_the_equity_was_unknown_is_kept_for_the_next() -> None:
    found = observations(np.array([0.0, 10.0, 20.0]), np.array([100.0, math.nan, 160.0]), [(10.0, 50.0)])
    assert found.money.tolist() == [0.0, 50.0]


def test_flows_that_make_no_finite_sum_are_not_counted() -> None:
    assert moved(np.array([0.0, 10.0]), [(5.0, 1e308), (6.0, 1e308), (7.0, 3.0)]).tolist() == [0.0, 1e308]


@pytest.mark.parametrize(("tenths", "before"), [(1, False), (3, True)])
def test_a_grid_of_tenths_of_a_second_meets_its_samples_in_spite_of_rounding(tenths: int, before: bool) -> None:
    times = np.array([float(f"{at // 10}.{at % 10}") for at in range(0, 2_000 * tenths, tenths)])
    step = tenths / 10
    assert ((step * np.arange(2_000) < times) if before else (step * np.arange(2_000) > times)).any()
    made = grid_returns(times, 1.001 ** np.arange(2_000.0), [], step, 3 * step)
    assert made == pytest.approx(np.full(1_999, 0.001))


@given(st.permutations(range(12)))
def test_rows_in_any_order_make_the_same_returns(order: list[int]) -> None:
    times, equity = np.arange(0.0, 360.0, 30.0), np.array([100.0 + (at * 7) % 5 for at in range(12)])
    shuffled = grid_returns(times[order], equity[order], [(95.0, 10.0)], 30.0, 90.0)
    assert shuffled.tolist() == grid_returns(times, equity, [(95.0, 10.0)], 30.0, 90.0).tolist()


def test_with_sessions_a_return_spans_the_time_the_venue_was_shut() -> None:
    times = np.array([0.0, 1.0, 2.0, 10.0, 11.0])
    made = grid_returns(times, np.array([1.0, 2.0, 4.0, 1.0, 3.0]), [], 1.0, 3.0, sessions=True)
    assert made[np.isfinite(made)].tolist() == [1.0, 1.0, -0.75, 2.0]


@given(
    st.lists(st.tuples(st.floats(0.1, 50.0), st.floats(), st.floats()), max_size=40),
    st.floats(0.5, 100.0),
    st.floats(0.0, 200.0),
)
def test_returns_on_any_grid_are_finite_or_missing(
    steps: list[tuple[float, float, float]], step: float, stale: float
) -> None:
    times = np.cumsum([gap for gap, _, _ in steps])
    flows = [(float(time), flow) for time, (_, _, flow) in zip(times, steps, strict=True)]
    made = grid_returns(times, np.array([equity for _, equity, _ in steps]), flows, step, stale)
    assert not np.isinf(made).any()
    assert (made[np.isfinite(made)] >= -1.0).all()


def test_typical_spacing_is_the_median_of_the_gaps() -> None:
    assert typical_spacing([0.0, 30.0, 60.0, 90.0, 10_000.0]) == 30.0
    assert typical_spacing(np.array([0.0, 30.0, 30.0, 61.0])) == 30.5
    assert typical_spacing([5.0]) is None
    assert typical_spacing([5.0, 5.0]) is None
