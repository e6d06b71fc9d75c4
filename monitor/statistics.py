"""Estimators of returns with their 95 % intervals; what is undefined is None and says why."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from monitor.series import Floats

LEVEL = 0.95
"""Of every interval."""
FLAT = 1e-12
"""Spread of growth factors, relative to their size, below which there is nothing but rounding."""
TAIL = 0.05
"""Share of the worst returns that value at risk and its shortfall look at."""
STILL = "undefined: the equity does not move, or always by the same share"
BOUNDS = "undefined: the returns are out of all bounds"
NO_LOSS = "undefined: no return was below the target"
WIPED = "undefined: the equity was at or below zero, or out of all bounds"
NO_DRAWDOWN = "undefined: there was no drawdown"
TOO_FAST = "undefined: raised to a year, the growth is out of all bounds"

_BLOCK = 1 << 15
_LANES = 2_048
_WIDEST = 1e150
"""Variance from which its square cannot be written."""
_NORMAL = NormalDist()
Z = _NORMAL.inv_cdf(0.5 + LEVEL / 2)


class Estimate(NamedTuple):
    """A value with its 95 % interval; an end that is None has no bound or no meaning. `why` the value is None."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""


class Moments(NamedTuple):
    """What the ratios of returns are reckoned from, the same whether they came at once or one by one."""

    n: int
    mean: float
    m2: float
    """Mean of (x - mean)^2; m3 and m4 are those of the third and the fourth power."""
    m3: float
    m4: float
    d2: float
    """Mean of min(x - target, 0)^2; d3 and d4 are those of the third and the fourth power."""
    d3: float
    d4: float
    logs: float
    """Variance of log(1 + x), n - 1; not finite when everything was lost."""

    @property
    def spread(self) -> float:
        """Standard deviation, n - 1; NaN of fewer than two."""
        return math.sqrt(self.m2 * self.n / (self.n - 1)) if self.n > 1 and self.m2 >= 0 else math.nan

    @property
    def still(self) -> bool:
        """Whether there is no spread but that of rounding."""
        return self.spread < FLAT * (1.0 + abs(self.mean))


def estimate(value: float, low: float, high: float, why: str = BOUNDS) -> Estimate:
    """Make what is not finite undefined: the value with `why`, an end of the interval without a word."""
    if not math.isfinite(value):
        return Estimate(None, why=why)
    return Estimate(value, low if math.isfinite(low) else None, high if math.isfinite(high) else None)


def _around(value: float, error: float) -> Estimate:
    return estimate(value, value - Z * error, value + Z * error)


def moments(returns: Floats, target: float = 0.0) -> Moments:
    """Moments of returns, shape (n,), all finite; a return below `target`, a period's, is a loss. Block by block."""
    n = len(returns)
    if n == 0:
        return Moments(0, *[math.nan] * 8)
    sums, room = np.zeros(8), np.empty((5, min(n, _BLOCK)))
    with np.errstate(all="ignore"):
        mean = float(np.mean(returns))
        level = math.log1p(mean) if mean > -1.0 else 0.0
        for start in range(0, n, _BLOCK):
            block = returns[start : start + _BLOCK]
            off, square, below, below2, logs = room[:, : len(block)]
            np.multiply(np.subtract(block, mean, out=off), off, out=square)
            np.minimum(np.subtract(block, target, out=below), 0.0, out=below)
            np.multiply(below, below, out=below2)
            np.subtract(np.log1p(block, out=logs), level, out=logs)
            sums += (
                *(np.sum(square), np.dot(square, off), np.dot(square, square)),
                *(np.sum(below2), np.dot(below2, below), np.dot(below2, below2)),
                *(np.sum(logs), np.dot(logs, logs)),
            )
        m2, m3, m4, d2, d3, d4, log1, log2 = (sums / n).tolist()
    variance = max(log2 - log1 * log1, 0.0) * n / (n - 1) if n > 1 and math.isfinite(log2) else math.nan
    return Moments(n, mean, m2, m3, m4, d2, d3, d4, variance)


def sharpe(of: Moments, periods: float, risk_free: float = 0.0) -> Estimate:
    """Sharpe ratio: mean(x - rf) / std(x, n - 1) * sqrt(periods); `risk_free` is a period's, `periods` are a year's.

    The interval is asymptotic with skew and kurtosis (Lo 2002, Mertens 2002).
    """
    ratio, variance = _per_period(of, risk_free)
    if ratio is None:
        return Estimate(None, why=STILL if of.still else BOUNDS)
    year = math.sqrt(periods)
    return _around(ratio * year, math.sqrt(variance / (of.n - 1)) * year)


def probabilistic_sharpe(of: Moments, risk_free: float = 0.0, benchmark: float = 0.0) -> Estimate:
    """Probability that the true Sharpe ratio is above `benchmark`, a period's (Bailey and Lopez de Prado 2012)."""
    ratio, variance = _per_period(of, risk_free)
    if ratio is None:
        return Estimate(None, why=STILL if of.still else BOUNDS)
    if not variance > 0:
        return Estimate(None, why=BOUNDS)
    return Estimate(_NORMAL.cdf((ratio - benchmark) * math.sqrt((of.n - 1) / variance)))


def _per_period(of: Moments, risk_free: float) -> tuple[float | None, float]:
    """The ratio of one period, and n times its variance: 1 - skew * SR + (kurtosis - 1) / 4 * SR^2."""
    if of.n < 2 or of.still:  # noqa: PLR2004 -- a spread needs two
        return None, math.nan
    ratio = (of.mean - risk_free) / of.spread
    third, fourth = skew(of).value, kurtosis(of).value
    if not (math.isfinite(ratio) and math.isfinite(of.spread)):
        return None, math.nan
    if third is None or fourth is None:
        return ratio, math.nan
    return ratio, max(1.0 - third * ratio + (fourth + 2.0) / 4.0 * ratio * ratio, 0.0)


def sortino(of: Moments, periods: float, target: float = 0.0) -> Estimate:
    """Sortino ratio: mean(x - target) / sqrt(mean(min(x - target, 0)^2)) * sqrt(periods), over all n returns.

    `target` must be the one of the moments. Sortino and Price 1994; the interval is by the delta method.
    """
    if of.n < 2:  # noqa: PLR2004 -- as of Sharpe
        return Estimate(None, why=STILL)
    mean, d2 = of.mean - target, of.d2
    if math.sqrt(d2) < FLAT * (1.0 + abs(of.mean)):
        return Estimate(None, why=NO_LOSS)
    ratio = mean / math.sqrt(d2)
    # The gradient by (mean, d2) around their covariance: x * min(x, 0)^2 is min(x, 0)^3.
    slope, slope2 = 1.0 / math.sqrt(d2), -ratio / (2.0 * d2)
    cross, own = of.d3 - mean * d2, of.d4 - d2 * d2
    variance = (slope * slope * of.m2 + 2.0 * slope * slope2 * cross + slope2 * slope2 * own) / of.n
    year = math.sqrt(periods)
    return _around(ratio * year, math.sqrt(variance) * year if variance >= 0 else math.nan)


def volatility(of: Moments, periods: float) -> Estimate:
    """Standard deviation (n - 1) of a year: std * sqrt(periods); the interval is its logarithm's, with kurtosis."""
    if of.n < 2:  # noqa: PLR2004 -- as of Sharpe
        return Estimate(None, why=STILL)
    if of.still:
        return Estimate(0.0, 0.0, 0.0)
    value, fourth = of.spread * math.sqrt(periods), kurtosis(of).value
    if fourth is None:
        return estimate(value, math.nan, math.nan)
    width = math.exp(Z * math.sqrt(max(fourth + 2.0, 0.0) / (4.0 * of.n)))
    return estimate(value, value / width, value * width)


def skew(of: Moments) -> Estimate:
    """Third standardised moment, m3 / m2^1.5; no interval: it would rest on the sixth, which fat tails have not."""
    return _standardised(of, of.m3, 1.5, 0.0)


def kurtosis(of: Moments) -> Estimate:
    """Excess kurtosis, m4 / m2^2 - 3: 0 of a normal distribution; no interval, as of skew."""
    return _standardised(of, of.m4, 2.0, 3.0)


def _standardised(of: Moments, moment: float, power: float, less: float) -> Estimate:
    if of.n < 2 or of.still:  # noqa: PLR2004 -- as of Sharpe
        return Estimate(None, why=STILL)
    scale = of.m2**power if 0 < of.m2 < _WIDEST else math.nan
    return estimate(moment / scale - less if scale > 0 else math.nan, math.nan, math.nan)


def growth_rate(of: Moments, growth: float | None, years: float) -> Estimate:
    """CAGR: growth^(1 / years) - 1, where `growth` is end / start; the interval is that of the growth's logarithm."""
    if growth is None or not (growth > 0 and years > 0):
        return Estimate(None, why=WIPED)
    mean, error = math.log(growth) / years, math.sqrt(of.logs * of.n) / years if of.logs >= 0 else math.nan
    return estimate(_raised(mean), _raised(mean - Z * error), _raised(mean + Z * error), TOO_FAST)


def _raised(log: float) -> float:
    try:
        return math.expm1(log)
    except OverflowError:
        return math.inf


def calmar(annual: Estimate, drawdown: float | None) -> Estimate:
    """Calmar ratio: CAGR / max drawdown (Young 1991); the CAGR's interval over the drawdown as it was."""
    if drawdown is None or annual.why == WIPED:
        return Estimate(None, why=WIPED)
    if drawdown < FLAT:
        return Estimate(None, why=NO_DRAWDOWN)
    if annual.value is None:
        return annual
    low, high = (math.nan if each is None else each / drawdown for each in (annual.low, annual.high))
    return estimate(annual.value / drawdown, low, high, TOO_FAST)


def value_at_risk(returns: Floats) -> Estimate:
    """The 5 % quantile of returns, linear between two of them: a return, negative when it is a loss.

    The interval is by order statistics; an end beyond the worst return is None.
    """
    n = len(returns)
    if n == 0:
        return Estimate(None, why=STILL)
    rank, reach = n * TAIL, Z * math.sqrt(n * TAIL * (1.0 - TAIL))
    at = (n - 1) * TAIL
    under, low, high = math.floor(at), math.floor(rank - reach) - 1, min(math.ceil(rank + reach), n - 1)
    wanted = (under, min(under + 1, n - 1), max(low, 0), high)
    least, next_, lowest, highest = np.partition(returns, sorted(set(wanted)))[list(wanted)].tolist()
    return estimate(least + (next_ - least) * (at - under), lowest if low >= 0 else math.nan, highest)


def shortfall(returns: Floats) -> Estimate:
    """CVaR: mean of the worst int((n - 1) * 5 %) + 1 returns; the interval is normal (Manistre and Hancock 2005)."""
    n = len(returns)
    if n == 0:
        return Estimate(None, why=STILL)
    last = int((n - 1) * TAIL)
    worst = np.partition(returns, last)[: last + 1]
    with np.errstate(all="ignore"):
        mean, edge = float(np.mean(worst)), float(worst[last])
        variance = (float(np.var(worst)) + (1.0 - TAIL) * (mean - edge) ** 2) / len(worst)
    return _around(mean, math.sqrt(variance) if last > 0 else math.nan)


class Path(NamedTuple):
    """Where linked returns led: end / start, and shares below the peak, 0..1; the start counts as a peak."""

    growth: float
    drawdown: float
    max_drawdown: float


def path(returns: Floats) -> Path:
    """Link returns, shape (n,), all at least -1; NaN where the growth is out of all bounds.

    Long ones are cut into lanes that are linked side by side, and then one after another.
    """
    length = len(returns) // _LANES
    level, peak, worst = 1.0, 1.0, 1.0
    with np.errstate(all="ignore"):
        if length:
            level, peak, worst = _lanes(np.add(returns[: _LANES * length].reshape(_LANES, length).T, 1.0, order="C"))
        index = level * np.multiply.accumulate(returns[_LANES * length :] + 1.0)
        if len(index):
            peaks = np.maximum(np.maximum.accumulate(index), peak)
            level, peak, worst = float(index[-1]), float(peaks[-1]), min(worst, float(np.min(index / peaks)))
    if not (math.isfinite(peak) and math.isfinite(worst)):
        return Path(math.nan, math.nan, math.nan)
    return Path(level, 1.0 - level / peak, 1.0 - worst)


def _lanes(growths: Floats) -> tuple[float, float, float]:
    """Level and peak at the end of growths, shape (length, lanes), lane after lane, and the lowest level / peak."""
    level, peak, worst = (np.ones(growths.shape[1]) for _ in range(3))
    low, share = np.full_like(level, np.inf), np.empty_like(level)
    for step in growths:
        np.multiply(level, step, out=level)
        np.maximum(peak, level, out=peak)
        np.minimum(low, level, out=low)
        np.divide(level, peak, out=share)
        np.minimum(worst, share, out=worst)
    starts = np.concatenate(([1.0], np.multiply.accumulate(level)))
    peaks = np.maximum.accumulate(np.concatenate(([1.0], peak * starts[:-1])))
    across = low * starts[:-1] / peaks[:-1]
    return float(starts[-1]), float(peaks[-1]), min(float(np.min(worst)), float(np.min(across)))
