"""What was found and decided about alerts, read back as the values they were."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, func, or_, select

from monitor.alerts.alert import Alert, AlertEvent, State
from monitor.alerts.incident import Incident
from monitor.alerts.plan import Override
from monitor.alerts.silence import Silence
from monitor.order import Order
from monitor.ports import Measured
from monitor.storage import schema
from monitor.storage.schema import of
from monitor.storage.sqlite import File

DAY = 86_400.0


class History:
    """The port Store over one database file, as far as it is about alerts."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def open_alerts(self) -> list[Alert]:
        """Alerts that are not resolved, in order of opening."""
        table = schema.alerts.c
        unresolved = [state for state in State if state is not State.RESOLVED]
        query = of(Alert, schema.alerts).where(table.state.in_(unresolved))
        return await self._file.values(Alert, query.order_by(table.opened, table.id))

    async def alert(self, alert: str) -> Alert | None:
        """One alert by its whole id."""
        found = await self._file.values(Alert, of(Alert, schema.alerts).where(schema.alerts.c.id == alert))
        return found[0] if found else None

    async def open_incidents(self) -> list[Incident]:
        """Incidents that are not resolved, in order of opening."""
        table = schema.incidents.c
        query = of(Incident, schema.incidents).where(table.resolved.is_(None))
        return await self._file.values(Incident, query.order_by(table.opened, table.id))

    async def incident(self, incident: str) -> Incident | None:
        """One incident by its whole id."""
        found = await self._file.values(
            Incident, of(Incident, schema.incidents).where(schema.incidents.c.id == incident)
        )
        return found[0] if found else None

    async def of_incident(self, incident: str, limit: int = 200) -> list[Alert]:
        """The alerts that joined an incident, in order of opening."""
        table = schema.alerts.c
        query = of(Alert, schema.alerts).where(table.incident == incident)
        return await self._file.values(Alert, query.order_by(table.opened, table.id).limit(limit))

    async def measured(self, since: float) -> list[Measured]:
        """When each incident that was paged since then was paged, first heard of, taken in hand and over."""
        table, said = schema.incidents.c, schema.messages.c
        first = select(func.min(said.time)).where(said.alert == table.id).scalar_subquery()
        query = select(table.paged, first, table.acknowledged, table.resolved).where(table.paged >= since)
        return await self._file.values(Measured, query.order_by(table.paged))

    async def flapped(self, since: float) -> set[str]:
        """Fingerprints of alerts opened since then of which it was told that they flap."""
        alerts, events = schema.alerts.c, schema.alert_events.c
        query = select(alerts.fingerprint).join(schema.alert_events, events.alert == alerts.id)
        found = await self._file.read(query.where(alerts.opened >= since, events.kind == "flapping").distinct())
        return {mark for (mark,) in found}

    async def openings(self, since: float) -> Mapping[str, tuple[float, ...]]:
        """Fingerprint -> when its alerts opened since then, in order."""
        table = schema.alerts.c
        found: dict[str, tuple[float, ...]] = {}
        query = select(table.fingerprint, table.opened).where(table.opened >= since).order_by(table.opened)
        for mark, opened in await self._file.read(query):
            found[mark] = (*found.get(mark, ()), opened)
        return found

    async def overrides(self, now: float) -> list[Override]:
        """Overrides that have not ended."""
        table = schema.overrides.c
        query = of(Override, schema.overrides).where(table.ends > now)
        return await self._file.values(Override, query.order_by(table.starts, table.id))

    async def opened_between(self, since: float, until: float) -> list[Alert]:
        """Alerts that opened in since <= time < until, in order of opening."""
        table = schema.alerts.c
        query = of(Alert, schema.alerts).where(table.opened >= since, table.opened < until)
        return await self._file.values(Alert, query.order_by(table.opened, table.id))

    async def last_pages(self, since: float) -> Mapping[str, float]:
        """Fingerprint -> time of its last page, for pages since then."""
        table = schema.alerts.c
        query = select(table.fingerprint, func.max(table.paged)).where(table.paged >= since).group_by(table.fingerprint)
        return dict(await self._file.read(query))

    async def events(self, alert: str) -> list[AlertEvent]:
        """Everything that happened to one alert, in order."""
        table = schema.alert_events.c
        query = of(AlertEvent, schema.alert_events).where(table.alert == alert)
        return await self._file.values(AlertEvent, query.order_by(table.id))

    async def silences(self, now: float) -> list[Silence]:
        """Silences whose time has not passed, or whose end has not been noticed; the one that ends first first."""
        table = schema.silences.c
        query = of(Silence, schema.silences).where(or_(table.ends > now, table.over.is_(None), _window(now)))
        return await self._file.values(Silence, query.order_by(table.ends, table.id))

    async def equities(self, agent: str, since: float, until: float) -> list[tuple[float, float]]:
        """(time, equity) of an agent's samples with since <= time < until whose equity is known, in order of time."""
        table = schema.samples.c
        wanted = (table.agent == agent, table.time >= since, table.time < until, table.equity.is_not(None))
        found = await self._file.read(select(table.time, table.equity).where(*wanted).order_by(table.time))
        return [(time, equity) for time, equity in found]

    async def alerts_between(self, since: float, until: float) -> list[Alert]:
        """Alerts that fired before `until` and were not over before `since`, in order of opening."""
        table = schema.alerts.c
        stood = or_(table.resolved.is_(None), table.resolved >= since)
        query = of(Alert, schema.alerts).where(table.fired < until, stood)
        return await self._file.values(Alert, query.order_by(table.opened, table.id))

    async def incidents_between(self, since: float, until: float) -> list[Incident]:
        """Incidents that opened before `until` and were not over before `since`, in order of opening."""
        table = schema.incidents.c
        stood = or_(table.resolved.is_(None), table.resolved >= since)
        query = of(Incident, schema.incidents).where(table.opened < until, stood)
        return await self._file.values(Incident, query.order_by(table.opened, table.id))

    async def happened(self, since: float, until: float) -> list[AlertEvent]:
        """Everything that happened to any alert in since <= time < until, in the order in which it was stored."""
        table = schema.alert_events.c
        query = of(AlertEvent, schema.alert_events).where(table.time >= since, table.time < until)
        return await self._file.values(AlertEvent, query.order_by(table.id))

    async def given(self, since: float, until: float) -> list[Order]:
        """Orders of any kind to any agent, refused ones too, in since <= requested < until, in order."""
        table = schema.orders.c
        query = of(Order, schema.orders).where(table.requested >= since, table.requested < until)
        return await self._file.values(Order, query.order_by(table.requested, table.id))

    async def last_notice(self, what: str) -> float | None:
        """The time that the newest of the notices called `what` is for, as its key says; None: there is none."""
        table, begins = schema.notifications.c, f"{what}:"
        called = (table.key >= begins, table.key < f"{what};")  # the character after a colon
        ((newest,),) = await self._file.read(select(func.max(table.key)).where(*called))
        return None if newest is None else int(newest.removeprefix(begins).partition(":")[0]) / 1e6


def _window(now: float) -> ColumnElement[bool]:
    """Windows of the settings that ended early are known for as long as they could begin anew."""
    table = schema.silences.c
    return and_(table.kind == "maintenance", table.starts > now - 7 * DAY)
