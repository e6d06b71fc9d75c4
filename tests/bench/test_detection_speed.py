"""What a tick of all detectors takes, beside the guide's z-score: `pytest -m bench -n 0 -s`."""

from __future__ import annotations

import time

import numpy as np
import pytest

from monitor.detection import LAYOUT, fold
from monitor.detector import State
from tests.bench.detection.measure import BUDGETS, tick

pytestmark = pytest.mark.bench


def took(agents: int, choice: str, ticks: int) -> float:
    """Seconds a tick, the median, with t(4) returns."""
    stream = np.random.default_rng(1).standard_t(4, (300 + ticks, agents)) * 5e-4
    state, seconds = State.fresh(LAYOUT, agents), list[float]()
    for step, returns in enumerate(stream):
        now = tick(step, returns, BUDGETS["week"], choice)
        begun = time.perf_counter()
        fold(state, now)
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds[300:]))


def test_a_tick_of_the_fleet_costs_an_agent_far_less_than_alone() -> None:
    alone, fleet = took(1, "budget", 2_000), took(10_000, "budget", 100)
    guide = took(200, "zscore", 100) / 200
    print(  # noqa: T201 - what a bench is for
        f"\nall detectors: {alone * 1e6:.0f} us for one agent, {fleet * 1e3:.1f} ms for 10,000 "
        f"({fleet / 1e4 * 1e6:.2f} us each); the guide's z-score {guide * 1e6:.0f} us each; "
        f"a row has {LAYOUT.width} numbers"
    )
    assert fleet / 1e4 < alone / 50
    assert fleet / 1e4 < guide
