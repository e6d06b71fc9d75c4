"""Each agent's figures of the last 24 h, kept up to date sample by sample, and made anew of what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from monitor.arrivals import Grid, TooLate
from monitor.model import Agent, CashFlow, Sample, Trade
from monitor.running import Rolling, live
from monitor.tally import Tally

DAY = 86_400.0
STEP = 300.0
"""Seconds of a step at least: what is kept of an agent stays small."""
STALE = 3
"""Steps, or polls where they are longer, for which the last equity is carried forward."""
YEAR = 365 * DAY


class LiveFigures(NamedTuple):
    """An agent's figures of the last 24 h; None is undefined, or rests on too little."""

    sharpe: float | None
    """Annualised."""
    max_drawdown: float | None
    """Share, 0..1."""
    win_rate: float | None
    profit_factor: float | None


@dataclass(slots=True)
class _Kept:
    grid: Grid
    window: Rolling
    trades: Tally

    def push(self, time: float, equity: float | None, flow: float = 0.0) -> None:
        for made in self.grid.push(time, equity, flow):
            self.window.push(made)


class Streams:
    """The live figures of a fleet. An agent of which nothing was `seed`ed has none."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def seed(self, agent: Agent, samples: Sequence[Sample], flows: Sequence[CashFlow], trades: Sequence[Trade]) -> None:
        """Reckon an agent anew from what is stored of the last 24 h, each in order of its time."""
        step = max(STEP, agent.interval)
        kept = _Kept(Grid(step, STALE * step, late=0), Rolling(int(DAY // step)), Tally(DAY))
        moved = _moved([each.time for each in samples], flows)
        for sample, flow in zip(samples, moved, strict=True):
            kept.push(sample.time, sample.equity, flow)
        for trade in trades:
            kept.trades.push(trade.exit_time, trade.net)
        self._kept[agent.id] = kept

    def forget(self, agent: str) -> None:
        """Keep nothing of an agent whose past has changed, until it is seeded again."""
        self._kept.pop(agent, None)

    def push(self, sample: Sample, trades: Sequence[Trade]) -> None:
        """Take in what was just stored of an agent."""
        kept = self._kept.get(sample.agent)
        if kept is None:
            return
        try:
            kept.push(sample.time, sample.equity)
        except (TooLate, ValueError):  # out of order, or after a gap that is no gap any more
            self.forget(sample.agent)
        for trade in sorted(trades, key=lambda each: each.exit_time):
            kept.trades.push(trade.exit_time, trade.net)

    def of(self, agent: str, now: float) -> LiveFigures | None:
        """An agent's figures now; None before they were seeded."""
        kept = self._kept.get(agent)
        if kept is None:
            return None
        kept.trades.pass_to(now)
        found = live(kept.window, YEAR / kept.grid.step)
        return LiveFigures(found.sharpe, found.max_drawdown, kept.trades.win_rate(), kept.trades.profit_factor())


def _moved(times: Sequence[float], flows: Sequence[CashFlow]) -> list[float]:
    """Money moved in each step that ends at a sample; what came before the first is part of its equity."""
    steps = [sum(float(each.amount) for each in flows if a < each.time <= b) for a, b in pairwise(times)]
    return [0.0, *steps] if times else []
