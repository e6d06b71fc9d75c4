"""Facts and outbox in one database; `open_store` opens it."""

from __future__ import annotations

from monitor.storage.database import Database, open_store

__all__ = ["Database", "open_store"]
