"""A migrated database for each test, copied from one that is made once, and values to put into it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from monitor.alerts.alert import Alert, Kind, Notification, State, alert_id, fingerprint
from monitor.model import Sample, Severity, Side, Trade
from monitor.storage import Database, open_store

T0 = 1_700_000_000.0


def new_database(folder: Path) -> Path:
    """An empty, migrated database file in a folder."""
    path = folder / "nightdesk.db"
    path.write_bytes(_template())
    return path


@asynccontextmanager
async def new_store(folder: Path) -> AsyncIterator[Database]:
    """An empty store, closed at the end."""
    async with opened(new_database(folder)) as store:
        yield store


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    """The store of a database file, closed at the end."""
    store = await open_store(str(path))
    try:
        yield store
    finally:
        await store.close()


@cache
def _template() -> bytes:
    with ThreadPoolExecutor(1) as beside_the_loop:
        return beside_the_loop.submit(asyncio.run, _make()).result()


async def _make() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        async with opened(path):
            pass
        return path.read_bytes()


def a_sample(agent: str = "alpha", time: float = T0, **fields: Any) -> Sample:
    """A sample of a healthy agent."""
    return Sample(**{"agent": agent, "time": time, "status": "ok", "paused": False, "equity": 1000.25, **fields})


def a_trade(of: str = "t1", agent: str = "alpha", exit_time: float = T0, **fields: Any) -> Trade:
    """A closed trade."""
    plain = {
        "strategy": "momentum",
        "asset": "BTC",
        "side": Side.LONG,
        "size": Decimal("0.10"),
        "entry_price": Decimal("30000.1"),
        "exit_price": Decimal("30010.3"),
        "entry_time": exit_time - 60,
        "fees": Decimal("0.30"),
    }
    return Trade(**{"agent": agent, "id": of, "exit_time": exit_time, **plain, **fields})


def an_alert(agent: str = "alpha", rule: str = "drawdown", opened_at: float = T0, **fields: Any) -> Alert:
    """A firing alert in its first version."""
    identity = fingerprint(agent, rule)
    plain = {
        "id": alert_id(identity, opened_at),
        "fingerprint": identity,
        "labels": (),
        "severity": Severity.CRITICAL,
        "state": State.FIRING,
        "version": 1,
        "seen": opened_at,
        "reason": "Down 16 % from its peak.",
    }
    return Alert(**{"agent": agent, "rule": rule, "opened": opened_at, **plain, **fields})


def a_notification(key: str, kind: Kind = Kind.PAGE, **fields: Any) -> Notification:
    """A notification about the alert a1 on the console."""
    plain = {"platform": "console", "severity": Severity.WARN, "created": T0, "alert": "a1", "version": 1}
    return Notification(**{"key": key, "kind": kind, **plain, **fields})
