"""An alert, its events, its silences and the notifications it causes: the values that the alerting core folds."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.model import Severity


class State(enum.StrEnum):
    """The only states an alert can be in; suppression is computed, never a state."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


def fingerprint(agent: str, rule: str, labels: Iterable[tuple[str, str]] = ()) -> str:
    """Identity of a trouble: agent, rule and labels in any order; never its value or time. 16 hex digits."""
    parts = [agent, rule, *(f"{name}={value}" for name, value in sorted(labels))]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def alert_id(of: str, opened: float) -> str:
    """Short name of one episode of the trouble with fingerprint `of`: 8 hex digits, the same on every replay."""
    return hashlib.sha256(f"{of}\x1f{round(opened * 1e6)}".encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one trouble, from the first breach to its end."""

    id: str
    fingerprint: str
    agent: str
    rule: str
    labels: tuple[tuple[str, str], ...]
    severity: Severity
    state: State
    version: int
    """Grows with every change a person can see; an older version never wins."""
    opened: float
    seen: float
    """Time of the last finding folded in; older findings change nothing."""
    reason: str
    value: float | None = None
    threshold: float | None = None
    breaches: int = 1
    """Findings in breach, in a row."""
    clears: int = 0
    """Findings clear, in a row."""
    standing: bool = False
    """Already so when the agent was first seen: told in one message, never paged unless somebody says keep."""
    fired: float | None = None
    paged: float | None = None
    """When its page was put into the outbox; None while nobody has been told."""
    acknowledged: float | None = None
    acknowledged_by: str | None = None
    note: str = ""
    resolved: float | None = None

    @property
    def open(self) -> bool:
        """Whether the trouble is known to stand (firing or acknowledged)."""
        return self.state in (State.FIRING, State.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One change of one alert, stored for ever: what, when, by whom and why."""

    alert: str
    version: int
    time: float
    kind: str
    """opened, fired, acknowledged, kept, resolved, dropped, or a decision of the pipeline (paged, held, silenced)."""
    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """A person's order to hold back the pages of one trouble for a while."""

    id: str
    fingerprint: str
    alert: str
    """The alert it was spoken about."""
    starts: float
    ends: float
    by: str
    reason: str


class Kind(enum.StrEnum):
    """What a notification tells: PAGE and UPDATE are the alert's one card, the others are messages of their own.

    LINE is a line of the card's time line, told where a platform has threads.
    """

    PAGE = "page"
    UPDATE = "update"
    LINE = "line"
    RECOVERY = "recovery"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to tell on one platform: a row of the outbox. `key` makes storing it twice one row."""

    key: str
    platform: str
    kind: Kind
    severity: Severity
    created: float
    alert: str | None = None
    """The alert whose card this is; None for a notice."""
    version: int = 0
    body: Mapping[str, object] = field(default_factory=dict)
    """A notice's content as JSON; cards are rendered from the alert as it is when they are sent."""
    attempts: int = 0
    id: int | None = None
    """Row number, given by the store; delivery keeps this order within a card."""
