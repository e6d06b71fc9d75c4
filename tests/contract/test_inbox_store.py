"""What a store remembers of the chats."""

from __future__ import annotations

import asyncio
from pathlib import Path

from monitor.alerts.alert import Kind
from monitor.ports import Change
from tests.stores import T0, a_notification, new_database, new_store, opened

DAY = 86_400.0


async def test_an_event_comes_first_once_also_after_a_restart(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    async with opened(path) as store:
        assert await store.first("telegram", "7", T0)
        assert not await store.first("telegram", "7", T0 + 1)
        assert await store.first("slack", "7", T0 + 1)
    async with opened(path) as store:
        assert not await store.first("telegram", "7", T0 + 2)


async def test_of_many_at_once_one_is_first(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        said = await asyncio.gather(*(store.first("slack", "Ev1", T0) for _ in range(10)))
    assert sorted(said) == [False] * 9 + [True]


async def test_an_event_is_forgotten_after_a_day(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        await store.first("telegram", "7", T0)
        assert await store.first("telegram", "8", T0 + DAY + 1)
        assert await store.first("telegram", "7", T0 + DAY + 2)


async def test_a_card_leads_back_to_its_alert(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        await store.commit(Change(notifications=[a_notification("k", Kind.PAGE)]))
        (row,) = await store.claim("console", T0, 1)
        await store.delivered(row, T0, "console\x1fconsole\x1f5")
        assert await store.alert_at("console", "console\x1fconsole\x1f5") == "a1"
        assert await store.alert_at("telegram", "console\x1fconsole\x1f5") is None
