from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.clock import DOUBTFUL, PROOF, TOLERANCE, SteadyClock

EPOCH = 1_750_000_000.0
STEP = st.tuples(
    st.floats(0, 100_000),
    st.one_of(st.just(0.0), st.floats(-0.5, 0.5), st.floats(-100_000, 100_000)),
)
"""Seconds that pass, and seconds by which the wall clock is set."""
ROUNDING = 3e-6


@dataclass
class Hands:
    """A wall clock that can be set and a monotonic one that cannot."""

    wall: float = EPOCH
    monotonic: float = 7.0

    def pass_time(self, seconds: float, set_by: float = 0.0) -> None:
        self.monotonic += seconds
        self.wall += seconds + set_by

    def clock(self, floor: float = 0.0) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.monotonic, floor)


def test_it_tells_the_wall_clocks_time() -> None:
    hands = Hands()
    clock = hands.clock()
    assert clock.now() == EPOCH
    hands.pass_time(1.2345678)
    assert clock.now() == EPOCH + 1.234568
    assert clock.drift == 0


def test_it_starts_no_earlier_than_the_newest_stored_time() -> None:
    hands = Hands()
    clock = hands.clock(floor=EPOCH + 500)
    assert clock.now() == EPOCH + 500
    assert clock.drift == 500
    hands.pass_time(2)
    assert clock.now() == EPOCH + 502


def test_it_runs_on_when_the_wall_clock_is_set_back() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_time(10, set_by=-3600)
    assert clock.now() == EPOCH + 10
    assert clock.drift == 3600
    hands.pass_time(5)
    assert clock.now() == EPOCH + 15


def test_it_follows_a_wall_clock_that_is_set_forward() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_time(10, set_by=3600)
    assert clock.now() == EPOCH + 3610
    hands.pass_time(5)
    assert clock.now() == EPOCH + 3615
    assert clock.drift == 0


@given(st.floats(-1e6, 1e6), st.lists(STEP, max_size=50))
def test_it_never_runs_backwards_and_never_lags(floor: float, steps: list[tuple[float, float]]) -> None:
    hands = Hands()
    clock = hands.clock(EPOCH + floor)
    before = clock.now()
    for seconds, set_by in steps:
        hands.pass_time(seconds, set_by)
        now = clock.now()
        assert now - before >= seconds - ROUNDING
        assert now >= before
        ahead = hands.wall - now
        assert ahead <= TOLERANCE + ROUNDING or ahead > DOUBTFUL - ROUNDING
        assert clock.drift >= 0
        before = now


def test_a_leap_of_more_than_an_hour_is_followed_only_once_it_has_stayed() -> None:
    hands = Hands()
    clock = hands.clock()
    began = clock.now()
    hands.pass_time(10, 8 * 86_400.0)
    assert clock.now() == pytest.approx(began + 10)
    hands.pass_time(10, -8 * 86_400.0)
    assert clock.now() == pytest.approx(began + 20)
    hands.pass_time(10, 86_400.0)
    assert clock.now() == pytest.approx(began + 30)
    hands.pass_time(PROOF, 0)
    assert clock.now() == pytest.approx(began + 30 + PROOF + 86_400.0)


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(-1e5, 0)), max_size=50))
def test_it_keeps_the_pace_of_the_monotonic_clock_while_the_wall_clock_goes_back(
    steps: list[tuple[float, float]],
) -> None:
    hands = Hands()
    clock = hands.clock()
    for seconds, set_by in steps:
        hands.pass_time(seconds, set_by)
        clock.now()
    assert abs(clock.now() - EPOCH - sum(seconds for seconds, _ in steps)) <= ROUNDING
