"""A database is opened by locking it, checking it and bringing its schema up to date."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path

from monitor.ports import StoreError
from monitor.storage.facts import Facts
from monitor.storage.history import History
from monitor.storage.inbox import Inbox
from monitor.storage.lock import locked
from monitor.storage.migrate import migrate
from monitor.storage.outbox import Outbox
from monitor.storage.sqlite import File
from monitor.storage.trades import Trades


class Database(Facts, Trades, History, Outbox, Inbox):
    """The ports Store, OutboxStore and Inbox over one file that is ours until it is closed."""

    def __init__(self, file: File, held: AsyncExitStack) -> None:
        Facts.__init__(self, file)
        Trades.__init__(self, file)
        History.__init__(self, file)
        Outbox.__init__(self, file)
        Inbox.__init__(self, file)
        self._held = held

    async def close(self) -> None:
        """Close the file, then give back the lock; a second time does nothing."""
        await self._held.aclose()


async def open_store(url: str) -> Database:
    """Lock, migrate and open "nightdesk.db" or "sqlite:///nightdesk.db". Errors: StoreError."""
    path = _path(url)
    async with AsyncExitStack() as held:
        held.enter_context(locked(path))
        file = File(path, path.name)
        held.push_async_callback(file.close)
        await migrate(file)
        await Trades(file).roll_up()
        return Database(file, held.pop_all())
    raise AssertionError  # pragma: no cover - for mypy: the stack swallows nothing


def _path(url: str) -> Path:
    kind, mark, rest = url.partition("://")
    # The address of another kind of database may hold a password: it is not repeated.
    if mark and (kind not in ("sqlite", "sqlite+aiosqlite") or rest[:1] not in ("", "/")):
        raise StoreError("The database must be a file of SQLite: write it like sqlite:///nightdesk.db.")
    name = rest[1:] if mark else url
    if name in ("", ":memory:"):
        raise StoreError("The database has no file: write it like sqlite:///nightdesk.db.")
    if os.path.isdir(name):  # noqa: PTH112 - pathlib's raises where the folder above may not be read
        raise StoreError(f"The database {name} is a folder: name a file in it, like {name.rstrip('/')}/nightdesk.db.")
    return Path(os.path.realpath(name))  # one file has one lock, however it is spelled
