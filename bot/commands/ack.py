"""`/ack`: somebody has an alert in hand."""

from __future__ import annotations

from bot.arguments import alert_first, is_alert
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.line import button
from bot.views.alerts import acknowledged, card, headline
from monitor.alerts.alert import Alert, State


@command(
    "ack",
    usage="/ack [ALERT] [NOTE]",
    summary="Acknowledge an alert: you have it in hand. With a single one waiting, ALERT can be left out.",
    role=Role.OPERATOR,
    examples=("/ack", "/ack 3f9c1a2b", "/ack 3f9c looking at the venue"),
)
async def ack(ctx: Context) -> Message:
    """Acknowledge, and say so; or say who did before."""
    words = alert_first(ctx)
    if not (words and is_alert(words[0])):
        waiting = [alert for alert in ctx.desk.alerts() if alert.state is State.FIRING]
        if len(waiting) > 1:
            return _which(ctx, waiting)
        if not waiting:
            raise UsageError("no alert waits for an acknowledgement")
        words = (waiting[0].id, *words)
    alert, note = words[0], words[1:]
    done = await ctx.desk.acknowledge(alert, ctx.person.name, " ".join(note))
    shown = card(done.alert, ctx.desk.rules.get(done.alert.rule), ctx.desk.now(), orders=False)
    by = acknowledged(done.alert, ctx.desk.now())
    return Message(
        title=f"{'A' if done.changed else 'Already a'}{by[1:]}: "
        + headline(done.alert, ctx.desk.rules.get(done.alert.rule)),
        buttons=shown.buttons,
        footer=shown.footer,
    )


def _which(ctx: Context, waiting: list[Alert]) -> Message:
    choices = (
        made
        for alert in waiting[:8]
        for made in button(headline(alert, ctx.desk.rules.get(alert.rule))[:60], "ack", alert.id, *ctx.args)
        or button(headline(alert, ctx.desk.rules.get(alert.rule))[:60], "ack", alert.id)
    )
    return Message(f"{len(waiting)} alerts wait: which one?", buttons=tuple(choices))
