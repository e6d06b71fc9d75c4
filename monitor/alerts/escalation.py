"""While nobody acknowledges an incident, its policy's steps come one after the other, the last again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from monitor.alerts.incident import Incident
from monitor.alerts.plan import Plan, Policy, Step
from monitor.alerts.silence import matches
from monitor.model import Severity


def policy(severity: Severity, known: Mapping[str, str], plan: Plan) -> Policy | None:
    """The policy of an alert of which `known` is known (`silence.names`). None: nobody is reminded."""
    for each in plan.policies:
        if severity >= each.severity and (not each.match or matches(each.match, known)):
            return each
    return None


def at_once(policy: Policy | None) -> tuple[Step, ...]:
    """The steps that are taken with the page itself."""
    return () if policy is None else tuple(each for each in policy.steps if each.after <= 0)


def due(policy: Policy | None, began: float | None, taken: int) -> float | None:
    """When the next step of an escalation is due that began then and of which so many were taken; None: never."""
    if policy is None or began is None or not policy.steps:
        return None
    if taken < len(policy.steps):
        return began + policy.steps[taken].after
    if policy.repeat is None:
        return None
    return began + policy.steps[-1].after + (taken - len(policy.steps) + 1) * policy.repeat


def taken_by(policy: Policy, began: float, taken: int, now: float) -> int:
    """How many steps are taken once those due are; of several that are overdue (the desk was away) only the last."""
    while (following := due(policy, began, taken + 1)) is not None and following <= now:
        taken += 1
    return taken + 1


def step(policy: Policy, taken: int) -> Step:
    """The last of so many steps that were taken."""
    return policy.steps[min(taken, len(policy.steps)) - 1]


def held(incident: Incident, by: str, note: str, now: float, plan: Plan) -> Incident:
    """The incident in somebody's hands, for as long as the lease says."""
    lease = plan.lease if incident.severity is Severity.CRITICAL else None
    return replace(
        incident,
        acknowledged=now if incident.acknowledged is None or incident.acknowledged_by != by else incident.acknowledged,
        acknowledged_by=by,
        note=note or incident.note,
        lease=None if lease is None else now + lease,
        asked=None,
        version=incident.version + 1,
    )


def let_go(incident: Incident, now: float) -> Incident:
    """The incident in nobody's hands: the escalation begins anew."""
    return replace(
        incident,
        acknowledged=None,
        acknowledged_by=None,
        note="",
        lease=None,
        asked=None,
        began=now,
        step=0,
        version=incident.version + 1,
    )


def next_time(incident: Incident, policy: Policy | None, plan: Plan, *, more: bool) -> float | None:
    """When something is to be done about an incident if nothing changes; `more`: alerts in it were not told yet."""
    if not incident.open:
        return None
    if incident.paged is None and incident.acknowledged is None:
        return incident.opened + plan.group_wait
    if incident.acknowledged is not None:
        if incident.asked is not None:
            return incident.asked + plan.answer_within
        return incident.lease
    times = [due(policy, incident.began, incident.step)]
    if more:
        times.append((incident.told or incident.opened) + plan.more_after)
    return min((each for each in times if each is not None), default=None)
