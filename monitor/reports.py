"""What people may ask about alerts: which incidents stand, what is hidden and why, who is on duty, how long it took."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from monitor import retrospect
from monitor.alerts import oncall
from monitor.alerts.alert import Alert, State
from monitor.alerts.draft import Draft
from monitor.alerts.incident import Incident
from monitor.alerts.judging import Judgement, judgement
from monitor.alerts.ledger import Decision, Ledger
from monitor.alerts.pipeline import suppressed
from monitor.alerts.plan import Plan
from monitor.alerts.silence import Silence, matches, names
from monitor.answers import IncidentStatus, Why, alone, order, pick, times
from monitor.book import Book
from monitor.digest import Digest, digest
from monitor.fleet import paper
from monitor.ports import Store
from monitor.shift import Shift
from monitor.situation import Setup


class Reports:
    """What is asked of the desk's alerts; nothing here changes anything."""

    def __init__(self, setup: Setup, book: Book, store: Store) -> None:
        self.agents = setup.agents
        self.rules = setup.rules
        self.plan: Plan = setup.plan
        self.people = setup.plan.people
        self._setup = setup
        self._book = book
        self._store = store

    def now(self) -> float:
        """The desk's time, seconds since the epoch."""
        return self._book.clock.now()

    def alerts(self) -> tuple[Alert, ...]:
        """Open alerts: worst first, then newest first."""
        alerts = [alert for alert in self._ledger.alerts.values() if alert.open]
        return tuple(sorted(alerts, key=lambda each: (-each.severity, -(each.fired or each.opened))))

    def hidden(self) -> tuple[tuple[Alert, Decision], ...]:
        """Alerts that fire and of which nobody is told, with the reason; worst first, then newest first."""
        ledger, draft = self._ledger, self._peek()
        found = [(ledger.alerts[mark], why) for mark, why in ledger.hidden.items()]
        for incident in ledger.incidents:
            found += self._suppressed(incident, draft)
        return tuple(sorted(found, key=lambda each: (-each[0].severity, -each[0].opened)))

    def incidents(self) -> tuple[IncidentStatus, ...]:
        """Open incidents: not acknowledged first, then worst first, then newest first."""
        draft = self._peek()
        found = [self._status_of(each, draft) for each in self._ledger.incidents.values()]
        return tuple(sorted(found, key=order))

    async def incident(self, name: str) -> IncidentStatus:
        """An incident by the id (or its unambiguous beginning) of any of its alerts. Errors: DeskError."""
        alert = await self.alert(name)
        return await self._status_at(alert)

    async def alert(self, name: str) -> Alert:
        """An alert by its id or its incident's, or by an unambiguous beginning; past ones by whole id.

        An incident stands for the first of its alerts. Errors: DeskError.
        """
        ledger = self._ledger
        current = {alert.id: alert for alert in ledger.alerts.values() if alert.open}
        for of, marks in ledger.members.items():
            if of in ledger.incidents and marks:
                current[of] = ledger.alerts[next(iter(marks))]
        if name not in current:
            past = await self._store.alert(name) or next(iter(await self._store.of_incident(name, 1)), None)
            if past is not None:
                return past
        return current[pick(name, current, "open alert")]

    def silences(self) -> tuple[Silence, ...]:
        """Silences in force, the one that ends first first."""
        now = self.now()
        found = (each for each in self._ledger.silences if each.over is None and each.holds(now))
        return tuple(sorted(found, key=lambda each: each.ends))

    def covered(self, silence: Silence) -> tuple[Alert, ...]:
        """Open alerts that a silence fits."""
        return tuple(each for each in self.alerts() if matches(silence.matchers, self._known(each)))

    async def judgement(self, incident: str) -> Judgement | None:
        """Whether an incident was real, as somebody said of it; None: nobody has."""
        return judgement(await self._store.events(incident))

    async def why(self, name: str) -> Why:
        """Everything that was decided about an alert. Errors: DeskError."""
        alert = await self.alert(name)
        incident = await self._incident_at(alert)
        events = list(await self._store.events(alert.id))
        if incident is not None and incident.id != alert.id:
            events += await self._store.events(incident.id)
        hidden = self._ledger.hidden.get(alert.fingerprint) if alert.open else None
        if hidden is None and alert.state is State.FIRING and alert.incident is not None:
            hidden = suppressed(alert, self._peek())
        first = None if incident is None else await self._store.first_taken(incident.id)
        ordered = sorted(events, key=lambda each: each.time)
        return Why(alert, incident, tuple(ordered), hidden, times(alert, first, ordered))

    async def times(self, since: float = 0.0) -> Mapping[str, tuple[int, float]]:
        """How often and how long in all (seconds) incidents paged since then took, by part.

        notify: from the page to the first chat that took it; acknowledge, recover: from the page.
        """
        found = await self._store.measured(since)
        ends = {"notify": "heard", "acknowledge": "acknowledged", "recover": "resolved"}
        spans = {
            part: [max(0.0, at - each.paged) for each in found if (at := getattr(each, end)) is not None]
            for part, end in ends.items()
        }
        return {part: (len(each), sum(each)) for part, each in spans.items()}

    async def digest(self, since: float) -> tuple[Alert, ...]:
        """Every alert that opened since then and fired, worst first, then oldest."""
        found = await self._store.opened_between(since, self.now())
        return tuple(sorted((each for each in found if each.fired), key=lambda each: (-each.severity, each.opened)))

    async def report(
        self, since: float, until: float, agents: Collection[str] | None = None, left_out: tuple[float, ...] = ()
    ) -> Digest:
        """What since <= time < until came to, from stored rows alone; of these agents, by id, or of everything."""
        states = self._book.situation.states
        seen = {name: states[name].answered for name in self.agents if name in states}
        papers = {name for name, each in self.agents.items() if paper(each, seen.get(name))}
        facts = await retrospect.facts(self._store, self.agents, self.rules, papers, since, until, agents)
        return await asyncio.to_thread(digest, facts, left_out)

    async def shift(self) -> Shift:
        """What happened since the duty last went to somebody else, or in the last 8 h where nobody takes turns."""
        return await retrospect.of_shift(self._store, tuple(self.agents), self.plan, self.now())

    def standing(self) -> tuple[Alert, ...]:
        """Alerts found at the first start about which nobody has decided yet."""
        return tuple(each for each in self.alerts() if each.standing and each.state is State.FIRING)

    def duty(self) -> tuple[oncall.Duty, ...]:
        """Who is on duty, a row a rotation."""
        now, overrides = self.now(), oncall.valid(self._ledger.overrides, self.plan.people)
        return tuple(oncall.duty(each, overrides, now) for each in self.plan.rotations)

    @property
    def _ledger(self) -> Ledger:
        return self._book.situation.ledger

    def _known(self, alert: Alert) -> Mapping[str, str]:
        return names(alert, self._setup.labels(alert.agent))

    def _peek(self) -> Draft:
        """A draft of now, to ask; nothing comes of it."""
        return Draft(self._ledger, self.plan, self._setup.labels, self.now())

    async def _status_at(self, alert: Alert) -> IncidentStatus:
        newest = self._ledger.alerts.get(alert.fingerprint)
        if newest is not None and newest.id == alert.id:
            alert = newest
        elif alert.incident is None:
            alert = await self._store.alert(alert.id) or alert
        incident = await self._incident_at(alert)
        if incident is None:
            hidden = self._ledger.hidden.get(alert.fingerprint)
            return IncidentStatus(alone(alert), (alert,), {} if hidden is None else {alert.id: hidden})
        if incident.open:
            return await self._with_judgement(self._status_of(incident, self._peek()))
        return await self._with_judgement(IncidentStatus(incident, tuple(await self._store.of_incident(incident.id))))

    async def _with_judgement(self, status: IncidentStatus) -> IncidentStatus:
        """The same with what people said of it, if it is of a rule of which they do."""
        rule = self.rules.get(status.incident.rule)
        if rule is None or not rule.statistical:
            return status
        said = await self.judgement(status.incident.id)
        return replace(status, judgement=said, asks=said is None and status.incident.paged is not None)

    async def _incident_at(self, alert: Alert) -> Incident | None:
        if alert.incident is None:
            return None
        return self._ledger.incidents.get(alert.incident) or await self._store.incident(alert.incident)

    def _status_of(self, incident: Incident, draft: Draft) -> IncidentStatus:
        ledger = self._ledger
        alerts = [ledger.alerts[mark] for mark in ledger.members.get(incident.id, ())]
        hidden = {alert.id: why for alert, why in self._suppressed(incident.id, draft)}
        ordered = sorted(alerts, key=lambda each: (-each.severity, each.opened))
        return IncidentStatus(incident, tuple(ordered), hidden)

    def _suppressed(self, incident: str, draft: Draft) -> Iterator[tuple[Alert, Decision]]:
        if not draft.silences and not draft.sources:
            return
        for mark in self._ledger.members.get(incident, ()):
            alert = self._ledger.alerts[mark]
            if alert.state is State.FIRING and (why := suppressed(alert, draft)) is not None:
                yield alert, why
