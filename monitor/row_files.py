"""Rows of CSV, JSON and parquet files as cells of text, read bit by bit, so that memory does not grow with the file."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from monitor.json_rows import Document, each_line, is_row
from monitor.text_file import PIECE, Lines, TradeFileError
from monitor.trade_rows import RowError

AT_ONCE = 20_000
"""Rows of a parquet file that are held at once."""
MOST_COLUMNS = 1_000
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one open file."""

    columns: Sequence[str]
    """The name of each cell."""
    unit: str
    """What rows are counted by: line (of the file, the last of a row) or row (from 1)."""
    cells: Iterator[tuple[int, Sequence[str] | RowError]]
    """(number, cells), or why the row cannot be read."""
    done: Callable[[], float]
    """How much of the file has been read, 0..1."""


def open_rows(path: Path, wanted: Sequence[str], held: ExitStack) -> Rows:
    """The rows of a file, told apart by what is in it, open as long as `held`. `wanted`: columns to look for.

    Errors: TradeFileError, here and while the rows are read.
    """
    try:
        if not path.is_file():
            raise TradeFileError(f"{path} is no file: name a CSV, JSON or parquet file of trades.")
        file, size = held.enter_context(path.open("rb")), max(1, path.stat().st_size)
        head = file.read(4)
        file.seek(0)
    except OSError as error:
        raise TradeFileError(f"{path} cannot be read: {error.strerror}.") from None
    if head == b"PAR1":
        return _parquet(path.name, file, wanted)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = Lines(path.name, held.enter_context(io.TextIOWrapper(file, encoding)))

    def done() -> float:
        return min(1.0, file.tell() / size)

    first = lines.peek()
    if is_row(first):
        return Rows(tuple(wanted), "line", each_line(lines, wanted), done)
    if first.lstrip()[:1] in ("[", "{"):
        return Rows(tuple(wanted), "row", Document(lines).rows(wanted), done)
    return _csv(lines, wanted, done)


def _csv(lines: Lines, wanted: Sequence[str], done: Callable[[], float]) -> Rows:
    first = lines.peek()
    if len(first) >= PIECE:
        raise TradeFileError(f"{lines.name}, line 1: is longer than any row of trades.")
    mark = max(DELIMITERS, key=lambda each: len(next(csv.reader([first], delimiter=each), [])))
    reader = csv.reader(lines, delimiter=mark, skipinitialspace=True)
    try:
        names = next(reader, [])
    except csv.Error:
        names = []
    if not names:
        raise TradeFileError(f"{lines.name} is empty: its first line must name the columns.")
    if len(names) > MOST_COLUMNS:
        raise TradeFileError(f"{lines.name} has more than {MOST_COLUMNS} columns: is it a file of trades?")
    return Rows(_named(names, wanted), "line", _records(lines, reader), done)


def _records(lines: Lines, reader: Any) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        for row in reader:
            if row:
                yield lines.number, row
    except csv.Error:
        raise TradeFileError(
            f"{lines.name}, line {lines.number}: a cell does not end; is a closing quote missing above?"
        ) from None


def _named(written: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """What the columns are asked for as: "Entry Price" is entry_price."""
    meant = {_plain(each): each for each in wanted}
    return tuple(meant.get(_plain(each), each.strip()) for each in written)


def _plain(written: str) -> str:
    return written.strip().lower().replace(" ", "_")


def _parquet(name: str, file: BinaryIO, wanted: Sequence[str]) -> Rows:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
        arrow = importlib.import_module("pyarrow")
    except ImportError:
        raise TradeFileError(
            f'{name} is a parquet file: reading those takes pyarrow: pip install "nightdesk[parquet]".'
        ) from None
    try:
        opened = parquet.ParquetFile(file)
    except (arrow.ArrowException, OSError) as error:
        raise TradeFileError(f"{name} is no whole parquet file: {str(error)[:100]}.") from None
    written = opened.schema_arrow.names
    names = _named(written, wanted)
    chosen = [at for at, each in enumerate(names) if each in wanted]
    read, total = [0], max(1, opened.metadata.num_rows)

    def cells() -> Iterator[tuple[int, Sequence[str] | RowError]]:
        try:
            for batch in opened.iter_batches(AT_ONCE, columns=[written[at] for at in chosen]):
                held = [_texts(arrow, batch.column(written[at])) for at in chosen]
                for row in zip(*held, strict=True):
                    read[0] += 1
                    yield read[0], row
        except (arrow.ArrowException, KeyError, OSError) as error:
            raise TradeFileError(f"{name}, after row {read[0]}: {str(error)[:100]}.") from None

    return Rows(tuple(names[at] for at in chosen), "row", cells(), lambda: read[0] / total)


def _texts(arrow: Any, column: Any) -> list[str]:
    if arrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(arrow.timestamp("us", column.type.tz), safe=False)
    return ["" if each is None else each if type(each) is str else str(each) for each in column.to_pylist()]
