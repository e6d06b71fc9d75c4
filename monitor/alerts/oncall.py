"""Who is on duty is a matter of the calendar: a turn is so many days by its clock, however long those are."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.alerts.plan import DUTY, EVERYBODY, Override, Plan, Quiet, Rotation

ANSWERING = ("operator", "admin")
"""Roles that may acknowledge."""
_DAYS = {"daily": 1, "weekly": 7}


@dataclass(frozen=True, slots=True)
class Duty:
    """Who has the duty of a rotation now, and who is next."""

    rotation: str
    person: str | None
    """None: nobody."""
    until: float | None
    """When this turn or override ends; None: nothing is known to change."""
    next: str | None
    """Who has it then."""
    override: str | None
    """Id of the override by which the person has it; None: it is their turn."""


def on_duty(rotation: Rotation, overrides: Iterable[Override], now: float) -> str | None:
    """Who has the duty: by the newest override in force, else whose turn it is; None when the rotation has nobody.

    A rotation runs backwards from its start too, so that there is always somebody.
    """
    return _who(rotation, _of(rotation, overrides), now)[0]


def duty(rotation: Rotation, overrides: Iterable[Override], now: float) -> Duty:
    """Who has the duty, until when, and who has it then."""
    mine = _of(rotation, overrides)
    person, override = _who(rotation, mine, now)
    changes = [time for each in mine for time in (each.starts, each.ends) if time > now]
    if rotation.people and override is None:
        changes.append(handed_over(rotation, _turn(rotation, now) + 1))
    for time in sorted(changes):
        later = _who(rotation, mine, time)
        if later != (person, override) or override is None:
            return Duty(rotation.name, person, time, later[0], override)
    return Duty(rotation.name, person, None, None, override)


def valid(overrides: Iterable[Override], people: Mapping[str, str]) -> tuple[Override, ...]:
    """Overrides by people who may still acknowledge; `people`: name -> role."""
    return tuple(each for each in overrides if people.get(each.person) in ANSWERING)


def whom(words: Iterable[str], plan: Plan, overrides: Iterable[Override], now: float) -> tuple[str, ...]:
    """The people that words of a step stand for, each once, in the order of the words.

    DUTY: who is on duty in every rotation; EVERYBODY: operators and admins; a rotation's name: who is on duty there;
    a person's name: them. A word that stands for nobody is left out.
    """
    taken = valid(overrides, plan.people)
    duties = {each.name: on_duty(each, taken, now) for each in plan.rotations}
    found: list[str | None] = []
    for word in words:
        if word == DUTY:
            found += duties.values()
        elif word == EVERYBODY:
            found += (name for name, role in plan.people.items() if role in ANSWERING)
        elif word in duties:
            found.append(duties[word])
        elif word in plan.people:
            found.append(word)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def empty(plan: Plan, overrides: Iterable[Override], now: float) -> tuple[str, ...]:
    """Names of the rotations in which nobody is on duty."""
    taken = valid(overrides, plan.people)
    return tuple(each.name for each in plan.rotations if on_duty(each, taken, now) is None)


def quiet(hours: Quiet | None, now: float) -> bool:
    """Whether it is one of the quiet hours, by the clock of their time zone; never without any."""
    if hours is None:
        return False
    time = dt.datetime.fromtimestamp(now, hours.zone).time()
    if hours.starts <= hours.ends:
        return hours.starts <= time < hours.ends
    return time >= hours.starts or time < hours.ends


def handed_over(rotation: Rotation, turn: int) -> float:
    """When the duty is handed over to a turn; 0 is the one that begins on the start day."""
    return _moment(rotation.start + dt.timedelta(days=turn * _DAYS[rotation.every]), rotation.at, rotation.zone)


def _of(rotation: Rotation, overrides: Iterable[Override]) -> list[Override]:
    return [each for each in overrides if each.rotation == rotation.name]


def _who(rotation: Rotation, overrides: Iterable[Override], now: float) -> tuple[str | None, str | None]:
    """The person on duty, and the override by which they are."""
    holding = [each for each in overrides if each.starts <= now < each.ends]
    if holding:
        newest = max(holding, key=lambda each: (each.starts, each.id))
        return newest.person, newest.id
    if not rotation.people:
        return None, None
    return rotation.people[_turn(rotation, now) % len(rotation.people)], None


def _turn(rotation: Rotation, now: float) -> int:
    """Number of the turn under way: the newest whose hand-over has been."""
    today = dt.datetime.fromtimestamp(now, rotation.zone).date()
    near = (today - rotation.start).days // _DAYS[rotation.every]
    # The day may be a turn off: its hand-over is yet to come, or a clock put back at midnight shows yesterday again.
    return next(each for each in (near + 1, near, near - 1) if handed_over(rotation, each) <= now)


def _moment(day: dt.date, at: dt.time, zone: dt.tzinfo) -> float:
    """When a clock shows a time: the first time of two, or the first moment that exists after one that is left out."""
    wall = dt.datetime.combine(day, at, zone).replace(fold=0)
    late, early = wall.timestamp(), wall.replace(fold=1).timestamp()
    if early >= late:
        return late
    # Left out: the clock is put forward somewhere between the two readings of a time that it never shows.
    after = dt.datetime.fromtimestamp(late, zone).utcoffset()
    seconds = range(int(early), int(late) + 1)
    return float(
        seconds[bisect_left(seconds, True, key=lambda each: dt.datetime.fromtimestamp(each, zone).utcoffset() == after)]
    )
