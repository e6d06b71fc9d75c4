"""What happened in a shift, from stored facts alone; it begins when somebody else got the duty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.alerts import oncall
from monitor.alerts.alert import Alert, AlertEvent
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Override, Rotation
from monitor.alerts.silence import Silence
from monitor.model import CashFlow
from monitor.order import Order

LONGEST = 8 * 86_400.0
"""Seconds that are looked back for a change of duty: a weekly turn and a day."""
ALONE = 8 * 3_600.0
"""Seconds that a shift lasts where nobody takes turns."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody took an incident in hand."""

    incident: str
    by: str
    time: float


@dataclass(frozen=True, slots=True)
class Shift:
    """What happened in since <= time <= until, each in order of time."""

    since: float
    until: float
    by_duty: bool
    """Whether it began with a change of duty; else it is the last 8 h."""
    pages: tuple[Incident, ...]
    taken: tuple[Taken, ...]
    orders: tuple[Order, ...]
    """By people and by the desk itself, refused ones too."""
    flows: tuple[CashFlow, ...]
    deploys: tuple[Silence, ...]


def began(rotations: Iterable[Rotation], overrides: Sequence[Override], now: float) -> float | None:
    """When the duty of any rotation last went to somebody else; None where it did not in the last 8 days.

    `overrides`: those of people who may have the duty, with those that ended in that time.
    """
    return max((at for each in rotations for at in _changes(each, overrides, now)), default=None)


def _changes(rotation: Rotation, overrides: Sequence[Override], now: float) -> Iterable[float]:
    at = now - LONGEST
    while True:
        duty = oncall.duty(rotation, overrides, at)
        if duty.until is None or duty.until > now:
            return
        at = duty.until
        if duty.next != duty.person:
            yield at


def shift(
    since: float,
    until: float,
    *,
    by_duty: bool,
    alerts: Iterable[Alert],
    incidents: Iterable[Incident],
    events: Iterable[AlertEvent],
    orders: Iterable[Order],
    flows: Iterable[CashFlow],
    silences: Iterable[Silence],
) -> Shift:
    """Choose what belongs to a shift; more may be given."""
    of = {each.id: each.incident or each.id for each in alerts}
    pages = [each for each in incidents if each.paged is not None and since <= each.paged <= until]
    taken = {
        Taken(of.get(each.alert, each.alert), each.actor, each.time)
        for each in events
        if each.kind == "acknowledged" and since <= each.time <= until
    }
    return Shift(
        since,
        until,
        by_duty,
        tuple(sorted(pages, key=lambda each: (each.paged or 0.0, each.id))),
        tuple(sorted(taken, key=lambda each: (each.time, each.incident))),
        tuple(sorted((each for each in orders if since <= each.requested <= until), key=lambda each: each.requested)),
        tuple(sorted((each for each in flows if since <= each.time <= until), key=lambda each: each.time)),
        tuple(
            sorted(
                (each for each in silences if each.kind == "deploy" and since <= each.starts <= until),
                key=lambda each: each.starts,
            )
        ),
    )
