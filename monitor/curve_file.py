"""An equity curve out of a CSV file, read row by row within bounds; a bad file is one sentence with line and column."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np

from monitor.grid import Observations, observations, typical_spacing

MAX_ROWS = 5_000_000
_MAX_LINE = 10_000
_FAR = 1e11
"""Seconds from the epoch beyond which a time must be milliseconds: the year 5138."""
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})


class CurveFileError(ValueError):
    """A file is no equity curve; the message is one sentence that says what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """An equity curve as a file tells it."""

    observations: Observations
    """In order, one for each time; rows without an equity are missing."""
    spacing: float | None
    """Median seconds between two of them; None of fewer than two."""
    rows: int


def read_curve(path: Path) -> Curve:
    """Read columns `time` (ISO 8601, UTC unless it says otherwise, or epoch seconds), `equity` and, if there, `flow`.

    Rows may be in any order and doubled; an empty equity is a missing one. Errors: CurveFileError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            times, equity, flows = _columns(path.name, file)
    except OSError as error:
        raise CurveFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise CurveFileError(f"{path.name} is no text in UTF-8; save it as CSV in UTF-8.") from None
    if not len(times):
        raise CurveFileError(f"{path.name} has no rows below its header; write one row a sample, time and equity.")
    moved = np.flatnonzero(flows)
    when, first = np.unique(times[moved], return_index=True)
    found = observations(times, equity, np.column_stack((when, flows[moved][first])))
    spacing = typical_spacing(found.times)
    return Curve(found, None if spacing is None else max(round(spacing, 6), 1e-6), len(times))


def _columns(name: str, file: TextIO) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reader = csv.reader(_lines(name, file), strict=True)
    times, equity, flows = array("d"), array("d"), array("d")
    try:
        places = _places(name, next(reader, []))
        at_time, at_equity, at_flow = places
        width = max(at_time, at_equity) + 1
        for row in reader:
            if not row:
                continue
            if len(row) < width:
                raise CurveFileError(
                    f"{name}, line {reader.line_num}: {len(row)} of its columns are there; complete it."
                )
            times.append(_time(row[at_time], name, reader.line_num))
            equity.append(_equity(row[at_equity], name, reader.line_num))
            flows.append(_flow(row, at_flow, name, reader.line_num))
            if len(times) > MAX_ROWS:
                raise CurveFileError(f"{name} has more than {MAX_ROWS:,} rows; cut it, or take fewer samples.")
    except csv.Error as error:
        raise CurveFileError(f"{name}, line {reader.line_num}: this is no CSV, {error}; mend the line.") from None
    return np.array(times), np.array(equity), np.array(flows)


def _lines(name: str, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise CurveFileError(
                f"{name}, line {number}: it is longer than {_MAX_LINE:,} characters; this is no curve."
            )
        yield line


def _places(name: str, header: Sequence[str]) -> tuple[int, int, int]:
    """Where time, equity and flow are; -1 where there is no flow."""
    titles = [each.strip().lower() for each in header]
    for needed in ("time", "equity"):
        if needed not in titles:
            raise CurveFileError(
                f"{name}, line 1: there is no column {needed}; the header names time, equity and, if money moved, flow."
            )
    for title in ("time", "equity", "flow"):
        if titles.count(title) > 1:
            raise CurveFileError(f"{name}, line 1: there are two columns {title}; leave one.")
    return titles.index("time"), titles.index("equity"), titles.index("flow") if "flow" in titles else -1


def _time(text: str, name: str, line: int) -> float:
    try:
        time = float(text)
    except ValueError:
        time = _iso(text)
    if -_FAR < time < _FAR:
        return time
    hint = "milliseconds? write seconds" if math.isfinite(time) else "write ISO 8601 or epoch seconds"
    raise CurveFileError(f"{name}, line {line}, column time: {_shown(text)} is no time; {hint}.")


def _iso(text: str) -> float:
    try:
        when = datetime.fromisoformat(text.strip())
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan


def _equity(text: str, name: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        if text.strip().lower() in _MISSING:
            return math.nan
        value = math.inf
    if math.isinf(value):
        raise CurveFileError(
            f"{name}, line {line}, column equity: {_shown(text)} is no number; write 10000.50, or nothing if unknown."
        )
    return value


def _flow(row: Sequence[str], at: int, name: str, line: int) -> float:
    if at < 0 or at >= len(row) or not row[at].strip():
        return 0.0
    try:
        value = float(row[at])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CurveFileError(
            f"{name}, line {line}, column flow: {_shown(row[at])} is no number; write 500 or -250.50, or nothing."
        )
    return value


def _shown(text: str) -> str:
    plain = "".join(each if each.isprintable() else "?" for each in text[:40])
    return f'"{plain}…"' if len(text) > len(plain) else f'"{plain}"'
