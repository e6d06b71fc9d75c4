"""A file of closed trades is looked through as a whole before one of them counts, twenty thousand at a time."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path

import numpy as np

from monitor.model import EXACT, Trade
from monitor.row_files import Rows, open_rows
from monitor.text_file import TradeFileError
from monitor.trade_rows import Layout, LayoutError, RowError, RowReader, wanted

__all__ = ["BATCH", "Layout", "Looked", "Refused", "TradeFile", "TradeFileError"]

BATCH = 20_000
"""Trades that are held at once."""
_FIELDS = [each.name for each in fields(Trade)]

Progress = Callable[[float], None]
"""Told how much of the file is read, 0..1."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that is no trade."""

    at: int
    """Its line, or its row where the file has no lines of its own."""
    column: str
    """Empty where it is the row as a whole."""
    why: str
    """Without a subject."""

    def __str__(self) -> str:
        return f"{self.at}: {self.column} {self.why}" if self.column else f"{self.at}: {self.why}"


Tell = Callable[[Refused], None]


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look through a whole file found."""

    trades: int
    """Good ones, each counted once."""
    doubled: int
    """Rows that say again what another says."""
    refused: int
    unit: str
    """What rows are counted by: line or row."""
    unread: tuple[str, ...]
    """Columns that nobody asked for; untrusted text."""
    newest: float | None
    """The latest exit; None without trades."""
    skip: Collection[int]
    """Good rows that do not count, for their id stands in another row too."""
    stamp: tuple[int, int]
    """The file's size and the time of its last change."""


class TradeFile:
    """The trades of one agent in a file of CSV, JSON or parquet. Errors of every method: TradeFileError."""

    def __init__(self, path: Path, agent: str, layout: Layout | None = None) -> None:
        self.path = path
        self._agent = agent
        self._layout = layout or Layout()

    def look(self, tell: Tell, progress: Progress = lambda _: None) -> Looked:
        """Look through the whole file, and tell of each row that is refused."""
        stamp, ids, newest, refused = self._stamp(), array("q"), None, 0

        def count(each: Refused) -> None:
            nonlocal refused
            refused += 1
            tell(each)

        with self._opened() as opened:
            for _, trade in opened.trades(count):
                ids.append(hash(trade.id))
                newest = trade.exit_time if newest is None else max(newest, trade.exit_time)
                if len(ids) % BATCH == 0:
                    progress(opened.rows.done())
        same, other = self._compared(_again(ids), count)
        progress(1.0)
        return Looked(
            trades=len(ids) - len(same) - len(other),
            doubled=len(same),
            refused=refused,
            unit=opened.rows.unit,
            unread=opened.read.unread,
            newest=newest,
            skip=same | other,
            stamp=stamp,
        )

    def batches(self, looked: Looked, progress: Progress = lambda _: None) -> Iterator[list[Trade]]:
        """Every good trade once, at most BATCH at a time; refused rows are passed over."""
        self._same_as(looked)
        batch: list[Trade] = []
        with self._opened() as opened:
            for at, trade in opened.trades(lambda _: None):
                if at not in looked.skip:
                    batch.append(trade)
                    if len(batch) == BATCH:
                        yield batch
                        batch = []
                        progress(opened.rows.done())
        self._same_as(looked)
        if batch:
            yield batch
        progress(1.0)

    @contextmanager
    def _opened(self) -> Iterator[_Opened]:
        with ExitStack() as held:
            rows = open_rows(self.path, wanted(self._layout), held)
            try:
                read = RowReader(self._agent, rows.columns, self._layout)
            except LayoutError as error:
                raise TradeFileError(f"{self.path.name}: {error}") from None
            yield _Opened(rows, read)

    def _compared(self, again: Collection[int], tell: Tell) -> tuple[set[int], set[int]]:
        """Rows that say what the first of their id says, and all rows of ids whose rows say different things."""
        if not again:
            return set(), set()
        rows: dict[str, list[tuple[int, bytes]]] = {}
        with self._opened() as opened:
            for at, trade in opened.trades(lambda _: None):
                if hash(trade.id) in again:
                    rows.setdefault(trade.id, []).append((at, _content(trade)))
        same: set[int] = set()
        other: set[int] = set()
        for (first, content), *rest in rows.values():
            if all(each == content for _, each in rest):
                same.update(at for at, _ in rest)
                continue
            other.update((first, *(at for at, _ in rest)))
            tell(Refused(first, "id", f"stands in {opened.rows.unit} {rest[0][0]} again, with other values"))
            for at, _ in rest:
                tell(Refused(at, "id", f"stands in {opened.rows.unit} {first} already, and their values differ"))
        return same, other

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise TradeFileError(f"{self.path} cannot be read: {error.strerror}.") from None
        return found.st_size, found.st_mtime_ns

    def _same_as(self, looked: Looked) -> None:
        if self._stamp() != looked.stamp:
            raise TradeFileError(f"{self.path.name} was changed while it was read: try again when it is whole.")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that is being read."""

    rows: Rows
    read: RowReader

    def trades(self, tell: Tell) -> Iterator[tuple[int, Trade]]:
        """Each good row's number and trade; tells of the others."""
        for at, cells in self.rows.cells:
            try:
                trade = self.read(cells)
            except RowError as error:
                tell(Refused(at, error.column, error.why))
                continue
            yield at, trade


def _again(ids: array[int]) -> Collection[int]:
    """What stands in `ids` more than once."""
    ordered = np.sort(np.frombuffer(ids, dtype=np.int64)) if ids else np.empty(0, dtype=np.int64)
    return set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())


def _content(trade: Trade) -> bytes:
    """The same for two trades that say the same, however many zeros their figures end in."""
    values = (getattr(trade, name) for name in _FIELDS)
    said = [str(EXACT.normalize(each)) if isinstance(each, Decimal) else str(each) for each in values]
    return hashlib.blake2b("\x00".join(said).encode(errors="replace"), digest_size=16).digest()
