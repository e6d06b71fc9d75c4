"""What people are told of an incident and when: its page, that it grows, that it waits, that a lease ends, its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.alerts import escalation, joining, lifecycle, oncall, pipeline, routing
from monitor.alerts.alert import Alert, Kind, State
from monitor.alerts.draft import Draft
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Step
from monitor.rule import DESK

EDIT_EVERY = 5.0
"""Seconds between two edits of a card only because alerts join or end."""
HIDDEN = "hidden before it was told of"
POSTPONED = 60.0
"""Seconds after which it is looked again whether what hides an incident is over."""


def look(draft: Draft, of: str) -> None:
    """Do what is to be done about an incident now."""
    incident = draft.incidents.get(of)
    if incident is None:
        return
    if incident.paged is None and incident.acknowledged is None:
        if draft.members.get(of) and draft.now < incident.opened + draft.plan.group_wait:
            draft.set_due(incident)
            return
        incident = joining.spread(draft, incident)
        _page(draft, incident)
        incident = draft.incidents.get(incident.id)
        if incident is None:
            return
    if not draft.members.get(incident.id):
        _resolve(draft, incident)
        return
    taken = incident.acknowledged is not None
    incident = _lease(draft, incident) if taken else _step(draft, _more(draft, incident))
    if not draft.members.get(incident.id):  # the last was hidden just now
        _resolve(draft, incident)
        return
    _edit(draft, incident)
    draft.set_due(incident)


def _page(draft: Draft, incident: Incident) -> None:
    """Page an incident whose wait is over, with those of its alerts that nothing hides by now."""
    for alert in draft.of(incident.id):
        decision = pipeline.decide(alert, draft)
        if not decision.tell:
            incident = joining.let_out(draft, incident, alert, HIDDEN, decision)
    ended = [alert for alert in draft.ended.values() if alert.incident == incident.id]
    alerts = [*draft.of(incident.id), *ended]
    if not incident.alerts:
        draft.close(incident)
        return
    policy = draft.policy(incident, alerts)
    steps = escalation.at_once(policy)
    channels = routing.together(_routed(draft, incident, alerts), _named(draft, steps))
    whom = _whom(draft, steps)
    incident = replace(
        incident,
        channels=channels,
        paged=draft.now,
        told=draft.now,
        began=draft.now,
        step=len(steps),
        version=incident.version + 1,
    )
    draft.change(incident)
    draft.shown[incident.id] = draft.now
    why = next((draft.was[each.id] for each in alerts if each.id in draft.was), "")
    draft.tell(incident, Kind.PAGE, channels, {"whom": list(whom), **({"why": why} if why else {})})
    _count_told(draft, incident, alerts, f"to {', '.join(channels)}")


def _count_told(draft: Draft, incident: Incident, alerts: Iterable[Alert], where: str) -> None:
    alone = incident.alerts == 1
    for alert in alerts:
        if alert.paged is None:
            draft.last_pages[alert.fingerprint] = draft.now
            kind, reason = ("paged", where) if alone else ("grouped", f"told with {incident.id}, {where}")
            draft.alter(alert, kind, reason, paged=draft.now)


def _more(draft: Draft, incident: Incident) -> Incident:
    """Tell that an incident has grown, if the last telling is a while ago."""
    if draft.now < (incident.told or incident.opened) + draft.plan.more_after:
        return incident
    new = []
    for alert in draft.of(incident.id):
        if alert.paged is None and alert.state is State.FIRING:
            decision = pipeline.decide(alert, draft)
            if decision.tell:
                new.append(alert)
            else:
                incident = joining.let_out(draft, incident, alert, HIDDEN, decision)
    if not new:
        return incident
    channels = routing.together(incident.channels, _routed(draft, incident, new))
    incident = replace(incident, told=draft.now, channels=channels, version=incident.version + 1)
    why = f"{len(new)} more since it was told of"
    again(draft, incident, "more", why, (), more=len(new))
    draft.note(incident.id, incident.version, "more", why)
    _count_told(draft, incident, new, "as one more")
    return incident


def _step(draft: Draft, incident: Incident) -> Incident:
    """Take the escalation step that is due; what is hidden meanwhile is looked at again later."""
    alerts = draft.of(incident.id)
    policy = draft.policy(incident, alerts)
    when = escalation.due(policy, incident.began, incident.step)
    if policy is None or when is None or draft.now < when:
        return incident
    seen = [each for each in alerts if each.state is State.FIRING and pipeline.suppressed(each, draft) is None]
    if not seen:
        began = (incident.began or draft.now) + draft.now + POSTPONED - when
        return replace(incident, began=began, version=incident.version + 1)
    number = escalation.taken_by(policy, incident.began or draft.now, incident.step, draft.now)
    step = escalation.step(policy, number)
    channels = _named(draft, (step,)) or incident.channels
    every = routing.together(incident.channels, channels)
    incident = replace(incident, step=number, told=draft.now, channels=every, version=incident.version + 1)
    whom = _whom(draft, (step,))
    lasted = draft.now - (incident.paged or draft.now)
    why = f"not acknowledged {lasted:.0f} s after its page: step {number} of {policy.name}"
    again(draft, incident, "step", why, whom, channels, step=number)
    draft.note(incident.id, incident.version, "escalated", f"{why}, to {', '.join(whom) or 'everybody there'}")
    _count_told(draft, incident, seen, "with the escalation")
    return incident


def _lease(draft: Draft, incident: Incident) -> Incident:
    """Ask whether somebody is still on it when the lease ends; without an answer let it go and begin anew."""
    holder = incident.acknowledged_by or ""
    if incident.asked is None:
        if incident.lease is None or draft.now < incident.lease:
            return incident
        if all(pipeline.suppressed(each, draft) is not None for each in draft.of(incident.id)):
            return replace(incident, lease=draft.now + POSTPONED, version=incident.version + 1)
        incident = replace(incident, asked=draft.now, version=incident.version + 1)
        again(draft, incident, "ask", "the acknowledgement has lasted as long as it may", (holder,))
        draft.note(incident.id, incident.version, "asked", f"whether {holder} is still on it")
        return incident
    if draft.now < incident.asked + draft.plan.answer_within:
        return incident
    return let_go(draft, incident, DESK, f"{holder} did not say to be still on it", "lapsed")


def reached(draft: Draft, incident: Incident) -> Incident:
    """The incident with the channels where people are told of it, also if nobody was told of it until now."""
    if incident.channels:
        return incident
    channels = _routed(draft, incident, draft.of(incident.id))
    return replace(incident, channels=channels, paged=incident.paged or draft.now)


def let_go(draft: Draft, incident: Incident, by: str, reason: str, kind: str) -> Incident:
    """Let an incident go out of somebody's hands: it is told of anew, and its escalation begins anew."""
    for alert in draft.of(incident.id):
        draft.put(*lifecycle.unacknowledge(alert, by, draft.now, reason))
    incident = escalation.let_go(incident, draft.now)
    steps = escalation.at_once(draft.policy(incident, draft.of(incident.id)))
    incident = replace(incident, step=len(steps), told=draft.now, paged=incident.paged or draft.now)
    incident = reached(draft, incident)
    _count_told(draft, incident, draft.of(incident.id), "since nobody has it in hand")
    why = reason if kind == "lapsed" else f"{by} let it go{f': {reason}' if reason else ''}"
    if kind == "lapsed":
        draft.note(incident.id, incident.version, kind, reason, by)
    again(draft, incident, "lapsed", why, _whom(draft, steps))
    return incident


def again(
    draft: Draft,
    incident: Incident,
    what: str,
    why: str,
    whom: tuple[str, ...],
    channels: tuple[str, ...] | None = None,
    **more: object,
) -> None:
    """Tell of an incident by a new message, and keep its change."""
    draft.change(incident)
    draft.stale[incident.id] = None
    body = {"what": what, "why": why, "whom": list(whom), **more}
    draft.tell(incident, Kind.AGAIN, incident.channels if channels is None else channels, body)


def _resolve(draft: Draft, incident: Incident) -> None:
    incident = replace(incident, resolved=draft.now, version=incident.version + 1)
    if incident.paged is not None and incident.channels:
        draft.tell(incident, Kind.UPDATE, incident.channels)
        if incident.id not in draft.unwatched:
            draft.tell(incident, Kind.RECOVERY, incident.channels)
    draft.change(incident)


def _edit(draft: Draft, incident: Incident) -> None:
    """Let the card show the newest, if it is not so new."""
    draft.change(incident)
    if incident.paged is None or incident.paged == draft.now:
        draft.stale.pop(incident.id, None)
    elif incident.id in draft.stale and draft.now - draft.shown.get(incident.id, 0.0) >= EDIT_EVERY:
        show(draft, incident)


def show(draft: Draft, incident: Incident) -> None:
    """Let the card be edited now."""
    draft.stale.pop(incident.id, None)
    draft.shown[incident.id] = draft.now
    if incident.paged is not None:
        draft.tell(incident, Kind.UPDATE, incident.channels)


def _routed(draft: Draft, incident: Incident, alerts: list[Alert]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    seen: set[tuple[object, ...]] = set()
    for alert in alerts:
        place = (alert.agent, alert.labels)
        if place not in seen:
            seen.add(place)
            found |= dict.fromkeys(routing.channels(alert.severity, draft.known(alert), draft.plan))
    return tuple(found) or routing.channels(incident.severity, {"rule": incident.rule}, draft.plan)


def _named(draft: Draft, steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for step in steps for each in step.to if each in draft.plan.channels))


def _whom(draft: Draft, steps: Iterable[Step]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word for step in steps for word in step.whom))
    return oncall.whom(words, draft.plan, draft.overrides, draft.now)
