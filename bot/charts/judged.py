"""Equity, and below it the return of each step: those that a detector judged stand out from what is typical."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bot.charts import axis
from bot.charts.card import AMBER, BOTTOM, LEFT, LINE, QUIET, RED, RIGHT, TOP, card, panel, write
from bot.charts.equity import HEAD, money
from bot.charts.values import Floats, Judged, Window
from bot.chat import Tone

LARGEST = 10.0
"""A return beyond which a bar is cut off, as a share: nothing else could be seen beside it."""
_LEAST, _ROOM = 1e-4, 1.15
"""What an axis of returns reaches at least, and how far beyond the largest of them."""
_UPPER = 0.5
"""Share of the picture that equity takes."""
_BESIDE = 0.015
"""Share of the time that is left free at the right."""
_FEW = 5
"""Judged steps that are drawn thicker than they are long, so that they are seen."""
_THIN, _THICK = 2.5, 22.0
"""Widths of a bar, in points."""


def judged(shown: Judged) -> Figure:
    """Draw one agent around a finding about it; what came last does not touch the edge."""
    window = shown.window
    shown = replace(shown, window=replace(window, until=window.until + (window.until - window.since) * _BESIDE))
    figure = card(shown.frame)
    top = TOP + HEAD
    under = top + (BOTTOM - top) * _UPPER
    above, below = panel(figure, LEFT, top, RIGHT, under), panel(figure, LEFT, under + HEAD + 12, RIGHT, BOTTOM)
    colour = RED if shown.frame.tone is Tone.CRITICAL else AMBER
    start, end = _seen(shown)
    for each in (above, below):
        each.set_xlim(shown.window.since, shown.window.until)
        each.axvspan(start, end, color=colour, alpha=0.18, linewidth=0, zorder=0)
    money(figure, above, shown.equity, shown.window, shown.currency, shown.flows)
    _returns(figure, below, shown, colour)
    axis.time_marks(figure, below, shown.window)
    axis.time_lines(above, shown.window)
    return figure


def _seen(shown: Judged) -> tuple[float, float]:
    """The judged time, as wide as it takes to be seen."""
    window = shown.window
    least = (window.until - window.since) * 0.012
    end = min(max(shown.time, window.since), window.until)
    start = min(max(shown.since, window.since), end)
    short = max(0.0, least - (end - start)) / 2
    return start - short, end + short


def _returns(figure: Figure, axes: Axes, shown: Judged, colour: str) -> None:
    known = np.isfinite(shown.returns.values) & np.isfinite(shown.returns.times)
    times, values = shown.returns.times[known], np.clip(shown.returns.values[known], -LARGEST, LARGEST)
    typical = min(shown.typical or 0.0, LARGEST)
    reach = _ROOM * max(_LEAST, typical, float(np.max(np.abs(values), initial=0.0)))
    axes.set_ylim(-reach, reach)
    step = _step(reach)
    for mark in range(-int(reach / step), int(reach / step) + 1):
        axis.level(figure, axes, mark * step, f"{100 * mark * step:+.6g}%" if mark else "0%")
    left, top, right, _ = axis.edges(axes)
    write(figure, left, top - HEAD, "return of each step, net of cash flows", colour=QUIET)
    if typical > 0:
        axes.axhspan(-typical, typical, color=QUIET, alpha=0.28, linewidth=0, zorder=0.5)
        write(figure, right, top - HEAD, "■ typical", colour=QUIET, ha="right")
    mine = (times > shown.since) & (times <= shown.time)
    width = _width(times, shown.window, right - left)
    _bars(axes, times[~mine], values[~mine], LINE, width)
    _bars(axes, times[mine], values[mine], colour, max(width, 2 * _THIN) if mine.sum() <= _FEW else width)


def _bars(axes: Axes, times: Floats, values: Floats, colour: str, width: float) -> None:
    """A bar up or down for each return; one that is zero is a dot, so that a step is told from a gap."""
    still = np.abs(values) < (axes.get_ylim()[1] * 0.004)
    axes.vlines(times[~still], 0.0, values[~still], color=colour, linewidth=width, zorder=2)
    size = min(width, 4.0)
    axes.plot(times[still], values[still], color=colour, linestyle="none", marker="o", markersize=size, zorder=2)


def _width(times: Floats, window: Window, pixels: float) -> float:
    """Of a bar, in points: as wide as its step without the next one's, within bounds."""
    steps = np.diff(times)
    step = float(np.median(steps)) if len(steps) else window.until - window.since
    return float(np.clip(step / (window.until - window.since) * pixels * 0.72 * 0.7, _THIN, _THICK))


def _step(reach: float) -> float:
    """A round share, of which one or two fit on each side of zero."""
    size = 10.0 ** math.floor(math.log10(reach / 2))
    return size * next(each for each in (1, 2, 5, 10) if 3 * size * each > reach)
