"""False pages and power of the detectors, counted as pages are: findings of an agent within an hour are one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor import detection
from monitor.detector import CHOICES, Alarm, State, Tick
from monitor.rare import STANDS
from tests.bench.detection.streams import SIGMA, Floats, make

INTERVAL = 30.0
APART = 701
"""Samples between two forks of a trial."""
DAY, WEEK, MONTH = 2_880, 20_160, 86_400
"""In samples; a month has 30 days."""
BUDGETS = {"week": WEEK * INTERVAL, "month": MONTH * INTERVAL, "quarter": 91 * DAY * INTERVAL}
"""Seconds between two false pages."""
PAGING = ("shock", "burst", "bleed", "edge")
ONE_SAMPLE = {"budget": ("shock", "burst"), **{each: (each,) for each in CHOICES if each != "budget"}}
"""By choice, the detectors that find a loss of one sample, or a wrong size."""


def tick(step: int, returns: Floats, every: float, choice: str = "budget") -> Tick:
    """The tick of a step of a stream; `every`: seconds between two false pages that are allowed."""
    rows = len(returns)
    full = np.full(rows, INTERVAL)
    which = np.full(rows, CHOICES.index(choice), dtype=np.intp)
    return Tick(np.full(rows, INTERVAL * (step + 1)), returns, full, full, np.full(rows, every), which)


class Rate(NamedTuple):
    """False pages over what the budget allows."""

    ratio: float
    low: float
    high: float
    """95 % interval of the ratio, over agents."""
    p90: float
    """The same of the agent that nine of ten agents are below."""
    by: Mapping[str, float]
    """Of the first detector of each page."""


def pages(stream: Floats, every: float, choice: str = "budget") -> tuple[NDArray[np.int64], dict[str, int]]:
    """Pages of each agent, and how many each detector began."""
    agents = stream.shape[1]
    state, last = State.fresh(detection.LAYOUT, agents), np.full(agents, -np.inf)
    count, by = np.zeros(agents, dtype=np.int64), dict[str, int]()
    for step, returns in enumerate(stream):
        for row, alarms in detection.fold(state, tick(step, returns, every, choice)).items():
            mine = [each for each in alarms if each.detector != "spike"]
            if not mine:
                continue
            now = INTERVAL * (step + 1)
            if now - last[row] >= STANDS:
                count[row] += 1
                by[mine[0].detector] = by.get(mine[0].detector, 0) + 1
            last[row] = now
    return count, by


def rate(kind: str, budget: str, seeds: Iterable[int], *, weeks: int, agents: int) -> Rate:
    """False pages on streams of some seeds, over the budget."""
    found = [pages(make(kind, weeks * WEEK, agents, seed), BUDGETS[budget]) for seed in seeds]
    counts = np.concatenate([each for each, _ in found])
    nominal = weeks * WEEK * INTERVAL / BUDGETS[budget]
    mean, off = counts.mean() / nominal, 1.96 * counts.std(ddof=1) / np.sqrt(len(counts)) / nominal
    total = len(counts) * nominal
    by = {key: sum(each.get(key, 0) for _, each in found) / total for key in PAGING}
    return Rate(mean, mean - off, mean + off, float(np.quantile(counts, 0.9)) / nominal, by)


class Power(NamedTuple):
    """Shares of planted troubles that are found, at one budget."""

    loss12: float
    loss20: float
    size10: float
    second20: float
    """A second loss of 20 sigma, 10 to 60 samples after a first."""
    bleed: float
    """Median samples until a loss of a fifth of sigma a sample is found."""
    n: int
    """Trials of each."""


def _found(told: Mapping[int, tuple[Alarm, ...]], agents: int, keys: tuple[str, ...] = PAGING) -> NDArray[np.bool_]:
    hit = np.zeros(agents, dtype=bool)
    for row, alarms in told.items():
        hit[row] = any(each.detector in keys for each in alarms)
    return hit


class Trial:
    """Agents with a history of two weeks, in which troubles are planted again and again."""

    def __init__(self, kind: str, every: float, seed: int, *, agents: int, forks: int, choice: str = "budget") -> None:
        self.kind, self.every, self.agents, self.forks, self.choice = kind, every, agents, forks, choice
        self.stream = make(kind, 2 * WEEK + forks * APART + 4_000, agents, seed)
        self.source = np.random.default_rng([seed, 99])

    def run(self) -> Power:
        """Plant each trouble at each fork."""
        state, losses = State.fresh(detection.LAYOUT, self.agents), {12: list[bool](), 20: list[bool]()}
        size, second, delays = list[bool](), list[bool](), list[float]()
        at = 0
        for fork in range(self.forks):
            until = 2 * WEEK + fork * APART
            for step in range(at, until):
                detection.fold(state, self._tick(step, self.stream[step]))
            at = until
            where = self.stream[at - 1] == 0 if self.kind == "sparse" else np.ones(self.agents, dtype=bool)
            for sigmas, found in losses.items():
                found.extend(self._loss(state, at, sigmas)[where].tolist())
            size += self._size(state, at)
            second += self._second(state, at)
            if self.kind == "GARCH" and fork % 3 == 0:
                delays += self._bleed(state, at)
        twelve, twenty, large, again = (float(np.mean(each)) for each in (losses[12], losses[20], size, second))
        return Power(twelve, twenty, large, again, float(np.median(delays)) if delays else np.nan, len(size))

    def _tick(self, step: int, returns: Floats) -> Tick:
        return tick(step, returns, self.every, self.choice)

    def _loss(self, state: State, at: int, sigmas: float) -> NDArray[np.bool_]:
        """One loss in one sample; found with it or with the next."""
        copy = State(detection.LAYOUT, state.data.copy("F"))
        first = detection.fold(copy, self._tick(at, np.full(self.agents, -sigmas * SIGMA)))
        hit = _found(first, self.agents, ONE_SAMPLE[self.choice])
        if self.choice == "budget":  # which tells of a sudden loss a sample later
            next_ = detection.fold(copy, self._tick(at + 1, self.stream[at + 1]))
            hit |= _found(next_, self.agents, ONE_SAMPLE[self.choice])
        return hit

    def _size(self, state: State, at: int) -> Iterator[bool]:
        """Ten times the size for 30 samples in which the equity moves."""
        copy, hit, moved = (
            State(detection.LAYOUT, state.data.copy("F")),
            np.zeros(self.agents, bool),
            np.zeros(self.agents),
        )
        for step in range(at, at + 3_000):
            live = moved < 30
            if not live.any():
                break
            returns = self.stream[step] * np.where(live, 10.0, 1.0)
            hit |= live & _found(detection.fold(copy, self._tick(step, returns)), self.agents, ONE_SAMPLE[self.choice])
            moved += returns != 0
        yield from hit[moved >= 30].tolist()

    def _second(self, state: State, at: int) -> list[bool]:
        """A loss of 20 sigma, and another: whether the second is found as a sudden loss."""
        copy, hit = State(detection.LAYOUT, state.data.copy("F")), np.zeros(self.agents, dtype=bool)
        loss = np.full(self.agents, -20.0 * SIGMA)
        detection.fold(copy, self._tick(at, loss))
        gap = self.source.integers(10, 61, self.agents)
        for later in range(1, 62):
            returns = np.where(gap == later, loss, self.stream[at + later])
            told = detection.fold(copy, self._tick(at + later, returns))
            hit |= (gap == later - (self.choice == "budget")) & _found(told, self.agents, ONE_SAMPLE[self.choice][:1])
        return hit.tolist()

    def _bleed(self, state: State, at: int) -> list[float]:
        """A fifth of sigma lost each sample: samples until it is found."""
        copy, delay = State(detection.LAYOUT, state.data.copy("F")), np.full(self.agents, np.inf)
        for later in range(1, 2_000):
            told = detection.fold(copy, self._tick(at + later, self.stream[at + later] - 0.2 * SIGMA))
            hit = _found(told, self.agents, ("bleed",)) & np.isinf(delay)
            delay[hit] = later
            if np.isfinite(delay).mean() > 0.6:  # the median is known
                break
        return delay.tolist()
