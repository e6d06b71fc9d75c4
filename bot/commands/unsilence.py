"""`/unsilence`: a silence ends before its time."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.silences import ended


@command(
    "unsilence",
    usage="/unsilence SILENCE",
    summary="End a silence now; what still stands is told again.",
    role=Role.OPERATOR,
    examples=("/unsilence 5e11ce00",),
)
async def unsilence(ctx: Context) -> Message:
    """End it, and say what comes of that."""
    at_most(ctx.args, 1)
    if not ctx.args:
        raise UsageError("say which silence: /silences lists them")
    silence = await ctx.desk.unsilence(ctx.args[0].lower(), ctx.person.name)
    return ended(silence, ctx.desk.covered(silence), ctx.desk.rules)
