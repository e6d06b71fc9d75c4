"""`nightdesk performance equity.csv`: the figures of an equity curve in a file, as a table or as JSON."""

from __future__ import annotations

import json as codec
from collections.abc import Sequence
from pathlib import Path

from bot.format import count, span
from bot.views.performance import interval, value
from monitor.curve_file import Curve, CurveFileError, read_curve
from monitor.performance import FIGURES, FURTHER, Figure, Performance, reckon

_DAY = 86_400.0
_ELSEWHERE = frozenset({"exposure", *(each.key for each in (*FIGURES, *FURTHER) if each.of == "trades")})
"""Figures that a curve alone cannot tell."""


def performance(path: Path, *, json: bool) -> str:
    """Every figure that an equity curve tells: a table, or a JSON object of {"value", "n", "low", "high"} by key.

    The grid is the file's own median spacing, the window all of it, a year 365 days. Errors: CurveFileError.
    """
    curve = read_curve(path)
    found = _reckoned(path, curve)
    figures = [each for each in found.all if each.key not in _ELSEWHERE]
    if json:
        told = {each.key: {"value": each.value, "n": each.n, "low": each.low, "high": each.high} for each in figures}
        return codec.dumps(told, indent=2, allow_nan=False)
    return _table(figures, found, curve)


def _reckoned(path: Path, curve: Curve) -> Performance:
    try:
        return reckon(path.name, curve.observations, (), spacing=curve.spacing or _DAY)
    except ValueError as error:
        raise CurveFileError(f"{path.name}: most rows are {curve.spacing} s apart, but {error}.") from None


def _table(figures: Sequence[Figure], found: Performance, curve: Curve) -> str:
    until = found.until or 0.0
    rows = [("figure", "value", "95 % interval", "n", "")]
    rows += [
        (each.title, value(each, "", until), interval(each, "", until), f"{each.n:,}", _note(each)) for each in figures
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    ]
    gaps = f", {count(found.gaps, 'gap')}" if found.gaps else ""
    spacing = "" if curve.spacing is None else f", one every {span(curve.spacing)}"
    return "\n".join([*lines, "", f"{count(curve.rows, 'row')}{spacing}{gaps}; a year has {found.days:g} days."])


def _note(figure: Figure) -> str:
    if figure.mark is None:
        return figure.advice
    mark = "ACT" if figure.mark == "act" else figure.mark
    return f"{mark}: {figure.advice}" if figure.advice else mark
