"""The stored schema is brought to the newest; Alembic is loaded only when it is not there yet."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from monitor.ports import StoreError
from monitor.storage.sqlite import TABLES, File

HEAD = "0005"
"""The newest revision in migrations/versions."""

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(file: File) -> None:
    """Bring the schema to HEAD in one transaction. Errors: StoreError (newer than this program, not a desk's)."""
    stored = await _stored(file)
    if stored != HEAD:
        await file.write(lambda connection: _upgrade(connection, stored, file.name))


async def _stored(file: File) -> str | None:
    tables = [name for (name,) in await file.read(TABLES)]
    if "alembic_version" in tables:
        versions = await file.read(text("SELECT version_num FROM alembic_version"))
        return versions[0][0] if versions else None
    if tables:
        raise StoreError(
            f"The database {file.name} belongs to another program (it has a table {tables[0]}): "
            "give the desk a database of its own."
        )
    return None


def _upgrade(connection: Connection, stored: str | None, name: str) -> None:
    # Here, because importing it takes as long as all the rest of a start.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    if stored is not None and stored not in known:
        raise StoreError(
            f"The database {name} was written by a newer Nightdesk (schema {stored}, this one knows {HEAD}): "
            "install the newer one, or give this one its own database."
        )
    command.upgrade(config, HEAD)
