"""Several agents side by side: each begins at 100, and its name stands where its line ends."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bot.charts import axis
from bot.charts.card import BOTTOM, COLOURS, LEFT, QUIET, RIGHT, TOP, card, fitted, panel, write
from bot.charts.equity import line
from bot.charts.thin import thin
from bot.charts.values import Compared

MOST = len(COLOURS)
"""Lines that can be told apart."""
_NAMES, _APART = 260, 40


def compared(shown: Compared) -> Figure:
    """Draw at most MOST paths."""
    figure = card(shown.frame)
    axes = panel(figure, LEFT, TOP + 20, RIGHT - _NAMES, BOTTOM)
    axes.set_xlim(shown.window.since, shown.window.until)
    drawn = [thin(path) for path in shown.paths[:MOST]]
    values = np.concatenate([each for _, each in drawn])
    axes.set_ylim(*axis.span(min(float(np.nanmin(values)), 100.0), max(float(np.nanmax(values)), 100.0)))
    axis.money_marks(figure, axes, most=5)
    axes.axhline(100.0, color=QUIET, linewidth=2.5, linestyle=(0, (4, 3)), zorder=1)
    left, top, right, bottom = axis.edges(axes)
    write(figure, left + 8, top - 30, "equity net of deposits, first = 100", colour=QUIET)
    low, high = axes.get_ylim()
    ends = []
    for path, (_, each), colour in zip(shown.paths, drawn, COLOURS, strict=False):
        line(axes, path, colour)
        last = float(each[np.isfinite(each)][-1])
        ends.append((bottom - (last - low) / (high - low) * (bottom - top), last, path.name, colour))
    ends.sort()
    for y, (_, last, name, colour) in zip(_spread([each[0] for each in ends], top, bottom), ends, strict=True):
        number = write(figure, right + 14, y, f"{last:.1f}", colour=colour, bold=True, va="center")
        used = number.get_window_extent().width + 14
        fitted(figure, right + 14 + used, y, name, _NAMES - used + 20, colour=colour, va="center")
    axis.time_marks(figure, axes, shown.window)
    return figure


def _spread(wanted: list[float], top: float, bottom: float) -> list[float]:
    """Heights near the wanted ones, ascending, far enough apart to be read, none below the picture."""
    placed: list[float] = []
    for each in wanted:
        placed.append(max(each, placed[-1] + _APART if placed else top))
    limit = bottom
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - _APART
    return placed
