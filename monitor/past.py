"""What is known of the past of some agents: samples or bare equity, trades and cash flows, each in order of time."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from monitor.alerts.silence import Silence
from monitor.detector import Floats, Rows
from monitor.model import Agent, CashFlow, Reset, Sample, Trade

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class History:
    """One agent's past; times increase."""

    agent: Agent
    times: Floats
    """Of its samples, shape (n,)."""
    equity: Floats
    """At these times, shape (n,); NaN where it is not known."""
    trades: Sequence[Trade] = ()
    """Closed ones, in order of exit."""
    flows: Sequence[CashFlow] = ()
    samples: Sequence[Sample] | None = None
    """As they came; None: nothing but equity is known of them."""

    def sample(self, at: int) -> Sample:
        """One sample, by its place."""
        if self.samples is not None:
            return self.samples[at]
        equity = float(self.equity[at])
        return Sample(self.agent.id, float(self.times[at]), equity=None if math.isnan(equity) else equity)

    @classmethod
    def of(
        cls, agent: Agent, samples: Sequence[Sample], trades: Iterable[Trade] = (), flows: Iterable[CashFlow] = ()
    ) -> History:
        """The history that whole samples tell; trades and flows in any order."""
        return cls(
            agent,
            np.array([each.time for each in samples], dtype=np.float64),
            np.array([np.nan if each.equity is None else each.equity for each in samples], dtype=np.float64),
            sorted(trades, key=lambda each: (each.exit_time, each.id)),
            sorted(flows, key=lambda each: each.time),
            samples,
        )


class Known:
    """What of some histories had been told at a time: asked for as a store is, and answered at once."""

    def __init__(self, histories: Mapping[str, History], now: float) -> None:
        self._histories = histories
        self._now = now

    async def samples(self, agent: str, since: float, until: float | None = None) -> list[Sample]:
        """Samples of an agent with since <= time (< until), in order of time."""
        of = self._histories[agent]
        end = self._now if until is None else min(until, self._now + 1e-6)
        return [of.sample(at) for at in range(*np.searchsorted(of.times, (since, end)).tolist())]

    async def trades(self, agent: str | None, since: float, until: float | None = None) -> list[Trade]:
        """Trades closed in since <= exit_time (< until), in order of exit time."""
        found: list[Trade] = []
        for name, of in self._histories.items():
            if agent in (None, name):
                begin = bisect_left(of.trades, since, key=_closed)
                end = bisect_right(of.trades, self._now, key=_closed)
                found += (each for each in of.trades[begin:end] if until is None or each.exit_time < until)
        return found

    async def flows(self, agent: str, since: float = 0.0) -> list[CashFlow]:
        """Cash flows with since <= time, in order of time."""
        return [each for each in self._histories[agent].flows if since <= each.time <= self._now]

    async def resets(self, agent: str) -> list[Reset]:  # noqa: ARG002 -- the port's shape
        """None: a history does not say when figures began anew."""
        return []

    async def silences(self, now: float) -> list[Silence]:  # noqa: ARG002 -- the port's shape
        """None: a history does not say what was deployed."""
        return []


def at_once(asked: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine answers that waits for nothing. Errors: RuntimeError, when it does wait."""
    try:
        asked.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    asked.close()
    raise RuntimeError("a replay waits for nothing")


def _closed(trade: Trade) -> float:
    return trade.exit_time


def rounds(histories: Sequence[History]) -> Iterator[tuple[Rows, Rows]]:
    """All samples in the order of their times, at most one of each agent at once: numbers of histories, and places.

    Those of a round follow each other in time, and are given in the order of the histories; shape (samples,) each.
    """
    many = [len(each.times) for each in histories]
    times = np.concatenate([np.empty(0), *(each.times for each in histories)])
    order = np.argsort(times, kind="stable")
    times = times[order]
    row = np.repeat(np.arange(len(histories)), many)[order]
    place = np.concatenate([np.empty(0, dtype=np.intp), *map(np.arange, many)])[order]
    position = np.empty(len(times), dtype=np.intp)
    position[order] = np.arange(len(times))
    follows = place > 0
    before = np.where(follows, position[order - follows], -1)  # where the sample before, of the same agent, stands
    latest = np.maximum.accumulate(before)
    begin = 0
    while begin < len(times):
        end = int(np.searchsorted(latest, begin))
        if end < len(times):  # what is told at one moment stays together
            end = int(np.searchsorted(times, times[end]))
        ranked = begin + np.argsort(row[begin:end])
        yield row[ranked], place[ranked]
        begin = end
