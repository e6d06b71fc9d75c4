"""Estimators of closed trades with their 95 % intervals, from what each of them made."""

from __future__ import annotations

import math

import numpy as np

from monitor.series import Floats
from monitor.statistics import LEVEL, Estimate, Z, estimate

RESAMPLED = 1_000
"""Trades up to which the bootstrap draws them anew, and how often; beyond, the delta method is as good."""
T_INTERVAL = 5
"""Trades from which on a mean has a t interval."""

NO_LOSER = "undefined: no trade has lost money"
NO_WINNER = "undefined: no trade has made money"
BOUNDS = "undefined: out of all bounds"
_SEED = 20_120_101
_LARGEST_LOG = 700.0


def share(hits: int, n: int) -> Estimate:
    """A share of n with the interval of Wilson (1927), which stays within 0..1 and is honest about few."""
    if n == 0:
        return Estimate(None)
    p, z2 = hits / n, Z * Z
    centre, width = p + z2 / (2 * n), Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (centre - width) / (1 + z2 / n), (centre + width) / (1 + z2 / n)
    return Estimate(p, max(low, 0.0) if hits else 0.0, min(high, 1.0) if hits < n else 1.0)


def profit_factor(nets: Floats) -> Estimate:
    """Gross profit / gross loss of what trades made, shape (n,), all finite.

    The interval is a percentile bootstrap (Efron 1979) with a fixed seed, whatever the order of the trades, or beyond
    1,000 of them the delta method on the logarithm. No upper bound is given where a draw has no loss.
    """
    profit, loss = _halves(nets)
    with np.errstate(all="ignore"):
        gained, lost = float(np.sum(profit)), float(np.sum(loss))
        if not lost > 0:
            return Estimate(None, why=NO_LOSER)
        value = gained / lost
        low, high = _drawn(nets) if len(nets) <= RESAMPLED else _delta(profit, loss)
    return estimate(value, low, high, BOUNDS)


def _halves(nets: Floats) -> tuple[Floats, Floats]:
    return np.maximum(nets, 0.0), np.maximum(-nets, 0.0)


def _drawn(nets: Floats) -> tuple[float, float]:
    n = len(nets)
    draws = np.random.default_rng(_SEED).integers(0, n, (RESAMPLED, n), dtype=np.uint16)
    profit, loss = _halves(np.sort(nets)[draws])
    factors = np.sort(np.sum(profit, axis=1) / np.sum(loss, axis=1))
    out = round(RESAMPLED * (1 - LEVEL) / 2)
    return float(factors[out]), float(factors[-1 - out])


def _delta(profit: Floats, loss: Floats) -> tuple[float, float]:
    """The interval of a profit factor by the logarithm's variance, sum(w^2) / sum(w)^2 + sum(l^2) / sum(l)^2.

    A trade is a winner or a loser, so that the covariance of the halves is less the product of their means.
    """
    gained, lost = float(np.sum(profit)), float(np.sum(loss))
    if not gained > 0:
        return math.nan, math.nan
    parts = [float(np.dot(each, each)) for each in (profit / gained, loss / lost)]
    width = math.exp(min(Z * math.sqrt(sum(parts)), _LARGEST_LOG))
    return gained / lost / width, gained / lost * width


def payoff(nets: Floats) -> Estimate:
    """Mean winner / mean loser of what trades made; the interval is the delta method's on the logarithm."""
    winners, losers = nets[nets > 0], -nets[nets < 0]
    if not len(losers) or not len(winners):
        return Estimate(None, why=NO_WINNER if len(losers) else NO_LOSER)
    with np.errstate(all="ignore"):
        win, loss = float(np.mean(winners)), float(np.mean(losers))
        value = win / loss
        scatter = sum(np.var(each / np.mean(each), ddof=1) / len(each) for each in (winners, losers) if len(each) > 1)
        width = float(np.exp(Z * np.sqrt(scatter))) if min(len(winners), len(losers)) > 1 else math.nan
    return estimate(value, value / width, value * width, BOUNDS)


def expectancy(nets: Floats) -> Estimate:
    """Mean of what trades made, money a trade; Student's t interval from five trades on."""
    n = len(nets)
    if n == 0:
        return Estimate(None)
    with np.errstate(all="ignore"):
        mean = float(np.mean(nets))
        error = float(np.std(nets, ddof=1)) / math.sqrt(n) * student(n - 1) if n >= T_INTERVAL else math.nan
    return estimate(mean, mean - error, mean + error, BOUNDS)


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t for 4 degrees of freedom or more, to 0.1 % (Abramowitz and Stegun 26.7.5)."""
    z, f = Z, freedom
    return z + (
        (z**3 + z) / (4 * f)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * f**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * f**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92_160 * f**4)
    )
