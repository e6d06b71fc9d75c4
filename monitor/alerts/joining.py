"""Which incident an alert belongs to: it joins a young one, begins one, is alone in one, or is let out again."""

from __future__ import annotations

from dataclasses import replace

from monitor.alerts import escalation, grouping, routing
from monitor.alerts.alert import Alert, State
from monitor.alerts.draft import Draft
from monitor.alerts.incident import Incident
from monitor.alerts.ledger import Decision


def enlist(draft: Draft, alert: Alert) -> None:
    """Let an alert join the incident that it belongs to, or begin one."""
    known = draft.known(alert)
    labels = grouping.shared(known, draft.plan)
    policy = escalation.policy(alert.severity, known, draft.plan)
    heard = (*routing.channels(alert.severity, known, draft.plan), policy.name if policy is not None else "")
    key = grouping.key(alert.rule, heard, labels)
    for each in (key, grouping.anywhere(key)):
        incident = draft.incidents.get(draft.keys.get(each, ""))
        if incident is not None and grouping.takes(incident, draft.plan, draft.now):
            incident = grouping.joined(incident, alert, draft.now)
            break
    else:
        incident = grouping.opened(alert, key, labels, draft.now)
    _admit(draft, incident, alert)


def stand(draft: Draft, alert: Alert, channels: tuple[str, ...]) -> None:
    """Let an alert that was so before anybody looked be an incident that was told of, and that is not told again."""
    incident = replace(
        grouping.opened(alert, f"standing\x1f{alert.id}", (), draft.now),
        channels=channels,
        paged=draft.now,
        told=draft.now,
    )
    _admit(draft, incident, alert, "grouped", "told in one message", paged=draft.now)
    draft.set_due(incident)


def alone(draft: Draft, alert: Alert) -> Incident:
    """Let an alert that nobody was told of be an incident of its own, since somebody does something about it."""
    incident = grouping.opened(alert, f"own\x1f{alert.id}", (), draft.now)
    _admit(draft, incident, alert)
    return incident


def let_out(draft: Draft, incident: Incident, alert: Alert, why: str, decision: Decision | None = None) -> Incident:
    """Take an alert out of an incident; without a decision about it, it is decided anew."""
    draft.leave(incident.id, alert.fingerprint)
    out = draft.alter(alert, "left", why, incident=None)
    if decision is None:
        draft.undecided[alert.fingerprint] = None
    else:
        hide(draft, out, decision)
    return replace(incident, alerts=incident.alerts - 1, version=incident.version + 1)


def without_untold(draft: Draft, incident: Incident) -> Incident:
    """The incident without what joined it and was not told of yet: nobody takes in hand what they have not seen."""
    if incident.paged is None:
        return incident
    for alert in draft.of(incident.id):
        if alert.paged is None and alert.state is State.FIRING:
            why = "the incident was taken in hand before it was told of"
            incident = let_out(draft, incident, alert, why)
    return incident


def spread(draft: Draft, incident: Incident) -> Incident:
    """Make one of incidents of the same rule that came from many places at once."""
    if not draft.plan.spread or not incident.labels:
        return incident
    waiting = [draft.incidents[each] for each in draft.waiting.get(incident.rule, ())]
    waiting = [each for each in waiting if grouping.anywhere(each.key) == grouping.anywhere(incident.key)]
    if len(waiting) < draft.plan.spread:
        return incident
    first, *others = sorted(waiting, key=lambda each: (each.opened, each.id))
    wide = grouping.widened(first, sum(each.alerts for each in others))
    draft.change(replace(wide, severity=max(each.severity for each in waiting)))
    for other in others:
        for alert in draft.of(other.id):
            draft.alter(alert, "joined", f"incident {wide.id}, which is about many places", incident=wide.id)
            draft.join(wide.id, alert.fingerprint)
        closed = draft.close(other)
        draft.note(closed.id, closed.version, "grouped", f"{incident.rule} comes from many places: see {wide.id}")
    return draft.incidents[wide.id]


def hide(draft: Draft, alert: Alert, decision: Decision) -> None:
    """Remember why an alert is not told of; each reason is noted once."""
    before = draft.hidden.get(alert.fingerprint)
    draft.hidden[alert.fingerprint] = decision
    if before is None or before.kind != decision.kind:
        draft.note(alert.id, alert.version, decision.kind, decision.reason)


def _admit(
    draft: Draft, incident: Incident, alert: Alert, kind: str = "joined", reason: str = "", **fields: object
) -> None:
    """Let an alert be of an incident; that one which fires just now joins is no news of its own."""
    draft.hidden.pop(alert.fingerprint, None)
    draft.change(incident)
    if kind == "joined" and draft.fresh(alert):
        draft.put(replace(alert, incident=incident.id))
    else:
        draft.alter(alert, kind, reason or f"incident {incident.id}", incident=incident.id, **fields)
    if alert.state is not State.RESOLVED:
        draft.join(incident.id, alert.fingerprint)
