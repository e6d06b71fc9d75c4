"""Statistical findings are told once they are known well enough, in a sentence that fits a card whatever it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.detector import NEVER, Alarm
from monitor.model import Agent, Finding, Sample, Verdict
from monitor.rare import CARD, LONGEST, by_chance, fitted, once_in, span
from monitor.rule import Labels, View, discover
from monitor.volatility import WARM

NOW = 1_790_000_000.0
RULES = discover()
STATISTICAL = sorted(key for key, each in RULES.items() if each.statistical)
WORST = Alarm("", NOW, NOW - 86_400.0 * 12.3, -0.123456, 0.0123456, 98_765, NEVER, NOW)
"""With as many digits as there may be."""


def judged(key: str, alarm: Alarm, moves: int = WARM, open_: tuple[Labels, ...] = ()) -> list[Finding]:
    detector = "iqr" if key == "anomaly" else "budget"
    agent = Agent("a" * 32, detector=detector, false_pages=1.0)
    mine = replace(alarm, detector=detector if key == "anomaly" else key)
    view = View(agent, Sample(agent.id, NOW, equity=1.0), alarms=(mine,), moves=moves)
    return list(RULES[key].evaluate(view, open_))


@pytest.mark.parametrize("key", STATISTICAL)
def test_nothing_new_is_found_of_an_agent_that_is_still_learned_and_what_stands_still_ends(key: str) -> None:
    assert judged(key, WORST, moves=WARM - 1) == []
    assert [each.verdict for each in judged(key, WORST)] == [Verdict.BREACH]
    old = replace(WORST, told=NOW - 3_600.0)
    assert [each.verdict for each in judged(key, old, moves=WARM - 1, open_=((),))] == [Verdict.CLEAR]


@pytest.mark.parametrize("key", [*STATISTICAL, "spike"])
def test_a_sentence_is_whole_and_fits_a_card_with_what_happened_around(key: str) -> None:
    (alone,) = judged(key, WORST)
    assert len(alone.reason) < LONGEST
    (found,) = judged(key, replace(WORST, around="; ".join(("x" * 160, "y" * 90, "z" * 146))))
    assert found.reason.startswith(f"{alone.reason}. xxx")
    assert len(found.reason) <= CARD
    assert found.reason.count("; ") == alone.reason.count("; ") + 2


def test_clauses_that_are_too_long_are_shortened_the_first_first() -> None:
    assert fitted(["a" * 50, "", "c" * 50], 272) == f"{'a' * 50}; {'c' * 50}"
    assert fitted(["a" * 200, "b" * 50, "c" * 50], 272) == f"{'a' * 167}…; {'b' * 50}; {'c' * 50}"
    short = fitted(["a" * 200, "b" * 200, "c" * 200], 272).split("; ")
    assert [len(each) for each in short] == [110, 60, 98]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (90.0, "once a minute"),
        (1_000.0, "once in 17 min"),
        (8_333.0, "once in 2 h"),
        (5 * 86_400.0, "once in 5 days"),
        (30 * 86_400.0, "once in 4 weeks"),
        (91 * 86_400.0, "once in 3 months"),
        (float("inf"), "once in 3 months"),
        (float("nan"), "once in 3 months"),
    ],
)
def test_nothing_is_called_rarer_than_once_in_three_months(seconds: float, said: str) -> None:
    assert once_in(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (5 * 86_400.0, "about once in 5 days"),
        (90 * 86_400.0, "about once in 13 weeks"),
        (91 * 86_400.0, "less often than once in 3 months"),
        (float("inf"), "less often than once in 3 months"),
        (float("nan"), "less often than once in 3 months"),
    ],
)
def test_what_is_rarer_than_can_be_told_is_not_said_to_come_about_so_often(seconds: float, said: str) -> None:
    assert by_chance(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(30.0, "30 s"), (1_500.0, "25 min"), (18_720.0, "5.2 h"), (267_840.0, "3.1 days")]
)
def test_how_long_it_lasted_is_told_by_its_largest_unit(seconds: float, said: str) -> None:
    assert span(replace(WORST, since=NOW - seconds)) == said
