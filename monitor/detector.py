"""What a detector is: columns of a state with a row an agent, and one step that says what is too odd to be chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.units import discovered

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
"""Numbers of rows."""
Flags = NDArray[np.bool_]

NEVER = 1e12
"""Seconds between two false pages of an agent that is allowed none."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One statistical finding about one agent: how large, against what is typical of it, and how rare."""

    detector: str
    """Which found it: shock, spike, burst, bleed, edge; of the guide's own zscore, iqr, percentile."""
    time: float
    """When: of the newest sample it judged."""
    since: float
    """Begin of the window that it judged: what happened in since < time <= `time` made it."""
    value: float
    """shock, spike: return of the step; burst: root mean square return; bleed: mean return; edge: share of wins."""
    typical: float
    """What is typical of this agent, in the unit of `value`; edge: its share of wins before."""
    n: int
    """Samples, or trades, in the window."""
    every: float
    """Seconds from one such finding to the next if nothing were wrong, as estimated."""
    told: float = 0.0
    """When it was found: of the newest sample then; a shock waits for the sample after it."""
    around: str = ""
    """What happened around it: what contributed most, what changed, whether others moved; untrusted text inside."""


@dataclass(frozen=True, slots=True)
class Field:
    """Columns of the state that belong together; every row begins with `start`."""

    name: str
    width: int = 1
    start: float | Floats = 0.0


class Layout:
    """Where each field stands in a row."""

    def __init__(self, fields: Iterable[Field]) -> None:
        """Errors: ValueError (two fields of one name)."""
        self._at: dict[str, slice | int] = {}
        starts: list[Floats] = []
        for field in fields:
            if field.name in self._at:
                raise ValueError(f"two fields of detectors are called {field.name!r}; names are unique")
            begin = sum(map(len, starts))
            self._at[field.name] = begin if field.width == 1 else slice(begin, begin + field.width)
            starts.append(np.broadcast_to(np.asarray(field.start, dtype=np.float64), (field.width,)))
        self.start: Floats = np.concatenate(starts)
        """A row of which nothing is known, shape (width,)."""

    def __getitem__(self, name: str) -> slice | int:
        return self._at[name]

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return len(self.start)


class State:
    """The fold of some agents, shape (rows, width), a row an agent; stored column by column."""

    __slots__ = ("_columns", "_layout", "data")

    def __init__(self, layout: Layout, data: Floats) -> None:
        self._layout = layout
        self._columns: dict[str, Floats] = {}
        self.data = data

    @classmethod
    def fresh(cls, layout: Layout, rows: int) -> State:
        """Agents of which nothing is known."""
        data = np.empty((rows, layout.width), order="F")
        data[:] = layout.start
        return cls(layout, data)

    @classmethod
    def of(cls, layout: Layout, rows: Sequence[Floats]) -> State:
        """A state of these rows, copied."""
        data = np.empty((len(rows), layout.width), order="F")
        for at, row in enumerate(rows):
            data[at] = row
        return cls(layout, data)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, name: str) -> Floats:
        """A field of every row, to be read and changed in place: shape (rows,), or (rows, width)."""
        known = self._columns.get(name)
        if known is None:
            known = self._columns[name] = self.data[:, self._layout[name]]
        return known

    def take(self, rows: Rows) -> State:
        """A copy of some rows."""
        return State(self._layout, np.asfortranarray(self.data[rows]))

    def put(self, rows: Rows, state: State) -> None:
        """Write rows back."""
        self.data[rows] = state.data


@dataclass(frozen=True, slots=True)
class Tick:
    """One sample of each of some agents: every array has shape (rows,), in the order of the state's rows."""

    time: Floats
    """Seconds since the epoch."""
    returns: Floats
    """Of the step that ends there, net of cash flows; NaN: there is none, or nobody can tell."""
    elapsed: Floats
    """Seconds of that step."""
    interval: Floats
    """Seconds between two polls, as set."""
    allowed: Floats
    """Seconds between two false pages that the agent is allowed; NEVER for none."""
    choice: Rows
    """Which detectors judge it, as in CHOICES."""


CHOICES = ("budget", "zscore", "iqr", "percentile")


class Moves(NamedTuple):
    """The rows of a tick whose equity moved, with what is typical of them before the move; shape (moves,) each."""

    rows: Rows
    time: Floats
    since: Floats
    raw: Floats
    """Return as it is."""
    x: Floats
    """Return of one interval: divided by the root of the intervals that its step lasted."""
    scale: Floats
    """Typical move of one interval."""
    n: Floats
    """Moves before this one."""
    active: Floats
    """Share of the agent's samples that move."""
    pace: Floats
    """Seconds from a sample to the next."""
    allowed: Floats
    """Samples for each false page that the agent is allowed."""
    ready: Flags
    """Whether enough moves are known to page, and the agent is judged by its budget."""


class Found(NamedTuple):
    """What a detector found in a tick: `at` are rows of the state, the rest as in Alarm, shape (found,) each."""

    at: Rows
    time: Floats
    since: Floats
    value: Floats
    typical: Floats
    n: Floats
    every: Floats


@dataclass(frozen=True, slots=True)
class Deal:
    """At most one closed trade of each of some agents: every array has shape (rows,), in the order of the rows."""

    known: Flags
    """Whether the agent has one."""
    time: Floats
    """When it was closed."""
    won: Flags
    """Whether it earned money after all costs."""
    allowed: Floats
    """Seconds between two false pages that the agent is allowed; NEVER for none."""


Step = Callable[[State, Tick, Moves], Mapping[str, Found]]
"""Fold a tick into the state, which it changes; returns what it found, by the key of the alarms."""
TradeStep = Callable[[State, Deal], Mapping[str, Found]]
"""The same of trades."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One way to see that something is odd."""

    key: str
    fields: Sequence[Field]
    step: Step | None = None
    trades: TradeStep | None = None


def found(rows: Rows, where: Flags, **values: Floats | float) -> Found:
    """What was found `where` it is true; each of `values` has the shape of `rows` or is one number for all."""
    at = rows[where]
    return Found(at, **{name: np.broadcast_to(each, where.shape)[where] for name, each in values.items()})


def discover() -> tuple[Detector, ...]:
    """Every detector in monitor/detectors, by name of its module: the objects of type Detector that they hold."""
    return tuple(discovered("monitor.detectors", Detector, lambda each: each.key).values())
