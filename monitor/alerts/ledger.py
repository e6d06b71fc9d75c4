"""What the alerting core knows, made of stored facts alone, so that a restart finds it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.alerts import flapping
from monitor.alerts.alert import Alert
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Override
from monitor.alerts.silence import Silence


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an alert is told of now, and why."""

    kind: str
    """told, or why not: logged, standing, inhibited, silenced, flapping, held, quiet, unrouted."""
    reason: str
    again: float | None = None
    """When it is decided anew at the latest; None: when something changes."""

    @property
    def tell(self) -> bool:
        """Whether people are told."""
        return self.kind == "told"


Sources = Mapping[int, Mapping[tuple[str, ...], frozenset[str]]]
"""Inhibition's number -> what its `equal` labels are -> fingerprints of the alerts that hide others there."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything the alerting core knows now; made of stored facts alone, so that a restart finds it again."""

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    """Fingerprint -> the alert that is not resolved."""
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Agent -> fingerprints of its alerts."""
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    """Id -> the incident that is not resolved."""
    members: Mapping[str, Mapping[str, None]] = field(default_factory=dict)
    """Incident -> fingerprints of its alerts that are not resolved, in the order in which they joined."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """What groups alerts -> the newest incident of it."""
    waiting: Mapping[str, Mapping[str, None]] = field(default_factory=dict)
    """Rule -> its incidents that have not been paged yet."""
    silences: tuple[Silence, ...] = ()
    """Those whose end has not come, or has not been noticed yet."""
    overrides: tuple[Override, ...] = ()
    last_pages: Mapping[str, float] = field(default_factory=dict)
    """Fingerprint -> time of its last page."""
    openings: Mapping[str, flapping.Openings] = field(default_factory=dict)
    flaps: Mapping[str, float] = field(default_factory=dict)
    """Fingerprint that flaps -> until when, as was told."""
    hidden: Mapping[str, Decision] = field(default_factory=dict)
    """Fingerprint of an alert that fires and of which nobody is told -> why not."""
    due: Mapping[str, float] = field(default_factory=dict)
    """Incident -> when something is to be done about it."""
    shown: Mapping[str, float] = field(default_factory=dict)
    """Incident -> when its card was last made to be edited."""
    stale: Mapping[str, None] = field(default_factory=dict)
    """Incidents whose cards do not show the newest: they are edited in a moment."""
    sources: Sources = field(default_factory=dict)
