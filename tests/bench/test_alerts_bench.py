"""Ten thousand alerts open at once: what a tick costs, what a sample costs, how soon `/alerts` answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from monitor.alerts import lifecycle
from monitor.model import Verdict
from tests.core.core import Core, quick

MANY = 10_000
pytestmark = pytest.mark.bench


def best(of: Callable[[], object], times: int = 20) -> float:
    """The median of some runs, seconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        of()
        took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]


def full(group_by: tuple[str, ...]) -> Core:
    core = Core(quick(group_by=group_by, spread=0, hold=300.0, flap_openings=4))
    board = core.board()
    for number in range(MANY):
        board.find(core.finding(f"agent-{number}", "drawdown"), lifecycle.Policy())
    core.end(board)
    return core


@pytest.mark.parametrize("group_by", [("agent",), ()], ids=["10,000 incidents", "one incident"])
def test_ten_thousand_open_alerts(group_by: tuple[str, ...]) -> None:
    core = full(group_by)

    def tick() -> None:
        core.now += 1.0
        core.tick()

    def sample() -> None:
        core.now += 0.001
        core.find("agent-77", "drawdown")

    def news() -> None:
        core.now += 0.001
        core.find("agent-78", "strategy_stalled")
        core.now += 0.001
        core.find("agent-78", "strategy_stalled", Verdict.CLEAR)

    ticks, samples, change = best(tick), best(sample), best(news)
    print(
        f"\n{len(core.ledger.incidents):,} incidents: a tick {ticks * 1e3:.1f} ms ({ticks:.1%} of a tick of 1 s), "
        f"a turn with a sample {samples * 1e3:.1f} ms, one with an alert that opens or ends {change / 2 * 1e3:.1f} ms"
    )
    assert ticks < 0.1
