"""An alert, its events and the notifications it causes: the values that the alerting core folds."""

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
    return short_id(of, round(opened * 1e6))


def short_id(*parts: object) -> str:
    """Eight hex digits that stand for these parts."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:8]


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
    incident: str | None = None
    """The incident it belongs to; None until it fires."""

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
    """A move (opened, fired, acknowledged, kept, resolved, dropped ...) or a decision (paged, grouped, held ...)."""
    actor: str
    reason: str = ""


class Kind(enum.StrEnum):
    """What a notification tells: PAGE and UPDATE are the incident's one card, the others are messages of their own.

    AGAIN is a new message about an incident that was paged before: an escalation, more of it, a question about it.
    LINE is a line of the card's time line, told where a platform has threads. PICTURE answers the card where a platform
    shows pictures: worth having, and never worth a page.
    """

    PAGE = "page"
    UPDATE = "update"
    AGAIN = "again"
    LINE = "line"
    RECOVERY = "recovery"
    NOTICE = "notice"
    PICTURE = "picture"


PAGES = (Kind.PAGE, Kind.AGAIN)
"""What is to reach somebody at once."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to tell in one channel: a row of the outbox. `key` makes storing it twice one row."""

    key: str
    platform: str
    """The channel: a platform's name ("telegram", its own chat), or with another chat of it ("telegram:-100123")."""
    kind: Kind
    severity: Severity
    created: float
    alert: str | None = None
    """The incident whose card this is; None for a notice."""
    version: int = 0
    body: Mapping[str, object] = field(default_factory=dict)
    """What only this message says, as JSON: a notice's content; `whom` to mention, by name; `why` it is told again.

    Cards are rendered from the incident as it is when they are sent.
    """
    attempts: int = 0
    uncertain: bool = False
    """Whether an earlier try may have been taken: the next says that it may be a repeat."""
    id: int | None = None
    """Row number, given by the store; delivery keeps this order within a card."""
