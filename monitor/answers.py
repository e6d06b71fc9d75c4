"""What the desk answers about alerts, and what it cannot do, as values and sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from monitor.alerts.alert import Alert, AlertEvent, State
from monitor.alerts.incident import Incident
from monitor.alerts.judging import Judgement
from monitor.alerts.ledger import Decision
from monitor.model import CashFlow


class DeskError(Exception):
    """What was asked cannot be done; the message is one sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class IncidentStatus:
    """An incident and its alerts as they stand."""

    incident: Incident
    alerts: tuple[Alert, ...]
    """Those that stand, CRITICAL first, then oldest; of an incident that is over its past ones, at most 200."""
    hidden: Mapping[str, Decision] = field(default_factory=dict)
    """Alert -> why people are not told of it now."""
    judgement: Judgement | None = None
    """Whether it was real, as somebody said of it; like `asks` it is looked up for one incident, not for a list."""
    asks: bool = False
    """Whether people are to say if it was real: its rule is statistical, it was paged, and nobody has said so."""

    @property
    def state(self) -> State:
        """How it stands: resolved, acknowledged when somebody has all of it in hand, else firing."""
        if not self.incident.open:
            return State.RESOLVED
        firing = any(alert.state is State.FIRING for alert in self.alerts)
        return State.FIRING if firing or self.incident.acknowledged is None else State.ACKNOWLEDGED


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An incident after somebody acknowledged it."""

    status: IncidentStatus
    changed: bool
    """False when somebody else had it before."""
    renewed: bool = False
    """The same person said so before: the lease runs anew."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An incident after somebody said whether it was real."""

    status: IncidentStatus
    said: Judgement
    """What is recorded now."""
    before: Judgement | None
    """What was recorded until now."""

    @property
    def changed(self) -> bool:
        """Whether anything new is stored; False when the same was said before."""
        return self.said != self.before


@dataclass(frozen=True, slots=True)
class Times:
    """How long each part of an incident took, in seconds; None while it has not happened."""

    detect: float | None = None
    """From the first breach to firing."""
    notify: float | None = None
    """From firing to the first message that a chat took."""
    acknowledge: float | None = None
    """From firing to somebody's acknowledgement."""
    recover: float | None = None
    """From firing to the end."""


@dataclass(frozen=True, slots=True)
class Alarmed:
    """What an incident's first statistical finding judged, and what is known of its agent around that."""

    alert: Alert
    others: int
    """Further agents of the same incident."""
    since: float
    time: float
    """What happened in since < time <= `time` was judged."""
    value: float | None
    typical: float | None
    """See Alarm; None where it was told of without a number."""
    n: int | None
    """Samples, or trades, that were judged; None: no longer known, as `every`."""
    every: float | None
    """Seconds from one such finding to the next if nothing were wrong."""
    equity: tuple[tuple[float, float | None], ...]
    """(time, money) from before the judged window until now, in order; None where it gave none."""
    flows: tuple[CashFlow, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Everything that was decided about an alert, in order."""

    alert: Alert
    incident: Incident | None
    events: tuple[AlertEvent, ...]
    hidden: Decision | None
    times: Times


def order(status: IncidentStatus) -> tuple[bool, int, float]:
    """Sorts incidents: not acknowledged first, then worst first, then newest first."""
    return (status.incident.acknowledged is not None, -status.incident.severity, -status.incident.opened)


def alone(alert: Alert) -> Incident:
    """An alert of which nobody was told, seen as an incident."""
    return Incident(
        id=alert.id,
        key="",
        rule=alert.rule,
        labels=(),
        severity=alert.severity,
        version=alert.version,
        opened=alert.opened,
        joined=alert.opened,
        paged=alert.paged,
        resolved=alert.resolved,
    )


def times(alert: Alert, first: float | None, events: Iterable[AlertEvent]) -> Times:
    """How long each part took; `first`: when a chat first took a message about it."""
    if alert.fired is None:
        return Times()
    taken = next((each.time for each in events if each.kind == "acknowledged"), None)
    return Times(
        detect=alert.fired - alert.opened,
        notify=None if first is None else max(0.0, first - alert.fired),
        acknowledge=None if taken is None else taken - alert.fired,
        recover=None if alert.resolved is None else alert.resolved - alert.fired,
    )


def pick(name: str, known: Collection[str], what: str) -> str:
    """The one of `known` that is called `name` or alone begins with it. Errors: DeskError."""
    if name in known:
        return name
    found = [each for each in known if name and each.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DeskError(f"Several {what}s begin with {name!r}: {', '.join(found[:10])}. Write more of the name.")
    if not known:
        raise DeskError(f"There is no {what}.")
    raise DeskError(f"There is no {what} {name!r}: there are {', '.join(list(known)[:20])}.")
