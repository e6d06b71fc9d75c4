"""Whether a page was real is what people said of it, found in the stored events: the newest answer wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.alerts.alert import AlertEvent

REAL, FALSE_ALARM = "real", "false_alarm"
"""Kinds of events by which people say so of an incident."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody said of an incident."""

    kind: str
    """REAL or FALSE_ALARM."""
    by: str
    time: float
    note: str = ""
    """Untrusted text."""


def judgement(events: Iterable[AlertEvent]) -> Judgement | None:
    """What counts of everything that happened to one incident, in whatever order; None: nobody has said so."""
    said = (each for each in events if each.kind in (REAL, FALSE_ALARM))
    newest = max(said, key=lambda each: (each.version, each.time), default=None)
    return None if newest is None else Judgement(newest.kind, newest.actor, newest.time, newest.reason)
