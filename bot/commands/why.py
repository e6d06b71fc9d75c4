"""`/why`: every decision about an alert, in order, with its reason."""

from __future__ import annotations

from bot.arguments import alert_first, at_most
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.views.why import why as view


@command(
    "why",
    usage="/why ALERT",
    summary="Tell every decision about an alert, and how long it took to tell, acknowledge and recover.",
    examples=("/why 3f9c1a2b",),
)
async def why(ctx: Context) -> Message:
    """Answer with what was decided, when, by whom and why."""
    words = alert_first(ctx)
    if not words:
        raise UsageError("say which alert, for example /why 3f9c1a2b")
    at_most(words, 1)
    return view(await ctx.desk.why(words[0]), ctx.desk.rules, ctx.desk.now())
