"""Every number in a statistical page is reckoned anew from the rows that are stored."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from monitor.alerts.alert import Alert
from monitor.detection import Baseline, Step, dealt
from monitor.rare import by_chance
from tests.flow import detected
from tests.flow.detected import anew, budgeted, judged_by, stored, typical
from tests.flow.night import Night, night

pytestmark = pytest.mark.slow


def percent(of: float) -> str:
    return f"{abs(of) * 100:.3g} %"


def changes(steps: Sequence[Step], since: float, until: float) -> list[float]:
    """The returns that are not 0 in since < time <= until."""
    return [each.change for each in steps if each.change and since < each.time <= until]


def sentence(alert: Alert) -> str:
    """What the page says before what happened around."""
    return alert.reason.partition(". equity ")[0]


async def equity_at(desk: Night, time: float) -> float:
    """The newest equity stored at or before a time."""
    samples = await desk.store.samples("alpha", time - 120.0, time + 1.0)
    equity = next(each.equity for each in reversed(samples) if each.equity is not None)
    assert equity is not None
    return equity


async def test_a_sudden_loss(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        alert, agent, steps = await detected.shock(desk), desk.agents[0], await stored(desk)
        (loss, usual), time = (steps[-2].change or 0.0, typical(agent, steps, steps[-3].time)), steps[-2].time
        assert alert.opened == time + 30.0
        assert sentence(alert) == (
            f"alpha lost {percent(loss)} in {time - steps[-3].time:.0f} s, {-loss / usual:.0f}x its typical move "
            f"({percent(usual)}); expected by chance {by_chance(anew(agent, steps, 'shock').every)}"
        )
        gone = await equity_at(desk, time) - await equity_at(desk, time - 30.0)
        assert alert.reason.endswith(f". equity {gone:+,.2f}, none of it in a known trade or position")


async def test_a_spike(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        equity = await detected.known(desk)
        alert = await detected.found(desk, (equity * 0.97, equity * 0.9999))
        steps = await stored(desk)
        loss, usual = steps[-2].change or 0.0, typical(desk.agents[0], steps, steps[-3].time)
        assert sentence(alert) == (
            f"the equity of alpha fell by {percent(loss)} in 30 s, {-loss / usual:.0f}x its typical move, and the step "
            "before or after it undid that: price spike, reverted"
        )


async def test_moves_too_large(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        alert, agent, steps = await detected.burst(desk), desk.agents[0], await stored(desk)
        judged, before = steps[-16:], steps[-17]
        squares = sorted((each.change or 0.0) ** 2 for each in judged)[:-2]
        size, usual = math.sqrt(math.fsum(squares) / 14), typical(agent, steps, before.time)
        assert alert.opened == judged[-1].time
        assert sentence(alert) == (
            f"the last 16 moves of alpha (8 min) were {percent(size)} each without the two largest, "
            f"{size / usual:.1f}x what was typical before ({percent(usual)}); expected by chance "
            f"{by_chance(anew(agent, steps, 'burst').every)}"
        )
        moved = await equity_at(desk, alert.opened) - await equity_at(desk, alert.opened - 480.0)
        assert f". equity {moved:+,.2f}, none of it in a known trade" in alert.reason


async def test_a_steady_loss(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        alert, agent, steps = await detected.bleed(desk), desk.agents[0], await stored(desk)
        since = anew(agent, steps, "bleed").since
        lost, usual = changes(steps, since, alert.opened), typical(agent, steps, steps[-2].time)
        average = math.fsum(lost) / len(lost)
        assert sentence(alert) == (
            f"alpha has been losing for {(alert.opened - since) / 3_600:.1f} h: {percent(average)} a move on average "
            f"over {len(lost)} moves ({percent(math.fsum(lost))} added up), {-average / usual:.2f}x its typical move "
            f"({percent(usual)}); expected by chance less often than once in 8 weeks"
        )
        gone = await equity_at(desk, alert.opened) - await equity_at(desk, since)
        assert alert.reason.endswith(f". equity {gone:+,.2f}, none of it in a known trade or position")


async def test_an_edge_that_erodes(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        alert = await detected.edge(desk)
        trades = await desk.store.trades("alpha", 0.0)
        _, (alarm,) = dealt(desk.agents[0], Baseline(), trades, alert.opened)
        judged = [each for each in trades if alarm.since < each.exit_time <= alarm.time]
        wins, usual = (
            sum(each.net > 0 for each in judged),
            statistics.mean(each.net > 0 for each in trades if each.exit_time <= alarm.since),
        )
        grid = [each.net > 0 for each in judged if each.strategy == "grid"]
        assert alarm.time == trades[-1].exit_time
        assert alert.reason == (
            f"alpha won {wins} of its last {len(judged)} trades ({100 * wins / len(judged):.0f} %) in "
            f"{(alarm.time - alarm.since) / 60:.0f} min, {100 * usual:.0f} % before; expected by chance "
            f"less often than once in 12 weeks. fewest wins: strategy grid won {sum(grid)} of {len(grid)}"
        )


@pytest.mark.parametrize(
    ("detector", "of", "words", "often"),
    [
        (
            "zscore",
            statistics.stdev,
            "more than 3 standard deviations of {} from the mean of the returns before",
            "2 h",
        ),
        (
            "iqr",
            lambda before: float(np.subtract(*np.quantile(before, (0.75, 0.25)))),
            "more than 3 times {} outside the middle half of the returns before, which is so wide",
            "4 weeks",
        ),
        (
            "percentile",
            lambda before: float(max(-np.quantile(before, 0.01), np.quantile(before, 0.99))),
            "beyond the largest or smallest percent of the returns before (up to {})",
            "17 min",
        ),
    ],
)
async def test_an_anomaly(
    detector: str, of: Callable[[list[float]], float], words: str, often: str, tmp_path: Path
) -> None:
    async with night(tmp_path, change=judged_by(detector)) as desk:
        alert, steps = await detected.anomaly(desk), await stored(desk)
        said = words.format(percent(of([each.change or 0.0 for each in steps[-100:-1]])))
        lost = percent(steps[-1].change or 0.0)
        assert sentence(alert) == f"alpha lost {lost} in 30 s, {said}; by chance once in {often} or more often"
