"""The steps between known equities, and which of them a cash flow most nearly explains."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from monitor.detection import Step
from monitor.model import CashFlow, Sample
from monitor.series import step_return

FLOW_MATCH = 0.05
"""How far, as a share, a step of equity may differ from a recorded cash flow to count as that flow."""


def steps_of(equities: Sequence[tuple[float, float]], flows: Sequence[CashFlow]) -> list[Step]:
    """The steps between known equities (time, money), in order of time."""
    moved = [(each.time, float(each.amount)) for each in flows]
    found = []
    for (begin, before), (end, after) in pairwise(equities):
        change = step_return(before, after, sum(amount for time, amount in moved if begin < time <= end))
        found.append(Step(end, change, 0.0 if change is None else end - begin))
    return found


def matching_step(samples: Sequence[Sample], flows: Sequence[CashFlow], amount: float) -> float | None:
    """Time of the step of equity that is most nearly `amount`, among those that no recorded flow explains."""
    known = [each for each in samples if each.equity is not None]
    steps = []
    for before, after in pairwise(known):
        if any(before.time < flow.time <= after.time for flow in flows):
            continue
        off = abs((after.equity or 0.0) - (before.equity or 0.0) - amount)
        if off <= FLOW_MATCH * abs(amount):
            steps.append((off, -after.time))
    return -min(steps)[1] if steps else None
