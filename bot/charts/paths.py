"""What an equity was worth apart from deposits and withdrawals, and how far it stood below its peak."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bot.charts.thin import HUGE
from bot.charts.values import Floats
from monitor.series import growths, moved


def indexed(times: Floats, equity: Floats, flows: Sequence[tuple[float, float]]) -> Floats:
    """The time-weighted index, 1 at the first positive equity: shape (n,), NaN where equity is unknown or not positive.

    `times` ascend; flows are (time, money). Where a step's return is undefined, or everything was lost in it, the index
    waits.
    """
    index = np.full(len(times), np.nan)
    good = np.isfinite(times) & (equity > 0) & (equity < HUGE)
    if good.any():
        steps = growths(equity[good], moved(times[good], flows))
        steps[~(steps > 0)] = 1.0
        with np.errstate(over="ignore"):
            index[good] = np.concatenate(([1.0], np.cumprod(steps)))
    index[~np.isfinite(index)] = np.nan
    return index


def below_peak(index: Floats, equity: Floats, last: float | None = None) -> Floats:
    """Share below the highest index so far, 0..1, NaN where unknown; 1 where there is no equity left: shape (n,).

    `last`: the drawdown at the end, if it is known from a longer past: a peak before the beginning then counts, too.
    """
    good = np.isfinite(index)
    drawdown = np.where(np.isfinite(equity) & (equity <= 0), 1.0, np.nan)
    if good.any():
        peaks = np.maximum.accumulate(index[good])
        if last is not None and 0 <= last < 1:
            before = index[good][-1] / (1 - last)
            peaks = np.maximum(peaks, before) if before > peaks[-1] * (1 + 1e-9) else peaks
        drawdown[good] = 1 - index[good] / peaks
    return drawdown
