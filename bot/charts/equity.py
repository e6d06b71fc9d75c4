"""Equity, below it the drawdown, above both the alerts: each from when it fired until it was over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bot.charts import axis
from bot.charts.card import (
    AMBER,
    BOTTOM,
    HEIGHT,
    INK,
    LEFT,
    LINE,
    QUIET,
    RED,
    RIGHT,
    TOP,
    WIDTH,
    card,
    fitted,
    panel,
    write,
)
from bot.charts.thin import lone, thin
from bot.charts.values import Equity, Path, Span, Window

LANES = 3
"""Rules whose alerts are shown one by one; the others are counted."""
MARKS = 60
"""Alerts of one rule that are drawn, the newest ones."""
HEAD = 42
"""Pixels above a part for what it is."""
_LANE = 58
_FLOWS = 4
_SHARES, _LINES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2), 2.5


def equity(shown: Equity) -> Figure:
    """Draw one agent: at most 2,000 points a line, alerts by rule, deposits and withdrawals."""
    figure = card(shown.frame)
    lanes = _lanes(shown.spans)
    rows, left = _rows(figure, lanes, shown.window)
    top = TOP + _LANE * rows + HEAD
    under = top + (BOTTOM - top) * 0.66
    above, below = panel(figure, LEFT, top, RIGHT, under), panel(figure, LEFT, under + HEAD + 12, RIGHT, BOTTOM)
    _tinted((above, below), shown.spans, shown.window)
    for each in (above, below):
        each.set_xlim(shown.window.since, shown.window.until)
    money(figure, above, shown.equity, shown.window, shown.currency, shown.flows)
    _drawdown(figure, below, shown)
    axis.time_marks(figure, below, shown.window)
    axis.time_lines(above, shown.window)
    if left:
        write(figure, LEFT, BOTTOM + 52, f"+{left} more alerts", colour=QUIET)
    return figure


def line(axes: Axes, path: Path, colour: str, width: float = 4.0) -> None:
    """Draw a path: a line with its gaps, and a dot where one observation stands alone."""
    times, values = thin(path)
    axes.plot(times, values, color=colour, linewidth=width, solid_capstyle="round", solid_joinstyle="round")
    alone = lone(values)
    if np.isfinite(alone).any():
        axes.plot(times, alone, color=colour, linestyle="none", marker="o", markersize=width * 1.5, markeredgewidth=0)


def money(
    figure: Figure, axes: Axes, path: Path, window: Window, currency: str, flows: Sequence[tuple[float, float]]
) -> None:
    """Draw equity with its marks, and the largest cash flows, (time, money moved in); one value at least is known."""
    times, values = thin(path)
    axes.set_ylim(*axis.span(float(np.nanmin(values)), float(np.nanmax(values))))
    axis.money_marks(figure, axes)
    left, top, right, bottom = axis.edges(axes)
    write(figure, left, top - HEAD, f"equity, {currency}", colour=QUIET)
    line(axes, path, LINE)
    known = np.flatnonzero(np.isfinite(values))
    axes.plot(times[known[-1]], values[known[-1]], color=INK, marker="o", markersize=9, clip_on=False)
    for at, moved in sorted(flows, key=lambda each: -abs(each[1]))[:_FLOWS]:
        if window.since <= at <= window.until:
            axes.axvline(at, color=QUIET, linewidth=2.0, linestyle=(0, (2, 2)), zorder=1)
            x = left + (at - window.since) / (window.until - window.since) * (right - left)
            far = x > (left + right) / 2
            text = f"{'in' if moved > 0 else 'out'} {axis.amount(abs(moved), max(1.0, abs(moved) / 100))}"
            side = "right" if far else "left"
            write(figure, x + (-8 if far else 8), bottom - 4, text, colour=QUIET, ha=side, va="bottom")


def _drawdown(figure: Figure, axes: Axes, shown: Equity) -> None:
    times, values = thin(shown.drawdown)
    deepest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    limit = shown.limit if shown.limit is not None and deepest >= shown.limit / 3 else None
    floor = max(deepest, limit or 0.0, 0.001) * 1.12
    axes.set_ylim(-floor, 0)
    step = next((each for each in _SHARES if floor / each < _LINES), 0.5)
    for mark in range(int(floor / step) + 1):
        axis.level(figure, axes, -mark * step, f"{-100 * mark * step:g}%" if mark else "0%")
    left, top, right, _ = axis.edges(axes)
    axes.fill_between(times, -values, 0, color=LINE, alpha=0.35, linewidth=0)
    axes.plot(times, -values, color=LINE, linewidth=3.0, solid_joinstyle="round")
    write(figure, left, top - HEAD, "below the peak", colour=QUIET)
    if limit is not None:
        axes.axhline(-limit, color=RED, linewidth=3.0, linestyle=(0, (4, 3)))
        write(figure, right, top - HEAD, f"- - limit {100 * limit:g}%", colour=RED, ha="right")


def _lanes(spans: Sequence[Span]) -> list[list[Span]]:
    """Alerts by rule, those with the worst and then the longest first."""
    lanes: dict[str, list[Span]] = {}
    for each in sorted(spans, key=lambda each: each.start):
        lanes.setdefault(each.name, []).append(each)
    return sorted(lanes.values(), key=lambda lane: (-max(each.critical for each in lane), lane[0].start))


def _tinted(parts: Sequence[Axes], spans: Sequence[Span], window: Window) -> None:
    """The ground of every time in which an alert stood, once, however many there were."""
    for critical, colour in ((False, AMBER), (True, RED)):
        for start, end in _merged(_within(each, window) for each in spans if each.critical is critical):
            for axes in parts:
                axes.axvspan(start, end, color=colour, alpha=0.16, linewidth=0, zorder=0)


def _merged(times: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(times):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _rows(figure: Figure, lanes: Sequence[Sequence[Span]], window: Window) -> tuple[int, int]:
    """Write each rule's name where its alerts begin, with a bar for each; returns the rows it took and what is left.

    Rules share a row as far as they do not meet.
    """
    ends: list[list[tuple[float, float]]] = []
    left = 0
    for lane in lanes:
        worst = max(lane, key=lambda each: each.critical)
        times = f" ({len(lane)})" if len(lane) > 1 else ""
        said = fitted(figure, LEFT, TOP, f"{lane[0].name}{times}", 600, colour=_colour(worst), bold=True)
        (start, _), (_, end) = (
            _within(lane[0], window),
            _within(max(lane, key=lambda each: _within(each, window)[1]), window),
        )
        x = min(_x(start, window), RIGHT - (width := said.get_window_extent().width))
        reach = (min(x, _x(start, window)), max(x + width, _x(end, window)))
        row = next(
            (at for at, row in enumerate(ends) if all(reach[1] + 20 < a or b + 20 < reach[0] for a, b in row)),
            len(ends),
        )
        if row == LANES:
            left += len(lane)
            said.remove()
            continue
        ends += [[]] * (row == len(ends))
        ends[row] = [*ends[row], reach]
        said.set_position((x / WIDTH, 1 - (TOP + _LANE * row) / HEIGHT))
        _bars(figure, lane, window, TOP + _LANE * row)
    return len(ends), left


def _bars(figure: Figure, lane: Sequence[Span], window: Window, top: float) -> None:
    axes = panel(figure, LEFT, top + 38, RIGHT, top + 50)
    axes.set_xlim(window.since, window.until)
    axes.set_ylim(0, 1)
    least = (window.until - window.since) * 0.008
    for each in lane[-MARKS:]:
        start, end = _within(each, window)
        start = max(window.since, min(start, window.until - least))
        axes.axvspan(start, max(end, start + least), color=_colour(each), linewidth=0)


def _x(at: float, window: Window) -> float:
    return LEFT + (at - window.since) / (window.until - window.since) * (RIGHT - LEFT)


def _within(span: Span, window: Window) -> tuple[float, float]:
    end = window.until if span.end is None else min(span.end, window.until)
    start = min(max(span.start, window.since), window.until)
    return start, max(end, start)


def _colour(span: Span) -> str:
    return RED if span.critical else AMBER
