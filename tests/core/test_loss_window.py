"""Money lost in a trailing window, net of cash flows, from a bounded number of marks."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.series import BUCKETS, LossWindow

anything = st.floats() | st.sampled_from([0.0, -1.0, 1e308, -1e308, 5e-324, math.nan, math.inf])


def test_loss_is_unknown_without_equity() -> None:
    window = LossWindow().fold(0.0, None).fold(1.0, math.nan)
    assert (window.loss, window.base) == (None, None)


def test_loss_is_money_since_the_oldest_known_equity_while_history_is_short() -> None:
    window = LossWindow().fold(0.0, 1_000.0).fold(30.0, 1_040.0).fold(60.0, 970.0)
    assert (window.loss, window.base) == (30.0, 1_000.0)


def test_loss_is_net_of_money_moved_and_a_share_is_of_all_that_was_there_to_lose() -> None:
    window = LossWindow().fold(0.0, 1_000.0).fold(30.0, 980.0).fold(60.0, 1_480.0, 500.0).fold(90.0, 80.0, -1_400.0)
    assert (window.loss, window.base) == (20.0, 1_500.0)


def test_money_moved_while_the_equity_was_unknown_is_no_loss() -> None:
    window = LossWindow().fold(0.0, 1_000.0).fold(30.0, None, -400.0)
    assert window.loss == 0.0
    assert window.fold(60.0, 590.0).loss == 10.0


def test_a_loss_leaves_the_window_when_it_is_old() -> None:
    window = LossWindow(window=3_600.0).fold(0.0, 1_000.0).fold(60.0, 900.0)
    for minute in range(2, 60):
        window = window.fold(minute * 60.0, 900.0)
    assert window.loss == 100.0
    window = window.fold(3_600.0 + 60.0, 900.0).fold(3_600.0 + 120.0, 900.0)
    assert (window.loss, window.base) == (0.0, 900.0)


def test_after_a_gap_the_window_starts_at_what_was_last_known() -> None:
    window = LossWindow(window=60.0).fold(0.0, 1_000.0).fold(1.0, 990.0).fold(500.0, 940.0)
    assert (window.loss, window.base) == (50.0, 990.0)


@pytest.mark.parametrize("time", [30.0, 29.0, math.nan, -math.inf])
def test_a_sample_that_is_not_later_changes_no_window(time: float) -> None:
    window = LossWindow().fold(0.0, 100.0).fold(30.0, 90.0)
    assert window.fold(time, 10.0, 5.0) is window


def test_a_window_equals_a_reckoning_over_everything_and_stays_small() -> None:
    source = random.Random(7)  # noqa: S311 - a repeatable walk, nothing secret
    span, history, window, equity = 7_200.0, [(0.0, 1_000.0)], LossWindow(window=7_200.0).fold(0.0, 1_000.0), 1_000.0
    for at in range(1, 2_000):
        equity *= 1 + source.gauss(0, 0.002)
        time = at * 25.0  # exactly a bucket's width
        history.append((time, equity))
        window = window.fold(time, equity)
        start = [value for when, value in history if when <= time - span] or [1_000.0]
        assert window.loss == pytest.approx(start[-1] - equity)
        assert len(window.marks) <= BUCKETS + 2


def test_a_window_is_at_most_one_bucket_early() -> None:
    window = LossWindow(window=2_880.0)
    for second in range(20_000):
        window = window.fold(second + 0.3 * (second % 3), 100.0)
        assert window.last is not None
        age = window.last.time - window.marks[0].time
        assert age <= 2_880.0 + 2 * 10.0
        assert age >= 2_880.0 or window.marks[0].time == 0.0


def test_a_stored_window_reads_back_as_it_was() -> None:
    for window in (LossWindow(60.0), LossWindow().fold(0.0, 5.0).fold(400.0, 6.0, 1.0).fold(410.0, None, 2.0)):
        assert LossWindow.from_json(json.loads(json.dumps(window.to_json()))) == window


@pytest.mark.parametrize(
    ("field", "value"),
    [("marks", []), ("marks", [[1.0, 2.0]]), ("last", None), ("window", "60"), ("marks", [[0.0, 1.0, 0.0, 0.0]] * 291)],
)
def test_a_stored_window_with_one_wrong_field_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match="not a stored loss window"):
        LossWindow.from_json({**LossWindow().fold(0.0, 5.0).to_json(), field: value})


@given(st.lists(st.tuples(anything, st.none() | anything, anything)))
def test_any_history_leaves_a_finite_window(steps: list[tuple[float, float | None, float]]) -> None:
    window = LossWindow(window=10.0)
    for time, equity, flow in steps:
        window = window.fold(time, equity, flow)
        assert window.loss is None or math.isfinite(window.loss)
        assert window.base is None or math.isfinite(window.base)
    assert LossWindow.from_json(json.loads(json.dumps(window.to_json(), allow_nan=False))) == window


@pytest.mark.parametrize("data", [{}, {"time": 1}, None, [], "text"])
def test_what_is_no_stored_window_is_refused_with_a_sentence(data: object) -> None:
    with pytest.raises(ValueError, match="not a stored loss window"):
        LossWindow.from_json(data)  # type: ignore[arg-type]  # nonsense on purpose


def test_the_course_of_a_day_is_net_of_what_people_moved_and_has_gaps_where_nothing_was_known() -> None:
    losses = LossWindow(window=1_200.0)
    for minute, equity, flow in ((0, 100.0, 0.0), (5, 101.0, 0.0), (20, 601.0, 500.0), (22, 602.0, 0.0)):
        losses = losses.fold(60.0 * minute + 1, equity, flow)
    assert losses.course(4) == (601.0, None, None, 602.0)
    assert LossWindow().course(4) == ()
