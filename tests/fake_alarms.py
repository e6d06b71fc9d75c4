"""The alarms of a desk of values: what people did about alerts is remembered, and nothing happens by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from monitor.alerts.alert import Alert, AlertEvent, State
from monitor.alerts.incident import Incident
from monitor.alerts.judging import Judgement
from monitor.alerts.ledger import Decision
from monitor.alerts.lifecycle import Policy, step
from monitor.alerts.oncall import Duty
from monitor.alerts.plan import DEPLOYS, Override, Plan
from monitor.alerts.silence import Matchers, Silence, matches, names
from monitor.desk import Acknowledgement, Desk, DeskError, IncidentStatus, Judged, Times, Why
from monitor.mail import Letter, Waiting
from monitor.model import Finding, Severity, Verdict
from monitor.rule import DESK


def an_incident(*alerts: Alert, **changes: object) -> Incident:
    """The incident that alerts of one rule make; taken in hand and over as they are."""
    first = min(alerts, key=lambda each: each.opened)
    taken = [each for each in alerts if each.state is State.ACKNOWLEDGED or each.acknowledged_by]
    known = Incident(
        id=first.incident or first.id,
        key=first.rule,
        rule=first.rule,
        labels=(),
        severity=max(each.severity for each in alerts),
        version=max(each.version for each in alerts),
        opened=first.fired or first.opened,
        joined=max(each.fired or each.opened for each in alerts),
        alerts=len(alerts),
        channels=("memory",),
        paged=first.paged,
        told=first.paged,
    )
    if len(taken) == len(alerts):
        held = taken[0]
        known = replace(known, acknowledged=held.acknowledged, acknowledged_by=held.acknowledged_by, note=taken[0].note)
    if not any(each.open for each in alerts):
        known = replace(known, resolved=max(each.resolved or each.seen for each in alerts))
    return replace(known, **changes)  # type: ignore[arg-type] # the fields of one test


def a_status(*alerts: Alert, hidden: Mapping[str, Decision] | None = None, **changes: object) -> IncidentStatus:
    ordered = sorted(alerts, key=lambda each: (-each.severity, each.opened))
    return IncidentStatus(an_incident(*alerts, **changes), tuple(ordered), hidden or {})


class FakeAlarms(Desk):
    """Alerts that name the same incident are one; what was done about incidents is in `known`."""

    time: float

    def hold(self, alerts: Iterable[Alert], people: Mapping[str, str]) -> None:
        self.plan = Plan(("memory",))
        self.people = people
        self.open = list(alerts)
        self.known: dict[str, Incident] = {}
        self.said: dict[str, Judgement] = {}
        """Incident -> what somebody said of it."""
        self.behind: dict[str, Decision] = {}
        """Alert -> why nobody is told of it; such an alert is in no incident unless it names one."""
        self.held: list[Silence] = []
        self.heard: list[str | None] = []
        self.taken: list[Override] = []

    def alerts(self) -> tuple[Alert, ...]:
        return tuple(each for each in self.open if each.open)

    def hidden(self) -> tuple[tuple[Alert, Decision], ...]:
        return tuple((each, self.behind[each.id]) for each in self.alerts() if each.id in self.behind)

    def incidents(self) -> tuple[IncidentStatus, ...]:
        told = (each for each in self.alerts() if each.incident or each.id not in self.behind)
        return tuple(self._stands(of) for of in dict.fromkeys(each.incident or each.id for each in told))

    def _stands(self, of: str) -> IncidentStatus:
        every = [each for each in self.open if (each.incident or each.id) == of]
        incident = self.known.get(of) or an_incident(*every)
        alerts = [each for each in every if each.open] if incident.open else every
        alerts.sort(key=lambda each: (-each.severity, each.opened))
        hidden = {each.id: self.behind[each.id] for each in alerts if each.id in self.behind}
        said, statistical = self.said.get(of), incident.rule in self.rules and self.rules[incident.rule].statistical
        return IncidentStatus(incident, tuple(alerts), hidden, said, asks=statistical and said is None)

    async def incident(self, name: str) -> IncidentStatus:
        alert = await self.alert(name)
        return self._stands(alert.incident or alert.id)

    async def alert(self, name: str) -> Alert:
        known = {of: each for each in reversed(self.open) for of in (each.incident, each.id) if of and each.open}
        past = [each for each in self.open if name in (each.id, each.incident)]
        if name in known or past:
            return known.get(name) or past[0]
        found = [of for of in known if name and of.startswith(name)]
        if len(found) != 1:
            raise DeskError(f"There is no open alert {name!r}.")
        return known[found[0]]

    def silences(self) -> tuple[Silence, ...]:
        return tuple(each for each in self.held if each.holds(self.time))

    def covered(self, silence: Silence) -> tuple[Alert, ...]:
        of = {name: agent.labels for name, agent in self.agents.items()}
        return tuple(each for each in self.alerts() if matches(silence.matchers, names(each, of.get(each.agent, {}))))

    async def acknowledge(self, name: str, by: str, note: str = "") -> Acknowledgement:
        status = await self.incident(name)
        incident = status.incident
        if incident.acknowledged is not None and incident.acknowledged_by != by and incident.asked is None:
            return Acknowledgement(status, changed=False)
        renewed = incident.acknowledged_by == by
        return Acknowledgement(self._give(status, by, note), changed=True, renewed=renewed)

    async def judge(self, name: str, kind: str, by: str, note: str = "") -> Judged:
        status = await self.incident(name)
        of = status.incident.id
        if not self.rules[status.incident.rule].statistical:
            raise DeskError(f"{of} is not statistical: only such pages are called real or false.")
        before, said = self.said.get(of), Judgement(kind, by, self.time, note)
        if before is None or before.kind != kind:
            self.said[of] = said
        return Judged(self._stands(of), self.said[of], before)

    def _give(self, status: IncidentStatus, to: str | None, note: str = "") -> IncidentStatus:
        state, when = (State.FIRING, None) if to is None else (State.ACKNOWLEDGED, self.time)
        lease = None if to is None else self.time + 1_800.0
        incident = replace(
            status.incident, acknowledged=when, acknowledged_by=to, note=note, lease=lease, asked=None, version=2
        )
        self.known[incident.id] = incident
        for each in status.alerts:
            moved = replace(each, state=state, acknowledged=when, acknowledged_by=to, note=note, version=2)
            self.open[self.open.index(each)] = moved
        return self._stands(incident.id)

    async def unacknowledge(self, name: str, by: str, note: str = "") -> IncidentStatus:  # noqa: ARG002 - the shape of the desk
        status = await self.incident(name)
        if status.incident.acknowledged is None:
            raise DeskError(f"Nobody has {status.incident.id} in hand: there is nothing to let go.")
        return self._give(status, None)

    async def hand_over(self, name: str, to: str, by: str, note: str = "") -> IncidentStatus:  # noqa: ARG002 - the same
        if self.people.get(to, "viewer") == "viewer":
            raise DeskError(f"{to} cannot act: give it to an operator or an admin.")
        return self._give(await self.incident(name), to, note)

    async def silence(
        self,
        matchers: Matchers,
        duration: float,
        by: str,
        reason: str,
        *,
        kind: str = "silence",
        heard: str | None = None,
    ) -> Silence:
        if duration > 86_400:
            raise DeskError("A silence lasts 24 h at most: give a duration such as 30m or 2h.")
        made = Silence(f"5{len(self.held):07x}", matchers, self.time, self.time + duration, by, reason, kind)
        self.held.append(made)
        self.heard.append(heard)
        return made

    async def unsilence(self, name: str, by: str) -> Silence:  # noqa: ARG002 - the same
        found = [each for each in self.silences() if name and each.id.startswith(name)]
        if len(found) != 1:
            raise DeskError(f"There is no silence {name!r}.")
        self.held.remove(found[0])
        return found[0]

    async def deploy(self, agent: str, duration: float, by: str, reason: str, *, heard: str | None = None) -> Silence:
        fits = (("agent", self.agent(agent).agent.id), ("rule", "|".join(DEPLOYS)))
        return await self.silence(fits, duration, by, reason, kind="deploy", heard=heard)

    async def drill(self, by: str) -> IncidentStatus:
        if any(each.rule == "drill" and each.open for each in self.open):
            raise DeskError("A drill is under way: acknowledge that first.")
        found = Finding(DESK, "drill", self.time, Verdict.BREACH, Severity.CRITICAL, f"A drill, ordered by {by}.")
        alert, _ = step(None, found, Policy())
        assert alert is not None
        self.open.append(alert)
        return await self.incident(self.open[-1].id)

    def duty(self) -> tuple[Duty, ...]:
        given = self.taken[-1] if self.taken else None
        if given is None:
            return (Duty("primary", "ana", self.time + 3_600.0, "ops", None),)
        return (Duty("primary", given.person, given.ends, "ana", given.id),)

    async def take(self, rotation: str | None, person: str, seconds: float, by: str) -> Override:
        if rotation not in (None, "primary"):
            raise DeskError(f"There is no rotation {rotation!r}: there are primary.")
        if person not in self.people:
            raise DeskError(f"There is no person {person!r}.")
        self.taken.append(Override("0a", "primary", person, self.time, self.time + seconds, by))
        return self.taken[-1]

    async def why(self, name: str) -> Why:
        alert = await self.alert(name)
        events = (
            AlertEvent(alert.id, 1, alert.opened, "fired", DESK, alert.reason),
            AlertEvent(alert.id, 1, alert.opened + 1.0, "paged", DESK, "to memory"),
        )
        incident = (await self.incident(name)).incident
        return Why(alert, incident, events, self.behind.get(alert.id), Times(detect=0.0, notify=1.2))

    def standing(self) -> tuple[Alert, ...]:
        return tuple(each for each in self.open if each.standing)

    async def answer_standing(self, accept: bool, by: str) -> tuple[Alert, ...]:
        found = self.standing()
        for each in found:
            answered = replace(each, standing=False)
            if accept:
                answered = replace(answered, state=State.ACKNOWLEDGED, acknowledged_by=by, acknowledged=self.time)
            self.open[self.open.index(each)] = answered
        return found


class FakeMail:
    """An outbox in which nothing waits, with `dead` dead letters, numbered from 17."""

    def __init__(self, dead: int = 1) -> None:
        self.dead = dead

    async def waiting(self, now: float) -> list[Waiting]:  # noqa: ARG002 - the shape of the port
        return []

    async def letters(self, limit: int) -> tuple[int, list[Letter]]:  # noqa: ARG002 - the same
        return self.dead, []

    async def resend(self, letter: int | None) -> int:
        return await self.drop(letter)

    async def drop(self, letter: int | None) -> int:
        gone = self.dead if letter is None else int(17 <= letter < 17 + self.dead)
        self.dead -= gone
        return gone
