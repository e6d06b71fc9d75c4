"""Profit and loss of a file's trades, or of those a desk has stored, split without a desk: a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Literal

from rich.cells import cell_len

from bot import quantities
from bot.format import count, number, plain
from bot.offline.refusals import Refusals
from monitor.attribution import Attribution, Line, attribute, dimensions
from monitor.earnings import earned
from monitor.model import Trade
from monitor.ports import Store
from monitor.trade_file import Layout, TradeFile, TradeFileError

Form = Literal["table", "json", "csv"]
MONEY = ("gross", "fees", "slippage", "funding", "net")
_CROSS = re.compile(r"\s*(?:\bx\b|×|,)\s*")  # noqa: RUF001 - a times sign is meant
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def pnl(
    path: Path,
    by: Sequence[str] = ("strategy",),
    *,
    form: Form = "table",
    layout: Layout | None = None,
    period: str | None = None,
    paper: bool = False,
    skip_bad: bool = False,
    refused: Path | None = None,
) -> str:
    """Split the trades of a file by one or two dimensions ("strategy", "strategy x asset").

    `period`: "7d" up to the newest exit in the file, or dates as `window` reads them. `paper`: those without money
    instead of the others. Errors: TradeFileError; any row that is refused is one, unless `skip_bad`.
    """
    names = crossed(by)
    file = TradeFile(path, "", layout)
    with Refusals(refused, path) as refusals:
        looked = file.look(refusals)
    if looked.refused and not skip_bad:
        raise TradeFileError(
            f"{path.name}: {count(looked.refused, 'row')} refused, mend them or leave them out with --skip-bad:\n"
            f"{refusals.report(looked.unit)}"
        )
    since, until = window(period, looked.newest or 0.0)
    trades: Iterator[Trade] = chain.from_iterable(file.batches(looked))
    found = attribute((each for each in trades if since <= each.exit_time < until and each.paper is paper), names)
    return written(found, form, refused=looked.refused, doubled=looked.doubled)


async def stored(
    store: Store,
    by: Sequence[str] = ("strategy",),
    *,
    now: float,
    form: Form = "table",
    agent: str | None = None,
    period: str | None = None,
    paper: bool = False,
) -> str:
    """Split the trades that a desk has stored, of every agent if None; `period`: "7d" up to `now`, or dates.

    Errors: TradeFileError, StoreError.
    """
    names = crossed(by)
    since, until = window(period, now)
    end = None if until == float("inf") else until
    return written(await earned(store, names, agent, max(0.0, since), end, paper=paper), form)


def words(given: Sequence[str]) -> tuple[Path | None, str | None]:
    """Tell a file and a period apart, as they stand on the line. Errors: TradeFileError."""
    periods = [each for each in given if not Path(each).is_file() and _is_period(each)]
    files = [each for each in given if each not in periods]
    if len(periods) > 1 or len(files) > 1:
        raise TradeFileError("That is more than one file and one period: for example nightdesk pnl trades.csv 7d.")
    return (Path(files[0]) if files else None), (periods[0] if periods else None)


def crossed(by: Sequence[str]) -> tuple[str, ...]:
    """The dimensions of "strategy", "strategy x asset" or of several of them. Errors: TradeFileError."""
    names = [name for each in by for name in _CROSS.split(each.strip().lower())]
    try:
        return dimensions(names)
    except ValueError as error:
        raise TradeFileError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def window(period: str | None, newest: float) -> tuple[float, float]:
    """Read "7d" as the last 7 days up to `newest`, "2026-11-01..2026-12-01" as since <= time < until; None is all.

    Either end of the second may be left out; UTC where no zone is said. Errors: TradeFileError.
    """
    since, until = float("-inf"), float("inf")
    if period is None:
        return since, until
    first, dots, last = period.partition("..")
    try:
        if not dots:
            return newest - quantities.duration(first), until
        return _moment(first, since), _moment(last, until)
    except (ValueError, OverflowError):
        raise TradeFileError(
            f"{quantities.shown(period)} is no period: write 7d, 24h or 2026-11-01..2026-12-01."
        ) from None


def _is_period(word: str) -> bool:
    try:
        window(word, 0.0)
    except TradeFileError:
        return False
    return True


def _moment(word: str, missing: float) -> float:
    if not word:
        return missing
    when = datetime.fromisoformat(word)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def written(found: Attribution, form: Form, *, refused: int = 0, doubled: int = 0) -> str:
    """An attribution as a table for people, as JSON or as CSV; `refused`, `doubled`: rows that are not in it."""
    if form == "json":
        return _json(found, refused, doubled)
    return _csv(found) if form == "csv" else _table(found, refused, doubled)


def _json(found: Attribution, refused: int, doubled: int) -> str:
    """Numbers are written out with every digit, so that the rows sum exactly to the total."""
    rows = [f"    {_object((*zip(found.by, each.keys, strict=True), *_figures(each)))}" for each in found.lines]
    parts = (
        f'"by": {json.dumps(found.by)}',
        '"rows": [\n' + ",\n".join(rows) + "\n  ]" if rows else '"rows": []',
        f'"total": {_object(_figures(found.total))}',
        f'"fee_drag": {_value(found.fee_drag)}',
        f'"refused": {refused}',
        f'"doubled": {doubled}',
    )
    return "{\n  " + ",\n  ".join(parts) + "\n}"


def _object(pairs: Iterable[tuple[str, object]]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {_value(value)}" for name, value in pairs) + "}"


def _value(value: object) -> str:
    return exact(value) if isinstance(value, Decimal) else json.dumps(value)


def exact(value: Decimal) -> str:
    """Every digit of a number, without an exponent and without zeros that say nothing."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _figures(line: Line) -> Iterator[tuple[str, object]]:
    yield from ((name, getattr(line, name)) for name in MONEY)
    yield "count", line.trades
    yield "wins", line.wins


def _csv(found: Attribution) -> str:
    """A header, then a row for each place; no total, for rows are summed by whoever reads them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*found.by, *MONEY, "count", "wins"))
    for each in found.lines:
        # A name that a spreadsheet would take for a formula is quoted as its text.
        keys = [f"'{key}" if key.startswith(_FORMULA) else key for key in each.keys]
        writer.writerow((*keys, *(exact(getattr(each, name)) for name in MONEY), each.trades, each.wins))
    return out.getvalue().rstrip("\n")


def _table(found: Attribution, refused: int, doubled: int) -> str:
    notes = [f"{count(refused, 'row')} refused."] if refused else []
    notes += [f"{count(doubled, 'row')} said the same again."] if doubled else []
    if not found.total.trades:
        return "\n".join(("No closed trades.", *notes))
    heads = (*(each.capitalize() for each in (*found.by, *MONEY)), "Trades", "Won")
    rows = [_cells([plain(key, 40) or "(none)" for key in each.keys], each) for each in found.lines]
    rows.append(_cells(["total", *[""] * (len(found.by) - 1)], found.total))
    drag = "n/a" if found.fee_drag is None else f"{number(found.fee_drag, 1)}%"
    footer = f"Net = gross - fees - slippage - funding. Fee drag {drag} of gross moves."
    return "\n".join((*_aligned([heads, *rows], len(found.by)), "", footer, *notes))


def _cells(names: Sequence[str], line: Line) -> tuple[str, ...]:
    money = (number(getattr(line, each), signed=each == "net") for each in MONEY)
    return (*names, *money, f"{line.trades:,}", f"{number(100 * line.wins / line.trades, 1)}%")


def _aligned(rows: Sequence[Sequence[str]], left: int) -> Iterator[str]:
    """Lines of columns: names to the left, figures to the right."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell + " " * (wide - cell_len(cell)) if at < left else " " * (wide - cell_len(cell)) + cell
            for at, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
