"""Digests are as written, come once a day by the clock on the wall, and what cannot be meant is refused."""

from __future__ import annotations

import datetime as dt
import itertools
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.settings import DigestPlan, SettingsError, load, masked
from bot.settings.schedule import Calendar
from tests.core.test_settings_telling import ENVIRON, GOOD, write

BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
LINES = GOOD.count("\n")
DAY = 86_400.0


def at(text: str, zone: dt.tzinfo = BERLIN) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def shown(moments: tuple[float, ...]) -> list[str]:
    return [dt.datetime.fromtimestamp(each, BERLIN).isoformat() for each in moments]


def test_digests_are_as_written_and_by_the_desks_own_clock_unless_they_say_otherwise(tmp_path: Path) -> None:
    text = '[[digests]]\nat = "0 8 * * *"\n[[digests]]\nat = "30 7 * * MON"\ntimezone = "Asia/Tokyo"\n'
    text += 'channel = "telegram:-100777"\nagents = { venue = "binance|kraken", token = "BTC" }\n'
    settings = load(write(tmp_path, text), ENVIRON)
    assert settings.digests == (
        DigestPlan(Calendar("0 8 * * *", BERLIN), None, ()),
        DigestPlan(
            Calendar("30 7 * * mon", TOKYO), "telegram:-100777", (("venue", "binance|kraken"), ("token", "BTC"))
        ),
    )
    assert settings.channels == ("telegram:-100777",)


def test_digests_in_force_are_shown_in_the_form_of_the_file(tmp_path: Path) -> None:
    text = '[[digests]]\nat = "0 8 * * *"\nchannel = "telegram"\nagents = { venue = "binance" }\n'
    (shown,) = tomllib.loads(masked(load(write(tmp_path, text), ENVIRON)))["digests"]
    zone = {"timezone": "Europe/Berlin"}
    assert shown == {"at": "0 8 * * *", "channel": "telegram", "agents": {"venue": "binance"}, **zone}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channel = 'telegram'", '1: digests[0].at: is missing: write at = "0 8 * * *".'),
        ('at = "08:00"', '2: digests[0].at: "08:00" is not a cron line'),
        ('at = "* 8 * * *"', '2: digests[0].at: "* 8 * * *" comes more often than once an hour: write one minute'),
        ('at = "0 8 31 2 *"', "never comes round"),
        ('at = "0 8 * * *"\ntimezone = "Berlin"', '3: digests[0].timezone: "Berlin" is not a known time zone'),
        ('at = "0 8 * * *"\nchannel = "telegramm"', 'not a known channel: did you mean "telegram"?'),
        ('at = "0 8 * * *"\nchannel = "telegram:-100"', 'is the desk\'s own chat there: write "telegram".'),
        ('at = "0 8 * * *"\nchannel = ["telegram"]', "is not a channel: write it like"),
        ('at = "0 8 * * *"\nagents = { venu = "x" }', 'not a known label: did you mean "venue"?'),
        ('at = "0 8 * * *"\nagents = { venue = "kraken" }', "3: digests[0].agents: fits no agent"),
        ('at = "0 8 * * *"\nwhen = "now"', "digests[0].when: is not a setting"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, f"[[digests]]\n{text}\n"), ENVIRON)
    (line,) = str(caught.value).splitlines()
    number, colon, sentence = said.partition(":")
    wanted = f"nightdesk.toml:{LINES + int(number)}:{sentence}" if colon and number.isdigit() else said
    assert wanted in line


def test_half_past_two_comes_once_in_each_of_the_nights_in_which_the_clock_changes() -> None:
    calendar = Calendar("30 2 * * *", BERLIN)
    assert shown(calendar.between(at("2026-03-28T12:00"), at("2026-03-30T12:00"))) == [
        "2026-03-29T03:30:00+02:00",  # 02:30 is left out
        "2026-03-30T02:30:00+02:00",
    ]
    assert shown(calendar.between(at("2026-10-24T12:00"), at("2026-10-26T12:00"))) == [
        "2026-10-25T02:30:00+02:00",  # and again an hour later
        "2026-10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize("line", ["0 0 * * *", "30 2 * * *", "0 8 * * *", "59 23 * * *"])
def test_a_daily_line_comes_on_every_day_of_a_year_and_the_periods_between_leave_nothing_out(line: str) -> None:
    calendar, begins, ends = Calendar(line, BERLIN), at("2026-01-01T00:00"), at("2027-01-01T00:00")
    moments = calendar.between(begins - 1, ends - 1)
    assert len({dt.datetime.fromtimestamp(each, BERLIN).date() for each in moments}) == len(moments) == 365
    for before, after in itertools.pairwise(moments):
        assert (calendar.before(after), calendar.after(before)) == (before, after)


def test_a_moment_belongs_to_the_period_that_ends_with_it() -> None:
    calendar, moment = Calendar("0 8 * * *", BERLIN), at("2026-06-01T08:00")
    assert calendar.between(moment - 1, moment) == (moment,)
    assert calendar.between(moment, moment + 1) == ()
    assert calendar.after(moment) == moment + DAY


def test_a_line_that_comes_on_leap_days_alone_is_found_years_away() -> None:
    calendar = Calendar("0 8 29 2 *", BERLIN)
    assert calendar.after(at("2026-06-01T08:00")) == at("2028-02-29T08:00")
    assert calendar.before(at("2026-06-01T08:00")) == at("2024-02-29T08:00")
