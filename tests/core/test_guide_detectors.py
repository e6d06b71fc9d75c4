"""The guide's detectors against the textbook, and against anything a float can be."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detection import Baseline, Step, folded, histories
from monitor.detector import CHOICES, Alarm
from monitor.detectors.zscore import Score, score
from monitor.model import Agent
from monitor.recent import WARM_UP, WINDOW

anything = st.floats() | st.sampled_from([1e308, -1e308, 5e-324, -5e-324, math.nan, math.inf, -math.inf, 0.0])


def returns(count: int, spread: float = 0.001, seed: int = 1) -> list[float]:
    source = random.Random(seed)  # noqa: S311 - a repeatable series, nothing secret
    return [source.gauss(0.0, spread) for _ in range(count)]


AGENTS = {name: Agent("alpha", detector=name, false_pages=1.0) for name in CHOICES}


def feed(values: Sequence[float | None], detector: str = "zscore") -> tuple[Baseline, list[Score], list[list[Alarm]]]:
    """Fold returns in, one at a time; returns the baseline, and after each the score and what was found."""
    state, scores, found = Baseline(), list[Score](), list[list[Alarm]]()
    for at, value in enumerate(values):
        step = Step(30.0 * (at + 1), value, 0.0 if value is None else 30.0)
        ((state, alarms),) = folded([AGENTS[detector]], [state], [step])
        score = state.score
        if score is not None:
            scores.append(score)
        found.append([each for each in alarms if each.detector == detector])
    return state, scores, found


def test_z_is_the_distance_from_those_before_in_their_standard_deviations() -> None:
    values = returns(300)
    _, scores, _ = feed(values)
    for at, told in enumerate(scores):
        baseline = values[max(0, at - (WINDOW - 1)) : at]
        assert told.n == len(baseline)
        if at < WARM_UP:
            assert told.z is None
        else:
            expected = (values[at] - statistics.mean(baseline)) / statistics.stdev(baseline)
            assert told.z == pytest.approx(expected)


@pytest.mark.parametrize("detector", ["zscore", "iqr", "percentile"])
def test_where_no_false_page_is_allowed_they_find_nothing(detector: str) -> None:
    steps = [Step(30.0 * (at + 1), value, 30.0) for at, value in enumerate([*returns(40), -0.5])]
    agents = [AGENTS[detector], replace(AGENTS[detector], false_pages=None)]
    judged = histories(agents, [Baseline(), Baseline()], [steps, steps])
    assert [bool(alarms) for _, alarms in judged] == [True, False]


def test_nothing_is_said_before_twenty_returns() -> None:
    _, scores, _ = feed([*returns(19), -0.5])
    assert scores[-1] == Score(
        z=None, n=19, need=20, anomaly=False, direction=None, volatility=scores[-1].volatility, regime=None
    )


@pytest.mark.parametrize(("value", "direction"), [(-0.02, "loss"), (0.02, "gain")])
def test_more_than_three_deviations_is_an_anomaly_with_a_direction(value: float, direction: str) -> None:
    _, scores, _ = feed([*returns(60), value])
    assert (scores[-1].anomaly, scores[-1].direction) == (True, direction)


def test_up_to_three_deviations_is_none() -> None:
    baseline = [0.001, -0.001] * 15
    deviation = statistics.stdev(baseline)
    _, scores, _ = feed([*baseline, 2.999 * deviation])
    assert (scores[-1].anomaly, scores[-1].direction) == (False, None)
    _, scores, _ = feed([*baseline, 3.001 * deviation])
    assert scores[-1].anomaly


def test_nothing_is_said_of_a_baseline_that_does_not_move() -> None:
    _, scores, _ = feed([0.1] * 50 + [0.3])
    assert all(score.z is None and not score.anomaly for score in scores)


def test_the_point_itself_is_not_in_its_baseline() -> None:
    first = feed([*returns(40), 0.5])[1][-1]
    second = feed([*returns(40), 5.0])[1][-1]
    assert first.z is not None
    assert second.z is not None
    assert second.z == pytest.approx(10 * first.z, rel=0.01)


def test_volatility_is_the_deviation_of_the_whole_window() -> None:
    values = returns(250)
    _, scores, _ = feed(values)
    assert scores[WARM_UP - 2].volatility is None
    assert scores[WARM_UP - 1].volatility == pytest.approx(statistics.stdev(values[:WARM_UP]))
    assert scores[-1].volatility == pytest.approx(statistics.stdev(values[-WINDOW:]))


def test_regime_compares_the_last_twenty_with_the_rest() -> None:
    values = returns(100) + returns(20, spread=0.005, seed=2)
    _, scores, _ = feed(values)
    recent, rest = statistics.stdev(values[-20:]), statistics.stdev(values[-100:-20])
    assert scores[-1].regime == pytest.approx(abs(recent - rest) / rest)
    assert scores[38].regime is None
    assert scores[39].regime is not None


def test_regime_is_undefined_after_a_rest_that_did_not_move() -> None:
    _, scores, _ = feed([0.0] * 60 + returns(20))
    assert scores[-1].regime is None


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_return_is_skipped(value: float | None) -> None:
    state, scores, _ = feed(returns(60))
    after, more, found = feed([*returns(60), value])
    assert more[-1] == scores[-1]
    assert (after.skipped, state.skipped, found[-1]) == (1, 0, [])


def test_the_window_forgets_what_is_old() -> None:
    assert feed([1e308, *returns(WINDOW)])[1][-1] == score(returns(WINDOW))


@given(st.lists(anything, max_size=130))
def test_any_returns_have_finite_scores(values: list[float]) -> None:
    told = score([each for each in values if math.isfinite(each)] or [0.0])
    for figure in (told.z, told.volatility, told.regime):
        assert figure is None or math.isfinite(figure)
    assert told.anomaly == (told.direction is not None)


def test_extremes_all_along_the_window_stay_finite() -> None:
    _, scores, _ = feed([1e308, -1e308] * 60 + [5e-324] * 10)
    assert all(score.z is None or math.isfinite(score.z) for score in scores)
    assert scores[-1].volatility is not None
    assert math.isfinite(scores[-1].volatility)


def test_the_z_score_finds_what_its_score_calls_an_anomaly() -> None:
    values = [*returns(60), 0.004, *returns(60, seed=3), -0.02]
    _, scores, found = feed(values)
    assert [bool(each) for each in found] == [each.anomaly for each in scores]
    (alarm,) = found[-1]
    assert alarm.value == -0.02
    assert alarm.typical == pytest.approx(statistics.stdev(values[-100:-1]))
    assert (alarm.time - alarm.since, alarm.told) == (30.0, alarm.time)


def test_tukeys_fences_are_three_interquartile_ranges_beyond_the_quartiles() -> None:
    base = returns(99)
    low, high = (float(np.quantile(base, each)) for each in (0.25, 0.75))
    fence = high + 3 * (high - low)
    assert feed([*base, fence * 1.001], "iqr")[2][-1]
    assert not feed([*base, fence * 0.999], "iqr")[2][-1]
    assert feed([*base, low - 3.001 * (high - low)], "iqr")[2][-1]
    assert not any(feed([0.0] * 90 + [0.3] * 5, "iqr")[2])


def test_the_percentiles_are_those_of_the_returns_before() -> None:
    base = returns(99)
    low, high = (float(np.quantile(base, each)) for each in (0.01, 0.99))
    assert feed([*base, high + 1e-9], "percentile")[2][-1]
    assert not feed([*base, high - 1e-9], "percentile")[2][-1]
    assert feed([*base, low - 1e-9], "percentile")[2][-1]


@pytest.mark.parametrize("detector", ["budget", "iqr", "percentile"])
def test_an_agent_is_judged_only_by_what_was_chosen_for_it(detector: str) -> None:
    state = feed(returns(60))[0]
    ((_, alarms),) = folded([AGENTS[detector]], [state], [Step(3_000.0, -0.5, 30.0)])
    assert "zscore" not in [each.detector for each in alarms]
