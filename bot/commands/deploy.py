"""`/deploy`: what a deploy of an agent causes is not paged for a while."""

from __future__ import annotations

from bot.arguments import agent_first, duration
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.silences import silenced

_WORDS = 2


@command(
    "deploy",
    usage="/deploy AGENT DURATION [REASON]",
    summary="Announce a deploy: that the agent is away or unwell is not paged for so long, at most 24h.",
    role=Role.OPERATOR,
    examples=("/deploy alpha 5m", "/deploy alpha 10m version 2.1"),
)
async def deploy(ctx: Context) -> Message:
    """Announce it, and say what is held back."""
    words = await agent_first(ctx)
    if len(words) < _WORDS:
        raise UsageError("say which agent and for how long, for example /deploy alpha 5m")
    desk = ctx.desk
    reason, heard = " ".join(words[2:]), ctx.invocation.channel
    made = await desk.deploy(words[0], duration(words[1]), ctx.person.name, reason, heard=heard)
    return silenced(made, desk.covered(made), desk.rules, desk.now())
