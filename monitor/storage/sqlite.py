"""SQLite's ways, and nowhere else: a writer that locks before it reads, readers beside it, errors as sentences."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
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
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from monitor.ports import StoreError

Asked = TypeVar("Asked")
Result = TypeVar("Result")
Value = TypeVar("Value")

_DIALECT = sqlite.dialect()
_READERS = 4
_PATIENCE = 300.0
"""Seconds a call waits for its turn: at a start every agent's history is asked for at once."""
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
        self._writer = create_async_engine(_url(path, "sqlite+aiosqlite"), pool_size=1, **_HOW)
        self._reader = create_engine(_url(path, "sqlite"), pool_size=_READERS, **_HOW)
        # A query is one turn of a thread: asked step by step it would take as long again, in the loop's own time.
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        event.listen(self._writer.sync_engine, "begin", _begin_immediate)
        event.listen(self._writer.sync_engine, "connect", _set(_WRITER_PRAGMAS))
        event.listen(self._reader, "connect", _set(_READER_PRAGMAS))
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def write(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Do `work` in one transaction: all of it, or with an error nothing. Errors: StoreError."""
        return await self._whole(self._write, work)

    async def read(self, query: Executable) -> Sequence[tuple[Any, ...]]:
        """Rows of one query, which sees the newest commit. Errors: StoreError."""
        return await self._whole(self._read, query)

    async def values(self, kind: Callable[..., Value], query: Executable) -> list[Value]:
        """Rows of one query, each made a value of `kind` by its columns. Errors: StoreError."""
        return [kind(*row) for row in await self.read(query)]

    async def close(self) -> None:
        """Let what is under way end, then close; the last connection folds the write-ahead log into the file."""
        self._closed = True
        await self._idle()
        self._threads.shutdown()
        self._reader.dispose()
        await self._writer.dispose()

    async def _idle(self) -> None:
        """Wait until every call that was begun has ended."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _whole(self, call: Callable[[Asked], Coroutine[Any, Any, Result]], asked: Asked) -> Result:
        if self._closed:  # and perhaps another desk's by now
            raise StoreError(f"The database {self.name} is closed.")
        # A call cancelled half-way would leave its connection behind, and with it the lock on the file: once begun,
        # each goes on to its end, whether or not anybody still waits for it.
        task = asyncio.create_task(call(asked))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        with self._sentences():
            async with self._writer.begin() as connection:
                return await work(connection)

    async def _read(self, query: Executable) -> Sequence[tuple[Any, ...]]:
        with self._sentences():
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._fetch, query)

    def _fetch(self, query: Executable) -> Sequence[tuple[Any, ...]]:
        with self._reader.connect() as connection:
            return connection.execute(query).all()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            if isinstance(error, StatementError) and not isinstance(error.orig, sqlite3.Error | None):
                raise ValueError("a value cannot be stored") from None  # noqa: TRY004 - trying again would never help
            raise StoreError(_sentence(self.name, error)) from error


_HOW: Mapping[str, Any] = {
    # Without the driver's own BEGIN, which comes too late to keep a transaction that reads first from failing.
    "connect_args": {"isolation_level": None, "timeout": 5, "check_same_thread": False},
    "pool_timeout": _PATIENCE,
    "max_overflow": 0,
    "hide_parameters": True,
}


def _url(path: Path, driver: str) -> URL:
    return URL.create(driver, database=str(path))


def _set(pragmas: Sequence[str]) -> Callable[[DBAPIConnection, object], None]:
    def connected(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for each in pragmas:
            cursor.execute(f"PRAGMA {each}")
        cursor.close()

    return connected


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

    async def run(self, connection: AsyncConnection, values: Iterable[Any]) -> None:
        """Store the values."""
        rows = [self._row(each) for each in values]
        if rows:
            await connection.exec_driver_sql(self.sql, rows)

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
