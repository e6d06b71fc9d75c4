"""Which row of the outbox goes next: found by walking one index, however many rows wait."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    literal,
    not_,
    or_,
    select,
    union_all,
    update,
)

from monitor.alerts.alert import PAGES, Kind, Notification
from monitor.mail import Closed
from monitor.model import Severity
from monitor.storage import schema
from monitor.storage.columns import KIND, SEVERITY
from monitor.storage.schema import of

ON_CARD = (Kind.PAGE, Kind.UPDATE)
OPEN = ("queued", "claimed")
STUBBORN = 10
"""Tries after which a message that is not taken holds back nothing more of its card."""
BELIEVED = 86_400.0
"""Seconds ahead beyond which a time to wait for is not one that a chat asked for: a clock stood wrong."""

rows = schema.notifications.c
_others = schema.notifications.alias("others")
_same_card = and_(_others.c.alert == rows.alert, _others.c.platform == rows.platform)


def closed(connection: Connection, channel: str, now: float) -> frozenset[str]:
    """What a channel takes none of now, in words of Closed."""
    found = connection.execute(_WAITS, {"channel": channel})
    return frozenset(what for what, until in found if now < until <= now + BELIEVED)


def take(connection: Connection, channel: str, now: float, closed: Collection[str] = ()) -> Notification | None:
    """Claim the most urgent row of a channel that is due; none for which it is closed.

    An update with a newer page or update of its card is done without being sent: a card is drawn as it is.
    """
    given = {"channel": channel, "now": now, "far": now + BELIEVED}
    given |= {"edits": Closed.EDITS not in closed, "looks": Closed.LOOKS not in closed}
    while Closed.ALL not in closed:
        found = [each for each in connection.execute(_NEXT, given) if each.id is not None]
        if not found:
            return None
        number = min(found, key=_turn).id
        row = Notification(*connection.execute(_ROW, {"number": number}).one())
        if row.kind is not Kind.UPDATE or not _superseded(connection, row, now):
            claimed = update(schema.notifications).where(rows.id == row.id)
            connection.execute(claimed.values(state="claimed", claimed_at=now))
            return row
    return None


def _turn(found: Any) -> tuple[bool, int, bool, int]:
    """Sorts what is due: pictures last of all, then by severity, pages first, the oldest first."""
    return found.kind is Kind.PICTURE, -found.severity, found.kind not in PAGES, found.id


def _superseded(connection: Connection, row: Notification, now: float) -> bool:
    """Whether a newer page or update makes this one needless; then it and what else that makes needless is done."""
    card = (rows.alert == row.alert, rows.platform == row.platform)
    newer = select(rows.id).where(*card, rows.id > row.id, rows.kind.in_(ON_CARD), rows.state.in_(("queued", "done")))
    newest = connection.execute(newer.order_by(rows.id.desc()).limit(1)).scalar()
    if row.alert is None or newest is None:
        return False
    older = update(schema.notifications).where(
        *card, rows.state == "queued", rows.kind == Kind.UPDATE, rows.id < newest
    )
    connection.execute(older.values(state="done", ended=now, error="superseded"))
    return True


def _held() -> ColumnElement[bool]:
    """Whether another row of the card goes first: one being sent, an earlier page, an earlier one of the same kind.

    A page is held back by no lesser one, nothing by a picture, and a picture by its page however often that was tried.
    """
    sent = exists().where(_same_card, _others.c.state == "claimed", _others.c.kind != Kind.PICTURE)
    stubborn = and_(_others.c.attempts >= STUBBORN, or_(rows.kind != Kind.PICTURE, _others.c.kind != Kind.PAGE))
    earlier = exists().where(
        _same_card,
        _others.c.state == "queued",
        _others.c.id < rows.id,
        not_(stubborn),
        or_(
            and_(_others.c.kind.in_(PAGES), or_(rows.kind.not_in(PAGES), _others.c.severity >= rows.severity)),
            and_(_others.c.kind == rows.kind, _others.c.kind.not_in((*PAGES, Kind.UPDATE))),
        ),
    )
    return or_(sent, earlier)


_classes = union_all(  # not VALUES: SQLAlchemy compiles a statement that holds it anew at each execution
    *(
        select(literal(severity, SEVERITY).label("severity"), literal(kind, KIND).label("kind"))
        for severity in Severity
        for kind in Kind
    )
).cte("classes")
_oldest = (
    select(rows.id)
    .where(
        rows.state == "queued",
        rows.platform == bindparam("channel"),
        rows.severity == _classes.c.severity,
        rows.kind == _classes.c.kind,
        or_(rows.not_before <= bindparam("now"), rows.not_before > bindparam("far")),
        or_(rows.kind != Kind.UPDATE, bindparam("edits", type_=Boolean())),
        or_(~rows.uncertain, bindparam("looks", type_=Boolean())),
        ~_held(),
    )
    .order_by(rows.id)
    .limit(1)
    .scalar_subquery()
)
_NEXT = select(_classes.c.severity, _classes.c.kind, _oldest.label("id"))
_ROW = of(Notification, schema.notifications).where(rows.id == bindparam("number"))
_WAITS = select(schema.waits.c.closed, schema.waits.c.until).where(schema.waits.c.platform == bindparam("channel"))
