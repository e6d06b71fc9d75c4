"""An equity curve out of a CSV file, read row by row within bounds; a bad file is one sentence with line and column."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from monitor.grid import Floats, Observations, observations, typical_spacing

MAX_ROWS = 5_000_000
MOST_AGENTS = 1_000
LONGEST = 64
"""Characters of an agent's name."""
PRICES = frozenset({"open", "high", "low", "close"})
_MAX_LINE = 10_000
_FAR = 1e11
"""Seconds from the epoch beyond which a time must be milliseconds: the year 5138."""
_FIRST = -6e10
"""Seconds before the epoch: the year 68, before which no date can be told everywhere."""
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
    times: Floats
    """Of all rows in order, one for each time, those without an equity too; shape (n,)."""
    equity: Floats
    """At these times; NaN where it is missing."""
    flows: Floats
    """(time, money moved in), in order of time; shape (m, 2)."""


class _Columns(NamedTuple):
    """The rows of a file, shape (rows,) each."""

    times: np.ndarray
    equity: np.ndarray
    flows: np.ndarray
    agents: np.ndarray
    """Number of a name in `names`."""
    names: Sequence[str]


def read_curve(path: Path) -> Curve:
    """Read columns `time` (ISO 8601, UTC unless it says otherwise, or epoch seconds), `equity` and, if there, `flow`.

    Rows may be in any order and doubled; an empty equity is a missing one. Errors: CurveFileError.
    """
    found = _read(path)
    if len(found.names) > 1:
        told = ", ".join(map(_shown, found.names[:5]))
        raise CurveFileError(f"{path.name} holds {len(found.names)} agents ({told}); leave the rows of one.")
    return _curve(found, slice(None))


def read_curves(path: Path) -> dict[str, Curve]:
    """The same of each agent that a column `agent` names, in the order of the file; "" where there is no such column.

    Errors: CurveFileError.
    """
    found = _read(path)
    return {name: _curve(found, found.agents == at) for at, name in enumerate(found.names)}


def _read(path: Path) -> _Columns:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = _columns(path.name, file)
    except OSError as error:
        raise CurveFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise CurveFileError(f"{path.name} is no text in UTF-8; save it as CSV in UTF-8.") from None
    if not len(found.times):
        raise CurveFileError(f"{path.name} has no rows below its header; write one row a sample, time and equity.")
    return found


def _curve(of: _Columns, rows: np.ndarray | slice) -> Curve:
    times, equity, flows = of.times[rows], of.equity[rows], of.flows[rows]
    moved = np.flatnonzero(flows)
    when, first = np.unique(times[moved], return_index=True)
    moves = np.column_stack((when, flows[moved][first]))
    found = observations(times, equity, moves)
    spacing = typical_spacing(found.times)
    order = np.lexsort((np.isnan(equity), times))
    order = order[np.append(True, np.diff(times[order]) > 0)]
    return Curve(
        found,
        None if spacing is None else max(round(spacing, 6), 1e-6),
        len(times),
        times[order],
        equity[order],
        moves,
    )


def _columns(name: str, file: TextIO) -> _Columns:
    reader = csv.reader(_lines(name, file), strict=True)
    times, equity, flows, agents = array("d"), array("d"), array("d"), array("l")
    names: dict[str, int] = {}
    try:
        header = next(reader, [])
        at_time, at_equity, at_flow, at_agent = _places(name, header)
        width = max(at_time, at_equity, at_agent) + 1
        for row in reader:
            if not row:
                continue
            if len(row) < width:
                raise CurveFileError(
                    f"{name}, line {reader.line_num}: {len(row)} of its {len(header)} columns are there; complete it."
                )
            if len(row) > len(header) and any(row[len(header) :]):
                raise CurveFileError(
                    f"{name}, line {reader.line_num}: {len(row)} columns, and the header names {len(header)}; "
                    "write 1000.50 without thousands marks."
                )
            times.append(_time(row[at_time], name, reader.line_num))
            equity.append(_equity(row[at_equity], name, reader.line_num))
            flows.append(_flow(row, at_flow, name, reader.line_num))
            agents.append(0 if at_agent < 0 else _agent(row[at_agent], names, name, reader.line_num))
            if len(times) > MAX_ROWS:
                raise CurveFileError(f"{name} has more than {MAX_ROWS:,} rows; cut it, or take fewer samples.")
    except csv.Error as error:
        raise CurveFileError(f"{name}, line {reader.line_num}: this is no CSV, {error}; mend the line.") from None
    return _Columns(np.array(times), np.array(equity), np.array(flows), np.array(agents), tuple(names) or ("",))


def _lines(name: str, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise CurveFileError(
                f"{name}, line {number}: it is longer than {_MAX_LINE:,} characters; this is no curve."
            )
        yield line


def _places(name: str, header: Sequence[str]) -> tuple[int, int, int, int]:
    """Where time, equity, flow and agent are; -1 where there is no flow, or no agent."""
    titles = [each.strip().lower() for each in header]
    if "equity" not in titles and set(titles) >= PRICES:
        raise CurveFileError(
            f"{name}, line 1: these are prices of a market (open, high, low, close), not the equity of an agent; "
            "write a file with the columns time and equity."
        )
    for needed in ("time", "equity"):
        if needed not in titles:
            raise CurveFileError(
                f"{name}, line 1: there is no column {needed}; the header names time, equity and, if money moved, flow."
            )
    for title in ("time", "equity", "flow", "agent"):
        if titles.count(title) > 1:
            raise CurveFileError(f"{name}, line 1: there are two columns {title}; leave one.")
    at_flow, at_agent = (titles.index(each) if each in titles else -1 for each in ("flow", "agent"))
    return titles.index("time"), titles.index("equity"), at_flow, at_agent


def _agent(text: str, names: dict[str, int], name: str, line: int) -> int:
    """The number of an agent, a new one for a new name."""
    known = names.get(text)
    if known is not None:
        return known
    if not 0 < len(text.strip()) <= LONGEST or not text.isprintable():
        raise CurveFileError(
            f"{name}, line {line}, column agent: {_shown(text)} is no name; write 1 to {LONGEST} printable characters."
        )
    if len(names) == MOST_AGENTS:
        raise CurveFileError(f"{name}, line {line}: there are more than {MOST_AGENTS:,} agents; cut the file.")
    names[text] = len(names)
    return names[text]


def _time(text: str, name: str, line: int) -> float:
    try:
        time = float(text)
    except ValueError:
        time = _iso(text)
    if _FIRST < time < _FAR:
        return time
    hint = (
        "milliseconds? write seconds"
        if math.isfinite(time) and abs(time) >= _FAR
        else "write ISO 8601 or epoch seconds"
    )
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
