"""`/alerts`: what is wrong now, worst first, and on demand what is hidden."""

from __future__ import annotations

from bot.arguments import page
from bot.chat import Message
from bot.command import Context, command
from bot.views.listing import listing


@command(
    "alerts",
    usage="/alerts [all] [PAGE]",
    summary="List what is open, worst first; with all also what is hidden, each with its reason.",
    examples=("/alerts", "/alerts all"),
)
async def alerts(ctx: Context) -> Message:
    """Answer with every open incident, its reason and its state."""
    every = bool(ctx.args) and ctx.args[0].lower() == "all"
    number = page(ctx.args[1:] if every else ctx.args, "/alerts all" if every else "/alerts")
    desk = ctx.desk
    return listing(desk.incidents(), desk.hidden(), desk.rules, desk.silences(), desk.now(), every=every, page=number)
