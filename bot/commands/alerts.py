"""`/alerts`: what is wrong now, worst first."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, command
from bot.views.alerts import listing


@command("alerts", usage="/alerts", summary="List the open alerts, worst first.", examples=("/alerts",))
async def alerts(ctx: Context) -> Message:
    """Answer with every open alert, its reason and its state."""
    at_most(ctx.args, 0)
    return listing(ctx.desk.alerts(), ctx.desk.rules, ctx.desk.silences(), ctx.desk.now())
