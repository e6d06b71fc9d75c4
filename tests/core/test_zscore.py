"""The guide's detector against the textbook, and against anything a float can be."""

from __future__ import annotations

import json
import math
import random
import statistics
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detectors.zscore import LARGEST, WARM_UP, WINDOW, Score, ZScore

anything = st.floats() | st.sampled_from([1e308, -1e308, 5e-324, -5e-324, math.nan, math.inf, -math.inf, 0.0])


def returns(count: int, spread: float = 0.001, seed: int = 1) -> list[float]:
    source = random.Random(seed)  # noqa: S311 - a repeatable series, nothing secret
    return [source.gauss(0.0, spread) for _ in range(count)]


def feed(values: list[float]) -> tuple[ZScore, list[Score]]:
    state, scores = ZScore(), []
    for value in values:
        state, score = state.fold(value)
        scores.append(score)
    return state, scores


def test_z_is_the_distance_from_those_before_in_their_standard_deviations() -> None:
    values = returns(300)
    _, scores = feed(values)
    for at, score in enumerate(scores):
        baseline = values[max(0, at - (WINDOW - 1)) : at]
        assert score.n == len(baseline)
        if at < WARM_UP:
            assert score.z is None
        else:
            expected = (values[at] - statistics.mean(baseline)) / statistics.stdev(baseline)
            assert score.z == pytest.approx(expected)


def test_nothing_is_said_before_twenty_returns() -> None:
    _, scores = feed([*returns(19), -0.5])
    assert scores[-1] == Score(
        z=None, n=19, need=20, anomaly=False, direction=None, volatility=scores[-1].volatility, regime=None
    )


@pytest.mark.parametrize(("value", "direction"), [(-0.02, "loss"), (0.02, "gain")])
def test_more_than_three_deviations_is_an_anomaly_with_a_direction(value: float, direction: str) -> None:
    _, scores = feed([*returns(60), value])
    assert (scores[-1].anomaly, scores[-1].direction) == (True, direction)


def test_up_to_three_deviations_is_none() -> None:
    baseline = [0.001, -0.001] * 15
    deviation = statistics.stdev(baseline)
    _, scores = feed([*baseline, 2.999 * deviation])
    assert (scores[-1].anomaly, scores[-1].direction) == (False, None)
    _, scores = feed([*baseline, 3.001 * deviation])
    assert scores[-1].anomaly


def test_nothing_is_said_of_a_baseline_that_does_not_move() -> None:
    _, scores = feed([0.1] * 50 + [0.3])
    assert all(score.z is None and not score.anomaly for score in scores)


def test_the_point_itself_is_not_in_its_baseline() -> None:
    state, _ = feed(returns(40))
    _, first = state.fold(0.5)
    _, second = state.fold(5.0)
    assert first.z is not None
    assert second.z is not None
    assert second.z == pytest.approx(10 * first.z, rel=0.01)


def test_volatility_is_the_deviation_of_the_whole_window() -> None:
    values = returns(250)
    _, scores = feed(values)
    assert scores[WARM_UP - 2].volatility is None
    assert scores[WARM_UP - 1].volatility == pytest.approx(statistics.stdev(values[:WARM_UP]))
    assert scores[-1].volatility == pytest.approx(statistics.stdev(values[-WINDOW:]))


def test_regime_compares_the_last_twenty_with_the_rest() -> None:
    values = returns(100) + returns(20, spread=0.005, seed=2)
    _, scores = feed(values)
    recent, rest = statistics.stdev(values[-20:]), statistics.stdev(values[-100:-20])
    assert scores[-1].regime == pytest.approx(abs(recent - rest) / rest)
    assert scores[38].regime is None
    assert scores[39].regime is not None


def test_regime_is_undefined_after_a_rest_that_did_not_move() -> None:
    _, scores = feed([0.0] * 60 + returns(20))
    assert scores[-1].regime is None


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_return_is_skipped(value: float | None) -> None:
    state, scores = feed(returns(60))
    after, score = state.fold(value)
    assert after is state
    assert (score.z, score.anomaly, score.direction) == (None, False, None)
    assert (score.volatility, score.regime) == (scores[-1].volatility, scores[-1].regime)


def test_the_window_forgets_what_is_old() -> None:
    state, _ = feed([1e308, *returns(WINDOW)])
    assert state.window == tuple(returns(WINDOW))


def test_a_stored_window_reads_back_as_it_was() -> None:
    for state in (ZScore(), feed(returns(130))[0]):
        assert ZScore.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize(
    "data", [None, {}, "text", [None], ["1"], [True], [math.nan], [math.inf], [1e308], [[1.0]], [0.0] * (WINDOW + 1)]
)
def test_what_is_no_stored_window_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="a stored z-score"):
        ZScore.from_json(data)


@given(st.lists(anything, max_size=130), st.lists(anything, max_size=5))
def test_any_returns_leave_finite_state_and_finite_scores(old: list[float], new: list[float]) -> None:
    kept = [max(-LARGEST, min(LARGEST, value)) for value in old if math.isfinite(value)]
    state = ZScore(tuple(kept[-WINDOW:]))
    for value in [*new, *returns(2)]:
        state, score = state.fold(value)
        for figure in (score.z, score.volatility, score.regime):
            assert figure is None or math.isfinite(figure)
        assert score.anomaly == (score.direction is not None)
    assert len(state.window) <= WINDOW
    assert ZScore.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False))) == state


def test_extremes_all_along_the_window_stay_finite() -> None:
    _, scores = feed([1e308, -1e308] * 60 + [5e-324] * 10)
    assert all(score.z is None or math.isfinite(score.z) for score in scores)
    assert scores[-1].volatility is not None
    assert math.isfinite(scores[-1].volatility)


@given(st.lists(st.floats(-0.5, 0.5), min_size=25, max_size=60), st.integers(1, 59))
def test_going_on_from_a_stored_state_is_never_having_stopped(values: list[float], cut: int) -> None:
    state, _ = feed(values[:cut])
    state = ZScore.from_json(json.loads(json.dumps(state.to_json())))
    for value in values[cut:]:
        state, _ = state.fold(value)
    assert state == feed(values)[0]


@pytest.mark.bench
def test_a_fold_takes_less_than_twenty_microseconds() -> None:
    state, _ = feed(returns(200))
    assert min(timeit.repeat(lambda: state.fold(0.001), number=2_000, repeat=5)) / 2_000 < 20e-6
