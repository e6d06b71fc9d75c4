"""The migrations make the schema that the code knows, in one transaction, and refuse what is not theirs."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, create_engine

from monitor.alerts.alert import Alert, AlertEvent, Notification
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Override
from monitor.alerts.silence import Silence
from monitor.mail import Card
from monitor.model import CashFlow, Person, Sample, Trade
from monitor.order import Order
from monitor.ports import AuditEntry, Change, Snapshot, StoredAgent, StoreError
from monitor.storage import migrate, open_store, schema
from monitor.storage.sqlite import File
from tests.stores import T0, a_sample, new_database, new_store, opened


def _shape(path: Path) -> dict[str, Any]:
    """Table -> its columns by name (type, nullability, default, place in the key) and its indexes; no SQL text."""
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: (
                {column: (kind, *more) for _, column, kind, *more in connection.execute(f"PRAGMA table_info({name})")},
                connection.execute("SELECT wr FROM pragma_table_list WHERE name = ?", (name,)).fetchone(),
                sorted(_indexes(connection, name)),
            )
            for name in tables
            if "alembic" not in name and not name.startswith("sqlite_")
        }
    finally:
        connection.close()


def _indexes(connection: sqlite3.Connection, table: str) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for _, name, unique, *_ in connection.execute(f"PRAGMA index_list({table})").fetchall():
        columns = connection.execute(f"PRAGMA index_info({name})").fetchall()
        yield name, unique, tuple(column for _, _, column in columns)


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
    assert _shape(migrated) == _shape(made)


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
        (Incident, schema.incidents, set()),
        (Silence, schema.silences, set()),
        (Override, schema.overrides, set()),
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

    with pytest.raises(InterruptedError):
        await file.write(half)
    await file.close()
    assert _shape(path) == {}
    async with opened(path) as store:
        assert await store.agents() == {}


def _at(path: Path, revision: str) -> sqlite3.Connection:
    """A database as that revision left it."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    return sqlite3.connect(path)


async def test_a_night_that_began_before_there_were_incidents_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "nightdesk.db"
    old, micros = _at(path, "0002"), round(T0 * 1e6)
    alert = (
        "INSERT INTO alerts VALUES (?, ?, 'alpha', 'drawdown', '[]', 3, ?, 4, ?, ?, 'Down.', 0.2, 0.1, 3, 0, 0, ?, ?, "
    )
    for name, state, fired in (("a1", "firing", micros), ("a2", "pending", None)):
        old.execute(f"{alert}NULL, NULL, '', NULL)", (name, f"f{name}", state, micros, micros, fired, fired))
    row = "INSERT INTO notifications (key, platform, kind, severity, created, alert, version, body, attempts, state) "
    for number, (platform, kind, state) in enumerate(
        (("telegram", "page", "done"), ("slack", "page", "claimed"), ("slack", "update", "queued"))
    ):
        values = (f"k{number}", platform, kind, micros, state)
        old.execute(f"{row}VALUES (?, ?, ?, 3, ?, 'a1', 1, '{{}}', 0, ?)", values)
    old.execute("INSERT INTO cards VALUES ('a1', 'telegram', 'telegram\x1f-1\x1f5', 1)")
    old.execute("INSERT INTO silences VALUES ('s1', 'fa1', 'a1', ?, ?, 'ana', 'known')", (micros, micros + 1))
    old.commit()
    old.close()
    async with opened(path) as store:
        (incident,) = await store.open_incidents()
        assert (incident.id, incident.rule, incident.alerts, incident.paged) == ("a1", "drawdown", 1, T0)
        assert sorted(incident.channels) == ["slack", "telegram"]
        assert {each.id: each.incident for each in await store.open_alerts()} == {"a1": "a1", "a2": None}
        assert await store.alert_at("telegram", "telegram\x1f-1\x1f5") == "a1"
        assert (await store.silences(T0))[0].matchers == (("alert", "fa1"),)
        assert await store.release("slack") == 1
        (page,) = await store.claim("slack", T0, 9)
        assert (page.key, page.uncertain) == ("k1", True)


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
