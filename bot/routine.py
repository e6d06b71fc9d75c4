"""What comes by the calendar: a drill, and the digest of a day with what was only logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from bot.format import clock, count, plain, span
from monitor.alerts.alert import Alert, Notification
from monitor.alerts.draft import notices
from monitor.alerts.routing import channels
from monitor.desk import Desk, DeskError
from monitor.model import Severity
from monitor.ports import Change
from monitor.rule import DESK, Rule
from monitor.storage import Database

Due = Callable[[float], float | None]
"""Given a time, when something was due last; None when it was not, of late."""
DAY = 86_400.0
_SHOWN = 30
"""Alerts in a digest."""

log = structlog.get_logger()


class Routine:
    """Does each thing once for each time at which it is due, also across a restart."""

    def __init__(
        self, desk: Desk, store: Database, told: Callable[[], None], *, drill: Due | None, digest: Due | None
    ) -> None:
        self._desk = desk
        self._store = store
        self._told = told
        self._dues = [(due, do) for due, do in ((drill, self._drill), (digest, self._digest)) if due is not None]
        self._done: dict[int, float] = {}

    async def look(self) -> None:
        """Do what is due now. Errors: StoreError."""
        for index, (due, do) in enumerate(self._dues):
            at = due(self._desk.now())
            if at is not None and at != self._done.get(index):
                await do(at)
                self._done[index] = at

    async def _drill(self, at: float) -> None:
        """Hold a drill, unless one was held since it was due."""
        if any(each.rule == "drill" for each in await self._store.opened_between(at, self._desk.now())):
            return
        try:
            await self._desk.drill(DESK)
        except DeskError as error:
            log.info("the drill is left out", why=str(error))

    async def _digest(self, at: float) -> None:
        """Tell of the day before; a second time it is the same row of the outbox."""
        alerts = [each for each in await self._desk.digest(at - DAY) if each.opened < at]
        where = channels(Severity.WARN, {"rule": "digest"}, self._desk.plan)
        await self._store.commit(Change(notifications=digest(alerts, self._desk.rules, where, at)))
        self._told()


def digest(
    alerts: Sequence[Alert], rules: Mapping[str, Rule], where: Sequence[str], now: float
) -> tuple[Notification, ...]:
    """One message about all alerts of a day, worst first."""
    title = f"The last 24 h: {count(len(alerts), 'alert')}" if alerts else "The last 24 h: nothing happened"
    lines = [_line(each, rules, now) for each in alerts[:_SHOWN]]
    if len(alerts) > _SHOWN:
        lines.append(f"and {len(alerts) - _SHOWN} more")
    return notices("digest", where, {"title": title, "text": "\n".join(lines)}, now)


def _line(alert: Alert, rules: Mapping[str, Rule], now: float) -> str:
    rule = rules.get(alert.rule)
    lasted = "still open" if alert.resolved is None else f"over after {span(alert.resolved - alert.opened)}"
    what = plain(rule.title if rule is not None else alert.rule, 60)
    return f"{clock(alert.opened, now)} {alert.severity.name} {plain(alert.agent, 40)}: {what}, {lasted}"
