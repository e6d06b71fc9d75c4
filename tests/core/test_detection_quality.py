"""The bench of the detectors is right, and what it says holds, in small; in full it is tests/bench/detection."""

from __future__ import annotations

import pytest

from tests.bench.detection.measure import BUDGETS, Trial, rate
from tests.bench.detection.test_detection_bench import GUIDE, alerts_a_day, edge

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", list(GUIDE))
def test_the_guides_z_score_is_as_loud_as_was_found_elsewhere(kind: str) -> None:
    assert alerts_a_day(kind, "zscore") == pytest.approx(GUIDE[kind], rel=0.1)


def test_false_pages_keep_to_the_budget() -> None:
    found = rate("GARCH", "week", [7], weeks=3, agents=100)
    assert found.high <= 1.3
    assert found.ratio >= 0.2, "a budget that is not used finds nothing"


def test_what_is_planted_is_found() -> None:
    found = Trial("GARCH", BUDGETS["week"], 7, agents=100, forks=3).run()
    assert found.loss12 >= 0.8
    assert found.loss20 >= 0.93
    assert found.size10 >= 0.93
    assert found.second20 >= 0.7


def test_an_edge_that_falls_by_ten_points_is_found_within_75_trades() -> None:
    assert edge(agents=600, every=600)[1] <= 75
