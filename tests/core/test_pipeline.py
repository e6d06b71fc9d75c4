from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.alerts import pipeline
from monitor.alerts.alert import Alert, Kind, Silence, State
from monitor.alerts.lifecycle import Policy, acknowledge, step
from monitor.model import Finding, Severity, Verdict

BOTH = ("console", "telegram", "slack")


def firing(severity: Severity = Severity.CRITICAL) -> Alert:
    alert, _ = step(None, Finding("alpha", "drawdown", 100.0, Verdict.BREACH, severity, "18 %"), Policy())
    assert alert is not None
    return alert


@pytest.mark.parametrize(
    ("severity", "platforms", "told"),
    [
        (Severity.INFO, BOTH, ()),
        (Severity.WARN, BOTH, ("console", "telegram")),
        (Severity.CRITICAL, BOTH, BOTH),
        (Severity.WARN, ("slack",), ("slack",)),
        (Severity.WARN, ("console",), ("console",)),
        (Severity.CRITICAL, (), ()),
    ],
)
def test_each_severity_goes_where_the_guide_says(
    severity: Severity, platforms: tuple[str, ...], told: tuple[str, ...]
) -> None:
    assert pipeline.routes(severity, platforms) == told


def test_a_firing_alert_is_paged() -> None:
    assert pipeline.decide(firing(), (), None, 100.0, platforms=BOTH).tell


def test_a_silence_holds_a_page_back_and_says_who_and_why_until_it_ends() -> None:
    alert = firing()
    silence = Silence("s1", alert.fingerprint, alert.id, 50.0, 150.0, "ana", "exchange maintenance")
    decision = pipeline.decide(alert, (silence,), None, 149.0, platforms=BOTH)
    assert (decision.kind, decision.reason) == ("silenced", "silenced by ana: exchange maintenance")
    assert pipeline.decide(alert, (silence,), None, 150.0, platforms=BOTH).tell
    other = replace(silence, fingerprint="another trouble")
    assert pipeline.decide(alert, (other,), None, 149.0, platforms=BOTH).tell


def test_the_same_trouble_is_held_for_five_minutes_and_then_told() -> None:
    alert = firing()
    assert pipeline.decide(alert, (), 0.0, 299.0, platforms=BOTH).kind == "held"
    assert pipeline.decide(alert, (), 0.0, 300.0, platforms=BOTH).tell


def test_info_is_logged_and_what_was_found_at_the_first_start_is_not_paged() -> None:
    assert pipeline.decide(firing(Severity.INFO), (), None, 100.0, platforms=BOTH).kind == "logged"
    assert pipeline.decide(replace(firing(), standing=True), (), None, 100.0, platforms=BOTH).kind == "standing"


def test_what_can_go_nowhere_is_not_taken_for_told() -> None:
    assert pipeline.decide(firing(), (), None, 100.0, platforms=()).kind == "unrouted"
    assert pipeline.standing_notice([firing()], (), 100.0) == ((), ())


def test_a_page_is_one_row_a_platform_and_storing_it_twice_is_one_row() -> None:
    told, rows, event = pipeline.page(firing(), BOTH, 101.0)
    assert told.paged == 101.0
    assert [(row.platform, row.kind) for row in rows] == [(name, Kind.PAGE) for name in BOTH]
    assert rows == pipeline.page(firing(), BOTH, 101.0)[1]
    assert event.reason == "to console, telegram, slack"


def test_an_acknowledgement_edits_the_card_and_a_recovery_is_also_a_message() -> None:
    told, _, _ = pipeline.page(firing(), ("console",), 101.0)
    taken, _ = acknowledge(told, "ana", 102.0)
    assert [row.kind for row in pipeline.follow(told, taken, ("console",), 102.0)] == [Kind.UPDATE, Kind.LINE]
    over, _ = step(taken, Finding("alpha", "drawdown", 103.0, Verdict.CLEAR, Severity.CRITICAL, "ok"), Policy())
    assert over is not None
    assert over.state is State.RESOLVED
    assert [row.kind for row in pipeline.follow(taken, over, ("console",), 103.0)] == [Kind.UPDATE, Kind.RECOVERY]


def test_nobody_is_told_of_the_end_of_what_nobody_was_told() -> None:
    alert = firing()
    over, _ = step(alert, Finding("alpha", "drawdown", 103.0, Verdict.CLEAR, Severity.CRITICAL, "ok"), Policy())
    assert over is not None
    assert pipeline.follow(alert, over, BOTH, 103.0) == ()


def test_everything_found_at_the_first_start_is_one_message() -> None:
    found = [replace(firing(), standing=True, id=name) for name in ("a", "b", "c")]
    told, rows = pipeline.standing_notice(found, ("console",), 110.0)
    assert [alert.paged for alert in told] == [110.0] * 3
    assert [(row.kind, row.body) for row in rows] == [(Kind.NOTICE, {"standing": ["a", "b", "c"]})]
