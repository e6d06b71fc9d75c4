"""Closed trades are kept once each, a correction beside what it replaced, and every sum over them with them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, delete, func, select

from monitor.attribution import Cell, Sums
from monitor.model import EXACT, Trade
from monitor.ports import StoredAgent, StoredTrades
from monitor.rollups import changed
from monitor.storage import schema
from monitor.storage.columns import mended, to_micros
from monitor.storage.schema import names, of
from monitor.storage.sqlite import File, insert, upsert

Each = TypeVar("Each")

AT_ONCE = 500
"""Rows asked for by their keys in one query."""
REBUILT = 50_000
"""Trades that are rolled up in one transaction when the sums are made anew."""


class _Version(NamedTuple):
    agent: str
    id: str
    version: int
    strategy: str
    asset: str
    side: object
    size: Decimal
    entry_price: Decimal
    exit_price: Decimal
    entry_time: float
    exit_time: float
    fees: Decimal
    slippage: Decimal
    paper: bool
    funding: Decimal
    venue: str
    exit_reason: str
    tag: str


class _Rolled(NamedTuple):
    agent: str
    paper: bool
    by: str
    span: int
    first: str
    second: str
    trades: int
    wins: int
    gross: Decimal
    fees: Decimal
    slippage: Decimal
    funding: Decimal
    moved: Decimal


_TEXTS, _TIMES = ("id", "strategy", "asset", "venue", "exit_reason", "tag"), ("entry_time", "exit_time")
_SUMS = names(Sums)
_TRADES = upsert(schema.trades, names(Trade))
_VERSIONS = insert(schema.trade_versions, _Version._fields)
_AGENTS = insert(schema.agents, ("id", "first_seen", "cursor"))
_ROLLUPS = upsert(schema.rollups, _Rolled._fields)


class Trades:
    """The port Store over one database file, as far as it is about trades."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def import_trades(self, batches: Iterable[Sequence[Trade]]) -> StoredTrades:
        """Store many trades, all of them or none, and say what was new. Errors: StoreError, and those of `batches`.

        `batches` is gone through in a thread. Whoever is cancelled while it waits has stored nothing.
        """
        wanted = True

        def store(connection: Connection) -> StoredTrades:
            found = StoredTrades(0, 0, 0)
            for batch in batches:
                if not wanted:
                    raise asyncio.CancelledError
                found += keep(connection, batch)
            return found

        try:
            return await self._file.write(store)
        except asyncio.CancelledError:
            wanted = False
            raise

    async def trades(self, agent: str | None, since: float, until: float | None = None) -> list[Trade]:
        """Trades closed in since <= exit_time (< until), in order of exit time; of every agent if None."""
        table = schema.trades.c
        query = of(Trade, schema.trades).where(table.exit_time >= since)
        if until is not None:
            query = query.where(table.exit_time < until)
        if agent is not None:
            query = query.where(table.agent == agent)
        return await self._file.values(Trade, query.order_by(table.exit_time, table.agent, table.id))

    async def known(self, trades: Sequence[Trade]) -> list[Trade]:
        """What is stored of these trades, by (agent, id)."""
        keys = [(each.agent, each.id) for each in map(_as_stored, trades)]
        return [found for query in _of_keys(keys) for found in await self._file.values(Trade, query)]

    async def versions(self, agent: str, trade: str) -> list[Trade]:
        """What a trade was before it was corrected, oldest first."""
        table = schema.trade_versions.c
        query = of(Trade, schema.trade_versions).where(table.agent == agent, table.id == trade)
        return await self._file.values(Trade, query.order_by(table.version))

    async def rolled(
        self, by: str, spans: tuple[int, int], agent: str | None, *, paper: bool
    ) -> list[tuple[str, str, str, Sums]]:
        """(agent, first, second, sums) of every cell of a split in first <= span < last; of every agent if None."""
        table = schema.rollups.c
        where = [table.by == by, table.paper == paper, table.span >= spans[0], table.span < spans[1]]
        # Naming every agent lets the database walk the beginnings of their ranges instead of all cells.
        whose = table.agent.in_(select(schema.agents.c.id)) if agent is None else table.agent == agent
        query = select(table.agent, table.first, table.second, *(table[name] for name in _SUMS)).where(whose, *where)
        return [(each[0], each[1], each[2], Sums(*each[3:])) for each in await self._file.read(query)]

    async def roll_up(self) -> None:
        """Make the sums anew where there are trades and none of them, as in a database of an older version."""
        ((some, none),) = await self._file.read(
            select(select(schema.trades.c.id).exists(), ~select(schema.rollups.c.by).exists())
        )
        if some and none:
            await self._file.write(_rebuild)


def keep(connection: Connection, trades: Iterable[Trade]) -> StoredTrades:
    """Store trades within a transaction: new ones, and corrections, whose former values become older versions.

    Whether a trade was made without money stays as it was first stored.
    """
    coming = {(each.agent, each.id): each for each in map(_as_stored, trades)}
    stored = (Trade(*row) for query in _of_keys(coming) for row in connection.execute(query))
    known = {(each.agent, each.id): each for each in stored}
    news = [each for key, each in coming.items() if key not in known]
    corrections = {key: right for key, old in known.items() if (right := replace(coming[key], paper=old.paper)) != old}
    if news or corrections:
        _AGENTS.run(connection, [StoredAgent(each, None, None) for each in {each.agent for each in news}])
        replaced = [known[key] for key in corrections]
        _keep_versions(connection, replaced)
        _TRADES.run(connection, [*news, *corrections.values()])
        _count(connection, changed([*news, *corrections.values()], replaced))
    return StoredTrades(len(news), len(corrections), len(known) - len(corrections))


def _as_stored(trade: Trade) -> Trade:
    """The trade as it comes back: times to the microsecond, text that a database takes."""
    wrong: dict[str, Any] = {}
    for name in _TEXTS:
        text = getattr(trade, name)
        if not text.isascii() and mended(text) != text:
            wrong[name] = mended(text)
    for name in _TIMES:
        time = getattr(trade, name)
        if (stored := to_micros(time) / 1e6) != time:
            wrong[name] = stored
    return replace(trade, **wrong) if wrong else trade


def _of_keys(keys: Iterable[tuple[str, str]]) -> Iterator[Select[Any]]:
    """Queries that together select the trades of these (agent, id)."""
    table = schema.trades.c
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for agent, each in keys:
        ids[agent].append(each)
    for agent, wanted in ids.items():
        for some in _parts(wanted):
            yield of(Trade, schema.trades).where(table.agent == agent, table.id.in_(some))


def _keep_versions(connection: Connection, replaced: Sequence[Trade]) -> None:
    table = schema.trade_versions.c
    rows = []
    for each in replaced:
        newest = select(func.max(table.version)).where(table.agent == each.agent, table.id == each.id)
        ((last,),) = connection.execute(newest).all()
        values = {name: getattr(each, name) for name in names(Trade)}
        rows.append(_Version(version=(last or 0) + 1, **values))
    _VERSIONS.run(connection, rows)


def _count(connection: Connection, cells: Mapping[Cell, Sums]) -> None:
    """Add to the stored sums; a cell that counts no trade any more goes."""
    rows: list[_Rolled] = []
    gone: list[Cell] = []
    with localcontext(EXACT):
        for some in _parts(list(cells)):
            stored = _cells(connection, some)
            for cell in some:
                sums = stored.get(cell, Sums())
                sums.add(cells[cell])
                if sums.trades:
                    rows.append(_Rolled(*cell, *(getattr(sums, name) for name in _SUMS)))
                elif cell in stored:
                    gone.append(cell)
    _ROLLUPS.run(connection, rows)
    for cell in gone:
        where = [schema.rollups.columns[name] == value for name, value in zip(Cell._fields, cell, strict=True)]
        connection.execute(delete(schema.rollups).where(*where))


def _cells(connection: Connection, wanted: Sequence[Cell]) -> dict[Cell, Sums]:
    # Joined cell by cell, so that each is found by the primary key; a row value IN a list walks the whole table.
    keys = [f'"{name}"' for name in Cell._fields]
    values = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(wanted))
    same = " AND ".join(f"r.{key} = k.{key}" for key in keys)
    columns = ", ".join(f"r.{each}" for each in (*keys, *_SUMS))
    asked = f"WITH k({', '.join(keys)}) AS (VALUES {values}) SELECT {columns} FROM k CROSS JOIN rollups r ON {same}"  # noqa: S608 - no value is in it
    rows = connection.exec_driver_sql(asked, tuple(part for cell in wanted for part in cell))
    found: Sequence[Sequence[Any]] = rows.all()
    return {Cell(*each[:6])._replace(paper=bool(each[1])): Sums(*each[6:8], *map(Decimal, each[8:])) for each in found}


def _rebuild(connection: Connection) -> None:
    table = schema.trades
    after = ("", "")
    while True:
        query = (
            of(Trade, table)
            .where(table.c.agent >= after[0])
            .where((table.c.agent > after[0]) | (table.c.id > after[1]))
        )
        rows = connection.execute(query.order_by(table.c.agent, table.c.id).limit(REBUILT)).all()
        if not rows:
            return
        _count(connection, changed([Trade(*row) for row in rows], ()))
        after = (rows[-1][0], rows[-1][1])


def _parts(of: Sequence[Each]) -> Iterator[Sequence[Each]]:
    return (of[at : at + AT_ONCE] for at in range(0, len(of), AT_ONCE))
