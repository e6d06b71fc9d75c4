"""`/silence`: no pages about one trouble for a while, for a reason."""

from __future__ import annotations

from bot.arguments import alert_first, duration
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.alerts import silenced

_WORDS = 3


@command(
    "silence",
    usage="/silence ALERT DURATION REASON",
    summary="Hold back the pages of an alert for a while, at most 24h. It is still watched.",
    role=Role.OPERATOR,
    examples=("/silence 3f9c1a2b 1h venue maintenance", "/silence 3f9c 1h30m known, fix is on its way"),
)
async def silence(ctx: Context) -> Message:
    """Silence an alert's trouble."""
    words = alert_first(ctx)
    if len(words) < _WORDS:
        raise UsageError("say which alert, for how long and why, for example /silence 3f9c 1h venue maintenance")
    alert = await ctx.desk.alert(words[0])
    made = await ctx.desk.silence(alert.id, duration(words[1]), ctx.person.name, " ".join(words[2:]))
    return silenced(made, alert, ctx.desk.rules.get(alert.rule), ctx.desk.now())
