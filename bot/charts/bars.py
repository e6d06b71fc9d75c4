"""Money by name: a bar to the right was made, a red one to the left was lost, and each says how much."""

from __future__ import annotations

from matplotlib.figure import Figure

from bot.charts.axis import amount
from bot.charts.card import BODY, GAIN, GRID, LOSS, QUIET, card, fitted, panel, write
from bot.charts.values import Bars

MOST = 10
"""Bars drawn one by one; of more, the best and the worst, and what is between them as one."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 1_160, 165, 870
_NAMES, _FIGURES = 330, 170
_TALLEST = 150
_CENTS = 100
"""A width of money from which on cents are noise."""


def bars(shown: Bars) -> Figure:
    """Draw the bars from above in their order."""
    figure = card(shown.frame)
    lines = _gathered(list(shown.bars))
    low, high = min(0.0, *(each for _, each in lines)), max(0.0, *(each for _, each in lines))
    start, end = _LEFT + _NAMES + (_FIGURES if low < 0 else 10), _RIGHT - (_FIGURES if high > 0 else 10)
    height = min(_TALLEST, (_BOTTOM - _TOP) / len(lines))
    axes = panel(figure, start, _TOP, end, _TOP + height * len(lines))
    axes.set_xlim(low, high if high > low else low + 1)
    axes.set_ylim(len(lines), 0)
    axes.axvline(0, color=GRID, linewidth=3)
    size = min(BODY, height * 0.8)
    step = max(1.0, (high - low) / 1_000) if high - low >= _CENTS else 0.01
    scale = (end - start) / ((high - low) or 1.0)
    for index, (name, value) in enumerate(lines):
        colour = LOSS if value < 0 else GAIN if value > 0 else QUIET
        thick = min(0.62, 64 / height)
        axes.barh(index + 0.5, value, height=thick, color=colour, linewidth=0)
        y, x = _TOP + (index + 0.5) * height, start + (value - low) * scale
        fitted(figure, _LEFT, y, name or "(none)", _NAMES - 20, size=size, va="center")
        said = f"{'+' if value > 0 else ''}{amount(value, step)}"
        gap, side = (-12, "right") if value < 0 else (12, "left")
        write(figure, x + gap, y, said, size=size, colour=colour, ha=side, va="center", bold=True)
    return figure


def _gathered(lines: list[tuple[str, float]]) -> list[tuple[str, float]]:
    if len(lines) <= MOST:
        return lines
    best = MOST // 2
    worst = MOST - 1 - best
    between = lines[best:-worst]
    return [*lines[:best], (f"{len(between)} others", sum(each for _, each in between)), *lines[-worst:]]
