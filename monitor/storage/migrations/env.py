"""Alembic's way in: migrations run on the connection, and in the transaction, that monitor.storage.migrate hands over.

A new one is written by hand as versions/v0002_what.py; tests/contract/test_migrations.py tells what is missing in it.
"""

from __future__ import annotations

from alembic import context

from monitor.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
