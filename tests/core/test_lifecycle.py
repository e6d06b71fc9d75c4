from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts import lifecycle
from monitor.alerts.alert import Alert, State, alert_id, fingerprint
from monitor.alerts.lifecycle import Policy, acknowledge, keep, step
from monitor.model import Finding, Severity, Verdict

ALLOWED = {
    (State.PENDING, State.FIRING),
    (State.PENDING, State.RESOLVED),
    (State.FIRING, State.ACKNOWLEDGED),
    (State.ACKNOWLEDGED, State.FIRING),
    (State.FIRING, State.RESOLVED),
    (State.ACKNOWLEDGED, State.RESOLVED),
}

policies = st.builds(Policy, fire_after=st.integers(1, 4), clear_after=st.integers(1, 4))
verdicts = st.sampled_from(Verdict)
moves = st.lists(
    st.tuples(st.integers(0, 40), st.one_of(verdicts, st.sampled_from(("ack", "keep", "unack", "give", "promote")))),
    max_size=40,
)


def finding(time: float, verdict: Verdict = Verdict.BREACH) -> Finding:
    return Finding("alpha", "drawdown", time, verdict, Severity.CRITICAL, f"said at {time}")


def make(alert: Alert | None, time: float, what: object, policy: Policy) -> tuple[Alert | None, int]:
    if isinstance(what, Verdict):
        moved, events = step(alert, finding(time, what), policy)
    elif alert is None:
        return None, 0
    elif what == "ack":
        moved, events = acknowledge(alert, "ana", time)
    elif what == "unack":
        moved, events = lifecycle.unacknowledge(alert, "ana", time)
    elif what == "give":
        moved, events = lifecycle.hand_over(alert, "ben", "ana", time)
    elif what == "promote":
        moved, events = lifecycle.promote(alert, time, "it comes and goes")
    else:
        moved, events = keep(alert, "ana", time)
    return moved, len(events)


@given(moves, policies)
def test_versions_only_grow_and_states_only_move_along_the_allowed_ways(
    said: list[tuple[int, object]], policy: Policy
) -> None:
    alert: Alert | None = None
    for time, what in said:
        before = alert
        alert, events = make(before, float(time), what, policy)
        if before is None or alert is None or alert.id != before.id:
            continue
        assert alert.version >= before.version
        assert (alert.version == before.version) == (events == 0)
        if alert.state is not before.state:
            assert (before.state, alert.state) in ALLOWED
            assert alert.version > before.version


@given(moves, policies)
def test_folding_a_finding_twice_is_folding_it_once(said: list[tuple[int, object]], policy: Policy) -> None:
    alert: Alert | None = None
    for time, what in said:
        alert, _ = make(alert, float(time), what, policy)
        if isinstance(what, Verdict) and alert is not None and alert.state is not State.RESOLVED:
            again, events = step(alert, finding(float(time), what), policy)
            assert again == alert
            assert events == ()
        elif what == "ack" and alert is not None:
            assert acknowledge(alert, "ben", float(time)) == (alert, ())


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5, unique_by=lambda each: each[0]))
def test_the_fingerprint_ignores_the_order_of_labels(labels: list[tuple[str, str]]) -> None:
    assert fingerprint("alpha", "drawdown", labels) == fingerprint("alpha", "drawdown", reversed(labels))


def test_the_fingerprint_knows_agents_rules_and_labels_apart() -> None:
    marks = {
        fingerprint("alpha", "drawdown"),
        fingerprint("beta", "drawdown"),
        fingerprint("alpha", "hard_loss"),
        fingerprint("alpha", "drawdown", [("check", "venue")]),
        fingerprint("alpha", "drawdown", [("check", "memory")]),
    }
    assert len(marks) == 5


def test_an_episode_has_the_same_name_on_every_replay_and_another_the_next_time() -> None:
    mark = fingerprint("alpha", "drawdown")
    assert alert_id(mark, 10.0) == alert_id(mark, 10.0) != alert_id(mark, 11.0)


def test_it_waits_for_its_count_before_it_fires() -> None:
    alert, _ = step(None, finding(1), Policy(fire_after=2))
    assert alert is not None
    assert alert.state is State.PENDING
    alert, events = step(alert, finding(2), Policy(fire_after=2))
    assert alert is not None
    assert alert.state is State.FIRING
    assert [event.kind for event in events] == ["fired"]


def test_a_pending_alert_that_clears_was_never_news() -> None:
    alert, _ = step(None, finding(1), Policy(fire_after=2))
    alert, events = step(alert, finding(2, Verdict.CLEAR), Policy(fire_after=2))
    assert alert is not None
    assert alert.fired is None
    assert [event.kind for event in events] == ["dropped"]


def test_a_breach_between_two_clears_starts_the_count_again() -> None:
    policy = Policy(clear_after=2)
    alert, _ = step(None, finding(1), policy)
    for time, verdict in ((2, Verdict.CLEAR), (3, Verdict.BREACH), (4, Verdict.CLEAR)):
        alert, _ = step(alert, finding(time, verdict), policy)
        assert alert is not None
        assert alert.state is State.FIRING
    alert, _ = step(alert, finding(5, Verdict.CLEAR), policy)
    assert alert is not None
    assert alert.state is State.RESOLVED


def test_an_acknowledged_alert_is_resolved_when_its_trouble_ends() -> None:
    alert, _ = step(None, finding(1), Policy())
    assert alert is not None
    taken, events = acknowledge(alert, "ana", 2, "looking")
    assert (taken.acknowledged_by, taken.note, events[0].actor) == ("ana", "looking", "ana")
    over, _ = step(taken, finding(3, Verdict.CLEAR), Policy())
    assert over is not None
    assert (over.state, over.resolved, over.acknowledged_by) == (State.RESOLVED, 3, "ana")


def test_only_what_was_found_at_the_first_start_can_be_kept() -> None:
    alert, _ = step(None, finding(1), Policy(), standing=True)
    assert alert is not None
    kept, events = keep(replace(alert, paged=1.5), "ana", 2)
    assert (kept.standing, kept.paged, events[0].kind) == (False, None, "kept")
    assert keep(kept, "ana", 3) == (kept, ())


def test_an_older_finding_does_not_open_an_ended_alert_again() -> None:
    alert, _ = step(None, finding(0), Policy())
    over, _ = step(alert, finding(1, Verdict.CLEAR), Policy())
    assert step(over, finding(0), Policy()) == (over, ())


def test_an_alert_of_what_is_no_longer_watched_ends() -> None:
    alert, _ = step(None, finding(1), Policy())
    assert alert is not None
    ended, events = lifecycle.abandon(alert, 9)
    assert ended.state is State.RESOLVED
    assert "no longer watched" in events[0].reason
