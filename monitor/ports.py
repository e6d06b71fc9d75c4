"""What the desk needs from the world: sources, controls, a store and a clock, as protocols."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol

from monitor.alerts.alert import Alert, AlertEvent, Notification
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Override
from monitor.alerts.silence import Silence
from monitor.attribution import Sums
from monitor.model import Agent, CashFlow, Reset, Sample, Trade
from monitor.order import Order, StopMark


class Clock(Protocol):
    """Time that never runs backwards."""

    def now(self) -> float:
        """Seconds since the epoch, UTC, rounded to the microsecond; never less than the last answer."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one poll of one agent brought."""

    sample: Sample
    trades: tuple[Trade, ...] = ()
    cursor: str | None = None
    """Where to go on reading trades next time; None leaves the stored one."""
    flows: tuple[CashFlow, ...] = ()
    """Money moved in or out, as the agent says; those known already may come again and again."""


class AgentSource(Protocol):
    """Reads one agent. Never raises for anything the agent does: an error is a sample with `error`."""

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        """One look at the agent, with the closed trades after `cursor`."""

    async def well(self, agent: Agent) -> str | None:
        """Why a process that was just started is not up and fit, in a few words; None when it is."""

    async def close(self) -> None:
        """End what it began in the background."""


class ControlError(Exception):
    """An order was not accepted; the message is one sentence for a person. `uncertain`: it may yet be obeyed."""

    def __init__(self, message: str, *, uncertain: bool = False) -> None:
        super().__init__(message)
        self.uncertain = uncertain


class AgentControl(Protocol):
    """Gives orders to one agent. Errors of every method: ControlError, a sentence that lacks its subject."""

    @property
    def kind(self) -> str:
        """What kind it is, for people: http, freqtrade, pm2."""

    @property
    def abilities(self) -> Mapping[str, str]:
        """What can be ordered (pause, stop, resume, close, restart, logs) -> what that means there, in a few words."""

    async def reach(self, agent: Agent) -> None:
        """See whether an order would get through, without giving one."""

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:
        """Order one of its abilities; return what was said. Returning means accepted, nothing more."""

    async def state(self, agent: Agent) -> str | None:
        """Read back how the agent is: running, paused or stopped (its process is gone); None: only it can say."""

    async def logs(self, agent: Agent, lines: int) -> tuple[str, ...]:
        """The newest lines of its log, oldest first, as they are: the desk takes out what is secret."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One order somebody gave or tried to give, and what came of it."""

    time: float
    platform: str
    user: str
    """The platform's user id."""
    person: str | None
    """Their name, None for a stranger."""
    line: str
    outcome: str
    """started, ran, denied, unknown, refused, asked, failed."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The folded state of one agent at a time, so that a restart need not fold everything again."""

    agent: str
    time: float
    version: int
    state: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that becomes true together: stored in one transaction, or not at all. Storing it twice is harmless."""

    agents: Sequence[Agent] = ()
    samples: Sequence[Sample] = ()
    trades: Sequence[Trade] = ()
    cursors: Mapping[str, str] = field(default_factory=dict)
    """Agent id -> trades cursor."""
    flows: Sequence[CashFlow] = ()
    resets: Sequence[Reset] = ()
    alerts: Sequence[Alert] = ()
    """Upserted by id; a row with a higher version, or a later `seen` at the same version, is never overwritten."""
    incidents: Sequence[Incident] = ()
    """Upserted by id; a row with a higher version is never overwritten."""
    events: Sequence[AlertEvent] = ()
    notifications: Sequence[Notification] = ()
    silences: Sequence[Silence] = ()
    """Upserted by id."""
    overrides: Sequence[Override] = ()
    orders: Sequence[Order] = ()
    """Upserted by id."""
    audit: Sequence[AuditEntry] = ()
    stops: Sequence[StopMark] = ()
    """Upserted by agent and when."""
    snapshots: Sequence[Snapshot] = ()
    drop_snapshots: Sequence[tuple[str, float]] = ()
    """(agent, time): forget the agent's snapshots from that time on, since its past has changed."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store."""
        return not any(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True)
class StoredAgent:
    """What the store remembers of an agent beside its samples."""

    id: str
    first_seen: float | None
    """Time of its first stored sample; None when it has never been seen."""
    cursor: str | None


@dataclass(frozen=True, slots=True)
class StoredTrades:
    """What came of storing trades."""

    new: int
    changed: int
    """Corrections of what was known."""
    same: int

    def __add__(self, other: StoredTrades) -> StoredTrades:
        """Both together."""
        return StoredTrades(self.new + other.new, self.changed + other.changed, self.same + other.same)


@dataclass(frozen=True, slots=True)
class Measured:
    """When an incident was paged, first heard of in any chat, taken in hand, and over; None: not yet."""

    paged: float
    heard: float | None
    acknowledged: float | None
    resolved: float | None


class Store(Protocol):
    """Where facts are kept. Every method may raise StoreError, and then nothing of the call is stored."""

    async def commit(self, change: Change) -> None:
        """Store a change in one transaction."""

    async def agents(self) -> Mapping[str, StoredAgent]:
        """Every agent ever stored."""

    async def newest(self) -> float:
        """Time of the newest sample of any agent, 0 when there is none."""

    async def samples(self, agent: str, since: float, until: float | None = None) -> list[Sample]:
        """Samples of an agent with since <= time (< until), in order of time."""

    async def trades(self, agent: str | None, since: float, until: float | None = None) -> list[Trade]:
        """Trades closed in since <= exit_time (< until), in order of exit time; of every agent if None."""

    async def known(self, trades: Sequence[Trade]) -> list[Trade]:
        """What is stored of these trades, by (agent, id)."""

    async def import_trades(self, batches: Iterable[Sequence[Trade]]) -> StoredTrades:
        """Store many trades, all of them or none; those of the same (agent, id) are corrections where they differ."""

    async def versions(self, agent: str, trade: str) -> list[Trade]:
        """What a trade was before it was corrected, oldest first."""

    async def rolled(
        self, by: str, spans: tuple[int, int], agent: str | None, *, paper: bool
    ) -> list[tuple[str, str, str, Sums]]:
        """(agent, first, second, sums) of every cell of a split in first <= span < last; of every agent if None."""

    async def flows(self, agent: str, since: float = 0.0) -> list[CashFlow]:
        """Cash flows with since <= time, in order of time."""

    async def open_alerts(self) -> list[Alert]:
        """Alerts that are not resolved, in order of opening."""

    async def alert(self, alert: str) -> Alert | None:
        """One alert by its whole id."""

    async def open_incidents(self) -> list[Incident]:
        """Incidents that are not resolved, in order of opening."""

    async def incident(self, incident: str) -> Incident | None:
        """One incident by its whole id."""

    async def of_incident(self, incident: str, limit: int = 200) -> list[Alert]:
        """The alerts that joined an incident, in order of opening."""

    async def measured(self, since: float) -> list[Measured]:
        """When each incident that was paged since then was paged, first heard of, taken in hand and over."""

    async def flapped(self, since: float) -> Collection[str]:
        """Fingerprints of alerts opened since then of which it was told that they flap."""

    async def openings(self, since: float) -> Mapping[str, tuple[float, ...]]:
        """Fingerprint -> when its alerts opened since then, in order."""

    async def overrides(self, now: float) -> list[Override]:
        """Overrides that have not ended."""

    async def opened_between(self, since: float, until: float) -> list[Alert]:
        """Alerts that opened in since <= time < until, in order of opening."""

    async def last_pages(self, since: float) -> Mapping[str, float]:
        """Fingerprint -> time of its last page, for pages since then."""

    async def events(self, alert: str) -> list[AlertEvent]:
        """Everything that happened to one alert, in order."""

    async def first_taken(self, alert: str) -> float | None:
        """When any channel first took a message about an incident."""

    async def silences(self, now: float) -> list[Silence]:
        """Silences whose time has not passed, or whose end has not been noticed yet."""

    async def equities(self, agent: str, since: float, until: float) -> list[tuple[float, float]]:
        """(time, equity) of an agent's samples with since <= time < until whose equity is known, in order of time."""

    async def alerts_between(self, since: float, until: float) -> list[Alert]:
        """Alerts that fired before `until` and were not over before `since`, in order of opening."""

    async def incidents_between(self, since: float, until: float) -> list[Incident]:
        """Incidents that opened before `until` and were not over before `since`, in order of opening."""

    async def happened(self, since: float, until: float) -> list[AlertEvent]:
        """Everything that happened to any alert in since <= time < until, in the order in which it was stored."""

    async def given(self, since: float, until: float) -> list[Order]:
        """Orders of any kind to any agent, refused ones too, in since <= requested < until, in order."""

    async def last_notice(self, what: str) -> float | None:
        """The time that the newest of the notices called `what` is for, as its key says; None: there is none."""

    async def orders(self) -> list[Order]:
        """The newest standing order of each agent that was not refused."""

    async def ordered(self, agent: str, action: str, since: float) -> list[Order]:
        """Orders of one kind to an agent since then that were not refused, in order."""

    async def stops(self) -> list[StopMark]:
        """How far every stop without a person has come."""

    async def snapshot(self, agent: str, version: int, before: float | None = None) -> Snapshot | None:
        """The agent's newest snapshot of that version (taken before a time)."""

    async def audit(self, limit: int = 50) -> list[AuditEntry]:
        """The newest audit entries, newest first."""

    async def hours(self, agent: str, since: float) -> list[tuple[float, float]]:
        """(time, equity) with since <= time, the last known of each hour, also of samples that were forgotten."""

    async def resets(self, agent: str) -> list[Reset]:
        """When an agent's figures began anew, in order."""

    async def forget(self, before: float, limit: int) -> int:
        """Delete at most `limit` raw samples older than `before`, and thin the snapshots; return how many went.

        Of the samples, the last known equity of each hour is kept.
        """


class StoreError(Exception):
    """The store could not do it; the message is one sentence for a person, without secrets."""
