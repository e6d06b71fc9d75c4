"""`/drill`: a test page through every channel, to see that it arrives and how long people take."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, command
from bot.views.incidents import footer


@command(
    "drill",
    usage="/drill",
    summary="Send a test page through every channel; it ends once somebody acknowledges it.",
    role=Role.OPERATOR,
    examples=("/drill",),
)
async def drill(ctx: Context) -> Message:
    """Begin the drill, and say what is to be done."""
    at_most(ctx.args, 0)
    status = await ctx.desk.drill(ctx.person.name)
    return Message(
        title="A test page is on its way through every channel",
        text="Acknowledge it where it arrives: its end tells how long that took. Nothing is wrong.",
        footer=footer(status),
    )
