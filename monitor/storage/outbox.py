"""The outbox: rows go queued -> claimed -> done or dead, a channel's most urgent first, a card's in their order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, select, update

from monitor.alerts.alert import PAGES, AlertEvent, Kind, Notification
from monitor.alerts.routing import TERMINAL
from monitor.mail import Card, Closed, Letter, Untaken, Waiting
from monitor.model import Severity
from monitor.rule import DESK
from monitor.storage import queue, schema
from monitor.storage.queue import ON_CARD, OPEN, rows
from monitor.storage.schema import names, of
from monitor.storage.sqlite import File, insert, upsert


@dataclass(frozen=True, slots=True)
class _Said:
    """A message that stands in a chat."""

    platform: str
    ref: str
    alert: str
    time: float


@dataclass(frozen=True, slots=True)
class _Wait:
    """A channel that is closed for a while."""

    platform: str
    closed: Closed
    until: float


_CARDS = upsert(schema.cards, names(Card))
_SAID = upsert(schema.messages, names(_Said))
_WAITS = upsert(schema.waits, names(_Wait))
_EVENTS = insert(schema.alert_events, names(AlertEvent))
_TOLD = (*PAGES, Kind.RECOVERY)
"""Messages whose fate is part of the incident's story."""
_ERROR = 500
"""Characters of an error that are kept."""
_GONE = "no longer set up"
_NOTHING = "nothing was left to tell"

_others = schema.notifications.alias("told")
_taken = and_(rows.state == "done", rows.error.is_(None))
_dead = and_(rows.state == "dead", rows.kind.not_in((Kind.UPDATE, Kind.PICTURE)))
_waits = and_(rows.state.in_(OPEN), rows.kind != Kind.PICTURE)


class Outbox:
    """The ports OutboxStore and Mail over one database file."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def claim(self, platform: str, now: float, limit: int) -> list[Notification]:
        """Claim due notifications of a channel, the most urgent first; never two of one card at once but a picture."""

        def take(connection: Connection) -> list[Notification]:
            found: list[Notification] = []
            closed = queue.closed(connection, platform, now)
            while len(found) < limit and (row := queue.take(connection, platform, now, closed)) is not None:
                found.append(row)
            return found

        return await self._file.write(take)

    async def delivered(
        self, notification: Notification, now: float, ref: str | None, *, delayed: float | None = None
    ) -> None:
        """Mark as done, and with a ref remember where it stands, in one transaction.

        A page without a ref had nothing to tell, and counts as taken by nobody. `delayed`: seconds after it was due,
        where that is worth remembering.
        """
        row, alert = notification, notification.alert
        untold = row.kind in PAGES and ref is None
        done = update(schema.notifications).where(rows.key == row.key)

        def store(connection: Connection) -> None:
            ended = {"state": "done", "ended": now, "claimed_at": None, "error": _NOTHING if untold else None}
            connection.execute(done.values(**ended))
            if alert is None:
                return
            if ref is not None:
                if row.kind in ON_CARD:
                    _CARDS.run(connection, [Card(alert, row.platform, ref, row.version)])
                if row.kind is not Kind.UPDATE:
                    _SAID.run(connection, [_Said(ref.partition("\x1f")[0], ref, alert, now)])
            if delayed is not None and row.kind in _TOLD:
                why = f"{row.platform} took it {_span(delayed)} after it was due"
                _EVENTS.run(connection, [AlertEvent(alert, row.version, now, "delayed", DESK, why)])

        await self._file.write(store)

    async def retry(
        self,
        notification: Notification,
        at: float,
        error: str,
        *,
        uncertain: bool = False,
        tried: bool = True,
        closed: Closed | None = None,
    ) -> None:
        """Give the claim back, not to be sent before `at`; if it was `tried`, with one attempt more.

        `uncertain`: it may have been taken all the same. `closed`: what its channel takes none of before `at`, also
        after a restart.
        """
        values: dict[str, Any] = {"state": "queued", "not_before": at, "attempts": rows.attempts + tried}
        if uncertain:
            values["uncertain"] = True

        def store(connection: Connection) -> None:
            _end_claim(connection, notification, error, **values)
            if closed is not None:
                _WAITS.run(connection, [_Wait(notification.platform, closed, at)])

        await self._file.write(store)

    async def bury(self, notification: Notification, now: float, error: str) -> None:
        """Mark as a dead letter: the channel will never take it."""
        row, why = notification, f"{notification.platform} will never take it: {error[:_ERROR]}"

        def store(connection: Connection) -> None:
            buried = _end_claim(connection, row, error, state="dead", ended=now)
            if buried and row.alert is not None and row.kind in _TOLD:
                _EVENTS.run(connection, [AlertEvent(row.alert, row.version, now, "dead", DESK, why)])

        await self._file.write(store)

    async def release(self, platform: str) -> int:
        """Give back every claim of a channel, whose worker is gone or starts anew; return how many there were.

        Nobody knows whether these were taken: each but an edit, which may be repeated freely, is uncertain.
        """
        given = update(schema.notifications).where(rows.platform == platform, rows.state == "claimed")
        doubt = rows.uncertain | (rows.kind != Kind.UPDATE)
        back = given.values(state="queued", claimed_at=None, attempts=rows.attempts + 1, uncertain=doubt)
        return (await self._file.write(lambda connection: connection.execute(back))).rowcount

    async def orphaned(self, platforms: Collection[str], now: float) -> list[str]:
        """Bury what waits for other channels than these; return the incidents that were told in none of these."""
        lost = and_(rows.platform.not_in(platforms), rows.state.in_(OPEN))
        told = exists().where(_others.c.alert == rows.alert, _others.c.kind == Kind.PAGE, _others.c.state != "dead")
        told = told.where(_others.c.platform.in_(platforms))
        untold = select(rows.alert).where(lost, rows.kind == Kind.PAGE, rows.alert.is_not(None), ~told).distinct()
        bury = update(schema.notifications).where(lost)

        def take(connection: Connection) -> list[str]:
            found = [str(alert) for (alert,) in connection.execute(untold)]
            connection.execute(bury.values(state="dead", ended=now, claimed_at=None, error=_GONE))
            return found

        return await self._file.write(take)

    async def card(self, alert: str, platform: str) -> Card | None:
        """Where an incident's card stands in a channel."""
        cards = schema.cards.c
        found = await self._file.read(of(Card, schema.cards).where(cards.alert == alert, cards.platform == platform))
        return Card(*found[0]) if found else None

    async def undelivered(self) -> tuple[int, float | None]:
        """How many notifications wait, and when the oldest was created; pictures do not count."""
        query = select(func.count(), func.min(rows.created)).where(_waits)
        ((count, oldest),) = await self._file.read(query)
        return count, oldest

    async def untaken(self, before: float) -> list[Untaken]:
        """CRITICAL incidents whose last telling before a time no channel took, each having been told to before it."""
        pages = (rows.severity == Severity.CRITICAL, rows.kind.in_(PAGES))
        waiting = select(rows.alert).where(rows.state.in_((*OPEN, "dead")), *pages, rows.created < before)
        first, taken = func.min(rows.created), func.max(case((_taken, rows.created)))
        newest = func.max(case((rows.created < before, rows.created)))
        told = select(rows.alert, rows.platform, first, taken, newest).where(rows.alert.in_(waiting), *pages)
        tried: dict[str, dict[str, float]] = {}
        heard: dict[str, float] = {}
        said: dict[str, float] = {}
        settled = set()
        for alert, channel, since, at, last in await self._file.read(told.group_by(rows.alert, rows.platform)):
            tried.setdefault(alert, {})[channel] = since
            said[alert] = max(said.get(alert, 0.0), last or 0.0)
            if at is not None and channel != TERMINAL:  # nobody need sit before a terminal
                heard[alert] = max(heard.get(alert, 0.0), at)
            if since >= before:
                settled.add(alert)
        settled |= {alert for alert, at in heard.items() if at >= said[alert]}
        settled |= {alert for alert, channels in tried.items() if channels.keys() == {TERMINAL}}
        return [
            Untaken(alert, tuple(sorted(channels)), min(channels.values()))
            for alert, channels in tried.items()
            if alert not in settled
        ]

    async def first_taken(self, alert: str) -> float | None:
        """When any channel first took a page about an incident."""
        query = select(func.min(rows.ended)).where(rows.alert == alert, rows.kind.in_(PAGES), _taken)
        ((first,),) = await self._file.read(query)
        return None if first is None else float(first)

    async def waiting(self, now: float) -> list[Waiting]:
        """What waits, by channel; pictures do not count."""
        query = select(rows.platform, func.count(), func.min(rows.created), func.max(rows.error))
        query = query.where(_waits).group_by(rows.platform).order_by(rows.platform)
        waits = schema.waits.c
        closed = dict(
            await self._file.read(
                select(waits.platform, waits.until).where(waits.until > now, waits.closed == Closed.ALL)
            )
        )
        found = await self._file.read(query)
        return [Waiting(channel, count, oldest, why, closed.get(channel)) for channel, count, oldest, why in found]

    async def letters(self, limit: int) -> tuple[int, list[Letter]]:
        """How many dead letters there are, and the newest, newest first."""
        ((count,),) = await self._file.read(select(func.count()).where(_dead))
        query = of(Notification, schema.notifications).add_columns(rows.ended, rows.error).where(_dead)
        found = await self._file.read(query.order_by(rows.ended.desc(), rows.id.desc()).limit(limit))
        read = ((Notification(*row[:-2]), row[-2], row[-1]) for row in found)
        return count, [Letter(each.id or 0, each, ended, why or "") for each, ended, why in read]

    async def resend(self, letter: int | None) -> int:
        """Put a dead letter back to be sent, or every one; return how many went. None to a channel that is no more."""
        return await self._of_dead(
            letter, rows.error != _GONE, state="queued", attempts=0, not_before=0.0, ended=None, error=None
        )

    async def drop(self, letter: int | None) -> int:
        """Forget a dead letter, or every one; return how many there were."""
        return await self._of_dead(letter, state="dropped")

    async def _of_dead(self, letter: int | None, *conditions: Any, **values: Any) -> int:
        chosen = () if letter is None else (rows.id == letter,)
        change = update(schema.notifications).where(_dead, *chosen, *conditions).values(**values)
        return (await self._file.write(lambda connection: connection.execute(change))).rowcount


def _end_claim(connection: Connection, row: Notification, error: str, **values: Any) -> bool:
    """Whether it was still claimed; a late word about a row changes nothing."""
    ours = update(schema.notifications).where(rows.key == row.key, rows.state == "claimed")
    ended = connection.execute(ours.values(claimed_at=None, error=error[:_ERROR], **values))
    return ended.rowcount > 0


def _span(seconds: float) -> str:
    """How late, to the second: "4 m 12 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} m" if hours else f"{minutes} m {rest} s" if minutes else f"{rest} s"
