"""What people may order about alerts: incidents are taken in hand, let go and handed over, alerts are silenced."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.alerts import lifecycle
from monitor.alerts.alert import Alert, short_id
from monitor.alerts.board import Board
from monitor.alerts.incident import Incident
from monitor.alerts.judging import Judgement
from monitor.alerts.oncall import ANSWERING
from monitor.alerts.plan import DEPLOYS, Override
from monitor.alerts.silence import Matchers, Silence
from monitor.answers import Acknowledgement, DeskError, IncidentStatus, Judged, pick
from monitor.mail import Untaken
from monitor.model import Finding, Severity, Verdict
from monitor.reports import Reports
from monitor.rule import DESK
from monitor.vitals import Vitals

LONGEST_SILENCE = 86_400.0
MOST_SILENCES = 200
LONGEST_DUTY = 31 * 86_400.0


class Alarms(Reports):
    """Orders about the desk's alerts. Each stores what it changes before that is true."""

    async def tick(self) -> None:
        """Let time pass: group waits, escalations, leases and silences that fall due."""
        async with self._book.turn() as turn:
            turn.board.tick()

    async def watch(self, vitals: Vitals) -> None:
        """Fold in how the desk itself is."""
        async with self._book.turn() as turn:
            turn.vitals(vitals)

    async def fail_over(self, untaken: Sequence[Untaken]) -> None:
        """Tell elsewhere of incidents that no channel of their own has taken."""
        if untaken:
            async with self._book.turn() as turn:
                for each in untaken:
                    turn.board.fail_over(each.alert, each.channels)

    async def acknowledge(self, name: str, by: str, note: str = "") -> Acknowledgement:
        """Take an incident in hand, or renew that. Errors: DeskError (no such alert, already over)."""
        found = await self.alert(name)
        async with self._book.turn() as turn:
            incident = self._meant(turn.board, found)
            changed, renewed = turn.board.acknowledge(incident, by, note)
        return Acknowledgement(await self._status_at(found), changed, renewed)

    async def unacknowledge(self, name: str, by: str, note: str = "") -> IncidentStatus:
        """Let an incident go, which then fires again. Errors: DeskError (nobody has it in hand)."""
        found = await self.alert(name)
        async with self._book.turn() as turn:
            incident = self._meant(turn.board, found)
            if incident.acknowledged is None:
                raise DeskError(f"Nobody has {incident.id} in hand: there is nothing to let go.")
            turn.board.unacknowledge(incident, by, note)
        return await self._status_at(found)

    async def hand_over(self, name: str, to: str, by: str, note: str = "") -> IncidentStatus:
        """Give an incident into somebody's hands. Errors: DeskError (nobody is called so, a viewer)."""
        person = self.able(to)
        found = await self.alert(name)
        async with self._book.turn() as turn:
            turn.board.hand_over(self._meant(turn.board, found), person, by, note)
        return await self._status_at(found)

    async def judge(self, name: str, kind: str, by: str, note: str = "") -> Judged:
        """Record whether a statistical page was real (`judging.REAL`, `judging.FALSE_ALARM`), while it stands or later.

        Said anew it replaces what was said; the same without a new note changes nothing. Errors: DeskError (no such
        alert, a rule that is not statistical, nobody was paged).
        """
        found = await self.alert(name)
        async with self._book.turn() as turn:
            incident = await self._judged(found)
            before = await self.judgement(incident.id)
            said = Judgement(kind, by, turn.now, note)
            if before is not None and before.kind == kind and note in ("", before.note):
                said = before
            else:
                turn.board.judge(incident, said)
        return Judged(await self._status_at(found), said, before)

    async def _judged(self, found: Alert) -> Incident:
        """The incident that people say something of, over or not. Errors: DeskError."""
        rule = self.rules.get(found.rule)
        if rule is None or not rule.statistical:
            title = found.rule if rule is None else rule.title
            raise DeskError(f"{found.id} ({title}) is not statistical: only such pages are called real or false.")
        newest = self._ledger.alerts.get(found.fingerprint)
        incident = await self._incident_at(newest if newest is not None and newest.id == found.id else found)
        if incident is None or incident.paged is None:
            raise DeskError(f"Nobody was paged for {found.id}: there is nothing to call real or false.")
        return incident

    def _meant(self, board: Board, found: Alert) -> Incident:
        """The incident that is meant, as it is now: it stands while any of its alerts does. Errors: DeskError."""
        incident = self._ledger.incidents.get(found.incident or "")
        return incident if incident is not None else board.incident_of(self._standing(found))

    def able(self, name: str) -> str:
        """The person called so, or who alone is so called at the beginning, if they may act. Errors: DeskError."""
        person = pick(name, self.people, "person")
        if self.people[person] not in ANSWERING:
            raise DeskError(f"{person} is a viewer, who cannot act: give it to an operator or an admin.")
        return person

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
        """Hold back pages of what matches for `duration` seconds (24 h at most); told everywhere but where `heard`.

        Errors: DeskError.
        """
        if not 0 < duration <= LONGEST_SILENCE:
            raise DeskError("A silence lasts 24 h at most: give a duration such as 30m or 2h.")
        if len(self.silences()) >= MOST_SILENCES:
            raise DeskError(f"There are {MOST_SILENCES} silences already: end some with /silences first.")
        if not matchers:
            raise DeskError("A silence says what it is about: an alert, or rule=..., agent=... or a label.")
        now = self.now()
        silence = Silence(short_id(matchers, by, now), tuple(matchers), now, now + duration, by, reason, kind)
        async with self._book.turn() as turn:
            turn.board.silence(silence, heard)
        return silence

    async def deploy(self, agent: str, duration: float, by: str, reason: str, *, heard: str | None = None) -> Silence:
        """Announce a deploy: what it causes is hidden for a while. Errors: DeskError."""
        name = pick(agent, self.agents, "agent")
        matchers = (("agent", name), ("rule", "|".join(DEPLOYS)))
        return await self.silence(matchers, duration, by, reason, kind="deploy", heard=heard)

    async def unsilence(self, name: str, by: str) -> Silence:
        """End a silence before its time. Errors: DeskError."""
        known = {each.id: each for each in self.silences()}
        silence = known[pick(name, known, "silence")]
        async with self._book.turn() as turn:
            return turn.board.end_silence(silence, by)

    async def drill(self, by: str) -> IncidentStatus:
        """Send a test page through every channel; acknowledging it ends it. Errors: DeskError (one is under way)."""
        under_way = next((each for each in self._ledger.alerts.values() if each.rule == "drill"), None)
        if under_way is not None:
            raise DeskError(f"A drill is under way ({under_way.id}): acknowledge that first.")
        now = self.now()
        reason = f"A drill, ordered by {by}: acknowledge it. Nothing is wrong."
        found = Finding(DESK, "drill", now, Verdict.BREACH, Severity.CRITICAL, reason)
        async with self._book.turn() as turn:
            turn.board.find(found, lifecycle.Policy())
        return await self._status_at(next(each for each in self._ledger.alerts.values() if each.rule == "drill"))

    async def answer_standing(self, accept: bool, by: str) -> tuple[Alert, ...]:
        """Accept what was found at the first start (acknowledged), or keep it (paged like any other)."""
        found = self.standing()
        async with self._book.turn() as turn:
            for alert in found:
                if accept:
                    incident = turn.board.incident_of(alert)
                    turn.board.acknowledge(incident, by, "accepted as found at the first start", for_good=True)
                else:
                    turn.board.keep(alert, by)
        return tuple(self._ledger.alerts.get(alert.fingerprint, alert) for alert in found)

    async def take(self, rotation: str | None, person: str, seconds: float, by: str) -> Override:
        """Give the duty of a rotation to somebody for a while, from now on. Errors: DeskError."""
        known = [each.name for each in self.plan.rotations]
        if not known:
            raise DeskError("There is no rotation: write one as [[rotations]] in the settings.")
        if rotation is None and len(known) > 1:
            raise DeskError(f"Say which rotation: {', '.join(known)}.")
        if not 0 < seconds <= LONGEST_DUTY:
            raise DeskError("The duty is taken for 31 days at most: give a duration such as 4h or 2d.")
        now, name = self.now(), pick(rotation or known[0], known, "rotation")
        override = Override(short_id(name, person, now), name, self.able(person), now, now + seconds, by)
        async with self._book.turn() as turn:
            turn.board.override(override)
        return override

    def _standing(self, alert: Alert) -> Alert:
        """The alert as it is now. Errors: DeskError (it is over)."""
        newest = self._ledger.alerts.get(alert.fingerprint)
        if newest is not None and newest.id == alert.id and newest.open:
            return newest
        later = f" The same trouble stands again as {newest.id}." if newest is not None and newest.open else ""
        raise DeskError(f"{alert.id} is already over: nothing is left to do about it.{later}")
