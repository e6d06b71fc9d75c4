from __future__ import annotations

import pytest

from bot.views.why import why
from monitor.alerts.alert import AlertEvent
from monitor.alerts.ledger import Decision
from monitor.desk import Times, Why
from monitor.rule import discover
from tests.fake_alarms import an_incident
from tests.fake_desk import NOW, an_alert

RULES = discover()
ALERT = an_alert()


def events(number: int) -> tuple[AlertEvent, ...]:
    return tuple(
        AlertEvent(ALERT.id, each, NOW - 252 + each, "held", "nightdesk", f"number {each}") for each in range(number)
    )


def explained(number: int, hidden: Decision | None = None, times: Times | None = None) -> dict[str, str]:
    shown = why(Why(ALERT, an_incident(ALERT), events(number), hidden, times or Times()), RULES, NOW)
    return {"text": shown.text, "footer": shown.footer, **{field.label: field.value for field in shown.fields}}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("handed_over", "handed over"),
        ("silence_ended", "silence ended"),
        ("failed_over", "sent elsewhere"),
        ("false_alarm", "called a false alarm"),
        ("odd", "odd"),
    ],
)
def test_a_decision_is_a_line_with_its_time_and_reason(kind: str, said: str) -> None:
    event = AlertEvent(ALERT.id, 1, NOW, kind, "ana", "to ben")
    shown = why(Why(ALERT, None, (event,), None, Times()), RULES, NOW)
    assert shown.text == f"12:03:00 {said} by ana: to ben"
    yesterday = why(Why(ALERT, None, (event,), None, Times()), RULES, NOW + 86_400)
    assert yesterday.text.startswith("2025-11-25 12:03:00 ")


def test_a_long_story_is_cut_in_the_middle_and_counted() -> None:
    lines = explained(100)["text"].splitlines()
    assert len(lines) == 41
    assert lines[20] == "… 60 more …"
    assert lines[19].endswith("number 19")
    assert lines[21].endswith("number 80")
    assert all(f"number {each}" in explained(41)["text"] for each in range(41))
    assert "more" not in explained(41)["text"]
    assert explained(0)["text"] == "Nothing has been decided about it yet."


def test_what_hides_it_now_and_what_it_was_told_with_are_named() -> None:
    told = explained(1, Decision("held", "the same trouble was paged less than 300 s ago"))
    assert told["Not told now"] == "held: the same trouble was paged less than 300 s ago"
    assert "Told with" not in told
    with_others = why(Why(ALERT, an_incident(ALERT, id="da4c0000"), (), None, Times()), RULES, NOW)
    assert ("Told with", "incident da4c0000") in [(field.label, field.value) for field in with_others.fields]


@pytest.mark.parametrize(
    ("took", "said"),
    [
        (240.0, "4 m after it fired, within the goal of 5 m"),
        (300.0, "5 m after it fired, within the goal of 5 m"),
        (420.0, "7 m after it fired, 2 m over the goal of 5 m"),
        (None, "not yet, after 4 m 12 s (the goal is 5 m)"),
    ],
)
def test_recovery_is_told_against_the_goal(took: float | None, said: str) -> None:
    assert explained(1, times=Times(30.0, 1.2, 60.0, took))["Recovered"] == said


def test_what_has_not_happened_is_told_as_such() -> None:
    told = explained(1, times=Times(detect=30.0))
    assert (told["Detected"], told["Told"], told["Acknowledged"]) == (
        "30 s after the first breach",
        "nobody yet",
        "not",
    )
    assert told["footer"] == f"alert {ALERT.id}, firing; times in UTC"
