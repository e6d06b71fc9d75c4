"""What a notification says: drawn from the alert as it is when it is sent, not as it was when it was stored."""

from __future__ import annotations

from bot import views
from bot.chat import Message, Tone
from monitor.alerts.alert import Kind, Notification
from monitor.desk import Desk, DeskError


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
    return views.card(alert, rule, desk.now())


async def _notice(desk: Desk, notification: Notification) -> Message | None:
    named = notification.body.get("standing")
    if not isinstance(named, list):
        title, text = (str(notification.body.get(name, "")) for name in ("title", "text"))
        return Message(title, text, tone=Tone.WARN) if title else None
    alerts = [await desk.alert(str(each)) for each in named]
    return views.standing(alerts, desk.rules)
