"""The alerts of a desk: what was found and ordered in, the next ledger and what is to be told out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.alerts import escalation, flapping, joining, lifecycle, oncall, paging, pipeline, routing, silencing
from monitor.alerts.alert import Alert, AlertEvent, Kind, State, fingerprint
from monitor.alerts.draft import Draft, Labels, Told
from monitor.alerts.incident import Incident
from monitor.alerts.judging import Judgement
from monitor.alerts.ledger import Ledger
from monitor.alerts.plan import DUTY, Override, Plan
from monitor.alerts.silence import Silence
from monitor.model import Finding, Severity

LONGEST_WAIT = 120.0
"""Seconds that what was found at the first start waits for agents that have not been looked at, to be one message."""


class Board:
    """One turn of the alerting core; nothing of it is true before what `finish` gives has been stored."""

    def __init__(self, ledger: Ledger, plan: Plan, labels: Labels, now: float) -> None:
        self._draft = Draft(ledger, plan, labels, now)
        self._plan = plan
        self._now = now

    def of_agent(self, agent: str) -> list[Alert]:
        """The alerts about an agent that are not resolved."""
        return [self._draft.alerts[mark] for mark in self._draft.agents.get(agent, ())]

    def standing(self) -> list[Alert]:
        """The alerts that are not resolved."""
        return list(self._draft.alerts.values())

    def silences(self) -> Sequence[Silence]:
        """The silences that are known, of every kind."""
        return self._draft.silences

    def find(self, finding: Finding, policy: lifecycle.Policy, *, standing: bool = False) -> None:
        """Fold a finding in."""
        mark = fingerprint(finding.agent, finding.rule, finding.labels)
        before = self._draft.alerts.get(mark)
        alert, events = lifecycle.step(before, finding, policy, standing=standing)
        if alert is None or alert is before:
            return
        if before is None:
            self._opened(alert)
        if alert.state is State.PENDING and self._flaps(mark) is not None:
            self._draft.put(alert, events)
            alert, events = lifecycle.promote(alert, self._now, "it comes and goes")
        self.put(alert, events)

    def put(self, alert: Alert, events: Iterable[AlertEvent] = ()) -> None:
        """Record a move of an alert."""
        draft = self._draft
        draft.put(alert, events)
        incident = draft.incidents.get(alert.incident or "")
        if incident is not None and alert.state is State.RESOLVED:
            draft.leave(incident.id, alert.fingerprint)
            draft.change(replace(incident, version=incident.version + 1))
            draft.stale[incident.id] = None

    def give_up(self, alert: Alert) -> None:
        """End an alert whose agent or rule is no longer watched: that is no recovery, and is not told as one."""
        if alert.incident is not None:
            self._draft.unwatched.add(alert.incident)
        self.put(*lifecycle.abandon(alert, self._now))

    def tell_anew(self, incident: str) -> None:
        """Page an incident again: nobody will get the page that was on its way."""
        known = self._draft.incidents.get(incident)
        if known is None:
            return
        self._draft.change(replace(known, paged=None, told=None, channels=(), version=known.version + 1))
        for alert in self._draft.of(incident):
            self._draft.last_pages.pop(alert.fingerprint, None)
            self._draft.alter(alert, "unrouted", "its page was on its way to a channel that is gone", paged=None)

    def rehome(self) -> None:
        """Let no incident be told of only in channels that are gone."""
        for incident in list(self._draft.incidents.values()):
            left = tuple(each for each in incident.channels if each in self._plan.channels)
            if incident.paged is not None and not left and self._plan.channels:
                self.tell_anew(incident.id)
            elif left != incident.channels:
                self._draft.change(replace(incident, channels=left, version=incident.version + 1))

    def keep(self, alert: Alert, by: str) -> Alert:
        """Treat an alert found at the first start as news."""
        draft = self._draft
        kept, events = lifecycle.keep(alert, by, self._now)
        incident = draft.incidents.get(alert.incident or "")
        if incident is not None:
            draft.leave(incident.id, alert.fingerprint)
            draft.close(incident)
        draft.put(replace(kept, incident=None), events)
        draft.undecided[kept.fingerprint] = None
        return kept

    def incident_of(self, alert: Alert) -> Incident:
        """The incident of an open alert; one that nobody was told of gets one of its own."""
        incident = self._draft.incidents.get(alert.incident or "")
        if incident is not None:
            return incident
        return joining.alone(self._draft, self._draft.alerts[alert.fingerprint])

    def acknowledge(self, incident: Incident, by: str, note: str = "", *, for_good: bool = False) -> tuple[bool, bool]:
        """Take an incident in hand. Returns whether that changed anything, and whether it only renewed a lease.

        `for_good`: without a lease, as what was found at the first start is accepted.
        """
        incident = self._draft.incidents.get(incident.id, incident)
        mine = incident.acknowledged_by == by
        if incident.acknowledged is not None and not mine and incident.asked is None:
            return False, False
        draft, renewed = self._draft, incident.acknowledged is not None and mine
        incident = joining.without_untold(draft, incident)
        held = escalation.held(incident, by, note, self._now, self._plan)
        if for_good:
            held = replace(held, lease=None)
        self._give(incident, by, by, note)
        draft.change(held)
        if renewed:
            draft.note(held.id, held.version, "renewed", note or "still on it", by)
        if not for_good:  # what was told in one message has no card
            paging.show(draft, held)
            if held.paged is not None:
                draft.tell(held, Kind.LINE, held.channels)
        if incident.rule == "drill":
            for alert in draft.of(incident.id):
                self.put(*lifecycle.end(alert, by, self._now, "the drill was acknowledged"))
        return True, renewed

    def unacknowledge(self, incident: Incident, by: str, note: str = "") -> Incident:
        """Let an incident go: it fires again."""
        return paging.let_go(self._draft, incident, by, note, "unacknowledged")

    def hand_over(self, incident: Incident, to: str, by: str, note: str = "") -> Incident:
        """Give an incident into somebody else's hands, acknowledged or not."""
        draft = self._draft
        incident = paging.reached(draft, incident)
        held = escalation.held(replace(incident, acknowledged=None), to, note, self._now, self._plan)
        self._give(incident, to, by, note)
        if incident.acknowledged is None:  # else its alerts tell of it
            draft.note(held.id, held.version, "given", f"to {to}", by)
        paging.again(draft, held, "handover", f"{by} hands it over", (to,))
        return held

    def _give(self, incident: Incident, to: str, by: str, note: str) -> None:
        """Let somebody have the alerts of an incident."""
        for alert in self._draft.of(incident.id):
            if alert.state is State.FIRING:
                self._draft.put(*lifecycle.acknowledge(alert, to, self._now, note))
            elif alert.acknowledged_by != to:
                self._draft.put(*lifecycle.hand_over(alert, to, by, self._now))

    def judge(self, incident: Incident, said: Judgement) -> None:
        """Record whether an incident was real, also of one that is over; its card is edited at once."""
        draft = self._draft
        judged = replace(incident, version=incident.version + 1)
        draft.change(judged)
        draft.note(judged.id, judged.version, said.kind, said.note, said.by)
        if judged.open:
            paging.show(draft, judged)
        else:
            draft.tell(judged, Kind.UPDATE, [each for each in judged.channels if each in self._plan.channels])

    def silence(self, silence: Silence, heard: str | None = None) -> None:
        """Hold back pages, and announce that everywhere but in the channel where it was heard."""
        self._draft.silence(silence)
        self._draft.undecided |= dict.fromkeys(self._draft.hidden)
        silencing.announce(self._draft, silence, "begun", heard)

    def end_silence(self, silence: Silence, by: str) -> Silence:
        """End a silence before its time."""
        ended = replace(silence, ends=self._now, reason=f"{silence.reason} (ended by {by})")
        silencing.end(self._draft, ended)
        return ended

    def announce(
        self, what: str, names: Iterable[str], body: Mapping[str, object], severity: Severity = Severity.WARN
    ) -> None:
        """Tell something that is no alert in these channels; `what` keeps two that are told at once apart."""
        self._draft.notice(what, names, body, severity)

    def override(self, override: Override) -> None:
        """Give the duty to somebody for a while."""
        self._draft.override(override)

    def fail_over(self, incident: str, tried: Collection[str]) -> None:
        """Tell of an incident in the next channel, since none of its own has taken it."""
        known = self._draft.incidents.get(incident)
        names = self._plan.failover or self._plan.channels
        if known is None or known.paged is None or known.acknowledged is not None:
            return
        new = next((each for each in names if each not in known.channels and each not in tried), None)
        if new is None:
            return
        moved = replace(known, channels=(*known.channels, new), version=known.version + 1)
        why = f"{', '.join(known.channels) or 'no channel'} took nothing within {self._plan.failover_after:g} s"
        whom = oncall.whom((DUTY,), self._plan, self._draft.overrides, self._now)
        paging.again(self._draft, moved, "failover", why, whom, (new,))
        self._draft.note(moved.id, moved.version, "failed_over", f"to {new}: {why}")

    def tick(self) -> None:
        """Let time pass: what falls due now is done."""
        draft, now = self._draft, self._now
        silencing.pass_time(draft)
        for mark, why in draft.hidden.items():
            if why.again is not None and why.again <= now:
                draft.undecided[mark] = None
        draft.touched |= dict.fromkeys(each for each, when in draft.due.items() if when <= now)
        draft.touched |= dict.fromkeys(draft.stale)
        self._forget()

    def tell_standing(self, waits: bool) -> None:
        """Tell in one message what was so before anybody looked, unless it waits for agents not looked at yet."""
        found = [self._draft.alerts[mark] for mark, why in self._draft.hidden.items() if why.kind == "standing"]
        found = [alert for alert in found if alert.paged is None]
        if not found or (waits and self._now - min(each.opened for each in found) < LONGEST_WAIT):
            return
        names = routing.usual(Severity.WARN, self._plan.channels)
        if names:
            for alert in found:
                joining.stand(self._draft, alert, names)
            self._draft.notice("standing", names, {"standing": [alert.id for alert in found]})

    def finish(self, *, waits: bool = False) -> tuple[Ledger, Told]:
        """Decide who is told, and give the next ledger and everything to be stored with it.

        `waits`: agents that were never looked at are still to come, see `tell_standing`.
        """
        draft = self._draft
        for alert in list(draft.ended.values()):
            self._late(alert)
        for mark in draft.to_decide():
            self._decide(mark)
        for incident in list(draft.touched):
            paging.look(draft, incident)
        self.tell_standing(waits)
        return draft.finish()

    def _decide(self, mark: str) -> None:
        draft = self._draft
        alert = draft.alerts.get(mark)
        if alert is None or alert.state is not State.FIRING or alert.incident in draft.incidents:
            return
        decision = pipeline.decide(alert, draft)
        if not decision.tell:
            joining.hide(draft, alert, decision)
            if decision.kind == "flapping":
                self._tell_flapping(alert, decision.again or self._now)
            return
        hid = draft.hidden.pop(mark, None)
        if hid is not None and not hid.tell:
            draft.was[alert.id] = f"until now {hid.kind}: {hid.reason}"
            if hid.kind == "silenced":
                draft.note(alert.id, alert.version, "silence_ended", "and it still stands")
        joining.enlist(draft, alert)

    def _late(self, alert: Alert) -> None:
        """Tell of an alert that fired and ended within this one turn: what was seen while nothing could be stored."""
        if alert.fired is None or alert.incident is not None or not self._draft.fresh(alert):
            return
        decision = pipeline.decide(alert, self._draft)
        if decision.tell:
            joining.enlist(self._draft, alert)
        else:
            self._draft.note(alert.id, alert.version, decision.kind, decision.reason)

    def _opened(self, alert: Alert) -> None:
        past = flapping.recent(self._draft.openings.get(alert.fingerprint, ()), self._now, self._plan)
        self._draft.openings[alert.fingerprint] = (*past, alert.opened)

    def _flaps(self, mark: str) -> float | None:
        return flapping.until(self._draft.openings.get(mark, ()), self._now, self._plan)

    def _tell_flapping(self, alert: Alert, stable: float) -> None:
        """Say once that a trouble comes and goes."""
        draft, told = self._draft, alert.fingerprint in self._draft.flaps
        draft.flaps[alert.fingerprint] = stable
        if not told:
            many = len(draft.openings.get(alert.fingerprint, ()))
            names = routing.channels(alert.severity, draft.known(alert), self._plan)
            draft.notice(f"flapping:{alert.id}", names, {"flapping": alert.id, "times": many}, alert.severity)

    def _forget(self) -> None:
        """Leave out of mind what cannot matter any more."""
        draft, now, plan = self._draft, self._now, self._plan
        draft.flaps = {mark: until for mark, until in draft.flaps.items() if until > now}
        draft.last_pages = {mark: at for mark, at in draft.last_pages.items() if at + plan.hold > now}
        draft.openings = {m: times for m, times in draft.openings.items() if now - times[-1] <= plan.flap_within}
        draft.overrides = tuple(each for each in draft.overrides if each.ends > now)
