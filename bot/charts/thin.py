"""A path of any length becomes at most 2,000 points that look the same: extremes stay, and gaps stay gaps."""

from __future__ import annotations

import itertools

import numpy as np

from bot.charts.values import Floats, Path

MOST = 2_000
"""Points of one drawn line."""
HUGE = 1e15
"""From here on a value is nonsense and counts as unknown."""


def thin(path: Path, most: int = MOST) -> tuple[Floats, Floats]:
    """The points to draw, at most `most`: times and values, with one NaN for each gap that is wide enough to be seen.

    Of each of most / 3 equal parts of the time the lowest and the highest observation are kept, and the first and the
    last of all: min/max decimation.
    """
    known = np.isfinite(path.times) & np.isfinite(path.values) & (np.abs(path.values) < HUGE)
    times, values = path.times[known], path.values[known]
    if not len(times):
        return times, values
    parts = max(1, (most - 2) // 3)
    width = float(times[-1] - times[0]) / parts
    kept = np.arange(len(times)) if len(times) <= most // 2 else _extremes(times, values, parts)
    wide = np.flatnonzero(np.diff(times) > max(path.stale, width)) + 1
    at = np.unique(np.searchsorted(kept, wide, side="left"))
    at = at[(at > 0) & (at < len(kept))]
    before = np.searchsorted(kept, wide, side="left")
    middle = {int(b): (times[w - 1] + times[w]) / 2 for b, w in zip(before, wide, strict=True)}
    return (
        np.insert(times[kept], at, [middle[int(each)] for each in at]),
        np.insert(values[kept], at, np.nan),
    )


def lone(values: Floats) -> Floats:
    """The values that stand between two gaps, and would be no line; the others are NaN."""
    padded = np.concatenate(([np.nan], values, [np.nan]))
    alone = np.isnan(padded[:-2]) & np.isnan(padded[2:])
    found: Floats = np.where(alone, values, np.nan)
    return found


def _extremes(times: Floats, values: Floats, parts: int) -> Floats:
    edges = np.searchsorted(times, np.linspace(times[0], times[-1], parts + 1)[1:-1])
    bounds = [0, *edges.tolist(), len(times)]
    kept = {0, len(times) - 1}
    for start, end in itertools.pairwise(bounds):
        if start < end:
            kept |= {start + int(values[start:end].argmin()), start + int(values[start:end].argmax())}
    found: Floats = np.array(sorted(kept))
    return found
