"""The guide's seven figures of one agent and what goes beyond them, each with its interval and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from monitor.figures import FIGURES, FURTHER, Description, Reading, Unit, Value
from monitor.grid import Observations, observations
from monitor.model import CashFlow, Sample, Trade
from monitor.record import (
    CALENDAR,
    MIN_RETURNS,
    MIN_SAMPLES,
    MIN_SPAN,
    MIN_TRADES,
    STALE_STEPS,
    Fall,
    Record,
    record,
)

__all__ = [
    "FIGURES",
    "FURTHER",
    "MIN_RETURNS",
    "MIN_SAMPLES",
    "MIN_SPAN",
    "MIN_TRADES",
    "WINDOWS",
    "Fall",
    "Figure",
    "Performance",
    "measure",
    "reckon",
]

WINDOWS: Mapping[str, float | None] = {
    "30m": 1_800.0,
    "1h": 3_600.0,
    "24h": 86_400.0,
    "7d": 604_800.0,
    "30d": 2_592_000.0,
    "all": None,
    "reset": None,
}
"""Windows by name, in seconds back from now; None begins where the history does, or where the figures were reset."""

Mark = Literal["good", "watch", "act"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as it stands; None is undefined, and then `advice` says what is lacking."""

    key: str
    title: str
    value: Value
    n: int
    """Samples, returns or trades it rests on."""
    need: int
    """How many of them it needs."""
    unit: Unit
    mark: Mark | None
    """None when there is nothing to judge, or too little to judge it by."""
    advice: str
    """What to do, what good would be, or what is lacking; empty when good."""
    low: float | None = None
    """Lower end of the 95 % interval; None of a fact, or where none can be given."""
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """One agent's figures over the samples and trades that were given."""

    agent: str
    figures: tuple[Figure, ...]
    """In the guide's order, every one of them always."""
    spacing: float | None
    """Seconds between two returns; ratios are annualised by it. None without samples."""
    since: float | None
    """First sample with a known equity."""
    until: float | None
    """Last sample with a known equity."""
    gaps: int
    """Steps without a return, for want of samples."""
    further: tuple[Figure, ...] = ()
    """Beyond the guide, every one of them always."""
    fall: Fall | None = None
    days: float = CALENDAR
    """Trading days in a year."""

    @property
    def all(self) -> tuple[Figure, ...]:
        """The guide's and the further ones."""
        return self.figures + self.further


def _figure(description: Description, of: Record) -> Figure:
    reading = description.read(of)
    mark: Mark | None = None
    advice = ""
    if reading.value is None:
        few = f"too few {description.of}: {reading.n} of {reading.need}"
        advice = few if reading.n < reading.need else reading.why
    elif description.good and description.act and reading.n < reading.judge:
        advice = f"too few {description.of} to judge it by: {reading.n} of {reading.judge}"
    elif description.good and description.act:
        mark, advice = _judged(description, reading, float(reading.value))
    return Figure(
        description.key, description.title, reading.value, reading.n, reading.need, description.unit, mark, advice,
        reading.low, reading.high,
    )  # fmt: skip


def _judged(description: Description, reading: Reading, value: float) -> tuple[Mark, str]:
    """It is time to act only where the whole interval says so."""
    good, act = description.good, description.act
    if act and act(value):
        ends = (reading.low, reading.high)
        if description.fact or all(end is not None and act(end) for end in ends):
            return "act", description.advice
        return "watch", f"good is {description.aim}, but chance alone may do this"
    return ("good", "") if good and good(value) else ("watch", f"good is {description.aim}")


def measure(
    agent: str,
    samples: Sequence[Sample],
    flows: Sequence[CashFlow],
    trades: Sequence[Trade],
    *,
    spacing: float,
    risk_free: float = 0.0,
    since: float | None = None,
    until: float | None = None,
    days: float = CALENDAR,
) -> Performance:
    """Reckon one agent's figures from its samples (any order), cash flows and closed trades.

    `spacing` is the seconds between two samples, `risk_free` a share a year, `days` the trading days of a year. Returns
    are net of flows, on an even grid of that spacing. A window from `since` begins at the last equity known then, and
    holds what was closed after it. Errors: ValueError when the spacing is not positive or far too small for the span.
    """
    known = [sample for sample in samples if sample.equity is not None]
    of = _within(
        observations(
            np.fromiter((sample.time for sample in known), np.float64, len(known)),
            np.fromiter((sample.equity for sample in known), np.float64, len(known)),
            [(flow.time, float(flow.amount)) for flow in flows],
        ),
        since,
        until,
        STALE_STEPS * spacing,
    )
    looks = [sample.open_positions for sample in samples if _inside(sample.time, since, until)]
    closed = [trade for trade in trades if _inside(trade.exit_time, since, until)]
    told = [each for each in looks if each is not None]
    exposed = sum(each > 0 for each in told)
    return reckon(agent, of, closed, spacing=spacing, risk_free=risk_free, days=days, looks=len(told), exposed=exposed)


def _inside(time: float, since: float | None, until: float | None) -> bool:
    return (since is None or time > since) and (until is None or time <= until)


def _within(of: Observations, since: float | None, until: float | None, stale: float) -> Observations:
    """The observations of a window, from the last one before it if that is not stale, else from the first within."""
    first, last = 0, len(of.times)
    if until is not None:
        last = int(np.searchsorted(of.times, until, side="right"))
    if since is not None:
        first = int(np.searchsorted(of.times, since, side="right"))
        if first and since - of.times[first - 1] <= stale:
            first -= 1
    cut = Observations(*(each[first:last] for each in of))
    if first and len(cut.money):
        cut = cut._replace(money=np.concatenate(([0.0], cut.money[1:])))
    return cut


def reckon(
    agent: str,
    of: Observations,
    trades: Sequence[Trade],
    *,
    spacing: float,
    risk_free: float = 0.0,
    days: float = CALENDAR,
    looks: int = 0,
    exposed: int = 0,
) -> Performance:
    """`measure` of observations that are in order; `looks` samples said what was open, in `exposed` something was."""
    found, gaps = record(of, trades, spacing=spacing, risk_free=risk_free, days=days, looks=looks, exposed=exposed)
    since, until = (float(of.times[0]), float(of.times[-1])) if len(of.times) else (None, None)
    return Performance(
        agent,
        tuple(_figure(each, found) for each in FIGURES),
        None if since is None else spacing,
        since,
        until,
        gaps,
        tuple(_figure(each, found) for each in FURTHER),
        found.fall,
        days,
    )
