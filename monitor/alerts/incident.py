"""An incident is the alerts of one cause: one card, one acknowledgement, one escalation."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model import Severity


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts of one rule that came together, and what people were told and did about them.

    What it lists is found from the alerts that name it.
    """

    id: str
    key: str
    """What alerts must share to belong to it while it is young; see `grouping`."""
    rule: str
    labels: tuple[tuple[str, str], ...]
    """What its alerts share beside the rule: (venue, binance); empty when they share nothing."""
    severity: Severity
    version: int
    """Grows with every change a person can see; an older version never wins."""
    opened: float
    joined: float
    """When the newest of its alerts joined."""
    alerts: int = 1
    """How many alerts it has had."""
    channels: tuple[str, ...] = ()
    """Where people were told of it; they are told of its end, too."""
    paged: float | None = None
    """When its page was put into the outbox; None while nobody has been told."""
    told: float | None = None
    """When people were last told of it by a new message."""
    step: int = 0
    """Steps of the escalation policy that have been taken since `began`."""
    began: float | None = None
    """When the escalation began: with the page, again when a lease has lapsed or a silence ended."""
    acknowledged: float | None = None
    acknowledged_by: str | None = None
    note: str = ""
    lease: float | None = None
    """Until when the acknowledgement holds without a question; None: for good."""
    asked: float | None = None
    """When it was asked whether somebody is still on it; None while nobody was."""
    resolved: float | None = None

    @property
    def open(self) -> bool:
        """Whether any of its alerts stands."""
        return self.resolved is None
