"""A cron line in a time zone says when it comes round, without a clock of its own."""

from __future__ import annotations

import datetime as dt
import functools
import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Annotated

from apscheduler.triggers.cron import CronTrigger
from pydantic import BeforeValidator

from bot.quantities import shown

_FIELDS = 5
_MINUTE = 60
_A_DAY = dt.timedelta(days=1)
_WINDOWS = tuple(days * 86_400.0 for days in (2, 40, 400, 9 * 366))
"""Seconds in which a line is looked for: once round in the least of them, most lines come."""
_SOME_DAY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """Called with a time: the newest moment at or before it at which the line came round, None if not `within`."""

    line: str
    """Minute, hour, day, month and weekday by name: "0 3 * * sun"."""
    zone: dt.tzinfo
    within: float
    """Seconds; a moment so long ago or longer is past."""

    @property
    def time(self) -> str:
        """The time of day of a line that comes round once a day: "08:00"."""
        minute, hour = map(int, self.line.split(" ")[:2])
        return f"{hour:02d}:{minute:02d}"

    def __call__(self, now: float) -> float | None:
        """Seconds since the epoch, or None."""
        # A line comes round on whole minutes: the newest comes from the last minute on from which it has come at all.
        minutes = range(int((now - self.within) // _MINUTE) + 1, int(now // _MINUTE) + 1)
        since = bisect_left(minutes, True, key=lambda minute: not self._came(minute, now))
        return self._next(minutes[since - 1]) if since else None

    def _came(self, minute: int, now: float) -> bool:
        found = self._next(minute)
        return found is not None and found <= now

    def _next(self, minute: int) -> float | None:
        """When it comes round, from a minute on; None: never."""
        begins = dt.datetime.fromtimestamp(minute * _MINUTE, self.zone)
        found = _trigger(self.line, self.zone).get_next_fire_time(None, begins)
        return None if found is None else float(found.timestamp())


@dataclass(frozen=True, slots=True)
class Calendar:
    """The moments at which a line comes round, each time that a clock on the wall shows once.

    Of a time that the clock shows twice it is the first; one that it leaves out (02:30) comes as late as it would have
    come without the change (03:30).
    """

    line: str
    zone: dt.tzinfo

    def between(self, since: float, until: float) -> tuple[float, ...]:
        """Moments in since < moment <= until, in order."""
        # Asked by the wall alone, without a zone: across a change of the clock the trigger would leave out a midnight.
        wall, ends = (self._wall(each) + side for each, side in ((since, -_A_DAY), (until, _A_DAY)))
        found = set[float]()
        while (at := _trigger(self.line, dt.UTC).get_next_fire_time(None, wall)) is not None and at <= ends:
            found.add(at.replace(tzinfo=self.zone, fold=0).timestamp())
            wall = at + dt.timedelta(minutes=1)
        return tuple(sorted(each for each in found if since < each <= until))

    def before(self, at: float) -> float | None:
        """The newest moment before a time; None in nine years."""
        return next((found[-1] for each in _WINDOWS if (found := self.between(at - each, at - 1))), None)

    def after(self, at: float) -> float | None:
        """The first moment after a time; None in nine years."""
        return next((found[0] for each in _WINDOWS if (found := self.between(at, at + each))), None)

    def _wall(self, at: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(at, self.zone).replace(tzinfo=dt.UTC)


@functools.lru_cache
def _trigger(line: str, zone: dt.tzinfo) -> CronTrigger:
    return CronTrigger.from_crontab(line, zone)


def _cron(value: object) -> str:
    line = " ".join(value.lower().split()) if isinstance(value, str) else ""
    fields = line.split(" ")
    if len(fields) == _FIELDS and re.search(r"(?<![/#])[0-9]", fields[-1]):
        # Whether 0 is Sunday or Monday is not the same everywhere.
        raise ValueError(f'{shown(value)} has a weekday as a number: write its name, like "0 3 * * sun" or "mon-fri".')
    try:
        comes = _trigger(line, dt.UTC).get_next_fire_time(None, _SOME_DAY)
    except ValueError:
        wanted = 'write minute, hour, day, month and weekday, like "0 3 * * sun".'
        raise ValueError(f"{shown(value)} is not a cron line: {wanted}") from None
    if comes is None:
        raise ValueError(f"{shown(value)} never comes round: no month has that day.")
    return line


CronLine = Annotated[str, BeforeValidator(_cron)]


def _hourly(value: object) -> str:
    line = _cron(value)
    if not line.split(" ")[0].isdigit():
        raise ValueError(f'{shown(value)} comes more often than once an hour: write one minute, like "0 8 * * *".')
    return line


HourlyLine = Annotated[str, BeforeValidator(_hourly)]
"""A line that comes round once an hour at most."""
