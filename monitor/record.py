"""What every figure of performance is reckoned from: returns on an even grid, the fall of the curve, the trades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import cached_property

import numpy as np

from monitor import statistics
from monitor.grid import Observations, stepped
from monitor.model import EXACT, Trade
from monitor.series import EquityCurve, Floats, growths
from monitor.statistics import FLAT, Moments

DAY = 86_400.0
MIN_SAMPLES = 2
"""Samples that a drawdown needs."""
MIN_RETURNS = 30
"""Returns that every ratio of returns needs."""
MIN_SPAN = 1.0
"""Days of returns before a total is raised to a year (CAGR, Calmar), and before a Sharpe ratio is judged."""
MIN_TRADES = 20
"""Trades before a win rate or a profit factor is judged."""

STALE_STEPS = 3.0
"""Spacings for which the last equity is carried forward; anything longer is a gap."""
CALENDAR = 365.0
"""Days in a year of a venue that never closes; one with fewer has sessions."""


@dataclass(frozen=True, slots=True)
class Fall:
    """The drawdown of a curve: how deep it is now, and where the deepest began, ended and was made good."""

    drawdown: float
    """Now, a share of the peak."""
    max_drawdown: float
    start: float | None
    """Time of the peak before the deepest point; None when there was no drawdown, as of the next two."""
    trough: float | None
    recovery: float | None
    """First time at a new peak; None also while it lasts."""
    duration: float
    """Seconds from its start to its recovery, or until now."""
    under_water: float | None
    """Share of the time spent below a peak; None when no time passed."""


@dataclass(frozen=True)
class Record:
    """What the figures are reckoned from."""

    returns: Floats
    """Every defined return on the even grid."""
    periods: float
    """Returns in a year."""
    days: float
    """Trading days in a year."""
    risk_free: float
    """A year."""
    samples: int
    """With a known equity."""
    years: float
    """From the first to the last of them."""
    growth: float | None
    """Time-weighted, over everything; None when the equity was ever at or below zero, or out of all bounds."""
    fall: Fall | None
    """None when the equity was never above zero."""
    nets: tuple[Decimal, ...]
    """Of each trade."""
    gross: Decimal = Decimal(0)
    """Sum of |gross| of the trades."""
    fees: Decimal = Decimal(0)
    traded: float = 0.0
    """Money that the trades moved one way: the mean of entry and exit, in all."""
    equity: float | None = None
    """Mean."""
    looks: int = 0
    """Samples that say how many positions are open."""
    exposed: int = 0
    """Those of them with an open one."""
    made: Floats = field(default_factory=lambda: np.empty(0))
    """`nets` as floats."""

    @property
    def long(self) -> int:
        """Returns in MIN_SPAN, at least MIN_RETURNS."""
        return max(MIN_RETURNS, math.ceil(MIN_SPAN * self.periods / self.days * (1.0 - 1e-12)))

    @property
    def free(self) -> float:
        """The risk-free return of a period."""
        return self.risk_free / self.periods

    @cached_property
    def moments(self) -> Moments:
        """Of the returns, with the risk-free one as target."""
        return statistics.moments(self.returns, self.free)


def record(
    of: Observations,
    trades: Sequence[Trade],
    *,
    spacing: float,
    risk_free: float = 0.0,
    days: float = CALENDAR,
    looks: int = 0,
    exposed: int = 0,
) -> tuple[Record, int]:
    """Make the record of observations and trades, and say how many steps have no return for want of samples.

    Errors: ValueError when the spacing is not positive or far too small for the span, or `days` is no number of days.
    """
    if not 0 < days <= CALENDAR + 1:
        raise ValueError(f"a year has 1 to 366 trading days, not {days}")
    sessions = days < CALENDAR
    made = stepped(of, spacing, STALE_STEPS * spacing, sessions=sessions)
    defined = np.isfinite(made)
    returns, periods = made[defined], days * DAY / spacing
    years = float(of.times[-1] - of.times[0]) / (CALENDAR * DAY) if len(of.times) else 0.0
    if sessions and len(returns):
        ends = of.times[0] + spacing * (1.0 + np.flatnonzero(defined))
        periods = days * len(returns) / len(np.unique(ends // DAY))
        years = len(returns) / periods
    growth, below = _curve(of)
    with localcontext(EXACT):
        nets = tuple(trade.net for trade in trades)
        gross = sum((abs(trade.gross) for trade in trades), Decimal(0))
        fees = sum((trade.fees for trade in trades), Decimal(0))
        traded = sum(((trade.entry_price + trade.exit_price) * trade.size for trade in trades), Decimal(0)) / 2
    return Record(
        returns, periods, days, risk_free, len(of.times), years, growth, _fall(of.times, below), nets, gross, fees,
        float(traded), _mean(of.equity), looks, exposed,
        np.array([float(net) for net in nets]),
    ), 0 if sessions else len(made) - len(returns)  # fmt: skip


def _mean(equity: Floats) -> float | None:
    with np.errstate(over="ignore", invalid="ignore"):  # partial sums may be infinite, one up and one down
        mean = float(np.mean(equity)) if len(equity) else math.nan
    return mean if math.isfinite(mean) else None


def _curve(of: Observations) -> tuple[float | None, Floats]:
    """Growth of the whole curve, and its drawdown at each observation as EquityCurve folds them, NaN before money."""
    if not len(of.times):
        return None, np.empty(0)
    steps = growths(of.equity, of.money)
    with np.errstate(all="ignore"):
        index = np.cumprod(np.concatenate(([1.0], np.where(np.isnan(steps), 1.0, steps))))
    if np.all(of.equity > 0) and np.all(index > 0) and np.all(np.isfinite(index)):
        return float(index[-1]), 1.0 - index / np.maximum.accumulate(index)
    curve, below = EquityCurve(), np.empty(len(of.times))
    for at, (time, value, flow) in enumerate(zip(*(each.tolist() for each in of), strict=True)):
        curve = curve.fold(time, value, flow)
        below[at] = math.nan if curve.drawdown is None else curve.drawdown
    return None, below


def _fall(times: Floats, below: Floats) -> Fall | None:
    """The fall of a curve from its drawdown at each time."""
    known = np.isfinite(below)
    times, below = times[known], below[known]
    if not len(times):
        return None
    wet = below > FLAT
    deepest, elapsed = int(np.argmax(below)), float(times[-1] - times[0])
    under = float(np.sum(np.diff(times)[wet[1:]])) / elapsed if elapsed > 0 else None
    now, worst = float(below[-1]), float(below[deepest])
    if not wet[deepest]:
        return Fall(now, worst, None, None, None, 0.0, under)
    start = float(times[deepest - int(np.argmin(wet[deepest::-1]))])
    later = np.flatnonzero(~wet[deepest:])
    recovery = float(times[deepest + later[0]]) if len(later) else None
    ended = float(times[-1]) if recovery is None else recovery
    return Fall(now, worst, start, float(times[deepest]), recovery, ended - start, under)
