"""Durations, shares and money are read as people write them, and refused where they could mean two things."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quantities import duration, hours, money, samples_or_span_or_off, share, span_or_off, spell, time_of_day
from monitor.model import Samples


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("1.5h", 5400), (90, 90), (0.2, 0.2), ("2d", 172800)],
)
def test_durations_are_read_as_people_write_them(text: object, seconds: float) -> None:
    assert duration(text) == seconds


@given(st.integers(0, 10**10))
def test_a_duration_that_is_written_back_reads_the_same(milliseconds: int) -> None:
    assert duration(spell(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(("text", "amount"), [(100, 100), ("1,000.50", 1000.5), ("1,234,567", 1234567), ("99.5", 99.5)])
def test_money_is_read_with_or_without_its_thousands(text: object, amount: float) -> None:
    assert money(text) == amount


@pytest.mark.parametrize(
    "text", ["", "1,00", "1e3", "$5", "-1", "nan", None, True, float("inf"), 10**400, [], "\u0661"]
)
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not an amount of money"):
        money(text)


@pytest.mark.parametrize(
    ("text", "meant"), [("15", "15%"), (0.15, "15%"), (15, "15%"), ("0.05", "5%"), ("x", "15%"), (None, "15%")]
)
def test_a_bare_number_is_no_share_since_it_could_mean_two(text: object, meant: str) -> None:
    with pytest.raises(ValueError, match=f'is not a share: write "{meant}"'):
        share(text)


@given(st.integers(1, 10_000))
def test_a_share_is_the_hundredth_of_its_percentage(hundredths: int) -> None:
    assert share(f"{hundredths / 100}%") == hundredths / 10_000


@given(st.times().map(lambda each: each.replace(second=0, microsecond=0)))
def test_a_time_of_day_that_is_written_back_reads_the_same(time: dt.time) -> None:
    assert time_of_day(f"{time:%H:%M}") == time_of_day(time) == time
    assert time_of_day(f" {time.hour}:{time:%M}") == time


@pytest.mark.parametrize(
    "text", ["", "9", "24:00", "09:60", "9:5", "09:00:00", "9am", 9, None, dt.time(9, tzinfo=dt.UTC)]
)
def test_what_is_no_time_of_day_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not a time of day"):
        time_of_day(text)


def test_hours_have_two_ends_and_may_go_over_midnight() -> None:
    assert hours("22:00 - 7:30") == (dt.time(22), dt.time(7, 30))
    for wrong in ("22:00", "22:00-", "-", "22:00-07:00-08:00", 22, None, "22:00-22:00"):
        with pytest.raises(ValueError, match="22:00-07:00"):
            hours(wrong)


def test_a_time_may_be_told_in_samples_of_an_agent() -> None:
    assert [samples_or_span_or_off(each) for each in ("20 samples", "30m", "off")] == [Samples(20), 1_800.0, None]
    for wrong in ("1 samples", "0 samples", "100001 samples"):
        with pytest.raises(ValueError, match=r'out of range: write "2 samples" to "100000 samples"\.'):
            samples_or_span_or_off(wrong)
    for wrong in ("20", "-3 samples", "2.5 samples", "samples", "20 sample"):
        with pytest.raises(ValueError, match=r'is not a duration: write .*, or "20 samples", or "off"\.$'):
            samples_or_span_or_off(wrong)


def test_off_is_no_time_and_less_than_a_second_is_refused() -> None:
    assert (span_or_off("off"), span_or_off("30m")) == (None, 1800.0)
    for wrong in ("0s", "31d", "never"):
        with pytest.raises(ValueError, match=r"out of range|not a duration"):
            span_or_off(wrong)
