"""Whatever happens, in whatever order: no CRITICAL is lost, one card an incident, an older version never wins."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitor.alerts import escalation, lifecycle, pipeline
from monitor.alerts.alert import Kind, State
from monitor.alerts.draft import Draft
from monitor.alerts.judging import FALSE_ALARM, REAL, Judgement, judgement
from monitor.alerts.plan import Plan
from monitor.model import Severity, Verdict
from tests.core.core import CHATS, RULES, Core

AGENTS = ("a1", "a2", "b1", "c1", "d1")
PLACES = {name: {"venue": name[0]} for name in AGENTS}
PLAN = Plan(CHATS, group_wait=5.0, people={"ana": "admin", "ben": "operator", "vic": "viewer"})
HIDDEN = {"inhibited", "silenced", "flapping", "held", "quiet", "standing", "unrouted"}
LONGEST = 1_800.0 + 60.0
"""Seconds within which an incident that nobody has in hand is told of again."""


class Laws(RuleBasedStateMachine):
    """Fire, clear, acknowledge, let go, hand over, silence, inhibit, escalate, restart and time."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core(PLAN, PLACES)
        self.made = 0

    @rule(
        agent=st.sampled_from(AGENTS), of=st.sampled_from(sorted(RULES)), breach=st.booleans(), after=st.integers(1, 2)
    )
    def find(self, agent: str, of: str, breach: bool, after: int) -> None:
        self.core.now += 0.5
        self.core.find(agent, of, Verdict.BREACH if breach else Verdict.CLEAR, fire_after=after)

    @rule(agents=st.sets(st.sampled_from(AGENTS), min_size=2), breach=st.booleans())
    def find_many(self, agents: set[str], breach: bool) -> None:
        self.core.now += 0.5
        board = self.core.board()
        for agent in sorted(agents):
            verdict = Verdict.BREACH if breach else Verdict.CLEAR
            board.find(self.core.finding(agent, "agent_unreachable", verdict), lifecycle.Policy())
        self.core.end(board)

    @rule(agent=st.sampled_from(AGENTS))
    def blink(self, agent: str) -> None:
        """It fires and ends within one turn."""
        board = self.core.board()
        for verdict in (Verdict.BREACH, Verdict.CLEAR):
            self.core.now += 0.25
            board.find(self.core.finding(agent, "drawdown", verdict), lifecycle.Policy())
        self.core.end(board)

    @rule(seconds=st.sampled_from((1, 6, 31, 301, 901, 1801, 4000)))
    def wait(self, seconds: int) -> None:
        self.core.wait(seconds, step=max(1.0, seconds / 4))
        assert all(when > self.core.now for when in self.core.ledger.due.values()), "what fell due was not done"

    @precondition(lambda self: self.core.ledger.incidents)
    @rule(data=st.data(), by=st.sampled_from(("ana", "ben")))
    def acknowledge(self, data: st.DataObject, by: str) -> None:
        self.core.acknowledge(data.draw(st.sampled_from(sorted(self.core.ledger.incidents.values(), key=_id))), by)

    @precondition(lambda self: any(each.asked is not None for each in self.core.ledger.incidents.values()))
    @rule(by=st.sampled_from(("ana", "ben")))
    def answer(self, by: str) -> None:
        asked = next(each for each in self.core.ledger.incidents.values() if each.asked is not None)
        assert self.core.acknowledge(asked, by)[0]
        assert self.core.ledger.incidents[asked.id].acknowledged_by == by

    @precondition(lambda self: self.core.ledger.incidents)
    @rule(data=st.data(), to=st.sampled_from(("ana", "ben", None)))
    def give(self, data: st.DataObject, to: str | None) -> None:
        """Hand it over, or let it go."""
        incident = data.draw(st.sampled_from(sorted(self.core.ledger.incidents.values(), key=_id)))
        board = self.core.board()
        if to is not None:
            board.hand_over(incident, to, "ana")
        elif incident.acknowledged is not None:
            board.unacknowledge(incident, "ana")
        self.core.end(board)

    @precondition(lambda self: self.core.incidents)
    @rule(data=st.data(), kind=st.sampled_from((REAL, FALSE_ALARM)))
    def judge(self, data: st.DataObject, kind: str) -> None:
        """Say whether it was real: the newest answer counts, and of what is over only its card is told."""
        core = self.core
        incident = data.draw(st.sampled_from(sorted(core.incidents.values(), key=_id)))
        board = core.board()
        board.judge(incident, Judgement(kind, "ben", core.now))
        told = core.end(board)
        if not incident.open:
            assert {each.kind for each in told.notifications if each.alert == incident.id} <= {Kind.UPDATE}
            assert core.incidents[incident.id] == replace(incident, version=incident.version + 1)
        said = judgement(each for each in core.events if each.alert == incident.id)
        assert said == Judgement(kind, "ben", core.now)

    @rule(
        matchers=st.sampled_from(((("venue", "a"),), (("rule", "agent_unreachable"),), (("agent", "b1|c1"),))),
        seconds=st.sampled_from((60, 1_000, 5_000)),
    )
    def silence(self, matchers: tuple[tuple[str, str], ...], seconds: int) -> None:
        self.made += 1
        self.core.hush(matchers, seconds, of=f"s{self.made}")

    @precondition(lambda self: any(each.over is None for each in self.core.ledger.silences))
    @rule()
    def end_silence(self) -> None:
        board = self.core.board()
        board.end_silence(next(each for each in self.core.ledger.silences if each.over is None), "ben")
        self.core.end(board)

    @precondition(lambda self: self.core.ledger.incidents)
    @rule()
    def fail_over(self) -> None:
        board = self.core.board()
        board.fail_over(min(self.core.ledger.incidents), ("telegram",))
        self.core.end(board)

    @rule(index=st.integers(0, 1_000))
    def deliver_something_old_again(self, index: int) -> None:
        """An older version never wins: storing a change again, late, changes nothing."""
        if self.core.changes:
            alerts, incidents = dict(self.core.alerts), dict(self.core.incidents)
            events, told = len(self.core.events), len(self.core.told)
            old = self.core.changes[index % len(self.core.changes)]
            self.core.store(replace(old, silences=(), overrides=()))
            assert (alerts, incidents) == (self.core.alerts, self.core.incidents)
            assert (events, told) == (len(self.core.events), len(self.core.told))

    @rule()
    def restart(self) -> None:
        """The stored facts give the same state."""
        before, after = self.core.ledger, self.core.restart()
        assert after.alerts == before.alerts
        assert after.incidents == before.incidents
        assert {of: set(marks) for of, marks in after.members.items() if marks} == {
            of: set(marks) for of, marks in before.members.items() if marks
        }
        assert after.hidden.keys() == before.hidden.keys()
        assert {of: set(place) for of, place in after.sources.items() if place} == {
            of: set(place) for of, place in before.sources.items() if place
        }
        self.core.ledger = after

    @invariant()
    def no_critical_is_both_firing_and_untold(self) -> None:
        core = self.core
        draft = Draft(core.ledger, core.plan, core.labels, core.now)
        for alert in core.ledger.alerts.values():
            if alert.state is not State.FIRING or alert.severity is not Severity.CRITICAL or alert.paged is not None:
                continue
            if alert.incident is None:
                why = core.ledger.hidden[alert.fingerprint]
                due = why.again is not None and why.again <= core.now
                assert due or not pipeline.decide(alert, draft).tell, f"{alert.id} is hidden for no reason: {why}"
                continue
            due_at = core.ledger.due.get(alert.incident)
            assert due_at is not None, f"nobody will ever be told of {alert.id}"
            assert due_at <= core.now + max(core.plan.group_wait, core.plan.more_after) + 60.0

    @invariant()
    def a_critical_that_fired_was_told_or_hidden_for_a_reason_even_if_it_is_over(self) -> None:
        for alert in self.core.alerts.values():
            if alert.state is State.RESOLVED and alert.fired is not None and alert.severity is Severity.CRITICAL:
                hidden = HIDDEN & set(self.core.kinds(alert.id))
                assert alert.incident is not None or hidden, f"{alert.id} is over, and nobody ever heard of it"

    @invariant()
    def what_is_to_be_done_next_follows_from_the_stored_facts(self) -> None:
        draft = Draft(self.core.ledger, PLAN, self.core.labels, self.core.now)
        for incident in self.core.ledger.incidents.values():
            draft.set_due(incident)
        assert draft.due == self.core.ledger.due

    @invariant()
    def whatever_nobody_has_in_hand_is_told_of_again(self) -> None:
        for incident in self.core.ledger.incidents.values():
            if incident.paged is not None and incident.severity is Severity.CRITICAL:
                due = self.core.ledger.due.get(incident.id)
                assert due is not None, "an open CRITICAL is never looked at again"
                assert due <= self.core.now + LONGEST
                if incident.acknowledged is None:
                    assert escalation.due(PLAN.policies[0], incident.began, incident.step) is not None

    @invariant()
    def an_incident_has_one_card_in_a_chat(self) -> None:
        cards = [(each.alert, each.platform) for each in self.core.told.values() if each.kind is Kind.PAGE]
        assert len(cards) == len(set(cards))

    @invariant()
    def the_stored_events_alone_give_the_same_state(self) -> None:
        for alert in self.core.alerts.values():
            events = [each for each in self.core.events if each.alert == alert.id]
            state, version, holder = lifecycle.replay(events)
            assert (state, version) == (alert.state, alert.version)
            if state is State.ACKNOWLEDGED:
                assert holder == alert.acknowledged_by

    @invariant()
    def an_alert_is_acknowledged_by_whoever_has_its_incident(self) -> None:
        for of, incident in self.core.ledger.incidents.items():
            for mark in self.core.ledger.members.get(of, ()):
                alert = self.core.ledger.alerts[mark]
                assert alert.incident == of
                assert alert.acknowledged_by == incident.acknowledged_by

    @invariant()
    def a_silence_that_is_over_hides_nothing(self) -> None:
        for silence in self.core.ledger.silences:
            if silence.over is not None:
                assert not any(f"({silence.id})" in why.reason for why in self.core.ledger.hidden.values())


def _id(incident: object) -> str:
    return str(vars(incident).get("id")) if hasattr(incident, "__dict__") else str(getattr(incident, "id", ""))


Laws.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
test_laws = Laws.TestCase
