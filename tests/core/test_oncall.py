"""A rotation is right by the calendar, across both changes of daylight saving time, and an override beats it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.oncall import Duty, duty, empty, handed_over, on_duty, quiet, valid, whom
from monitor.alerts.plan import DUTY, EVERYBODY, Override, Plan, Quiet, Rotation

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR = 3_600.0
PEOPLE = {"ana": "admin", "ben": "operator", "eva": "viewer"}
WEEKLY = Rotation("main", ("ana", "ben"), "weekly", dt.time(9), BERLIN, dt.date(2026, 1, 5))
DAILY = replace(WEEKLY, name="nights", every="daily", at=dt.time(2, 30), start=dt.date(2026, 1, 1))


def at(text: str, zone: dt.tzinfo = BERLIN, fold: int = 0) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def override(person: str, starts: float, ends: float, name: str = "a", rotation: str = "main") -> Override:
    return Override(name, rotation, person, starts, ends, person)


@pytest.mark.parametrize(
    ("now", "person"),
    [
        ("2026-01-05T08:59:59", "ben"),
        ("2026-01-05T09:00", "ana"),
        ("2026-01-12T08:59:59", "ana"),
        ("2026-01-12T09:00", "ben"),
        ("2025-12-29T09:00", "ben"),
        ("2025-12-22T09:00", "ana"),
        ("1999-12-27T09:00", "ana"),
    ],
)
def test_a_turn_begins_at_its_hour_and_the_rotation_runs_before_its_start_too(now: str, person: str) -> None:
    assert on_duty(WEEKLY, (), at(now)) == person


@pytest.mark.parametrize(
    ("zone", "monday", "hours"),
    [
        (BERLIN, dt.date(2026, 3, 23), 167),
        (BERLIN, dt.date(2026, 10, 19), 169),
        (BERLIN, dt.date(2026, 6, 1), 168),
        (NEW_YORK, dt.date(2026, 3, 2), 167),
        (NEW_YORK, dt.date(2026, 10, 26), 169),
    ],
)
def test_a_weekly_turn_is_seven_days_by_the_clock_however_many_hours_they_have(
    zone: ZoneInfo, monday: dt.date, hours: int
) -> None:
    rotation = replace(WEEKLY, zone=zone, start=monday)
    begins, ends = handed_over(rotation, 0), handed_over(rotation, 1)
    assert ends - begins == hours * HOUR
    assert dt.datetime.fromtimestamp(ends, zone).time() == dt.time(9)
    assert [on_duty(rotation, (), time) for time in (begins, ends - 1, ends)] == ["ana", "ana", "ben"]


def test_an_hour_that_the_spring_leaves_out_hands_over_at_the_first_moment_there_is() -> None:
    rotation = replace(DAILY, start=dt.date(2026, 3, 29))
    assert handed_over(rotation, 0) == at("2026-03-29T03:00")
    assert on_duty(rotation, (), at("2026-03-29T01:59:59")) == "ben"
    assert on_duty(rotation, (), at("2026-03-29T03:00")) == "ana"
    assert handed_over(rotation, 1) == at("2026-03-30T02:30")
    assert handed_over(replace(rotation, zone=NEW_YORK), -21) == at("2026-03-08T03:00", NEW_YORK)


def test_an_hour_that_comes_twice_in_autumn_hands_over_at_the_first() -> None:
    rotation = replace(DAILY, start=dt.date(2026, 10, 25))
    first, second = at("2026-10-25T02:30"), at("2026-10-25T02:30", fold=1)
    assert second - first == HOUR
    assert handed_over(rotation, 0) == first
    seen = [on_duty(rotation, (), time) for time in (first - 1, first, second - 1, second, second + 20 * HOUR)]
    assert seen == ["ben", "ana", "ana", "ana", "ana"]


def test_a_day_that_a_zone_leaves_out_and_a_clock_put_back_over_midnight_break_nothing() -> None:
    apia = replace(DAILY, zone=ZoneInfo("Pacific/Apia"), at=dt.time(9), start=dt.date(2011, 12, 30))
    assert handed_over(apia, 0) == at("2011-12-31T00:00", apia.zone)
    assert on_duty(apia, (), at("2011-12-31T08:59", apia.zone)) == "ana"
    johns = replace(DAILY, zone=ZoneInfo("America/St_Johns"), at=dt.time(0), start=dt.date(2010, 11, 7))
    midnight = at("2010-11-07T00:00", johns.zone)
    assert [on_duty(johns, (), time) for time in (midnight - 1, midnight, midnight + 120)] == ["ben", "ana", "ana"]


rotations = st.builds(
    Rotation,
    st.just("main"),
    st.lists(st.sampled_from(["ana", "ben", "eva"]), min_size=1, max_size=4, unique=True).map(tuple),
    st.sampled_from(["daily", "weekly"]),
    st.times().map(lambda time: time.replace(microsecond=0)),
    st.sampled_from([BERLIN, NEW_YORK]),
    st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)),
)
times = st.floats(at("2018-01-01T00:00"), at("2032-01-01T00:00"))


@given(rotations, times)
def test_there_is_always_one_person_until_the_hand_over_and_then_the_next(rotation: Rotation, now: float) -> None:
    found = duty(rotation, (), now)
    assert found.until is not None
    assert now < found.until
    assert found.until - now <= (169 if rotation.every == "weekly" else 25) * HOUR + HOUR
    assert on_duty(rotation, (), (now + found.until) / 2) == on_duty(rotation, (), now) == found.person
    assert on_duty(rotation, (), found.until) == found.next
    people = rotation.people
    assert found.person is not None
    assert found.next == people[(people.index(found.person) + 1) % len(people)]
    clock = dt.datetime.fromtimestamp(found.until, rotation.zone)
    existed = dt.datetime.combine(clock.date(), rotation.at, rotation.zone)
    shown = existed.astimezone(dt.UTC).astimezone(rotation.zone)
    assert clock.time() == rotation.at or (shown.time() != rotation.at and clock.minute == clock.second == 0)


@given(rotations, st.integers(-2_000, 2_000))
def test_hand_overs_are_as_many_days_apart_as_a_turn_has(rotation: Rotation, turn: int) -> None:
    here, there = (
        dt.datetime.fromtimestamp(handed_over(rotation, each), rotation.zone).date() for each in (turn, turn + 1)
    )
    assert (there - here).days == (7 if rotation.every == "weekly" else 1)


overrides = st.builds(
    lambda name, person, starts, length: Override(name, "main", person, starts, starts + length, person),
    st.sampled_from("abcdef"),
    st.sampled_from(["ana", "ben"]),
    st.floats(at("2026-03-27T00:00"), at("2026-03-30T00:00")),
    st.floats(60, 48 * HOUR),
)


@given(st.lists(overrides, max_size=4, unique_by=lambda each: each.id), st.floats(0, 1), st.booleans())
def test_until_its_end_a_duty_is_one_persons_whatever_overrides_there_are(
    taken: list[Override], part: float, nobody: bool
) -> None:
    rotation = replace(DAILY, name="main", people=() if nobody else DAILY.people)
    now = at("2026-03-28T12:00")
    found = duty(rotation, taken, now)
    assert found.person == on_duty(rotation, taken, now)
    if found.until is None:
        assert nobody
        assert all(each.ends <= now for each in taken)
        return
    assert on_duty(rotation, taken, now + part * (found.until - now) * 0.999) == found.person
    assert on_duty(rotation, taken, found.until) == found.next


def test_an_override_beats_the_rotation_from_its_start_to_its_end() -> None:
    now = at("2026-01-06T12:00")
    taken = (override("ben", now, now + 4 * HOUR), override("eva", now, now + HOUR, rotation="other"))
    assert [on_duty(WEEKLY, taken, now + hours * HOUR) for hours in (-1, 0, 3.9, 4)] == ["ana", "ben", "ben", "ana"]
    assert duty(WEEKLY, taken, now) == Duty("main", "ben", now + 4 * HOUR, "ana", "a")
    assert duty(WEEKLY, taken, now - HOUR) == Duty("main", "ana", now, "ben", None)


def test_of_two_overrides_the_newer_wins_by_its_start_and_then_by_its_id() -> None:
    now = at("2026-01-06T12:00")
    older, newer = override("ben", now, now + 9 * HOUR), override("ana", now + HOUR, now + 2 * HOUR, "0")
    found = duty(WEEKLY, (newer, older), now + HOUR)
    assert (found.person, found.until, found.next) == ("ana", now + 2 * HOUR, "ben")
    twin = replace(newer, id="1", person="ben")
    assert on_duty(WEEKLY, (twin, newer), now + HOUR) == on_duty(WEEKLY, (newer, twin), now + HOUR) == "ben"


def test_a_rotation_without_people_has_nobody_but_who_takes_it() -> None:
    nobody, now = replace(WEEKLY, people=()), at("2026-01-06T12:00")
    assert duty(nobody, (), now) == Duty("main", None, None, None, None)
    later = (override("ben", now + HOUR, now + 2 * HOUR),)
    assert duty(nobody, later, now) == Duty("main", None, now + HOUR, "ben", None)
    assert duty(nobody, later, now + HOUR) == Duty("main", "ben", now + 2 * HOUR, None, "a")


def a_plan(*rotations: Rotation) -> Plan:
    return Plan(("telegram",), rotations=rotations, people=PEOPLE)


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ([DUTY], ("ana", "ben")),
        ([EVERYBODY], ("ana", "ben")),
        (["eva", DUTY], ("eva", "ana", "ben")),
        (["nights", "main"], ("ben", "ana")),
        (["ben", "ben", "nobody", "empty"], ("ben",)),
        ([], ()),
    ],
)
def test_words_stand_for_people_each_called_once(words: Iterable[str], called: tuple[str, ...]) -> None:
    plan = a_plan(WEEKLY, replace(DAILY, people=("ben",)), replace(DAILY, name="empty", people=()))
    assert whom(words, plan, (), at("2026-01-06T12:00")) == called


def test_duty_without_a_rotation_is_nobody() -> None:
    assert whom([DUTY], a_plan(), (), 0.0) == ()


def test_an_override_of_somebody_who_is_gone_or_may_not_acknowledge_calls_whose_turn_it_is() -> None:
    now = at("2026-01-06T12:00")
    taken = (override("zoe", now, now + HOUR), override("eva", now, now + HOUR, "b"))
    assert valid(taken, PEOPLE) == ()
    assert whom([DUTY], a_plan(WEEKLY), taken, now) == ("ana",)
    assert empty(a_plan(replace(WEEKLY, people=())), taken, now) == ("main",)
    assert empty(a_plan(WEEKLY, replace(DAILY, people=())), (), now) == ("nights",)


@pytest.mark.parametrize(
    ("starts", "ends", "hours"),
    [(dt.time(22), dt.time(7), {22, 23, 0, 1, 2, 3, 4, 5, 6}), (dt.time(1), dt.time(3), {1, 2})],
)
def test_quiet_hours_are_by_the_clock_and_may_go_over_midnight(starts: dt.time, ends: dt.time, hours: set[int]) -> None:
    hush = Quiet(starts, ends, BERLIN)
    for day in ("2026-03-29", "2026-06-01", "2026-10-25"):
        midnight = at(f"{day}T00:00")
        found = [(dt.datetime.fromtimestamp(midnight + hour * HOUR, BERLIN).hour, hour) for hour in range(25)]
        assert all(quiet(hush, midnight + hour * HOUR) is (clock in hours) for clock, hour in found)
    assert not quiet(None, 0.0)
