"""The migrations make the schema that the code knows, in one transaction, and refuse what is not theirs."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.alerts.alert import Alert, AlertEvent, Notification, Silence
from monitor.model import CashFlow, Order, Person, Sample, Trade
from monitor.ports import AuditEntry, Card, Change, Snapshot, StoredAgent, StoreError
from monitor.storage import migrate, open_store, schema
from monitor.storage.sqlite import File
from tests.stores import a_sample, new_database, new_store, opened


def _tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        statements = connection.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'")
        return {re.sub(r"\s+", " ", sql) for (sql,) in statements if sql}
    finally:
        connection.close()


def _execute(path: Path, statement: str, *values: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_the_migrations_make_exactly_the_schema(tmp_path: Path) -> None:
    migrated, made = new_database(tmp_path), tmp_path / "made.db"
    for path in (migrated, made):
        engine = create_engine(f"sqlite:///{path}")
        if path is made:
            schema.metadata.create_all(engine)
        else:
            with engine.connect() as connection:
                assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
        engine.dispose()
    assert _tables(migrated) == _tables(made)


@pytest.mark.parametrize(
    ("kind", "table", "beside"),
    [
        (StoredAgent, schema.agents, {"labels"}),
        (Sample, schema.samples, set()),
        (Trade, schema.trades, set()),
        (CashFlow, schema.flows, set()),
        (Alert, schema.alerts, set()),
        (AlertEvent, schema.alert_events, {"id"}),
        (Notification, schema.notifications, {"state", "not_before", "claimed_at", "ended", "error"}),
        (Card, schema.cards, set()),
        (Silence, schema.silences, set()),
        (Order, schema.orders, set()),
        (Person, schema.people, set()),
        (AuditEntry, schema.audit, {"id"}),
        (Snapshot, schema.snapshots, set()),
    ],
)
def test_every_field_of_a_value_has_its_column(kind: type[Any], table: Table, beside: set[str]) -> None:
    assert {each.name for each in fields(kind)} == {each.name for each in table.columns} - beside


async def test_a_migration_that_is_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "nightdesk.db"
    file = File(path, path.name)

    def half(connection: Connection) -> None:
        migrate._upgrade(connection, None, path.name)
        raise InterruptedError

    async def work(connection: AsyncConnection) -> None:
        await connection.run_sync(half)

    with pytest.raises(InterruptedError):
        await file.write(work)
    await file.close()
    assert _tables(path) == set()
    async with opened(path) as store:
        assert await store.agents() == {}


async def test_a_database_of_a_newer_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    _execute(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"nightdesk\.db was written by a newer Nightdesk \(schema 9999"):
        await open_store(str(path))
    _execute(path, "UPDATE alembic_version SET version_num = ?", migrate.HEAD)
    async with opened(path):
        pass


async def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    _execute(path, "CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"theirs\.db belongs to another program \(it has a table bookmarks\)"):
        await open_store(str(path))
    assert path.read_bytes() == before


async def test_opening_again_keeps_what_is_there_and_does_not_load_alembic(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        await store.commit(Change(samples=[a_sample()]))
    program = (
        "import asyncio, sys\n"
        "from monitor.storage import open_store\n"
        "async def main():\n"
        "    store = await open_store(sys.argv[1])\n"
        "    print(len(await store.samples('alpha', 0)), 'alembic' in sys.modules)\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    arguments = (sys.executable, "-c", program, str(tmp_path / "nightdesk.db"))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.split() == [b"1", b"False"]
