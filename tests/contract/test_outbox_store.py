"""The outbox store hands out each notification once, a card's in order, and forgets none until it is done or dead."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from monitor.alerts.alert import Kind, Notification
from monitor.mail import Card, Closed, Waiting
from monitor.model import Severity
from monitor.ports import Change
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


async def test_pages_go_before_everything_else_of_their_severity(store: Database) -> None:
    kinds = (Kind.NOTICE, Kind.RECOVERY, Kind.LINE, Kind.UPDATE, Kind.AGAIN, Kind.PAGE)
    for severity in (Severity.WARN, Severity.CRITICAL):
        name = severity.name
        rows = (a_notification(f"{kind} {name}", kind, alert=f"{kind} {name}", severity=severity) for kind in kinds)
        await _queue(store, *rows)
    await _queue(store, a_notification("new", Kind.PAGE, alert="new", severity=Severity.CRITICAL))
    order = [(await _claim(store, limit=1))[0] for _ in range(7)]
    assert order[:3] == ["again CRITICAL", "page CRITICAL", "new"]
    assert sorted(order[3:]) == sorted(f"{kind} CRITICAL" for kind in kinds[:4])


async def test_rows_of_one_card_go_one_at_a_time_and_what_belongs_to_a_page_follows_it(store: Database) -> None:
    await _queue(
        store,
        a_notification("page"),
        a_notification("recovery", Kind.RECOVERY),
        a_notification("line", Kind.LINE),
        a_notification("again", Kind.AGAIN),
    )
    for key in ("page", "again", "recovery", "line"):
        (claimed,) = await store.claim("console", T0, 9)
        assert claimed.key == key
        assert await _claim(store) == []
        await store.delivered(claimed, T0, "{}")


async def test_a_critical_page_waits_for_no_lesser_one_of_its_card(store: Database) -> None:
    await _queue(store, a_notification("warn"), a_notification("worse", Kind.AGAIN, severity=Severity.CRITICAL))
    assert await _claim(store) == ["worse"]


async def test_a_picture_goes_last_and_after_its_page_however_often_that_was_refused(store: Database) -> None:
    picture = a_notification("picture", Kind.PICTURE, severity=Severity.CRITICAL)
    await _queue(store, a_notification("page"), picture)
    now = T0
    for _ in range(12):
        (page,) = await store.claim("console", now, 9)
        now += 60
        await store.retry(page, now, "refused")
        assert await _claim(store, now - 1) == []
    await _queue(store, a_notification("info", Kind.NOTICE, alert=None, severity=Severity.INFO))
    (page, info) = await store.claim("console", now, 9)
    assert (page.key, page.attempts, info.key) == ("page", 12, "info")
    await store.delivered(page, T0, None)
    assert await _claim(store) == ["picture"]


async def test_a_picture_holds_nothing_back_and_counts_neither_as_waiting_nor_as_a_letter(store: Database) -> None:
    picture = a_notification("picture", Kind.PICTURE)
    await _queue(store, picture)
    assert await _claim(store) == ["picture"]
    assert (await store.undelivered(), await store.waiting(T0)) == ((0, None), [])
    await _queue(store, a_notification("again", Kind.AGAIN))
    assert await _claim(store) == ["again"]
    await store.bury(picture, T0, "no right to show pictures")
    assert await store.letters(9) == (0, [])


async def test_an_edit_that_waits_for_its_retry_holds_back_nothing(store: Database) -> None:
    await _queue(store, a_notification("edit", Kind.UPDATE))
    (edit,) = await store.claim("console", T0, 9)
    await store.retry(edit, T0 + 60, "500")
    kinds = (Kind.AGAIN, Kind.RECOVERY, Kind.LINE)
    await _queue(store, *(a_notification(kind.value, kind) for kind in kinds))
    for kind in kinds:
        (claimed,) = await store.claim("console", T0, 9)
        assert claimed.kind is kind
        await store.delivered(claimed, T0, None)


async def test_a_message_that_is_refused_again_and_again_holds_back_its_card_no_longer(store: Database) -> None:
    await _queue(store, a_notification("line", Kind.LINE), a_notification("more", Kind.LINE))
    for _ in range(10):
        (claimed,) = await store.claim("console", T0, 9)
        assert claimed.key == "line"
        await store.retry(claimed, T0, "http 400")
    assert await _claim(store) == ["line"]
    await store.release("console")
    (line,) = await store.claim("console", T0, 9)
    await store.retry(line, T0 + 60, "http 400")
    assert await _claim(store) == ["more"]


async def test_a_try_whose_end_is_unknown_is_marked_until_it_is_delivered(store: Database) -> None:
    await _queue(store, a_notification("n1"))
    (claimed,) = await store.claim("console", T0, 1)
    await store.retry(claimed, T0, "reset", uncertain=True)
    (claimed,) = await store.claim("console", T0, 1)
    assert (claimed.uncertain, claimed.attempts) == (True, 1)
    await store.retry(claimed, T0, "429", tried=False, closed=Closed.ALL)
    assert await store.claim("console", T0, 1) == [claimed]


async def test_a_channel_that_asks_for_silence_is_given_nothing_until_then_whatever_comes(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        await _queue(store, a_notification("n1"))
        (claimed,) = await store.claim("console", T0, 1)
        await store.retry(claimed, T0 + 30, "429", tried=False, closed=Closed.ALL)
        await _queue(store, a_notification("n2", alert="a2", severity=Severity.CRITICAL))
        await _queue(store, a_notification("n3", alert="a2", platform="slack"))
        assert await _claim(store, T0 + 29.9) == []
        assert len(await store.claim("slack", T0, 9)) == 1
    async with opened(tmp_path / "nightdesk.db") as store:
        assert await _claim(store, T0 + 29.9) == []
        assert [each.closed for each in await store.waiting(T0)] == [T0 + 30, None]
        found = await store.claim("console", T0 + 30, 9)
        assert [(each.key, each.attempts) for each in found] == [("n2", 0), ("n1", 0)]


async def test_where_only_edits_or_looks_are_unwelcome_pages_go_on(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        keys = ("edit", "unsure", "edit2", "unsure2", "page")
        for key in keys:
            kind = Kind.UPDATE if key.startswith("edit") else Kind.PAGE
            await _queue(store, a_notification(key, kind, alert=key, uncertain=key.startswith("unsure")))
        unsure = (await store.claim("console", T0, 1))[0]
        await store.retry(unsure, T0 + 60, "429", tried=False, closed=Closed.LOOKS)
        assert await _claim(store, limit=1) == ["page"]
        edit = (await store.claim("console", T0, 1))[0]
        await store.retry(edit, T0 + 30, "429", tried=False, closed=Closed.EDITS)
    async with opened(tmp_path / "nightdesk.db") as store:
        assert await _claim(store, T0 + 29) == []
        assert await _claim(store, T0 + 30) == ["edit", "edit2"]
        assert await _claim(store, T0 + 60) == ["unsure", "unsure2"]


async def test_a_wait_that_only_a_clock_that_stood_wrong_can_have_asked_for_is_none(store: Database) -> None:
    await _queue(store, a_notification("n1"), a_notification("n2", alert="a2"))
    (claimed,) = await store.claim("console", T0 + 1e7, 1)
    await store.retry(claimed, T0 + 1e7 + 60, "429", closed=Closed.ALL)
    assert await _claim(store) == ["n1", "n2"]


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
    while claimed := await store.claim("console", T0, 1):
        sent += [each.key for each in claimed]
        for each in claimed:
            await store.delivered(each, T0, None)
    assert sent == ["p1", "r1", "u4", "r2", "alone"]
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


async def _deliver(store: Database, row: Notification, now: float, ref: str | None, late: float | None = None) -> None:
    await _queue(store, row)
    (claimed,) = await store.claim(row.platform, now, 9)
    await store.delivered(claimed, now, ref, delayed=late)


async def test_every_message_leads_back_to_its_incident_and_an_edit_is_none(store: Database) -> None:
    kinds = (Kind.PAGE, Kind.AGAIN, Kind.LINE, Kind.RECOVERY)
    for kind in kinds:
        await _deliver(store, a_notification(kind.value, kind, platform="slack:C2"), T0, f"slack\x1fC2\x1f{kind}")
    await _deliver(store, a_notification("notice", Kind.NOTICE, alert=None), T0, "slack\x1fC2\x1fnotice")
    assert [await store.alert_at("slack", f"slack\x1fC2\x1f{kind}") for kind in kinds] == ["a1"] * 4
    assert await store.alert_at("slack", "slack\x1fC2\x1fnotice") is None
    assert await store.card("a1", "slack:C2") == Card("a1", "slack:C2", "slack\x1fC2\x1fpage", 1)


async def test_a_page_is_first_taken_when_some_channel_took_it(store: Database) -> None:
    assert await store.first_taken("a1") is None
    await _deliver(store, a_notification("nothing to tell"), T0 + 1, None)
    await _deliver(store, a_notification("line", Kind.LINE), T0 + 2, "console\x1fc\x1f1")
    assert await store.first_taken("a1") is None
    await _deliver(store, a_notification("again", Kind.AGAIN), T0 + 4, "console\x1fc\x1f2")
    await _deliver(store, a_notification("slack", platform="slack"), T0 + 3, "slack\x1fc\x1f3")
    assert await store.first_taken("a1") == T0 + 3


async def test_what_came_late_and_what_never_came_is_part_of_the_story(store: Database) -> None:
    await _deliver(store, a_notification("p", version=4), T0 + 252, "console\x1fc\x1f1", 252.0)
    await _deliver(store, a_notification("u", Kind.UPDATE, version=5), T0 + 300, "console\x1fc\x1f1", 300.0)
    await _queue(store, a_notification("a", Kind.AGAIN, version=6), a_notification("l", Kind.LINE, version=6))
    for _ in range(2):
        (claimed,) = await store.claim("console", T0 + 400, 9)
        await store.bury(claimed, T0 + 400, "blocked by the user")
    assert [(each.version, each.kind, each.actor, each.reason) for each in await store.events("a1")] == [
        (4, "delayed", "nightdesk", "console took it 4 m 12 s after it was due"),
        (6, "dead", "nightdesk", "console will never take it: blocked by the user"),
    ]


async def test_a_critical_page_that_no_channel_took_is_known_with_where_it_was_tried(store: Database) -> None:
    def page(alert: str, channel: str, created: float) -> Notification:
        plain = a_notification(f"{alert} {channel}", severity=Severity.CRITICAL)
        return replace(plain, alert=alert, platform=channel, created=created)

    for alert in ("taken", "dead", "waits", "young", "told"):
        created = T0 + 50 if alert == "young" else T0
        await _queue(store, *(page(alert, channel, created) for channel in ("telegram", "slack")))
    await _queue(store, a_notification("warn", alert="warn"), a_notification("n", Kind.NOTICE, alert=None))
    for row in await store.claim("slack", T0, 99):
        if row.alert == "taken":
            await store.delivered(row, T0, "slack\x1fc\x1f1")
        elif row.alert == "dead":
            await store.bury(row, T0, "kicked")
        elif row.alert == "told":
            await store.delivered(row, T0, None)
    found = {each.alert: (each.channels, each.oldest) for each in await store.untaken(T0 + 40)}
    assert found == dict.fromkeys(("dead", "waits", "told"), (("slack", "telegram"), T0))
    assert await store.untaken(T0) == []
    await _queue(store, page("dead", "phone", T0 + 60))
    assert {each.alert for each in await store.untaken(T0 + 100)} == {"dead", "waits", "told", "young"}
    assert "dead" not in {each.alert for each in await store.untaken(T0 + 60)}, "the next channel has its time, too"


async def test_a_dead_letter_is_seen_sent_again_or_dropped(store: Database) -> None:
    keys = ("p1", "p2", "p3", "edit")
    kinds = {"edit": Kind.UPDATE}
    await _queue(store, *(a_notification(key, kinds.get(key, Kind.PAGE), alert=key) for key in keys))
    for row in await store.claim("console", T0, 9):
        await store.bury(row, T0 + (row.id or 0), "blocked")
    count, (third, second) = await store.letters(2)
    assert (count, third.notification.key, second.notification.key) == (3, "p3", "p2")
    assert (second.ended, second.why) == (T0 + second.id, "blocked")
    assert [await store.resend(second.id) for _ in range(2)] == [1, 0]
    (again,) = await store.claim("console", T0 + 9, 9)
    assert (again.key, again.attempts, again.created) == ("p2", 0, T0)
    assert [await store.drop(third.id) for _ in range(2)] == [1, 0]
    assert [await store.resend(None), await store.drop(None)] == [1, 0]
    assert (await store.undelivered())[0] == 2


async def test_a_letter_to_a_channel_that_is_no_more_is_not_sent_again(store: Database) -> None:
    await _queue(store, a_notification("n1", platform="phone"), a_notification("n2"))
    assert await store.orphaned(["console"], T0) == []
    assert await store.resend(None) == 0
    assert (await store.letters(9))[0] == 1
    assert await store.drop(None) == 1


async def test_what_waits_is_told_by_channel_with_a_reason(store: Database) -> None:
    await _queue(store, *(a_notification(f"n{each}", alert=f"a{each}", created=T0 - each) for each in range(3)))
    await _queue(store, a_notification("s", platform="slack"))
    (tried, *_) = await store.claim("slack", T0, 9)
    await store.retry(tried, T0 + 5, "it is down")
    assert await store.waiting(T0) == [
        Waiting("console", 3, T0 - 2, None, None),
        Waiting("slack", 1, T0, "it is down", None),
    ]


async def test_ten_thousand_that_wait_slow_no_claim_down(store: Database) -> None:
    async def steps() -> int:
        """What SQLite did for one claim, in thousands of its instructions."""
        counted = 0

        def count() -> None:
            nonlocal counted
            counted += 1

        await _watched(store, count)
        await store.claim("console", T0, 1)
        await _watched(store, None)
        return counted

    few = await steps()
    waiting = [a_notification(f"n{each}", alert=f"a{each}", severity=Severity.CRITICAL) for each in range(5_000)]
    merged = [a_notification(f"u{each}", Kind.UPDATE, alert=f"u{each}") for each in range(5_000)]
    await _queue(store, *waiting, *merged)
    assert await steps() <= few + 5


async def _watched(store: Database, count: Callable[[], None] | None) -> None:
    """Have the writer's connection count every 1,000 of SQLite's instructions."""

    def watch(connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        raw.set_progress_handler(count, 1_000)

    await store._file.write(watch)


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
        found = await store.claim("console", T0, 9)
        assert [(each.key, each.uncertain, each.attempts) for each in found] == [("n2", True, 1), ("n3", True, 1)]


async def test_of_an_edit_it_does_not_matter_whether_it_was_taken(store: Database) -> None:
    await _queue(store, a_notification("n1", Kind.UPDATE))
    assert await _claim(store) == ["n1"]
    await store.release("console")
    assert [each.uncertain for each in await store.claim("console", T0, 1)] == [False]


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


def _overtaken(first: Notification, second: Notification) -> bool:
    """Whether what ended first ought to have waited for what ended second."""
    if first.alert != second.alert or (first.id or 0) < (second.id or 0):
        return False
    if first.kind is Kind.PICTURE and second.kind is Kind.PAGE:
        return True
    if second.kind in (Kind.PAGE, Kind.AGAIN):
        return first.kind not in (Kind.PAGE, Kind.AGAIN) or first.severity <= second.severity
    return first.kind is second.kind


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
                held = [each.alert for each in night.held if each.kind is not Kind.PICTURE]
                assert len(set(held)) == len(held)
            await night.release()
            while await night.claim(99):
                while night.held:
                    await night.end(0, "deliver")
            assert night.pages <= {each.key for each in night.ended}
            for earlier, later in itertools.combinations(night.ended, 2):
                assert not _overtaken(earlier, later)
            assert await store.undelivered() == (0, None)


async def test_a_terminal_that_takes_everything_settles_no_page(store: Database) -> None:
    pages = [
        a_notification(name, alert="i1", platform=name, severity=Severity.CRITICAL) for name in ("console", "telegram")
    ]
    await store.commit(Change(notifications=pages))
    for channel, took in (("console", True), ("telegram", False)):
        (row,) = await store.claim(channel, T0, 1)
        if took:
            await store.delivered(row, T0, "console\x1fc\x1f1")
        else:
            await store.retry(row, T0 + 500, "down")
    assert [each.alert for each in await store.untaken(T0 + 60)] == ["i1"]


async def test_a_page_that_was_taken_once_does_not_settle_those_that_come_later(store: Database) -> None:
    page = a_notification("page", alert="i1", platform="telegram", severity=Severity.CRITICAL)
    await store.commit(Change(notifications=[page]))
    (row,) = await store.claim("telegram", T0, 1)
    await store.delivered(row, T0, "telegram\x1fc\x1f1")
    again = a_notification("again", Kind.AGAIN, alert="i1", platform="telegram", severity=Severity.CRITICAL)
    await store.commit(Change(notifications=[replace(again, created=T0 + 300)]))
    assert await store.untaken(T0 + 299) == []
    assert [each.alert for each in await store.untaken(T0 + 360)] == ["i1"]
