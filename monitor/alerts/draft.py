"""A draft of what the alerting core knows next: nothing of it is true before it has been stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.alerts import escalation
from monitor.alerts.alert import Alert, AlertEvent, Kind, Notification, State
from monitor.alerts.incident import Incident
from monitor.alerts.ledger import Ledger
from monitor.alerts.plan import Inhibition, Override, Plan, Policy
from monitor.alerts.silence import Silence, matches, names
from monitor.model import Severity
from monitor.rule import DESK


@dataclass(frozen=True, slots=True)
class Told:
    """What a draft changed: to be stored together."""

    alerts: Sequence[Alert]
    incidents: Sequence[Incident]
    events: Sequence[AlertEvent]
    notifications: Sequence[Notification]
    silences: Sequence[Silence]
    overrides: Sequence[Override]


Labels = Callable[[str], Mapping[str, str]]
"""The labels of an agent."""


class Draft:
    """A working copy of a ledger, and what changed in it."""

    def __init__(self, ledger: Ledger, plan: Plan, labels: Labels, now: float) -> None:
        self.plan = plan
        self.labels = labels
        self.now = now
        self.before = ledger
        self.alerts = dict(ledger.alerts)
        self.agents = dict(ledger.agents)
        self.incidents = dict(ledger.incidents)
        self.members = dict(ledger.members)
        self.keys = dict(ledger.keys)
        self.waiting = dict(ledger.waiting)
        self.silences = ledger.silences
        self.overrides = ledger.overrides
        self.last_pages = dict(ledger.last_pages)
        self.openings = dict(ledger.openings)
        self.flaps = dict(ledger.flaps)
        self.hidden = dict(ledger.hidden)
        self.due = dict(ledger.due)
        self.shown = dict(ledger.shown)
        self.stale = dict(ledger.stale)
        self.sources = dict(ledger.sources)
        self.undecided: dict[str, None] = {}
        """Fingerprints about which is to be decided anew."""
        self.touched: dict[str, None] = {}
        """Incidents that are to be looked at."""
        self.ended: dict[str, Alert] = {}
        """Id -> alert that was resolved in this draft."""
        self.unwatched: set[str] = set()
        """Incidents with an alert that ended because nobody looks any more: that is no recovery."""
        self.was: dict[str, str] = {}
        """Alert -> what hid it until now."""
        self._freed = False
        """Whether something hides others no longer."""
        self._sources: dict[int, dict[tuple[str, ...], frozenset[str]]] = {}
        """Those of `sources` that are copied here, and may be changed."""
        self._own: set[str] = set()
        """Incidents and rules whose members here are copied, and may be changed."""
        self._changed: dict[str, Alert] = {}
        self._incidents: dict[str, Incident] = {}
        self._events: list[AlertEvent] = []
        self._notifications: list[Notification] = []
        self._silences: dict[str, Silence] = {}
        self._overrides: list[Override] = []

    def known(self, alert: Alert) -> dict[str, str]:
        """What an alert can be matched by."""
        return names(alert, self.labels(alert.agent))

    def put(self, alert: Alert, events: Iterable[AlertEvent] = ()) -> None:
        """Record a move of an alert."""
        self._events += events
        self._changed[alert.id] = alert
        mark, before = alert.fingerprint, self.alerts.get(alert.fingerprint)
        over = alert.state is State.RESOLVED
        if over:
            self.ended[alert.id] = alert
            if before is None or before.id != alert.id:
                return
        if before is None or before.state is not alert.state:
            self._index(before, alert)
        if over:
            self.alerts.pop(mark, None)
            self.hidden.pop(mark, None)
        else:
            self.alerts[mark] = alert

    def _index(self, before: Alert | None, alert: Alert) -> None:
        mark = alert.fingerprint
        if alert.state is State.RESOLVED:
            left = tuple(each for each in self.agents.get(alert.agent, ()) if each != mark)
            self.agents[alert.agent] = left
        elif before is None:
            self.agents[alert.agent] = (*self.agents.get(alert.agent, ()), mark)
        if alert.state is State.FIRING:
            self.undecided[mark] = None
        if alert.open is not (before is not None and before.open):
            for number, each in enumerate(self.plan.inhibitions):
                self._source(number, each, alert)

    def _source(self, number: int, rule: Inhibition, alert: Alert) -> None:
        known = self.known(alert)
        if not matches(rule.source, known):
            return
        place = tuple(known.get(name, "") for name in rule.equal)
        here = self._sources.get(number)
        if here is None:
            here = self._sources[number] = dict(self.sources.get(number, {}))
            self.sources[number] = here
        marks = here.get(place, frozenset())
        now = marks | {alert.fingerprint} if alert.open else marks - {alert.fingerprint}
        here[place] = now
        if not now:
            del here[place]
            self._freed = True

    def to_decide(self) -> list[str]:
        """Fingerprints about which is to be decided now: all that is inhibited, too, when a cause is over."""
        if self._freed:
            self.undecided |= dict.fromkeys(each for each, why in self.hidden.items() if why.kind == "inhibited")
        return list(self.undecided)

    def fresh(self, alert: Alert) -> bool:
        """Whether an alert began to fire in this draft."""
        known = self.before.alerts.get(alert.fingerprint)
        return known is None or known.id != alert.id or known.state is State.PENDING

    def alter(self, alert: Alert, kind: str, reason: str, **fields: object) -> Alert:
        """Record a decision about an alert that changes it."""
        changed = replace(alert, version=alert.version + 1, **fields)  # type: ignore[arg-type] # fields of Alert
        self.put(changed, (AlertEvent(alert.id, changed.version, self.now, kind, DESK, reason),))
        return changed

    def join(self, incident: str, mark: str) -> None:
        """Count an alert among those of an incident that are not resolved."""
        self._mine(incident)[mark] = None
        self.touched[incident] = None

    def leave(self, incident: str, mark: str) -> None:
        """The other way round."""
        self._mine(incident).pop(mark, None)
        self.touched[incident] = None

    def _mine(self, incident: str) -> dict[str, None]:
        if incident not in self._own:
            self._own.add(incident)
            self.members[incident] = dict(self.members.get(incident, {}))
        mine = self.members[incident]
        assert isinstance(mine, dict)  # noqa: S101 - copied above
        return mine

    def of(self, incident: str) -> list[Alert]:
        """The alerts of an incident that are not resolved."""
        return [self.alerts[mark] for mark in self.members.get(incident, ())]

    def change(self, incident: Incident) -> None:
        """Record a change of an incident."""
        if self.incidents.get(incident.id) == incident:
            return
        self._incidents[incident.id] = incident
        known = self.incidents.get(incident.id)
        if known is not None and known.key != incident.key and self.keys.get(known.key) == incident.id:
            del self.keys[known.key]
        if incident.open:
            self.incidents[incident.id] = incident
            newest = self.incidents.get(self.keys.get(incident.key, ""))
            if newest is None or newest.opened <= incident.opened:
                self.keys[incident.key] = incident.id
            self.touched[incident.id] = None
            self._wait(incident, waits=incident.paged is None and incident.acknowledged is None)
            return
        self._wait(incident, waits=False)
        for index in (self.incidents, self.members, self.due, self.shown, self.stale, self.touched):
            index.pop(incident.id, None)
        if self.keys.get(incident.key) == incident.id:
            del self.keys[incident.key]

    def _wait(self, incident: Incident, *, waits: bool) -> None:
        mine = self.waiting.get(incident.rule, {})
        if waits is (incident.id in mine):
            return
        if incident.rule not in self._own:
            self._own.add(incident.rule)
            self.waiting[incident.rule] = mine = dict(mine)
        assert isinstance(mine, dict)  # noqa: S101 - copied above
        if waits:
            mine[incident.id] = None
        else:
            del mine[incident.id]

    def close(self, incident: Incident) -> Incident:
        """Record the end of an incident of which there is nothing to tell."""
        closed = replace(incident, resolved=self.now, version=incident.version + 1)
        self.change(closed)
        return closed

    def note(self, alert: str, version: int, kind: str, reason: str, actor: str = DESK) -> None:
        """Record a decision about an alert or an incident."""
        self._events.append(AlertEvent(alert, version, self.now, kind, actor, reason))

    def tell(
        self, incident: Incident, kind: Kind, channels: Iterable[str], body: Mapping[str, object] | None = None
    ) -> None:
        """Put something about an incident into the outbox of channels."""
        what = f":{body['what']}" if body and "what" in body else ""
        for name in channels:
            self._notifications.append(
                Notification(
                    f"{incident.id}:{incident.version}:{kind}{what}:{name}",
                    name,
                    kind,
                    incident.severity,
                    self.now,
                    alert=incident.id,
                    version=incident.version,
                    body=body or {},
                )
            )

    def notice(
        self,
        what: str,
        channels: Iterable[str],
        body: Mapping[str, object],
        severity: Severity = Severity.WARN,
    ) -> None:
        """Put a message of its own into the outbox of channels; `what` keeps two that are made at once apart."""
        self._notifications += notices(what, channels, body, self.now, severity)

    def silence(self, silence: Silence) -> None:
        """Record a silence, or what became of it."""
        self._silences[silence.id] = silence
        self.silences = (*(each for each in self.silences if each.id != silence.id), silence)

    def override(self, override: Override) -> None:
        """Record who has the duty for a while."""
        self._overrides.append(override)
        self.overrides = (*self.overrides, override)

    def forget_silences(self, keep: Callable[[Silence], bool]) -> None:
        """Leave out of mind, not out of the store, what is over."""
        self.silences = tuple(each for each in self.silences if keep(each))

    def policy(self, incident: Incident, alerts: Sequence[Alert]) -> Policy | None:
        """The policy of an incident with these alerts, which all have the same."""
        known = self.known(alerts[0]) if alerts else {"rule": incident.rule}
        return escalation.policy(incident.severity, known, self.plan)

    def set_due(self, incident: Incident) -> None:
        """Reckon when something is next to be done about an incident."""
        alerts = self.of(incident.id)
        policy = self.policy(incident, alerts)
        more = any(alert.paged is None and alert.state is State.FIRING for alert in alerts)
        when = escalation.next_time(incident, policy, self.plan, more=more)
        if when is None:
            self.due.pop(incident.id, None)
        else:
            self.due[incident.id] = when

    def finish(self) -> tuple[Ledger, Told]:
        """Give the next ledger, and what is to be stored with it."""
        ledger = replace(
            self.before,
            **{name: getattr(self, name) for name in Ledger.__dataclass_fields__},
        )
        return ledger, Told(
            tuple(self._changed.values()),
            tuple(self._incidents.values()),
            self._events,
            self._notifications,
            tuple(self._silences.values()),
            self._overrides,
        )


def notices(
    what: str,
    channels: Iterable[str],
    body: Mapping[str, object],
    now: float,
    severity: Severity = Severity.WARN,
) -> tuple[Notification, ...]:
    """One message of its own in each of these channels; `what` keeps two that are made at once apart."""
    key = f"{what}:{round(now * 1e6)}"
    return tuple(Notification(f"{key}:{name}", name, Kind.NOTICE, severity, now, body=body) for name in channels)
