"""Marks along an axis: few, round, in words that need no legend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bot.charts.card import GRID, HEIGHT, QUIET, WIDTH, write
from bot.charts.values import Window

DAY = 86_400
_STEPS = (1, 5, 15, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 43_200)
_DAYS = (1, 2, 5, 7, 14, 28, 91, 182, 365, 730, 1_825)
_MARKS = 7
_SHORT = ((1e12, 1e12, "T"), (1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e5, 1e3, "k"))
"""From which amount on it is told in what."""


def span(low: float, high: float, room: float = 0.08) -> tuple[float, float]:
    """The ends of an axis that holds both values, with some room; never empty."""
    pad = (high - low) * room or max(abs(high) * 0.01, 1e-9)
    return low - pad, high + pad


def money_marks(figure: Figure, axes: Axes, most: int = 4) -> None:
    """Round amounts at the left, with a thin line for each."""
    low, high = axes.get_ylim()
    marks = [each for each in MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= each <= high]
    step = float(marks[1] - marks[0]) if len(marks) > 1 else 1.0
    for mark in marks:
        level(figure, axes, float(mark), amount(float(mark), step))


def level(figure: Figure, axes: Axes, at: float, text: str) -> None:
    """A thin line across, and what it stands for at the left."""
    axes.axhline(at, color=GRID, linewidth=1.2, zorder=0)
    left, top, _, bottom = edges(axes)
    low, high = axes.get_ylim()
    y = bottom - (at - low) / (high - low) * (bottom - top)
    write(figure, left - 14, y, text, colour=QUIET, ha="right", va="center")


def edges(axes: Axes) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a part of the picture, in pixels from the left and from above."""
    box = axes.get_position()
    return box.x0 * WIDTH, (1 - box.y1) * HEIGHT, box.x1 * WIDTH, (1 - box.y0) * HEIGHT


def amount(value: float, step: float) -> str:
    """An amount as short as the step between two marks allows."""
    size = max(abs(value), abs(step))
    scale, letter = next(((scale, letter) for least, scale, letter in _SHORT if size >= least), (1.0, ""))
    return f"{value / scale:,.{_digits(step / scale)}f}{letter}"


def _digits(step: float) -> int:
    return min(8, max(0, math.ceil(-math.log10(step) - 1e-9))) if step > 0 else 0


def time_marks(figure: Figure, axes: Axes, window: Window) -> None:
    """At most seven round times below, in the time zone, whose name stands at the end."""
    left, _, right, bottom = edges(axes)
    for at, text in times(window):
        x = left + (at - window.since) / (window.until - window.since) * (right - left)
        if left + 30 <= x <= right - 30:
            write(figure, x, bottom + 12, text, colour=QUIET, ha="center")
    write(figure, right, bottom + 52, f"time, {zone_name(window)}", colour=QUIET, ha="right")
    time_lines(axes, window)


def time_lines(axes: Axes, window: Window) -> None:
    """A thin line up at each of these times."""
    for at, _ in times(window):
        axes.axvline(at, color=GRID, linewidth=1.2, zorder=0)


def zone_name(window: Window) -> str:
    """What the time zone is called at the end of a window."""
    return datetime.fromtimestamp(window.until, window.zone).strftime("%Z")


def times(window: Window) -> Iterator[tuple[float, str]]:
    """Round times within a window, with what they are called: the hour, or the day where one begins."""
    length = window.until - window.since
    step = next((each for each in _STEPS if length / each <= _MARKS), None)
    start = datetime.fromtimestamp(window.since, window.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if step is None:
        days = next((each for each in _DAYS if length / DAY / each <= _MARKS), _DAYS[-1])
        made = (start + timedelta(days=days * each) for each in itertools.count())
    else:
        first = max(0, int(window.since - start.timestamp()) // step)
        made = (datetime.fromtimestamp(start.timestamp() + step * each, window.zone) for each in itertools.count(first))
    for when in itertools.takewhile(lambda each: each.timestamp() <= window.until, made):
        if when.timestamp() >= window.since:
            yield when.timestamp(), _called(when, step)


def _called(when: datetime, step: int | None) -> str:
    if step is None or (when.hour, when.minute, when.second) == (0, 0, 0):
        return f"{when.day} {when:%b}"
    return f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}"  # noqa: PLR2004 -- a minute
