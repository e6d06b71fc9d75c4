"""What came of a replay: the alerts that fired, and what people would have been paged of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.alerts.alert import Alert
from monitor.alerts.incident import Incident
from monitor.detection import WEEK

SOON = 3_600.0
"""Seconds after its begin within which a bad night is caught if it is paged."""


@dataclass(frozen=True, slots=True)
class Page:
    """An incident that would have been paged."""

    time: float
    incident: Incident
    """As it was paged."""
    alerts: tuple[Alert, ...]
    """All that joined it, in the order in which they fired."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay."""

    alerts: tuple[Alert, ...]
    """Every alert that fired, told or not, in order: as it fired, with the incident it then belonged to and its end."""
    pages: tuple[Page, ...]
    samples: int
    since: float | None
    """Of the first sample; None without any."""
    until: float | None
    """Of the last one."""
    false_pages: float | None
    """Statistical ones a week that all agents together are allowed; None where none is allowed any."""
    moves: Mapping[str, int]
    """Agent -> samples in which its equity moved."""

    @property
    def weeks(self) -> float:
        """Weeks from the first sample to the last."""
        return 0.0 if self.since is None or self.until is None else (self.until - self.since) / WEEK

    @property
    def per_week(self) -> float | None:
        """Pages a week; None of less than one sample after the first."""
        return len(self.pages) / self.weeks if self.weeks > 0 else None

    def first(self, since: float) -> Page | None:
        """The first page at or after a time, if it came within an hour."""
        return next((each for each in self.pages if since <= each.time <= since + SOON), None)
