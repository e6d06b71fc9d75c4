"""`/unack`: nobody has an incident in hand any more."""

from __future__ import annotations

from bot.arguments import alert_first
from bot.chat import Message, Tone
from bot.command import Context, Role, UsageError, command
from bot.views.incidents import buttons, footer, headline


@command(
    "unack",
    usage="/unack ALERT [NOTE]",
    summary="Let go of an alert that is acknowledged: it is open again, and others are called.",
    role=Role.OPERATOR,
    examples=("/unack 3f9c1a2b", "/unack 3f9c I have to leave"),
)
async def unack(ctx: Context) -> Message:
    """Let go, and say so."""
    words = alert_first(ctx)
    if not words:
        raise UsageError("say which alert you let go, for example /unack 3f9c1a2b")
    status = await ctx.desk.unacknowledge(words[0], ctx.person.name, " ".join(words[1:]))
    return Message(
        title=f"Open again: {headline(status, ctx.desk.rules.get(status.incident.rule))}",
        text="Nobody has it in hand; whoever is on duty is called anew.",
        buttons=buttons(status, orders=False),
        footer=footer(status),
        tone=Tone.WARN,
    )
