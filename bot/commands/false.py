"""`/false`: a statistical page was a false alarm."""

from __future__ import annotations

from dataclasses import replace

from bot.arguments import alert_first
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.judging import judged
from monitor.alerts.judging import FALSE_ALARM


@command(
    "false",
    usage="/false ALERT [NOTE]",
    summary="Say that a statistical page was a false alarm, while it stands or afterwards; it is counted as noise.",
    role=Role.OPERATOR,
    examples=("/false 3f9c1a2b", "/false 3f9c the price feed was broken"),
)
async def false(ctx: Context) -> Message:
    """Record it, and say what that replaces; "false alarm" is how people answer a card."""
    if ctx.args and ctx.args[0].lower() == "alarm":
        ctx = replace(ctx, args=ctx.args[1:])
    words = alert_first(ctx)
    if not words:
        raise UsageError("say which alert was a false alarm, for example /false 3f9c1a2b")
    done = await ctx.desk.judge(words[0], FALSE_ALARM, ctx.person.name, " ".join(words[1:]))
    return judged(done, ctx.desk.rules.get(done.status.incident.rule), ctx.desk.now())
