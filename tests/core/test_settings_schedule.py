"""A cron line is read by the clock on the wall, through both changes of daylight saving time."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.settings.schedule import Cron

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600.0


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


LINE = st.builds(
    lambda minute, hour, day: f"{minute} {hour} * * {day}",
    st.sampled_from(["0", "30", "*/20"]),
    st.sampled_from(["*", "2", "3"]),
    st.sampled_from(["*", "sun", "mon-fri"]),
)


def comes(line: str, now: float) -> bool:
    """Whether the clock on the wall shows a time of the line."""
    wall = dt.datetime.fromtimestamp(now, BERLIN)
    minute, hour, *_, day = line.split(" ")
    days = {"*": range(7), "sun": (6,), "mon-fri": range(5)}
    minutes = range(0, 60, 20) if minute == "*/20" else (int(minute),)
    return wall.minute in minutes and hour in ("*", str(wall.hour)) and wall.weekday() in days[day]


@given(LINE, st.floats(at("2026-10-24T00:00"), at("2026-10-26T12:00")), st.sampled_from([600.0, HOUR, 5 * HOUR]))
def test_a_cron_line_names_the_newest_minute_at_which_it_came_round(line: str, now: float, within: float) -> None:
    minutes = (each * 60.0 for each in range(int(now // 60), int((now - within) // 60), -1))
    assert Cron(line, BERLIN, within)(now) == next((each for each in minutes if comes(line, each)), None)


def test_a_cron_line_comes_round_on_the_day_that_leaves_out_its_hour_too() -> None:
    cron, begins = Cron("0 2 * * *", BERLIN, HOUR), at("2026-03-29T03:00")
    assert [cron(begins + each) for each in (-1, 0, 600, HOUR)] == [None, begins, begins, None]
