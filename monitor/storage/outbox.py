"""The outbox: rows go queued -> claimed -> done or dead, those of one card in the order they were stored."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, Update, and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.alerts.alert import Kind, Notification
from monitor.ports import Card
from monitor.storage import schema
from monitor.storage.schema import names, of
from monitor.storage.sqlite import File, upsert

_CARDS = upsert(schema.cards, names(Card))
_ON_CARD = (Kind.PAGE, Kind.UPDATE)
_ERROR = 500
"""Characters of an error that are kept."""

_rows = schema.notifications.c
_others = schema.notifications.alias("others")
_same_card = and_(_others.c.alert == _rows.alert, _others.c.platform == _rows.platform)


class Outbox:
    """The port OutboxStore over one database file."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def claim(self, platform: str, now: float, limit: int) -> list[Notification]:
        """Claim due notifications of a platform, CRITICAL first, then oldest; never two of one card at once.

        An update with a newer page or update of its card behind it is done without being sent: a card is rendered
        from the alert as it is.
        """

        async def take(connection: AsyncConnection) -> list[Notification]:
            await connection.execute(_supersede(platform, now))
            found = [Notification(*row) for row in await connection.execute(_due(platform, now, limit))]
            if found:
                claimed = update(schema.notifications).where(_rows.id.in_([each.id for each in found]))
                await connection.execute(claimed.values(state="claimed", claimed_at=now))
            return found

        return await self._file.write(take)

    async def delivered(self, notification: Notification, now: float, ref: str | None) -> None:
        """Mark as done, and with a ref remember where the card stands, in one transaction.

        A recovery or a notice is a message of its own and moves no card.
        """
        done = update(schema.notifications).where(_rows.key == notification.key)

        async def store(connection: AsyncConnection) -> None:
            await connection.execute(done.values(state="done", ended=now, claimed_at=None, error=None))
            if ref is not None and notification.alert is not None and notification.kind in _ON_CARD:
                stands = Card(notification.alert, notification.platform, ref, notification.version)
                await _CARDS.run(connection, [stands])

        await self._file.write(store)

    async def retry(self, notification: Notification, at: float, error: str) -> None:
        """Give the claim back, not to be sent before `at`, with one attempt more."""
        await self._end_claim(
            notification, state="queued", not_before=at, attempts=_rows.attempts + 1, error=error[:_ERROR]
        )

    async def bury(self, notification: Notification, now: float, error: str) -> None:
        """Mark as a dead letter: the platform will never take it."""
        await self._end_claim(notification, state="dead", ended=now, error=error[:_ERROR])

    async def release(self, platform: str) -> int:
        """Give back every claim of a platform, whose worker is gone or starts anew; return how many there were."""
        claimed = (_rows.platform == platform, _rows.state == "claimed")
        given = update(schema.notifications).where(*claimed).values(state="queued", claimed_at=None)
        return (await self._file.write(lambda connection: connection.execute(given))).rowcount

    async def orphaned(self, platforms: Collection[str], now: float) -> list[str]:
        """Bury what waits for other platforms than these; return the alerts that were told on none of these."""
        lost = and_(_rows.platform.not_in(platforms), _rows.state.in_(("queued", "claimed")))
        told = exists().where(_others.c.alert == _rows.alert, _others.c.kind == Kind.PAGE, _others.c.state != "dead")
        told = told.where(_others.c.platform.in_(platforms))
        untold = select(_rows.alert).where(lost, _rows.kind == Kind.PAGE, _rows.alert.is_not(None), ~told).distinct()
        bury = update(schema.notifications).where(lost)

        async def take(connection: AsyncConnection) -> list[str]:
            found = [str(alert) for (alert,) in await connection.execute(untold)]
            await connection.execute(bury.values(state="dead", ended=now, claimed_at=None, error="no longer set up"))
            return found

        return await self._file.write(take)

    async def card(self, alert: str, platform: str) -> Card | None:
        """Where an alert's card stands."""
        cards = schema.cards.c
        found = await self._file.read(of(Card, schema.cards).where(cards.alert == alert, cards.platform == platform))
        return Card(*found[0]) if found else None

    async def undelivered(self) -> tuple[int, float | None]:
        """How many notifications wait, and when the oldest was created."""
        query = select(func.count(), func.min(_rows.created)).where(_rows.state.in_(("queued", "claimed")))
        ((count, oldest),) = await self._file.read(query)
        return count, oldest

    async def _end_claim(self, notification: Notification, **values: Any) -> None:
        ours = update(schema.notifications).where(_rows.key == notification.key, _rows.state == "claimed")
        await self._file.write(lambda connection: connection.execute(ours.values(claimed_at=None, **values)))


def _supersede(platform: str, now: float) -> Update:
    behind = exists().where(
        _same_card,
        _others.c.id > _rows.id,
        _others.c.state == "queued",
        _others.c.kind.in_(_ON_CARD),
    )
    return (
        update(schema.notifications)
        .where(_rows.state == "queued", _rows.platform == platform, _rows.kind == Kind.UPDATE, behind)
        .values(state="done", ended=now, error="superseded")
    )


def _due(platform: str, now: float, limit: int) -> Select[Any]:
    ahead = exists().where(_same_card, _others.c.id < _rows.id, _others.c.state.in_(("queued", "claimed")))
    return (
        of(Notification, schema.notifications)
        .where(_rows.state == "queued", _rows.platform == platform, _rows.not_before <= now, ~ahead)
        .order_by(_rows.severity.desc(), _rows.id)
        .limit(limit)
    )
