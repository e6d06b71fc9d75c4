"""The outbox store hands out each notification once, a card's in order, and forgets none until it is done or dead."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from monitor.alerts.alert import Kind, Notification
from monitor.model import Severity
from monitor.ports import Card, Change
from monitor.storage import Database, schema
from tests.stores import T0, a_notification, new_store, opened


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with new_store(tmp_path) as database:
        yield database


async def _queue(store: Database, *notifications: Notification) -> None:
    await store.commit(Change(notifications=notifications))


async def _claim(store: Database, now: float = T0, limit: int = 99) -> list[str]:
    return [each.key for each in await store.claim("console", now, limit)]


async def test_a_claim_is_given_out_once_whoever_asks_at_the_same_time(store: Database) -> None:
    await _queue(store, *(a_notification(f"n{each}", alert=f"a{each}") for each in range(20)))
    claims = await asyncio.gather(*(_claim(store, limit=3) for _ in range(10)))
    assert Counter(key for claim in claims for key in claim) == Counter(f"n{each}" for each in range(20))


async def test_critical_goes_first_then_what_is_oldest_and_each_platform_has_its_own(store: Database) -> None:
    await _queue(
        store,
        a_notification("info", alert=None, kind=Kind.NOTICE, severity=Severity.INFO),
        a_notification("warn", alert="a1"),
        a_notification("critical", alert="a2", severity=Severity.CRITICAL),
        a_notification("elsewhere", alert="a2", severity=Severity.CRITICAL, platform="slack"),
        a_notification("later", alert="a3", severity=Severity.CRITICAL),
    )
    assert await _claim(store, limit=2) == ["critical", "later"]
    assert await _claim(store) == ["warn", "info"]
    assert [each.key for each in await store.claim("slack", T0, 9)] == ["elsewhere"]


async def test_the_same_key_is_one_notification_also_after_it_was_delivered(store: Database) -> None:
    await _queue(store, a_notification("n1"), a_notification("n1", Kind.UPDATE))
    (claimed,) = await store.claim("console", T0, 9)
    assert claimed == a_notification("n1", id=1)
    await store.delivered(claimed, T0, None)
    await _queue(store, a_notification("n1"))
    assert await _claim(store) == []


async def test_rows_of_one_card_go_one_after_another_in_the_order_they_were_stored(store: Database) -> None:
    await _queue(
        store,
        a_notification("page"),
        a_notification("recovery", Kind.RECOVERY, severity=Severity.CRITICAL),
        a_notification("again", Kind.PAGE, severity=Severity.CRITICAL),
    )
    for key in ("page", "recovery", "again"):
        (claimed,) = await store.claim("console", T0, 9)
        assert claimed.key == key
        assert await _claim(store) == []
        await store.delivered(claimed, T0, "{}")


async def test_a_row_that_waits_for_its_retry_holds_back_its_card_and_no_other(store: Database) -> None:
    await _queue(store, a_notification("page"), a_notification("more"), a_notification("other", alert="a2"))
    page = (await store.claim("console", T0, 1))[0]
    await store.retry(page, T0 + 30, "429")
    assert await _claim(store, T0 + 29) == ["other"]
    assert await store.claim("console", T0 + 30, 9) == [replace(page, attempts=1)]
    assert await _claim(store, T0 + 99) == []


async def test_a_dead_letter_lets_the_next_of_its_card_go_and_waits_no_more(store: Database) -> None:
    await _queue(store, a_notification("page"), a_notification("again"))
    (page,) = await store.claim("console", T0, 9)
    await store.bury(page, T0, "chat not found")
    assert await _claim(store) == ["again"]
    assert (await store.undelivered())[0] == 1


async def test_an_update_with_a_newer_update_or_page_behind_it_is_not_sent(store: Database) -> None:
    await _queue(
        store,
        a_notification("u1", Kind.UPDATE),
        a_notification("u2", Kind.UPDATE),
        a_notification("p1", Kind.PAGE),
        a_notification("u3", Kind.UPDATE),
        a_notification("r1", Kind.RECOVERY),
        a_notification("u4", Kind.UPDATE),
        a_notification("r2", Kind.RECOVERY),
        a_notification("alone", Kind.UPDATE, alert="a2"),
        a_notification("slack", Kind.UPDATE, platform="slack"),
    )
    sent = []
    while claimed := await store.claim("console", T0, 9):
        sent += [each.key for each in claimed]
        for each in claimed:
            await store.delivered(each, T0, None)
    assert sent == ["p1", "alone", "r1", "u4", "r2"]
    assert (await store.undelivered())[0] == 1


async def test_an_update_that_is_being_sent_is_not_superseded(store: Database) -> None:
    await _queue(store, a_notification("u1", Kind.UPDATE))
    (first,) = await store.claim("console", T0, 9)
    await _queue(store, a_notification("u2", Kind.UPDATE))
    assert await _claim(store) == []
    await store.retry(first, T0 + 60, "reset")
    assert await _claim(store) == ["u2"]


async def test_delivery_remembers_where_the_card_stands_and_a_recovery_moves_no_card(store: Database) -> None:
    assert await store.card("a1", "console") is None
    for key, kind, version, ref in (
        ("page", Kind.PAGE, 1, '{"id":1}'),
        ("update", Kind.UPDATE, 2, '{"id":1}'),
        ("recovery", Kind.RECOVERY, 3, '{"id":2}'),
    ):
        await _queue(store, a_notification(key, kind, version=version))
        (claimed,) = await store.claim("console", T0, 9)
        await store.delivered(claimed, T0, ref)
    assert await store.card("a1", "console") == Card("a1", "console", '{"id":1}', 2)
    assert await store.card("a1", "slack") is None


async def test_undelivered_counts_what_waits_and_what_is_being_sent(store: Database) -> None:
    assert await store.undelivered() == (0, None)
    await _queue(store, a_notification("n1", created=T0 + 5), a_notification("n2", alert="a2", created=T0 + 3))
    (first,) = await store.claim("console", T0, 1)
    assert await store.undelivered() == (2, T0 + 3)
    await store.delivered(first, T0, None)
    assert await store.undelivered() == (1, T0 + 3)


async def test_claims_of_a_process_that_is_gone_are_given_back(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        await _queue(store, a_notification("n1"), a_notification("n2", alert="a2"), a_notification("n3", alert="a3"))
        done, *_ = await store.claim("console", T0, 2)
        await store.delivered(done, T0, None)
    async with opened(tmp_path / "nightdesk.db") as store:
        assert await _claim(store) == ["n3"]
        assert await store.release("slack") == 0
        assert [await store.release("console") for _ in range(2)] == [2, 0]
        assert await _claim(store) == ["n2", "n3"]


async def test_a_late_word_about_a_row_that_is_done_changes_nothing(store: Database) -> None:
    await _queue(store, a_notification("n1"))
    (claimed,) = await store.claim("console", T0, 1)
    await store.delivered(claimed, T0, None)
    await store.retry(claimed, T0, "late")
    assert await _claim(store) == []
    await store.bury(claimed, T0, "late")
    assert await store.undelivered() == (0, None)


async def test_an_error_is_kept_in_part_and_a_long_or_broken_one_does_no_harm(store: Database) -> None:
    await _queue(store, a_notification("n1"))
    for error in ("x" * 100_000, "half a pair \ud800", "nul \0"):
        (claimed,) = await store.claim("console", T0, 1)
        await store.retry(claimed, T0, error)
        ((kept,),) = await store._file.read(select(schema.notifications.c.error))
        assert kept == error[:500].replace("\ud800", "?")


class _Night:
    """What becomes of a queue while steps happen to it in any order."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.pages: set[str] = set()
        self.held: list[Notification] = []
        self.ended: list[Notification] = []

    async def put(self, which: int, kind: Kind, severity: Severity) -> None:
        key = f"n{len(self.pages)}-{which}-{kind}-{severity}"
        await _queue(self.store, a_notification(key, kind, severity=severity, alert=f"a{which}"))
        if kind is Kind.PAGE:
            self.pages.add(key)

    async def claim(self, limit: int) -> int:
        claimed = await self.store.claim("console", T0, limit)
        self.held += claimed
        return len(claimed)

    async def release(self) -> None:
        assert await self.store.release("console") == len(self.held)
        self.held.clear()

    async def end(self, which: int, step: str) -> None:
        each = self.held.pop(which % len(self.held))
        if step == "retry":
            await self.store.retry(each, T0, "reset")
            return
        await (self.store.bury(each, T0, "gone") if step == "bury" else self.store.delivered(each, T0, None))
        self.ended.append(each)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["store", "store", "claim", "deliver", "retry", "bury", "release"]),
        st.integers(0, 3),
        st.sampled_from(Kind),
        st.sampled_from(Severity),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(steps=_STEPS)
async def test_in_any_order_of_events_no_page_is_lost_and_no_card_is_overtaken(
    steps: list[tuple[str, int, Kind, Severity]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with new_store(Path(folder)) as store:
            night = _Night(store)
            for step, which, kind, severity in steps:
                if step == "store":
                    await night.put(which, kind, severity)
                elif step == "claim":
                    await night.claim(which)
                elif step == "release":
                    await night.release()
                elif night.held:
                    await night.end(which, step)
                assert len({each.alert for each in night.held}) == len(night.held)
            await night.release()
            while await night.claim(99):
                while night.held:
                    await night.end(0, "deliver")
            assert night.pages <= {each.key for each in night.ended}
            for card in {each.alert for each in night.ended}:
                order = [each.id or 0 for each in night.ended if each.alert == card]
                assert order == sorted(order)
            assert await store.undelivered() == (0, None)
