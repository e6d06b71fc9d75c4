"""`/status`: how the fleet is, or everything known of one agent."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, command
from bot.views.agent import one
from bot.views.status import fleet


@command(
    "status",
    usage="/status [AGENT]",
    summary="Show the fleet, or every signal of one agent.",
    examples=("/status", "/status alpha"),
)
async def status(ctx: Context) -> Message:
    """Answer with a row an agent, or with one agent in four layers."""
    at_most(ctx.args, 1)
    desk, now = ctx.desk, ctx.desk.now()
    if ctx.args:
        return one(desk.agent(ctx.args[0]), desk.rules, desk.currency, now)
    return fleet(desk.status(), ctx.platforms, desk.currency, now)
