"""What a picture shows, as plain values; every name in it is untrusted text, and nothing in it is drawn yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

import numpy as np
from numpy.typing import NDArray

from bot.chat import Tone

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every picture."""

    title: str
    note: str = ""
    """A few quiet words below the title: of when it is."""
    figure: str = ""
    """The one number that is read first, at the right."""
    detail: str = ""
    """What belongs to that number, below it."""
    tone: Tone = Tone.PLAIN
    """The number's colour."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which time is shown: seconds since the epoch, told in a time zone."""

    since: float
    until: float
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Path:
    """One value over time: times ascend; NaN is unknown. Observations further apart than `stale` seconds are a gap."""

    name: str
    times: Floats
    values: Floats
    stale: float


@dataclass(frozen=True, slots=True)
class Span:
    """An alert from when it fired until it was over; None: it stands."""

    name: str
    start: float
    end: float | None
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Equity:
    """Equity in money, and below it how far it was under its peak, as shares 0..1 at the same times."""

    frame: Frame
    window: Window
    currency: str
    equity: Path
    drawdown: Path
    limit: float | None = None
    """Share at which the drawdown is an alert."""
    spans: Sequence[Span] = ()
    flows: Sequence[tuple[float, float]] = ()
    """(time, money moved in): no profit and no loss."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Equity in money, and below it the return of each step as a share, with the steps that a detector judged."""

    frame: Frame
    window: Window
    currency: str
    equity: Path
    """At least one value is known."""
    returns: Path
    """At the time where each step ends, net of cash flows."""
    since: float
    time: float
    """The steps that end in since < time <= `time` were judged."""
    typical: float | None = None
    """How large a return is typical, as a share; None where that is not known."""
    flows: Sequence[tuple[float, float]] = ()
    """(time, money moved in): no profit and no loss."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Several paths whose first value is 100."""

    frame: Frame
    window: Window
    paths: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Bars:
    """Money by name, in the order in which it is drawn."""

    frame: Frame
    currency: str
    bars: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Heat:
    """Money by row and column; NaN is a place where nothing happened."""

    frame: Frame
    currency: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Floats
    """Shape (rows, columns)."""
    across: str
    """What the columns are, with their time zone."""


Shown = Equity | Compared | Bars | Heat | Judged
"""Whatever can be drawn."""
