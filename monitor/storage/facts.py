"""What agents did and what people decided: written in one transaction, read back as the values they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, or_, select

from monitor.alerts.alert import Alert, AlertEvent, Notification
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Override
from monitor.alerts.silence import Silence
from monitor.model import CashFlow, Person, Reset, Sample
from monitor.order import STANDING, Order, OrderState, StopMark
from monitor.ports import AuditEntry, Change, Snapshot, StoredAgent
from monitor.storage import schema
from monitor.storage.schema import names, of
from monitor.storage.sqlite import File, Insert, insert, keep_hours, last_of_hours, upsert
from monitor.storage.trades import keep

HOUR, DAY = 3_600.0, 86_400.0
LATEST = 1e11
"""A time that no sample is after."""


def _newer_alert(coming: Any) -> ColumnElement[bool]:
    alerts = schema.alerts.c
    return or_(
        coming.version > alerts.version,
        and_(coming.version == alerts.version, coming.seen >= alerts.seen),
    )


_LABELS = upsert(schema.agents, ("id", "labels"))
_FIRST_SEEN = upsert(schema.agents, ("id", "first_seen"), newer=lambda _coming: schema.agents.c.first_seen.is_(None))
_CURSORS = upsert(schema.agents, ("id", "cursor"))
_SAMPLES = insert(schema.samples, names(Sample))
_FLOWS = insert(schema.flows, names(CashFlow))
_RESETS = insert(schema.resets, names(Reset))
_ALERTS = upsert(schema.alerts, names(Alert), newer=_newer_alert)
_INCIDENTS = upsert(
    schema.incidents, names(Incident), newer=lambda coming: coming.version >= schema.incidents.c.version
)
_OVERRIDES = upsert(schema.overrides, names(Override))
_EVENTS = insert(schema.alert_events, names(AlertEvent))
_NOTIFICATIONS = insert(schema.notifications, [name for name in names(Notification) if name != "id"])
_SILENCES = upsert(schema.silences, names(Silence))
_ORDERS = upsert(schema.orders, names(Order))
_STOPS = upsert(schema.stops, names(StopMark))
_PEOPLE = insert(schema.people, names(Person))
_AUDIT = insert(schema.audit, names(AuditEntry))
_HOURS = keep_hours(schema.samples, schema.hours)
_SNAPSHOTS = upsert(schema.snapshots, names(Snapshot))


class Facts:
    """The port Store over one database file, as far as it is not about alerts alone."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def commit(self, change: Change) -> None:
        """Store a change in one transaction."""

        def store(connection: Connection) -> None:
            for agent, since in change.drop_snapshots:
                _drop_snapshots(connection, agent, since)
            for statement, values in _steps(change):
                statement.run(connection, values)
            if change.trades:
                keep(connection, change.trades)

        await self._file.write(store)

    async def probe(self) -> None:
        """Write a page to the disk and change nothing by it, to see that facts can be stored. Errors: StoreError."""

        def touch(connection: Connection) -> None:
            ((kept,),) = connection.exec_driver_sql("PRAGMA user_version")
            connection.exec_driver_sql(f"PRAGMA user_version = {int(kept)}")

        await self._file.write(touch)

    async def save_people(self, people: Sequence[Person]) -> None:
        """Make the stored people exactly these."""

        def store(connection: Connection) -> None:
            connection.execute(delete(schema.people))
            _PEOPLE.run(connection, people)

        await self._file.write(store)

    async def people(self) -> list[Person]:
        """Everybody, by name."""
        return await self._file.values(Person, of(Person, schema.people).order_by(schema.people.c.name))

    async def agents(self) -> Mapping[str, StoredAgent]:
        """Every agent ever stored."""
        found = await self._file.values(StoredAgent, of(StoredAgent, schema.agents).order_by(schema.agents.c.id))
        return {each.id: each for each in found}

    async def newest(self) -> float:
        """Time of the newest sample of any agent, 0 when there is none."""
        times = schema.samples.c
        of_agent = select(func.max(times.time)).where(times.agent == schema.agents.c.id).scalar_subquery()
        ((newest,),) = await self._file.read(select(func.max(of_agent)).select_from(schema.agents))
        return 0.0 if newest is None else float(newest)

    async def samples(self, agent: str, since: float, until: float | None = None) -> list[Sample]:
        """Samples of an agent with since <= time (< until), in order of time."""
        table = schema.samples.c
        query = of(Sample, schema.samples).where(table.agent == agent, *_between(table.time, since, until))
        return await self._file.values(Sample, query.order_by(table.time))

    async def flows(self, agent: str, since: float = 0.0) -> list[CashFlow]:
        """Cash flows with since <= time, in order of time."""
        table = schema.flows.c
        query = of(CashFlow, schema.flows).where(table.agent == agent, table.time >= since)
        return await self._file.values(CashFlow, query.order_by(table.time, table.amount, table.by))

    async def orders(self) -> list[Order]:
        """The newest standing order of each agent that was not refused."""
        table = schema.orders.c
        newest = func.row_number().over(partition_by=table.agent, order_by=(table.requested.desc(), table.id.desc()))
        stands = (table.state != OrderState.REFUSED, table.action.in_(STANDING))
        ranked = select(table.id, newest.label("rank")).where(*stands).subquery()
        query = of(Order, schema.orders).join(ranked, ranked.c.id == table.id).where(ranked.c.rank == 1)
        return await self._file.values(Order, query.order_by(table.agent))

    async def ordered(self, agent: str, action: str, since: float) -> list[Order]:
        """Orders of one kind to an agent since then that were not refused, in order."""
        table = schema.orders.c
        wanted = (table.agent == agent, table.action == action, table.requested >= since)
        query = of(Order, schema.orders).where(*wanted, table.state != OrderState.REFUSED)
        return await self._file.values(Order, query.order_by(table.requested))

    async def stops(self) -> list[StopMark]:
        """How far every stop without a person has come."""
        table = schema.stops
        return await self._file.values(StopMark, of(StopMark, table).order_by(table.c.agent, table.c.when))

    async def snapshot(self, agent: str, version: int, before: float | None = None) -> Snapshot | None:
        """The agent's newest snapshot of that version (taken before a time)."""
        table = schema.snapshots.c
        query = of(Snapshot, schema.snapshots).where(table.agent == agent, table.version == version)
        if before is not None:
            query = query.where(table.time < before)
        found = await self._file.values(Snapshot, query.order_by(table.time.desc()).limit(1))
        return found[0] if found else None

    async def audit(self, limit: int = 50) -> list[AuditEntry]:
        """The newest audit entries, newest first."""
        query = of(AuditEntry, schema.audit).order_by(schema.audit.c.id.desc()).limit(limit)
        return await self._file.values(AuditEntry, query)

    async def forget(self, before: float, limit: int) -> int:
        """Delete at most `limit` raw samples older than `before`, an agent's oldest first; return how many went.

        The last known equity of each hour is kept. Of an agent's snapshots only the last of each day (UTC) stays, and
        of those older than `before` only the newest.
        """
        await self._thin(before)
        table = schema.samples.c
        # Naming every agent lets the database walk the beginnings of their ranges instead of all samples.
        known = table.agent.in_(select(schema.agents.c.id))
        old = select(table.agent, table.time).where(known, table.time < before)
        found = await self._file.read(old.order_by(table.agent, table.time).limit(limit))
        if found:
            last: dict[str, float] = dict(found)
            gone = delete(schema.samples).where(table.agent == bindparam("of"), table.time <= bindparam("until"))
            ranges = [{"of": agent, "since": 0.0, "until": time} for agent, time in last.items()]

            def thin(connection: Connection) -> None:
                connection.execute(_HOURS, ranges)
                connection.execute(gone, ranges)

            await self._file.write(thin)
        return len(found)

    async def hours(self, agent: str, since: float) -> list[tuple[float, float]]:
        """(time, equity) with since <= time, the last known of each hour, also of samples that were forgotten."""
        table = schema.hours.c
        query = select(table.time, table.equity).where(table.agent == agent, table.time >= since)
        known = {int(time // HOUR): (time, equity) for time, equity in await self._file.read(query)}
        recent = await self._file.read(last_of_hours(schema.samples).params(of=agent, since=since, until=LATEST))
        known |= {hour: (time, equity) for _, hour, time, equity in recent}
        return [known[hour] for hour in sorted(known)]

    async def resets(self, agent: str) -> list[Reset]:
        """When an agent's figures began anew, in order."""
        table = schema.resets.c
        query = of(Reset, schema.resets).where(table.agent == agent)
        return await self._file.values(Reset, query.order_by(table.time))

    async def _thin(self, before: float) -> None:
        table = schema.snapshots.c
        kept: dict[tuple[str, float], float] = {}
        gone = []
        for agent, time in await self._file.read(select(table.agent, table.time).order_by(table.agent, table.time)):
            day = (agent, max(time, before) // DAY)
            if day in kept:
                gone.append({"of": agent, "at": kept[day]})
            kept[day] = time
        if gone:
            drop = delete(schema.snapshots).where(table.agent == bindparam("of"), table.time == bindparam("at"))
            await self._file.write(lambda connection: connection.execute(drop, gone))


def _between(time: ColumnElement[Any], since: float, until: float | None) -> Iterator[ColumnElement[bool]]:
    yield time >= since
    if until is not None:
        yield time < until


def _steps(change: Change) -> Iterable[tuple[Insert, Iterable[Any]]]:
    return (
        (_LABELS, change.agents),
        (_FIRST_SEEN, _first_seen(change.samples)),
        (_SAMPLES, change.samples),
        (_CURSORS, (StoredAgent(agent, None, cursor) for agent, cursor in change.cursors.items())),
        (_FLOWS, change.flows),
        (_RESETS, change.resets),
        (_ALERTS, change.alerts),
        (_INCIDENTS, change.incidents),
        (_OVERRIDES, change.overrides),
        (_EVENTS, change.events),
        (_NOTIFICATIONS, change.notifications),
        (_SILENCES, change.silences),
        (_ORDERS, change.orders),
        (_AUDIT, change.audit),
        (_STOPS, change.stops),
        (_SNAPSHOTS, change.snapshots),
    )


def _first_seen(samples: Sequence[Sample]) -> Iterator[StoredAgent]:
    first: dict[str, float] = {}
    for each in samples:
        first[each.agent] = min(each.time, first.get(each.agent, each.time))
    return (StoredAgent(agent, time, None) for agent, time in first.items())


def _drop_snapshots(connection: Connection, agent: str, since: float) -> None:
    table = schema.snapshots.c
    connection.execute(delete(schema.snapshots).where(table.agent == agent, table.time >= since))
