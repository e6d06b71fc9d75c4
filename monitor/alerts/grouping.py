"""Alerts of one rule that share the chosen labels and come together are one incident; from many places, one still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from monitor.alerts.alert import Alert, short_id
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Plan

Labels = tuple[tuple[str, str], ...]


def shared(known: Mapping[str, str], plan: Plan) -> Labels:
    """The labels by which an alert is grouped, of what is known of it (`silence.names`); what it lacks is left out."""
    return tuple((name, known[name]) for name in plan.group_by if known.get(name))


def key(rule: str, heard: tuple[str, ...], labels: Labels) -> str:
    """What the alerts of one incident have in common; those of which others hear (channels, policy) are never one."""
    return "\x1f".join((rule, ",".join(heard), *(f"{name}={value}" for name, value in labels)))


def anywhere(key: str) -> str:
    """The same without any place."""
    return "\x1f".join(key.split("\x1f")[:2])


def opened(alert: Alert, key: str, labels: Labels, now: float) -> Incident:
    """The incident that begins with an alert."""
    return Incident(
        id=short_id("incident", alert.id, now),
        key=key,
        rule=alert.rule,
        labels=labels,
        severity=alert.severity,
        version=1,
        opened=now,
        joined=now,
    )


def takes(incident: Incident, plan: Plan, now: float) -> bool:
    """Whether an incident still takes alerts: it is young, and nobody has it in hand."""
    return incident.open and incident.acknowledged is None and now - incident.joined <= plan.group_window


def joined(incident: Incident, alert: Alert, now: float) -> Incident:
    """The incident with one alert more."""
    return replace(
        incident,
        alerts=incident.alerts + 1,
        joined=now,
        severity=max(incident.severity, alert.severity),
        version=incident.version + 1,
    )


def widened(incident: Incident, others: int) -> Incident:
    """The incident as one that is not bound to any place, with the alerts of others."""
    return replace(
        incident,
        key=anywhere(incident.key),
        labels=(),
        alerts=incident.alerts + others,
        version=incident.version + 1,
    )
