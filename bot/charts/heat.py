"""Money by hour of the week: green was made, red was lost, an empty place had no trade."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bot.charts.axis import amount
from bot.charts.card import GAIN, GRID, GROUND, INK, LOSS, QUIET, card, panel, write
from bot.charts.values import Heat

_LEFT, _RIGHT, _TOP, _BOTTOM = 120, 1_030, 205, 770
_EVERY = 3
_MIDDLE = "#334155"


def heat(shown: Heat) -> Figure:
    """Draw the places as cells, with the sum of each row at its end; the best and the worst place are framed."""
    figure = card(shown.frame)
    axes = panel(figure, _LEFT, _TOP, _RIGHT, _BOTTOM)
    rows, columns = shown.values.shape
    most = float(np.nanmax(np.abs(shown.values))) or 1.0
    colours = LinearSegmentedColormap.from_list("money", [LOSS, "#7F2F3B", _MIDDLE, "#22694A", GAIN])
    masked = np.ma.masked_invalid(shown.values)
    axes.pcolormesh(
        np.arange(columns + 1),
        np.arange(rows + 1),
        masked,
        cmap=colours,
        vmin=-most,
        vmax=most,
        edgecolors=GROUND,
        linewidth=3,
    )
    axes.set_ylim(rows, 0)
    across, down = (_RIGHT - _LEFT) / columns, (_BOTTOM - _TOP) / rows
    empty = np.argwhere(np.isnan(shown.values))
    axes.plot(empty[:, 1] + 0.5, empty[:, 0] + 0.5, color=GRID, linestyle="none", marker="o", markersize=4)
    for index, name in enumerate(shown.columns):
        if index % _EVERY == 0:
            write(figure, _LEFT + (index + 0.5) * across, _BOTTOM + 12, name, colour=QUIET, ha="center")
    write(figure, _RIGHT, _BOTTOM + 52, shown.across, colour=QUIET, ha="right")
    write(figure, _RIGHT + 130, _TOP - 46, "sum", colour=QUIET, ha="right")
    step = max(1.0, most / 100) if most >= 100 else 0.01  # noqa: PLR2004 -- from there on cents are noise
    for index, name in enumerate(shown.rows):
        y = _TOP + (index + 0.5) * down
        write(figure, _LEFT - 16, y, name, ha="right", va="center")
        row = shown.values[index]
        if np.isfinite(row).any():
            total = float(np.nansum(row))
            colour = LOSS if total < 0 else GAIN if total > 0 else QUIET
            said = f"{'+' if total > 0 else ''}{amount(total, step)}"
            write(figure, _RIGHT + 130, y, said, colour=colour, bold=True, ha="right", va="center")
    for at in {int(np.nanargmax(shown.values)), int(np.nanargmin(shown.values))}:
        row_at, column_at = divmod(at, columns)
        axes.plot(
            np.array([0, 1, 1, 0, 0]) + column_at,
            np.array([0, 0, 1, 1, 0]) + row_at,
            color=INK,
            linewidth=4,
            solid_joinstyle="miter",
            clip_on=False,
        )
    return figure
