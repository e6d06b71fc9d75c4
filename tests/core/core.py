"""The alerting core with a store of values: what it gives is kept as the database keeps it, and a restart reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from monitor.alerts.alert import Alert, AlertEvent, Kind, Notification, State, fingerprint
from monitor.alerts.board import Board
from monitor.alerts.draft import Told
from monitor.alerts.incident import Incident
from monitor.alerts.ledger import Ledger
from monitor.alerts.lifecycle import Policy
from monitor.alerts.plan import Override, Plan
from monitor.alerts.restoring import restored
from monitor.alerts.silence import Silence
from monitor.model import Finding, Severity, Verdict

T0 = 1_790_000_000.0
CHATS = ("telegram", "slack")
RULES = {
    "agent_unreachable": Severity.CRITICAL,
    "drawdown": Severity.CRITICAL,
    "strategy_stalled": Severity.WARN,
    "health_degraded": Severity.WARN,
}


class Core:
    """A board after the other, each begun from what the last one left."""

    def __init__(self, plan: Plan | None = None, labels: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.plan = plan or Plan(CHATS)
        self.places = labels or {}
        self.now = T0
        self.ledger = Ledger()
        self.alerts: dict[str, Alert] = {}
        self.incidents: dict[str, Incident] = {}
        self.events: list[AlertEvent] = []
        self.told: dict[str, Notification] = {}
        self.silences: dict[str, Silence] = {}
        self.overrides: list[Override] = []
        self.changes: list[Told] = []
        self._marks: set[tuple[object, ...]] = set()

    def labels(self, agent: str) -> Mapping[str, str]:
        return self.places.get(agent, {})

    def board(self) -> Board:
        return Board(self.ledger, self.plan, self.labels, self.now)

    def end(self, board: Board) -> Told:
        """Store what a board gives, and make it true."""
        self.ledger, told = board.finish()
        self.changes.append(told)
        self.store(told)
        return told

    def store(self, told: Told) -> None:
        """Keep it as the database does: an older version never wins."""
        for alert in told.alerts:
            known = self.alerts.get(alert.id)
            if known is None or (alert.version, alert.seen) >= (known.version, known.seen):
                self.alerts[alert.id] = alert
        for incident in told.incidents:
            before = self.incidents.get(incident.id)
            if before is None or incident.version >= before.version:
                self.incidents[incident.id] = incident
        for event in told.events:
            mark = (event.alert, event.version, event.kind, event.time)
            if mark not in self._marks:
                self._marks.add(mark)
                self.events.append(event)
        for row in told.notifications:
            self.told.setdefault(row.key, row)
        self.silences |= {each.id: each for each in told.silences}
        self.overrides += told.overrides

    def find(self, agent: str, rule: str, verdict: Verdict = Verdict.BREACH, *, fire_after: int = 1) -> Told:
        """One finding in a turn of its own."""
        board = self.board()
        board.find(self.finding(agent, rule, verdict), Policy(fire_after=fire_after))
        return self.end(board)

    def finding(self, agent: str, rule: str, verdict: Verdict = Verdict.BREACH) -> Finding:
        severity = RULES.get(rule, Severity.CRITICAL)
        labels = (("check", "venue"),) if rule == "health_degraded" else ()
        return Finding(agent, rule, self.now, verdict, severity, f"{agent} has {rule}", labels)

    def wait(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass, tick by tick."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + step)
            self.tick()

    def tick(self) -> Told:
        board = self.board()
        board.tick()
        return self.end(board)

    def incident(self, agent: str, rule: str) -> Incident:
        """The incident in which an alert is."""
        labels = (("check", "venue"),) if rule == "health_degraded" else ()
        return self.ledger.incidents[self.ledger.alerts[fingerprint(agent, rule, labels)].incident or ""]

    def alert(self, agent: str, rule: str) -> Alert:
        labels = (("check", "venue"),) if rule == "health_degraded" else ()
        return self.ledger.alerts[fingerprint(agent, rule, labels)]

    def acknowledge(self, incident: Incident, by: str = "ana") -> tuple[bool, bool]:
        board = self.board()
        done = board.acknowledge(incident, by)
        self.end(board)
        return done

    def hush(self, matchers: tuple[tuple[str, str], ...], seconds: float, of: str = "s1") -> Silence:
        silence = Silence(of, matchers, self.now, self.now + seconds, "ana", "known")
        board = self.board()
        board.silence(silence)
        self.end(board)
        return silence

    def restart(self) -> Ledger:
        """The ledger that a new process makes of what is stored."""
        openings: defaultdict[str, tuple[float, ...]] = defaultdict(tuple)
        pages: dict[str, float] = {}
        for alert in sorted(self.alerts.values(), key=lambda each: each.opened):
            if alert.opened >= self.now - self.plan.flap_within:
                openings[alert.fingerprint] += (alert.opened,)
            if alert.paged is not None and alert.paged >= self.now - self.plan.hold:
                pages[alert.fingerprint] = max(alert.paged, pages.get(alert.fingerprint, 0.0))
        return restored(
            self.plan,
            self.labels,
            self.now,
            alerts=[each for each in self.alerts.values() if each.state is not State.RESOLVED],
            incidents=[each for each in self.incidents.values() if each.open],
            silences=[
                each
                for each in self.silences.values()
                if each.over is None or each.ends > self.now or each.kind == "maintenance"
            ],
            overrides=[each for each in self.overrides if each.ends > self.now],
            last_pages=pages,
            openings=openings,
            flapped={self.alerts[each.alert].fingerprint for each in self.events if each.kind == "flapping"},
        )

    def kinds(self, alert: str) -> list[str]:
        """What happened to an alert, in order."""
        return [each.kind for each in self.events if each.alert == alert]

    def pages(self, channel: str = "telegram") -> list[Notification]:
        return [each for each in self.told.values() if each.kind is Kind.PAGE and each.platform == channel]

    def again(self, channel: str = "telegram") -> list[tuple[float, str]]:
        """When and why it was told again, in seconds since the start."""
        rows = [each for each in self.told.values() if each.kind is Kind.AGAIN and each.platform == channel]
        return [(each.created - T0, str(each.body["what"])) for each in rows]

    def of(self, **fields: object) -> list[Notification]:
        """What was told with these fields."""
        return [
            each for each in self.told.values() if all(getattr(each, name) == value for name, value in fields.items())
        ]


def quick(**fields: object) -> Plan:
    """A plan that neither waits nor holds, unless it is told to."""
    plan = Plan(CHATS, hold=0.0, flap_openings=0)
    return replace(plan, **fields)  # type: ignore[arg-type] # the fields are Plan's
