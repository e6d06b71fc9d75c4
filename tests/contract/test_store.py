"""A store gives back what it was given, all of a change or nothing."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection

from monitor.alerts.alert import AlertEvent, State
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Override
from monitor.alerts.silence import Silence
from monitor.model import Agent, CashFlow, Check, Person, Severity, Side
from monitor.order import Order, OrderState
from monitor.ports import AuditEntry, Change, Snapshot, StoreError
from monitor.storage import Database
from tests.stores import T0, a_notification, a_sample, a_trade, an_alert, new_store, opened


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with new_store(tmp_path) as database:
        yield database


def _dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def _sql(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


AN_INCIDENT = Incident(
    id="i1",
    key="drawdown",
    rule="drawdown",
    labels=(("venue", "kraken"),),
    severity=Severity.CRITICAL,
    version=3,
    opened=T0,
    joined=T0,
    channels=("telegram", "slack"),
    paged=T0,
    told=T0,
    began=T0,
    step=1,
    acknowledged=T0 + 1,
    acknowledged_by="ana",
    lease=T0 + 1800,
)
FULL = Change(
    agents=[Agent("alpha", {"venue": "kraken"})],
    samples=[a_sample(checks=(Check("venue", ok=False, detail="answers 500"),)), a_sample(time=T0 + 1, error="hangs")],
    trades=[a_trade("t1"), a_trade("t2", side=Side.SHORT)],
    cursors={"alpha": "t2"},
    flows=[CashFlow("alpha", T0, Decimal("-50.10"), "ana", "rent")],
    alerts=[an_alert(labels=(("check", "venue"),), value=0.16, paged=T0, incident="i1")],
    events=[AlertEvent(an_alert().id, 1, T0, "fired", "desk", "twice in a row")],
    notifications=[a_notification("n1", body={"lines": ["a", 1, None]})],
    incidents=[AN_INCIDENT],
    silences=[Silence("s1", (("rule", "drawdown"), ("venue", "a|b")), T0, T0 + 3600, "ben", "known", warned=T0 + 1)],
    overrides=[Override("o1", "primary", "ana", T0, T0 + 3600, "ben")],
    orders=[Order("o1", "alpha", "pause", "ana", T0, state=OrderState.ACCEPTED, accepted=T0 + 0.5)],
    audit=[AuditEntry(T0, "console", "7", "ana", "/pause alpha", "ran")],
    snapshots=[Snapshot("alpha", T0, 1, "{}")],
)


async def test_everything_of_a_change_is_given_back_and_also_after_the_file_was_closed(tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        await store.commit(FULL)
    async with opened(tmp_path / "nightdesk.db") as store:
        known = (await store.agents())["alpha"]
        assert (known.first_seen, known.cursor) == (T0, "t2")
        assert await store.samples("alpha", 0) == list(FULL.samples)
        assert await store.trades("alpha", 0) == list(FULL.trades)
        assert await store.flows("alpha") == list(FULL.flows)
        assert await store.open_alerts() == list(FULL.alerts)
        assert await store.alert(an_alert().id) == FULL.alerts[0]
        assert await store.open_incidents() == [await store.incident("i1")] == [AN_INCIDENT]
        assert await store.of_incident("i1") == list(FULL.alerts)
        assert await store.openings(T0) == {an_alert().fingerprint: (T0,)}
        assert await store.opened_between(T0, T0 + 1) == list(FULL.alerts)
        assert await store.overrides(T0) == list(FULL.overrides)
        assert await store.last_pages(T0) == {an_alert().fingerprint: T0}
        assert await store.events(an_alert().id) == list(FULL.events)
        assert await store.claim("console", T0, 9) == [replace(FULL.notifications[0], id=1)]
        assert await store.silences(T0) == list(FULL.silences)
        assert await store.orders() == list(FULL.orders)
        assert await store.audit() == list(FULL.audit)
        assert await store.snapshot("alpha", 1) == FULL.snapshots[0]


async def test_an_older_version_of_an_incident_never_wins(store: Database) -> None:
    await store.commit(Change(incidents=[replace(AN_INCIDENT, version=4, acknowledged_by=None)]))
    await store.commit(Change(incidents=[AN_INCIDENT]))
    found = await store.incident("i1")
    assert found is not None
    assert (found.version, found.acknowledged_by) == (4, None)


async def test_what_an_incident_took_is_measured_from_its_page(store: Database) -> None:
    await store.commit(Change(incidents=[AN_INCIDENT], notifications=[a_notification("n1", alert="i1")]))
    (row,) = await store.claim("console", T0, 1)
    await store.delivered(row, T0 + 2, "console\x1fc\x1f1")
    (measured,) = await store.measured(T0)
    assert (measured.paged, measured.heard, measured.acknowledged, measured.resolved) == (T0, T0 + 2, T0 + 1, None)


async def test_storing_a_change_twice_is_storing_it_once(store: Database, tmp_path: Path) -> None:
    await store.commit(FULL)
    once = _dump(tmp_path / "nightdesk.db")
    await store.commit(FULL)
    assert _dump(tmp_path / "nightdesk.db") == once


@pytest.mark.parametrize("table", ["samples", "trades", "alerts", "notifications", "audit", "snapshots"])
async def test_a_change_that_fails_anywhere_stores_nothing(store: Database, tmp_path: Path, table: str) -> None:
    path = tmp_path / "nightdesk.db"
    _sql(path, f"CREATE TRIGGER fault AFTER INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'the disk burns'); END")
    empty = _dump(path)
    with pytest.raises(StoreError, match=r"nightdesk\.db refused: the disk burns\."):
        await store.commit(FULL)
    assert _dump(path) == empty
    _sql(path, "DROP TRIGGER fault")
    await store.commit(FULL)
    assert len(await store.samples("alpha", 0)) == 2


async def test_a_value_that_cannot_be_stored_is_no_trouble_of_the_store_and_stores_nothing(store: Database) -> None:
    for bad in (a_sample("beta", errors_1h=2**70), a_sample("beta", float("nan")), a_sample("beta", float("inf"))):
        with pytest.raises((ValueError, OverflowError)):
            await store.commit(Change(samples=[a_sample(), bad]))
    assert await store.agents() == {}


async def test_half_a_surrogate_pair_from_one_agent_does_not_cost_the_others_their_samples(store: Database) -> None:
    await store.commit(Change(samples=[a_sample(), a_sample("beta", error="no \ud800 way")]))
    assert [each.error for each in await store.samples("beta", 0)] == ["no ? way"]
    assert await store.alert("\ud800") is None
    assert await store.samples("alpha", 0) == [a_sample()]


async def test_samples_and_trades_are_cut_at_since_inclusive_and_until_exclusive(store: Database) -> None:
    times = [T0 + step for step in (2, 0, 1, 3)]
    await store.commit(
        Change(
            samples=[a_sample(time=time) for time in times] + [a_sample("beta", T0 + 1)],
            trades=[a_trade(f"t{time}", exit_time=time) for time in times] + [a_trade("b", "beta", T0 + 1)],
        )
    )
    assert [each.time for each in await store.samples("alpha", T0 + 1, T0 + 3)] == [T0 + 1, T0 + 2]
    assert [each.exit_time for each in await store.trades("alpha", T0 + 1, T0 + 3)] == [T0 + 1, T0 + 2]
    assert [each.agent for each in await store.trades(None, T0 + 1, T0 + 2)] == ["alpha", "beta"]
    assert await store.samples("nobody", 0) == []


async def test_the_newest_sample_is_that_of_the_whole_fleet(store: Database) -> None:
    assert await store.newest() == 0
    await store.commit(Change(agents=[Agent("beta")], samples=[a_sample(time=T0 + step) for step in (1, 5, 2)]))
    assert await store.newest() == T0 + 5


async def test_a_changed_trade_replaces_the_one_stored_before(store: Database) -> None:
    await store.commit(Change(trades=[a_trade()]))
    await store.commit(Change(trades=[a_trade(fees=Decimal("0.31"))]))
    assert [each.fees for each in await store.trades("alpha", 0)] == [Decimal("0.31")]


async def test_first_seen_is_the_first_sample_for_ever_and_labels_and_cursor_are_the_newest(store: Database) -> None:
    await store.commit(Change(agents=[Agent("alpha"), Agent("beta")]))
    assert (await store.agents())["alpha"].first_seen is None
    await store.commit(Change(samples=[a_sample(time=T0 + 1), a_sample(time=T0)], cursors={"alpha": "1"}))
    await store.commit(Change(samples=[a_sample(time=T0 - 9)], cursors={"alpha": "2"}, agents=[Agent("alpha")]))
    assert (await store.agents())["alpha"].first_seen == T0
    assert (await store.agents())["alpha"].cursor == "2"
    assert list(await store.agents()) == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("stored", "coming", "wins"),
    [((1, 0), (2, 0), True), ((2, 5), (1, 9), False), ((2, 5), (2, 4), False), ((2, 5), (2, 6), True)],
)
async def test_an_older_alert_never_overwrites_a_newer_one(
    store: Database, stored: tuple[int, int], coming: tuple[int, int], wins: bool
) -> None:
    first, second = (
        an_alert(version=version, seen=T0 + seen, reason=who)
        for (version, seen), who in ((stored, "stored"), (coming, "coming"))
    )
    await store.commit(Change(alerts=[first]))
    await store.commit(Change(alerts=[second]))
    assert await store.alert(first.id) == (second if wins else first)


async def test_open_alerts_are_those_not_resolved_in_order_of_opening(store: Database) -> None:
    alerts = [
        an_alert(rule=state, opened_at=T0 - order, state=state, resolved=T0 if state is State.RESOLVED else None)
        for order, state in enumerate(State)
    ]
    await store.commit(Change(alerts=alerts))
    assert await store.open_alerts() == [each for each in reversed(alerts) if each.state is not State.RESOLVED]


async def test_the_last_page_of_a_trouble_is_that_of_its_newest_episode(store: Database) -> None:
    episodes = [an_alert(opened_at=T0 + step, paged=T0 + step, version=9) for step in (0, 50)]
    await store.commit(Change(alerts=[*episodes, an_alert(rule="stalled")]))
    assert await store.last_pages(T0) == {an_alert().fingerprint: T0 + 50}
    assert await store.last_pages(T0 + 51) == {}


async def test_the_newest_order_not_refused_of_each_agent_and_silences_that_have_not_ended(store: Database) -> None:
    orders = [Order(f"{agent}{step}", agent, "pause", "ana", T0 + step) for agent in ("a", "b") for step in (2, 1)]
    silences = [
        Silence(f"s{end}", (("agent", "a"),), T0, T0 + end, "ben", "why", over=T0 + end) for end in (30, 10, 20)
    ]
    await store.commit(Change(orders=orders, silences=silences))
    await store.commit(Change(orders=[replace(orders[0], state=OrderState.CONFIRMED, confirmed=T0 + 3)]))
    await store.commit(Change(orders=[replace(orders[2], state=OrderState.REFUSED)]))
    assert [(each.id, each.state) for each in await store.orders()] == [("a2", "confirmed"), ("b1", "requested")]
    assert [each.id for each in await store.silences(T0 + 10)] == ["s20", "s30"]


async def test_audit_is_newest_first_and_events_are_in_the_order_they_happened(store: Database) -> None:
    entries = [AuditEntry(T0, "console", "7", None, f"/help {step}", "denied") for step in range(5)]
    events = [AlertEvent("a1", 1, T0, kind, "desk") for kind in ("opened", "fired", "paged")]
    await store.commit(Change(audit=entries, events=events))
    assert await store.audit(2) == [entries[4], entries[3]]
    assert await store.events("a1") == events
    assert await store.events("a2") == []


async def test_of_an_agents_snapshots_the_last_of_each_day_stays(store: Database) -> None:
    day = 86_400.0
    midnight = T0 // day * day
    times = [midnight - 9 * day, midnight - 8 * day, midnight - day, midnight - 1, midnight + 5, midnight + 3600]
    await store.commit(Change(snapshots=[Snapshot("alpha", time, 1, str(time)) for time in times]))
    await store.commit(Change(snapshots=[Snapshot("beta", times[0], 1, "{}")]))
    await store.forget(midnight - 7 * day, 10)
    kept = []
    before = None
    while (found := await store.snapshot("alpha", 1, before=before)) is not None:
        kept.append(found.time)
        before = found.time
    assert kept == [times[5], times[3], times[1]]
    assert await store.snapshot("beta", 1) is not None


async def test_snapshots_are_found_by_version_and_time_and_dropped_from_a_time_on(store: Database) -> None:
    taken = [Snapshot("alpha", T0 + step, 1, f"[{step}]") for step in range(4)]
    await store.commit(
        Change(snapshots=[*taken, Snapshot("alpha", T0 + 9, 2, "{}"), Snapshot("beta", T0 + 5, 1, "{}")])
    )
    assert await store.snapshot("alpha", 1) == taken[3]
    assert await store.snapshot("alpha", 1, before=T0 + 3) == taken[2]
    assert await store.snapshot("alpha", 1, before=T0) is None
    again = Snapshot("alpha", T0 + 2, 1, "[22]")
    await store.commit(Change(drop_snapshots=[("alpha", T0 + 1)], snapshots=[again]))
    assert await store.snapshot("alpha", 1) == again
    assert await store.snapshot("alpha", 1, before=T0 + 2) == taken[0]
    assert await store.snapshot("alpha", 2) is None
    assert await store.snapshot("beta", 1) is not None


async def test_forgetting_takes_the_oldest_first_in_batches_and_nothing_younger(store: Database) -> None:
    fleet = ("alpha", "beta")
    await store.commit(Change(samples=[a_sample(agent, T0 + step) for step in range(10) for agent in fleet]))
    assert await store.forget(T0 + 6, 4) == 4
    assert [each.time for each in await store.samples("alpha", 0)] == [T0 + step for step in range(4, 10)]
    assert [await store.forget(T0 + 6, 4) for _ in range(3)] == [4, 4, 0]
    for agent in fleet:
        assert [each.time for each in await store.samples(agent, 0)] == [T0 + step for step in range(6, 10)]


async def test_the_stored_people_are_exactly_those_of_the_last_call(store: Database) -> None:
    ana, ben = Person("ana", "admin", {"telegram": "1001"}), Person("ben", "viewer", {})
    await store.save_people([ben, ana])
    assert await store.people() == [ana, ben]
    await store.save_people([replace(ana, role="viewer")])
    assert await store.people() == [replace(ana, role="viewer")]


async def test_reading_never_waits_for_a_writer(store: Database) -> None:
    await store.commit(Change(samples=[a_sample()]))

    loop = asyncio.get_running_loop()

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM samples")
        assert asyncio.run_coroutine_threadsafe(store.samples("alpha", 0), loop).result(2) == [a_sample()]

    await store._file.write(work)
    assert await store.samples("alpha", 0) == []


async def test_writers_wait_for_each_other_instead_of_failing(store: Database) -> None:
    await asyncio.gather(*(store.commit(Change(samples=[a_sample(time=T0 + step)])) for step in range(100)))
    assert len(await store.samples("alpha", 0)) == 100


async def test_a_writer_has_the_file_to_itself_from_its_first_word_on(store: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "nightdesk.db", timeout=0, isolation_level=None, check_same_thread=False)

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT count(*) FROM samples")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")

    await store._file.write(work)
    other.close()


async def test_a_write_whose_caller_is_cancelled_goes_on_to_its_end(store: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO people VALUES ('ana', 'admin', '{}')")
        begun.set()
        assert go_on.wait(10)

    caller = asyncio.create_task(store._file.write(work))
    assert await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    assert await store.people() == []
    go_on.set()
    await asyncio.wait_for(store.commit(Change(samples=[a_sample()])), 10)
    assert await store.people() == [Person("ana", "admin", {})]


async def test_commits_cancelled_at_any_moment_are_whole_or_absent_and_block_nobody(store: Database) -> None:
    moments = random.Random(7)  # noqa: S311 - any moments will do, the same each time
    for step in range(60):
        task = asyncio.create_task(store.commit(Change(samples=[a_sample(agent, T0 + step) for agent in "ab"])))
        await asyncio.sleep(moments.random() * 0.003)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(store.commit(Change(samples=[a_sample(agent, T0 + 99) for agent in "ab"])), 10)
    await store._file._idle()  # a commit that was cancelled goes on to its end
    times = [[each.time for each in await store.samples(agent, 0)] for agent in "ab"]
    assert times[0] == times[1]
    assert times[0][-1] == T0 + 99
