"""`/real`: a statistical page was worth it."""

from __future__ import annotations

from bot.arguments import alert_first
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.judging import judged
from monitor.alerts.judging import REAL


@command(
    "real",
    usage="/real ALERT [NOTE]",
    summary="Say that a statistical page was real, while it stands or afterwards; it is counted beside the budget.",
    role=Role.OPERATOR,
    examples=("/real 3f9c1a2b", "/real 3f9c the strategy bought twice"),
)
async def real(ctx: Context) -> Message:
    """Record it, and say what that replaces."""
    words = alert_first(ctx)
    if not words:
        raise UsageError("say which alert was real, for example /real 3f9c1a2b")
    done = await ctx.desk.judge(words[0], REAL, ctx.person.name, " ".join(words[1:]))
    return judged(done, ctx.desk.rules.get(done.status.incident.rule), ctx.desk.now())
