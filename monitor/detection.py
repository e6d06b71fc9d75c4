"""Every detector over one state, a row an agent; a row is a fold over its returns and trades, one or many at a time."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor import recent, volatility
from monitor.detector import CHOICES, NEVER, Alarm, Deal, Floats, Found, Layout, Rows, State, Tick, discover
from monitor.detectors.zscore import Score, score
from monitor.model import Agent, Trade

DETECTORS = discover()
LAYOUT = Layout([*volatility.FIELDS, *recent.FIELDS, *(field for each in DETECTORS for field in each.fields)])
WEEK = 604_800.0


class Baseline:
    """What is usual of one agent: a row of the state. It does not change; `folded` gives the next ones."""

    __slots__ = ("row",)

    def __init__(self, row: Floats = LAYOUT.start) -> None:
        self.row = row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Baseline) and self.row.tobytes() == other.row.tobytes()

    __hash__ = None  # type: ignore[assignment] # it compares by value, and is large

    @property
    def moves(self) -> int:
        """Samples in which the equity moved."""
        return int(self._of("moves"))

    @property
    def samples(self) -> int:
        """Samples with a return."""
        return int(self._of("samples"))

    @property
    def skipped(self) -> int:
        """Samples without a return that could be judged."""
        return int(self._of("skipped"))

    @property
    def typical(self) -> float | None:
        """Typical move of one interval; None before the first."""
        return float(np.sqrt(self._of("quick"))) if self.moves else None

    @property
    def score(self) -> Score | None:
        """The guide's z-score of the newest return, volatility and regime; None before the first."""
        window = recent.window(State(LAYOUT, self.row[None, :]), 0)
        return score(window) if window else None

    @property
    def newest_trade(self) -> float:
        """When the newest trade that was taken in was closed; 0 before the first."""
        return self._of("edge_newest")

    def lately(self, steps: int) -> tuple[float, float] | None:
        """(root mean square of the newest returns, that of those before), signed by where the newest led.

        None while there are not as many before.
        """
        window = recent.window(State(LAYOUT, self.row[None, :]), 0)
        newest, before = window[-steps:], window[:-steps]
        if len(before) < steps:
            return None
        sizes = [math.sqrt(math.fsum(each * each for each in part) / len(part)) for part in (newest, before)]
        return math.copysign(sizes[0], math.fsum(newest)), sizes[1]

    def largest(self, steps: int) -> float | None:
        """The largest, up or down, of the newest returns; None before the first."""
        window = recent.window(State(LAYOUT, self.row[None, :]), 0)[-steps:]
        return max(window, key=abs) if window else None

    def to_json(self) -> str:
        """The state as text."""
        return base64.b64encode(np.ascontiguousarray(self.row).tobytes()).decode()

    @classmethod
    def from_json(cls, data: object) -> Baseline:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        if not isinstance(data, str):
            raise ValueError("a stored baseline is a text")  # noqa: TRY004 - like every other fault in it
        row = np.frombuffer(base64.b64decode(data, validate=True), dtype=np.float64)
        if row.shape != LAYOUT.start.shape or not np.isfinite(row).all():
            raise ValueError("this is not a stored baseline: it has another form")
        return cls(row)

    def _of(self, name: str) -> float:
        at = LAYOUT[name]
        assert isinstance(at, int)  # noqa: S101 - asked for single columns only
        return float(self.row[at])


@dataclass(frozen=True, slots=True)
class Step:
    """One sample of one agent as detectors see it."""

    time: float
    change: float | None
    """Return of the step that ends there, net of cash flows; None: there is none, or nobody can tell."""
    elapsed: float
    """Seconds since the equity was last known; 0 where it is not."""


Judged = tuple[Baseline, tuple[Alarm, ...]]
"""What is usual next, and what was found."""


def folded(agents: Sequence[Agent], baselines: Sequence[Baseline], steps: Sequence[Step]) -> list[Judged]:
    """Fold one step of each of some agents into its baseline."""
    return histories(agents, baselines, [[each] for each in steps])


def histories(agents: Sequence[Agent], baselines: Sequence[Baseline], steps: Sequence[Sequence[Step]]) -> list[Judged]:
    """Fold every step of each of some agents into its baseline, the agents side by side."""
    state = State.of(LAYOUT, [each.row for each in baselines])
    interval, most, choice = np.array([each.interval for each in agents]), allowed(agents), choices(agents)
    found: list[tuple[Alarm, ...]] = [()] * len(agents)
    for at in range(max(map(len, steps), default=0)):
        rows = np.array([row for row, each in enumerate(steps) if at < len(each)], dtype=np.intp)
        now = [steps[row][at] for row in rows]
        part = state if len(rows) == len(agents) else state.take(rows)
        tick = Tick(
            time=np.array([each.time for each in now]),
            returns=np.array([np.nan if each.change is None else each.change for each in now]),
            elapsed=np.array([each.elapsed for each in now]),
            interval=interval[rows],
            allowed=most[rows],
            choice=choice[rows],
        )
        for row, alarms in fold(part, tick).items():
            told = now[row].time
            found[rows[row]] = (*found[rows[row]], *(replace(each, told=told) for each in alarms))
        if part is not state:
            state.put(rows, part)
    return [(Baseline(state.data[at].copy()), each) for at, each in enumerate(found)]


def dealt(agent: Agent, baseline: Baseline, trades: Iterable[Trade], told: float) -> Judged:
    """Fold closed trades, in any order, into an agent's baseline; `told`: of the sample with which they came."""
    known = sorted(trades, key=lambda each: (each.exit_time, each.id))
    if not known:
        return baseline, ()
    state, most, here = State.of(LAYOUT, [baseline.row]), allowed([agent]), np.array([True])
    found: list[Alarm] = []
    for each in known:
        deal = Deal(here, np.array([each.exit_time]), np.array([each.net > 0]), most)
        found += (replace(alarm, told=told) for alarm in fold_deal(state, deal).get(0, ()))
    return Baseline(state.data[0].copy()), tuple(found)


def allowed(agents: Sequence[Agent]) -> Floats:
    """Seconds between two false pages that each agent is allowed."""
    return np.array([WEEK / each.false_pages if each.false_pages else NEVER for each in agents])


def choices(agents: Sequence[Agent]) -> Rows:
    """Which detectors judge each agent."""
    return np.array([CHOICES.index(each.detector) for each in agents], dtype=np.intp)


def fold(state: State, tick: Tick) -> Mapping[int, tuple[Alarm, ...]]:
    """Fold a tick of every row of a state into it, in place; returns what was found, by row."""
    moves = volatility.moves(state, tick)
    recent.learn(state, tick)
    guided = tick.choice.any()
    found = [
        each.step(state, tick, moves)
        for each in DETECTORS
        if each.step is not None and (guided or each.key not in CHOICES)
    ]
    volatility.learn(state, moves)
    return _by_row(found)


def fold_deal(state: State, deal: Deal) -> Mapping[int, tuple[Alarm, ...]]:
    """The same of trades."""
    return _by_row([each.trades(state, deal) for each in DETECTORS if each.trades is not None])


def _by_row(told: Sequence[Mapping[str, Found]]) -> Mapping[int, tuple[Alarm, ...]]:
    rows: dict[int, tuple[Alarm, ...]] = {}
    for found in told:
        for key, each in found.items():
            for row, alarm in _alarms(key, each):
                rows[row] = (*rows.get(row, ()), alarm)
    return rows


def _alarms(key: str, of: Found) -> Iterator[tuple[int, Alarm]]:
    for row, time, since, value, typical, n, every in zip(*(each.tolist() for each in of), strict=True):
        yield row, Alarm(key, time, since, value, typical, int(n), every)
