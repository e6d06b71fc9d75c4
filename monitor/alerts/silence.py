"""A silence hides alerts by what they are (fingerprint, agent, rule, label), for a time, by somebody, for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.alerts.alert import Alert

Matchers = tuple[tuple[str, str], ...]
"""(name, value) pairs that must all hold. A name is alert (a fingerprint), agent, rule, or a label of alert or agent.

A value may be several, parted by "|", of which one must hold.
"""

WARN_BEFORE = 300.0
"""Seconds before its end that people are warned of it, if it is three times as long at least."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Pages that are held back for a while; what is silenced is still watched."""

    id: str
    matchers: Matchers
    starts: float
    ends: float
    by: str
    reason: str
    kind: str = "silence"
    """silence, deploy (announced by /deploy) or maintenance (a window of the settings)."""
    warned: float | None = None
    """When people were warned of its end."""
    over: float | None = None
    """When its end was noticed and what still stood was told; None before."""

    def holds(self, now: float) -> bool:
        """Whether it is in force."""
        return self.starts <= now < self.ends


def names(alert: Alert, labels: Mapping[str, str]) -> dict[str, str]:
    """What an alert can be matched by; `labels` are its agent's."""
    return {**labels, **dict(alert.labels), "agent": alert.agent, "rule": alert.rule, "alert": alert.fingerprint}


def matches(matchers: Matchers, known: Mapping[str, str]) -> bool:
    """Whether every matcher holds of what is known of an alert (see `names`); none at all matches nothing."""
    return bool(matchers) and all(known.get(name) in value.split("|") for name, value in matchers)
