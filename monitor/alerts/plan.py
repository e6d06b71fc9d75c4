"""What a desk was told about telling: how alerts are grouped and hidden, who hears of them, and who is called when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitor.alerts.silence import Matchers
from monitor.model import Severity

DUTY, EVERYBODY = "duty", "all"
"""Words that stand for people in a step: whoever is on duty; everybody who may acknowledge."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which channels hear of alerts; the first route that fits is the one."""

    to: tuple[str, ...]
    """Channels: "telegram", "slack", another chat ("telegram:-100123"), or one of [[channels]] ("phone")."""
    severity: Severity = Severity.WARN
    """The least severity."""
    match: Matchers = ()
    """Must hold of the alert; empty: of any."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an escalation: a new message to some people in some channels."""

    after: float
    """Seconds since the escalation began (with the page)."""
    whom: tuple[str, ...] = (DUTY,)
    """DUTY, EVERYBODY, a rotation's name or a person's name."""
    to: tuple[str, ...] = ()
    """Channels; empty: those that had the page."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens while nobody acknowledges; the first policy that fits an incident is the one."""

    name: str
    steps: tuple[Step, ...]
    repeat: float | None = None
    """Seconds between repetitions of the last step; None: it is the end."""
    severity: Severity = Severity.CRITICAL
    match: Matchers = ()


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who take turns at being on duty."""

    name: str
    people: tuple[str, ...]
    every: str
    """daily or weekly."""
    at: dt.time
    """When the duty is handed over, by the clock of `zone`."""
    zone: dt.tzinfo
    start: dt.date
    """A day on which the first person's turn begins; a weekly turn is handed over on the same weekday."""


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody has the duty of a rotation for a while."""

    id: str
    rotation: str
    person: str
    starts: float
    ends: float
    by: str


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that fits `source` stands, alerts that fit `target` and share the `equal` labels are hidden."""

    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ("agent",)
    """Names as in `silence.names`; empty: any source hides any target."""
    unless: tuple[str, ...] = ()
    """Rules that are never hidden by it."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A window that comes again and again, in which alerts are silenced."""

    name: str
    match: Matchers
    duration: float
    """Seconds."""
    reason: str
    starts: Callable[[float], float | None]
    """The newest time at or before the given one at which the window opened (from its cron line); None: never."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which WARN waits for the morning; over midnight when `ends` is before `starts`."""

    starts: dt.time
    ends: dt.time
    zone: dt.tzinfo


ESCALATES = Policy(
    "default",
    (Step(0.0), Step(300.0), Step(900.0, (EVERYBODY,))),
    repeat=1800.0,
)
"""Unless the settings say otherwise: whoever is on duty at once and after 5 min, everybody after 15 and each 30 min."""

BLIND = ("strategy_stalled", "stale_feed", "no_decisions", "stale")
"""What a venue that does not answer causes."""
INHIBITS = (
    Inhibition((("rule", "agent_unreachable"),), (), unless=("agent_unreachable", "order_unconfirmed")),
    Inhibition((("rule", "health_degraded"), ("check", "venue")), (("rule", "|".join(BLIND)),)),
    Inhibition((("rule", "desk_offline"),), (("rule", "agent_unreachable"),), equal=()),
)
"""Unless the settings say otherwise: unreachable hides the agent's other alerts, a failing venue what it makes an agent
blind to, the desk's own network unreachable agents."""

DEPLOYS = ("agent_unreachable", "health_degraded", *BLIND, "order_unconfirmed")
"""Rules that an announced deploy hides."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the alerting core is told at its start. Times in seconds."""

    channels: tuple[str, ...]
    """Channels that are set up, in order; what a route or step names beside these is left out."""
    routes: tuple[Route, ...] = ()
    """Empty, or none fits: the guide's (INFO nowhere, WARN all but Slack where Telegram is there too, CRITICAL all)."""
    policies: tuple[Policy, ...] = (ESCALATES,)
    inhibitions: tuple[Inhibition, ...] = INHIBITS
    maintenance: tuple[Maintenance, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    people: Mapping[str, str] = field(default_factory=dict)
    """Name -> role, of everybody."""
    quiet: Quiet | None = None
    group_by: tuple[str, ...] = ("venue",)
    """Labels that alerts of one rule must share to be one incident."""
    group_wait: float = 0.0
    """How long a page waits for others of the same incident."""
    group_window: float = 300.0
    """How long after the last one that joined an incident takes more."""
    more_after: float = 30.0
    """How long after it was told of an incident that has grown is told of again."""
    spread: int = 3
    """Incidents of one rule that come together from so many places are one."""
    hold: float = 300.0
    """The same trouble is not paged again within this time (the guide's hold on duplicates)."""
    flap_openings: int = 4
    """An alert that opened so often within `flap_within` flaps, until it has kept one state for `flap_stable`."""
    flap_within: float = 1800.0
    flap_stable: float = 600.0
    lease: float | None = 1800.0
    """How long the acknowledgement of a CRITICAL holds; None: for good."""
    answer_within: float = 300.0
    """How long the question 'still on it?' waits before the acknowledgement lapses."""
    failover: tuple[str, ...] = ()
    """Channels for a CRITICAL that none of its own took within `failover_after`; empty: every other one."""
    failover_after: float = 60.0
