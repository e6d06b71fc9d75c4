"""Whether an alert that fires is told of now, or why not: each stage in its order, each decision with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerts import flapping, oncall, routing
from monitor.alerts.alert import Alert
from monitor.alerts.draft import Draft
from monitor.alerts.ledger import Decision
from monitor.alerts.silence import matches
from monitor.model import Severity
from monitor.rule import DESK

TELL = Decision("told", "it fires, and nothing hides it")
LOOK_AGAIN = 60.0
"""Seconds after which it is looked whether the quiet hours are over."""


def decide(alert: Alert, draft: Draft) -> Decision:
    """Whether an alert that fires is told of now."""
    if alert.standing:
        return Decision("standing", "it was so when the desk first looked: told in one message")
    known = draft.known(alert)
    routed = routing.channels(alert.severity, known, draft.plan)
    if alert.severity is Severity.INFO and not routed:
        return Decision("logged", "INFO is logged, not sent")
    why = (
        _inhibited(alert, known, draft)
        or _silenced(known, draft)
        or _flapping(alert, draft)
        or _held(alert, draft)
        or _quiet(alert, draft)
    )
    return why or (TELL if routed else Decision("unrouted", "no channel is set up that it could go to"))


def suppressed(alert: Alert, draft: Draft) -> Decision | None:
    """What hides an alert that was told of before: a cause that explains it, or a silence."""
    known = draft.known(alert)
    return _inhibited(alert, known, draft) or _silenced(known, draft)


def _inhibited(alert: Alert, known: Mapping[str, str], draft: Draft) -> Decision | None:
    for number, rule in enumerate(draft.plan.inhibitions):
        here = draft.sources.get(number)
        if not here or alert.rule in rule.unless or (rule.target and not matches(rule.target, known)):
            continue
        marks = here.get(tuple(known.get(name, "") for name in rule.equal), frozenset())
        causes = (draft.alerts[each] for each in sorted(marks) if each != alert.fingerprint)
        by = next((each for each in causes if not _outranks(alert, each, known, draft)), None)
        if by is not None:
            return Decision("inhibited", f"{by.agent} has {by.rule} ({by.id}), which explains it")
    return None


def _outranks(alert: Alert, cause: Alert, known: Mapping[str, str], draft: Draft) -> bool:
    """Whether an alert hides its cause as much as it is hidden by it, and came first: one of the two is always told."""
    if (alert.opened, alert.id) > (cause.opened, cause.id):
        return False
    other = draft.known(cause)
    return any(
        matches(each.source, known)
        and cause.rule not in each.unless
        and (not each.target or matches(each.target, other))
        and all(known.get(name, "") == other.get(name, "") for name in each.equal)
        for each in draft.plan.inhibitions
    )


def _silenced(known: Mapping[str, str], draft: Draft) -> Decision | None:
    for silence in draft.silences:  # one whose end nobody has noticed yet hides until then, and that end is told
        if silence.over is None and silence.starts <= draft.now and matches(silence.matchers, known):
            said = {"deploy": "announced deploy", "maintenance": "maintenance"}.get(silence.kind, "silenced")
            return Decision("silenced", f"{said} by {silence.by}: {silence.reason} ({silence.id})", silence.ends)
    return None


def _flapping(alert: Alert, draft: Draft) -> Decision | None:
    stable = flapping.until(draft.openings.get(alert.fingerprint, ()), draft.now, draft.plan)
    if stable is None:
        return None
    return Decision("flapping", "it comes and goes: quiet until it has kept one state for a while", stable)


def _held(alert: Alert, draft: Draft) -> Decision | None:
    last = draft.last_pages.get(alert.fingerprint)
    if last is None or draft.now >= last + draft.plan.hold or alert.rule == "drill":
        return None
    return Decision("held", f"the same trouble was paged less than {draft.plan.hold:g} s ago", last + draft.plan.hold)


def _quiet(alert: Alert, draft: Draft) -> Decision | None:
    if (
        alert.severity is not Severity.WARN
        or alert.agent == DESK
        or draft.plan.quiet is None
        or not oncall.quiet(draft.plan.quiet, draft.now)
    ):
        return None
    return Decision("quiet", "quiet hours: kept for the morning", draft.now + LOOK_AGAIN)
