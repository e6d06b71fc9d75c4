"""A shift begins when the duty goes to somebody else, by turn or out of turn, in any rotation."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.oncall import on_duty
from monitor.alerts.plan import Override, Rotation
from monitor.shift import LONGEST, began

MAIN = Rotation("main", ("ana", "ben"), "daily", dt.time(9), dt.UTC, dt.date(2026, 1, 5))
NOW = dt.datetime(2026, 1, 7, 12, tzinfo=dt.UTC).timestamp()
HOUR = 3_600.0
NINE = NOW - 3 * HOUR


def test_a_shift_began_with_the_last_turn() -> None:
    assert began([MAIN], (), NOW) == NINE
    assert began([MAIN], (), NINE) == NINE
    assert began([MAIN], (), NINE - 1) == NINE - 24 * HOUR


def test_a_duty_taken_or_given_back_out_of_turn_begins_one_too() -> None:
    taken = Override("o1", "main", "ben", NOW - 2 * HOUR, NOW - HOUR, "ben")
    assert began([MAIN], (taken,), NOW) == NOW - HOUR
    assert began([MAIN], (taken,), NOW - 1.5 * HOUR) == NOW - 2 * HOUR


def test_whoever_takes_their_own_duty_begins_nothing() -> None:
    taken = Override("o1", "main", "ana", NOW - 2 * HOUR, NOW + HOUR, "ana")
    assert began([MAIN], (taken,), NOW) == NINE


def test_a_rotation_of_one_person_or_of_none_changes_nothing() -> None:
    assert began([replace(MAIN, people=("ana",)), replace(MAIN, name="other", people=())], (), NOW) is None
    assert began([], (), NOW) is None


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60), st.sampled_from(["ana", "ben"])), max_size=4),
    st.sampled_from([1, 2]),
)
def test_since_then_the_same_person_has_had_it_and_before_somebody_else(
    taken: list[tuple[int, int, str]], people: int
) -> None:
    turns = replace(MAIN, people=MAIN.people[:people])
    overrides = [
        Override(f"o{index}", "main", who, NOW - ago * HOUR, NOW + (long - ago) * HOUR, who)
        for index, (ago, long, who) in enumerate(taken)
    ]
    at = began([turns], overrides, NOW)
    since = NOW - LONGEST if at is None else at
    half_hours = range(int((NOW - since) / HOUR * 2) + 1)
    assert len({on_duty(turns, overrides, since + each * HOUR / 2) for each in half_hours}) == 1
    if at is not None:
        assert on_duty(turns, overrides, at - 1) != on_duty(turns, overrides, at)
