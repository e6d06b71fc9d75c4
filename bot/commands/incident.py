"""`/incident`: every alert of one incident, by name."""

from __future__ import annotations

from bot.arguments import alert_first, page
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.views.listing import members


@command(
    "incident",
    usage="/incident ALERT [PAGE]",
    summary="List every alert that came together with one.",
    examples=("/incident 3f9c1a2b", "/incident 3f9c 2"),
)
async def incident(ctx: Context) -> Message:
    """Answer with a page of its alerts."""
    words = alert_first(ctx)
    if not words:
        raise UsageError("say which one, for example /incident 3f9c1a2b")
    status = await ctx.desk.incident(words[0])
    number = page(words[1:], f"/incident {status.incident.id}")
    return members(status, ctx.desk.rules.get(status.incident.rule), ctx.desk.now(), number)
