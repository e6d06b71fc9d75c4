"""SQLite's ways, and nowhere else: a writer that locks before it reads, readers beside it, errors as sentences."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Select,
    Table,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError, StatementError

from monitor.ports import StoreError

Result = TypeVar("Result")
Value = TypeVar("Value")

_DIALECT = sqlite.dialect()
_READERS = 4
_WRITER_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-32000")
_READER_PRAGMAS = ("query_only=ON",)

TABLES = text("SELECT name FROM sqlite_master WHERE type = 'table'")
"""Names of the tables in a file."""

Newer = Callable[[Any], ColumnElement[bool]]
"""Given the row that comes, whether it may replace the one that stands."""


class File:
    """One database file: a single writer, so that no transaction meets a lock, and readers that never wait for it."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        """What people call it."""
        self._writer = _Threads(path, 1, _WRITER_PRAGMAS)
        self._reader = _Threads(path, _READERS, _READER_PRAGMAS)
        event.listen(self._writer.engine, "begin", _begin_immediate)
        self._running: set[asyncio.Future[Any]] = set()
        self._closed = False

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do `work` in one transaction: all of it, or with an error nothing. Errors: StoreError.

        It is done in a thread: what it looks at must not change meanwhile.
        """

        def transaction() -> Result:
            with self._writer.engine.begin() as connection:
                return work(connection)

        return await self._whole(self._writer, transaction)

    async def read(self, query: Executable) -> Sequence[tuple[Any, ...]]:
        """Rows of one query, which sees the newest commit. Errors: StoreError."""

        def fetch() -> Sequence[tuple[Any, ...]]:
            with self._reader.engine.connect() as connection:
                return connection.execute(query).all()

        return await self._whole(self._reader, fetch)

    async def values(self, kind: Callable[..., Value], query: Executable) -> list[Value]:
        """Rows of one query, each made a value of `kind` by its columns. Errors: StoreError."""
        return [kind(*row) for row in await self.read(query)]

    async def close(self) -> None:
        """Let what is under way end, then close; the last connection folds the write-ahead log into the file."""
        self._closed = True
        await self._idle()
        for each in (self._reader, self._writer):
            await asyncio.to_thread(each.close)

    async def _idle(self) -> None:
        """Wait until every call that was begun has ended."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _whole(self, threads: _Threads, call: Callable[[], Result]) -> Result:
        if self._closed:  # and perhaps another desk's by now
            raise StoreError(f"The database {self.name} is closed.")
        running = asyncio.get_running_loop().run_in_executor(threads.pool, call)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        with self._sentences():
            return await asyncio.shield(running)  # once begun it goes on to its end, whether or not anybody waits

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            if isinstance(error, StatementError) and not isinstance(error.orig, sqlite3.Error | None):
                raise ValueError("a value cannot be stored") from None  # noqa: TRY004 - trying again would never help
            raise StoreError(_sentence(self.name, error)) from error


class _Threads:
    """Some threads, and a connection for each."""

    def __init__(self, path: Path, many: int, pragmas: Sequence[str]) -> None:
        self.pool = ThreadPoolExecutor(many, thread_name_prefix="store")
        self.engine: Engine = create_engine(
            URL.create("sqlite", database=str(path)),
            # Without the driver's own BEGIN, which comes too late to keep a transaction that reads first from failing.
            connect_args={"isolation_level": None, "timeout": 5, "check_same_thread": False},
            pool_size=many,
            max_overflow=0,
            hide_parameters=True,
        )
        self._pragmas = pragmas
        event.listen(self.engine, "connect", self._connected)

    def _connected(self, connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for each in self._pragmas:
            cursor.execute(f"PRAGMA {each}")
        cursor.close()

    def close(self) -> None:
        """Give the connections back."""
        self.pool.shutdown()
        self.engine.dispose()


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


_CURES = (
    (
        ("not a database", "malformed"),
        "it is damaged or no database: restore it from a backup or give the desk another",
    ),
    (("readonly", "unable to open"), "check the rights of the file and of its folder"),
    (("disk is full", "disk I/O error"), "free some space on its disk and check the disk"),
    (("locked",), "another program holds it, end that program"),
)


def _sentence(name: str, error: Exception) -> str:
    said = str(error.orig) if isinstance(error, StatementError) else str(error)
    for signs, cure in _CURES:
        if any(sign in said for sign in signs):
            return f"The database {name} cannot be used ({said}): {cure}."
    return f"The database {name} refused: {said}."


@dataclass(frozen=True, slots=True)
class Insert:
    """One INSERT for many values, its columns filled from the attributes of the same names.

    Goes past SQLAlchemy's handling of parameters, which would take as long again as SQLite itself.
    """

    sql: str
    read: Callable[[Any], tuple[Any, ...]]
    encoders: tuple[tuple[int, Callable[[Any], Any]], ...]

    def run(self, connection: Connection, values: Iterable[Any]) -> None:
        """Store the values."""
        rows = [self._row(each) for each in values]
        if rows:
            connection.exec_driver_sql(self.sql, rows)

    def _row(self, value: Any) -> tuple[Any, ...]:
        row = list(self.read(value))
        for index, encode in self.encoders:
            row[index] = encode(row[index])
        return tuple(row)


def insert(table: Table, names: Sequence[str]) -> Insert:
    """Store what is not there yet; what is there stays."""
    return _insert(table, names, sqlite.insert(table).on_conflict_do_nothing())


def upsert(table: Table, names: Sequence[str], newer: Newer | None = None, keep: Sequence[str] = ()) -> Insert:
    """Store, in place of what has the same primary key, or only if `newer` says so; what `keep` names stays."""
    key = [*(each.name for each in table.primary_key), *keep]
    statement = sqlite.insert(table)
    coming = statement.excluded
    replaced = {name: coming[name] for name in names if name not in key}
    condition = None if newer is None else newer(coming)
    return _insert(
        table,
        names,
        statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced, where=condition),
    )


def _insert(table: Table, names: Sequence[str], statement: sqlite.Insert) -> Insert:
    compiled = statement.compile(dialect=_DIALECT, column_keys=list(names))
    order = compiled.positiontup or []
    processors = (table.columns[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT) for name in order)
    encoders = tuple((index, each) for index, each in enumerate(processors) if each is not None)
    return Insert(str(compiled), attrgetter(*order), encoders)


def last_of_hours(samples: Table) -> Select[Any]:
    """(agent, hour, time, equity) of the last known equity of each hour of an agent (`of`) in `since`..`until`."""
    table = samples.c
    hour = cast(table.time, BigInteger) // 3_600_000_000
    newest = func.row_number().over(partition_by=hour, order_by=table.time.desc())
    known = (table.agent == bindparam("of"), table.time.between(bindparam("since"), bindparam("until")))
    ranked = select(table.agent, hour.label("hour"), table.time, table.equity, newest.label("rank"))
    rows = ranked.where(*known, table.equity.is_not(None)).subquery()
    return select(rows.c.agent, rows.c.hour, rows.c.time, rows.c.equity).where(rows.c.rank == 1)


def keep_hours(samples: Table, hours: Table) -> sqlite.Insert:
    """Keep the last known equity of each hour of an agent (`of`) in `since`..`until`."""
    statement = sqlite.insert(hours).from_select(["agent", "hour", "time", "equity"], last_of_hours(samples))
    coming = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[hours.c.agent, hours.c.hour],
        set_={"time": coming.time, "equity": coming.equity},
        where=coming.time > hours.c.time,
    )
