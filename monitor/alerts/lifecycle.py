"""Alert states and the only moves between them: pending, firing, acknowledged, resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from monitor.alerts.alert import Alert, AlertEvent, State, alert_id, fingerprint
from monitor.model import Finding, Verdict
from monitor.rule import DESK


@dataclass(frozen=True, slots=True)
class Policy:
    """How many findings in a row open and close an alert."""

    fire_after: int = 1
    clear_after: int = 1


Step = tuple[Alert | None, tuple[AlertEvent, ...]]


def step(alert: Alert | None, finding: Finding, policy: Policy, *, standing: bool = False) -> Step:
    """Fold one finding into the alert of its fingerprint (None: there is none open).

    Idempotent: a finding no newer than the last changes nothing. `standing` marks an alert that opens now as one that
    was so before the desk ever looked.
    """
    if alert is not None and finding.time <= alert.seen:
        return alert, ()
    if alert is None or alert.state is State.RESOLVED:
        return _open(finding, policy, standing) if finding.verdict is Verdict.BREACH else (alert, ())
    if finding.verdict is Verdict.CLEAR:
        return _clear(alert, finding, policy)
    return _breach(alert, finding, policy)


def acknowledge(alert: Alert, by: str, now: float, note: str = "") -> tuple[Alert, tuple[AlertEvent, ...]]:
    """Take a firing alert in hand; an alert in any other state stays as it is."""
    if alert.state is not State.FIRING:
        return alert, ()
    taken = replace(
        alert,
        state=State.ACKNOWLEDGED,
        version=alert.version + 1,
        acknowledged=now,
        acknowledged_by=by,
        note=note,
    )
    return taken, (AlertEvent(alert.id, taken.version, now, "acknowledged", by, note),)


def unacknowledge(alert: Alert, by: str, now: float, reason: str = "") -> tuple[Alert, tuple[AlertEvent, ...]]:
    """Let go of an acknowledged alert, which then fires again; an alert in any other state stays as it is."""
    if alert.state is not State.ACKNOWLEDGED:
        return alert, ()
    open_ = replace(
        alert, state=State.FIRING, version=alert.version + 1, acknowledged=None, acknowledged_by=None, note=""
    )
    return open_, (AlertEvent(alert.id, open_.version, now, "unacknowledged", by, reason),)


def hand_over(alert: Alert, to: str, by: str, now: float) -> tuple[Alert, tuple[AlertEvent, ...]]:
    """Give an acknowledged alert into other hands; an alert in any other state stays as it is."""
    if alert.state is not State.ACKNOWLEDGED:
        return alert, ()
    given = replace(alert, version=alert.version + 1, acknowledged=now, acknowledged_by=to)
    return given, (AlertEvent(alert.id, given.version, now, "handed_over", by, to),)


def promote(alert: Alert, now: float, reason: str) -> tuple[Alert, tuple[AlertEvent, ...]]:
    """Let a pending alert fire though it has not been seen often enough in a row."""
    if alert.state is not State.PENDING:
        return alert, ()
    fired = replace(alert, state=State.FIRING, fired=now, version=alert.version + 1)
    return fired, (AlertEvent(alert.id, fired.version, now, "fired", DESK, reason),)


_MOVES = {
    "opened": State.PENDING,
    "fired": State.FIRING,
    "acknowledged": State.ACKNOWLEDGED,
    "unacknowledged": State.FIRING,
    "handed_over": State.ACKNOWLEDGED,
    "kept": State.FIRING,
    "resolved": State.RESOLVED,
    "dropped": State.RESOLVED,
}


def replay(events: Iterable[AlertEvent]) -> tuple[State | None, int, str | None]:
    """State, version and holder of one alert, from its stored events alone, in whatever order they come.

    An older version never wins; a decision gives a version and no state.
    """
    state, version, holder = None, 0, None
    for event in sorted(events, key=lambda each: each.version):
        if event.version <= version:
            continue
        version = event.version
        if event.kind not in _MOVES:
            continue
        state = _MOVES[event.kind]
        if state is State.ACKNOWLEDGED:
            holder = event.reason if event.kind == "handed_over" else event.actor
        elif state is State.FIRING:
            holder = None
    return state, version, holder


def keep(alert: Alert, by: str, now: float) -> tuple[Alert, tuple[AlertEvent, ...]]:
    """Treat an alert found at the first start as news, to be paged; any other alert stays as it is."""
    if not alert.standing or alert.state is not State.FIRING:
        return alert, ()
    kept = replace(alert, standing=False, paged=None, version=alert.version + 1)
    return kept, (AlertEvent(alert.id, kept.version, now, "kept", by),)


def _open(finding: Finding, policy: Policy, standing: bool) -> Step:
    mark = fingerprint(finding.agent, finding.rule, finding.labels)
    fires = policy.fire_after <= 1
    alert = Alert(
        id=alert_id(mark, finding.time),
        fingerprint=mark,
        agent=finding.agent,
        rule=finding.rule,
        labels=tuple(sorted(finding.labels)),
        severity=finding.severity,
        state=State.FIRING if fires else State.PENDING,
        version=1,
        opened=finding.time,
        seen=finding.time,
        reason=finding.reason,
        value=finding.value,
        threshold=finding.threshold,
        standing=standing,
        fired=finding.time if fires else None,
    )
    return alert, (AlertEvent(alert.id, 1, finding.time, "fired" if fires else "opened", DESK, finding.reason),)


def _breach(alert: Alert, finding: Finding, policy: Policy) -> Step:
    now = replace(
        alert,
        seen=finding.time,
        reason=finding.reason,
        value=finding.value,
        threshold=finding.threshold,
        breaches=alert.breaches + 1,
        clears=0,
    )
    if alert.state is State.PENDING and now.breaches >= policy.fire_after:
        now = replace(now, state=State.FIRING, fired=finding.time, version=alert.version + 1)
        return now, (AlertEvent(alert.id, now.version, finding.time, "fired", DESK, finding.reason),)
    return now, ()


def _clear(alert: Alert, finding: Finding, policy: Policy) -> Step:
    now = replace(alert, seen=finding.time, breaches=0, clears=alert.clears + 1)
    if alert.state is not State.PENDING and now.clears < policy.clear_after:
        return now, ()
    kind = "dropped" if alert.state is State.PENDING else "resolved"
    now = replace(now, state=State.RESOLVED, resolved=finding.time, version=alert.version + 1)
    return now, (AlertEvent(alert.id, now.version, finding.time, kind, DESK, finding.reason),)


def end(alert: Alert, by: str, now: float, reason: str) -> tuple[Alert, tuple[AlertEvent, ...]]:
    """End an open alert because somebody says so."""
    ended = replace(alert, state=State.RESOLVED, resolved=now, version=alert.version + 1, clears=1)
    return ended, (AlertEvent(alert.id, ended.version, now, "resolved", by, reason),)


def abandon(alert: Alert, now: float) -> tuple[Alert, tuple[AlertEvent, ...]]:
    """End an alert whose agent or rule is no longer watched."""
    reason = f"{alert.agent} is no longer watched for {alert.rule}"
    ended, events = end(alert, DESK, now, reason)
    return replace(ended, clears=0), events
