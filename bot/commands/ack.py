"""`/ack`: somebody has an incident in hand, or still has it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.arguments import alert_first, is_alert
from bot.chat import Button, Message
from bot.command import Context, Role, UsageError, command
from bot.format import clock
from bot.line import button
from bot.views.alerts import acknowledged
from bot.views.incidents import buttons, footer, headline, stands
from monitor.alerts.alert import State
from monitor.desk import Acknowledgement, IncidentStatus


@command(
    "ack",
    usage="/ack [ALERT] [NOTE]",
    summary="Acknowledge an alert and all that came with it: you have it in hand. Again: you still have. "
    "With a single one waiting, ALERT can be left out.",
    role=Role.OPERATOR,
    examples=("/ack", "/ack 3f9c1a2b", "/ack 3f9c looking at the venue"),
)
async def ack(ctx: Context) -> Message:
    """Acknowledge, and say so; or say who did before."""
    words = alert_first(ctx)
    if not (words and (words[0] == ctx.about or is_alert(words[0]))):
        waiting = [each for each in ctx.desk.incidents() if each.state is State.FIRING]
        if len(waiting) > 1:
            return _which(ctx, waiting)
        if not waiting:
            raise UsageError("no alert waits for an acknowledgement")
        words = (waiting[0].incident.id, *words)
    done = await ctx.desk.acknowledge(words[0], ctx.person.name, " ".join(words[1:]))
    status, now = done.status, ctx.desk.now()
    over = button("Take it over", "handover", status.incident.id, ctx.person.name)
    then = buttons(status, orders=False) if status.incident.open else ()
    return Message(
        title=f"{_said(done, now)}: {headline(status, ctx.desk.rules.get(status.incident.rule))}",
        buttons=(*(() if done.changed or done.renewed else over), *then),
        footer=footer(status),
    )


def _said(done: Acknowledgement, now: float) -> str:
    incident = done.status.incident
    if done.renewed:
        until = "" if incident.lease is None else f" until {clock(incident.lease, now)}"
        return f"Still on it{until}"
    if not done.changed:
        return f"Already {acknowledged(incident, now)}"
    how = stands(done.status, now) if incident.open else acknowledged(incident, now)
    return f"{how[:1].upper()}{how[1:]}"


def _which(ctx: Context, waiting: Sequence[IncidentStatus]) -> Message:
    choices: list[Button] = []
    for status in waiting[:8]:
        of, label = status.incident.id, headline(status, ctx.desk.rules.get(status.incident.rule))[:60]
        choices += button(label, "ack", of, *ctx.args) or button(label, "ack", of)
    return Message(f"{len(waiting)} alerts wait: which one?", buttons=tuple(choices))
