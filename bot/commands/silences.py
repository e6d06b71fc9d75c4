"""`/silences`: what is silenced now, by whom and why, and until when."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, command
from bot.views.silences import silences as view


@command(
    "silences",
    usage="/silences",
    summary="List what is silenced now, with buttons to end it.",
    examples=("/silences",),
)
async def silences(ctx: Context) -> Message:
    """Answer with every silence in force and what it covers."""
    at_most(ctx.args, 0)
    desk = ctx.desk
    return view(desk.silences(), desk.covered, desk.rules, desk.now())
