"""`/pause`: an agent stops trading, in one step, and shows that it did."""

from __future__ import annotations

from bot.arguments import agent_first
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.orders import asked, outcome


@command(
    "pause",
    usage="/pause AGENT [REASON]",
    summary="Stop an agent from trading; the answer tells whether it obeyed.",
    role=Role.OPERATOR,
    examples=("/pause alpha", "/pause alpha losing money on ETH"),
)
async def pause(ctx: Context) -> Message:
    """Order the pause, and answer once it is proven or its time is up."""
    words = await agent_first(ctx)
    if not words:
        raise UsageError("say which agent to pause, for example /pause alpha")
    agent = ctx.desk.require_control(words[0])
    await ctx.reply(asked(agent, "pause"))
    order = await ctx.desk.order(agent.id, "pause", ctx.person.name, " ".join(words[1:]))
    return outcome(order, ctx.desk.agent(agent.id))
