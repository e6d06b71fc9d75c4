"""What a notification says: drawn from the alert as it is when it is sent, not as it was when it was stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import views
from bot.chat import Message, Tone
from bot.views.alerts import listing
from monitor.alerts.alert import Kind, Notification
from monitor.alerts.pipeline import notices
from monitor.desk import Desk, DeskError


def still_open(desk: Desk, platforms: Sequence[str]) -> tuple[Notification, ...]:
    """At a start, one message about what was open before it; nothing when nothing was."""
    alerts = desk.alerts()
    return notices("start", platforms, {"open": [alert.id for alert in alerts]}, desk.now()) if alerts else ()


async def draw(desk: Desk, notification: Notification) -> Message | None:
    """The message for a notification; None when its alert is unknown and there is nothing to tell."""
    if notification.kind is Kind.NOTICE:
        return await _notice(desk, notification)
    try:
        alert = await desk.alert(notification.alert or "")
    except DeskError:
        return None
    rule = desk.rules.get(alert.rule)
    if notification.kind is Kind.LINE:
        return Message(views.said(alert, desk.now()))
    if notification.kind is Kind.RECOVERY:
        return views.recovery(alert, rule)
    return views.card(alert, rule, desk.now(), orders=desk.takes_orders(alert.agent))


async def _notice(desk: Desk, notification: Notification) -> Message | None:
    still = notification.body.get("open")
    if isinstance(still, list):
        now = {alert.id: alert for alert in desk.alerts()}
        alerts = [now[each] for each in still if each in now]
        told = listing(alerts, desk.rules, desk.silences(), desk.now())
        return replace(told, title=f"The desk watches again: {told.title}") if alerts else None
    named = notification.body.get("standing")
    if not isinstance(named, list):
        title, text = (str(notification.body.get(name, "")) for name in ("title", "text"))
        return Message(title, text, tone=Tone.WARN) if title else None
    alerts = [await desk.alert(str(each)) for each in named]
    return views.standing(alerts, desk.rules)
