"""`/close`: all positions of an agent are closed, after a question that lists them, and it shows that none is left."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.closing import close_question, closed, closing
from monitor.desk import AgentStatus


def _meant(ctx: Context) -> AgentStatus:
    at_most(ctx.args, 1)
    if not ctx.args:
        raise UsageError("say whose positions to close, for example /close alpha")
    return ctx.desk.agent(ctx.args[0])


def _question(ctx: Context) -> Message:
    status = _meant(ctx)
    means = ctx.desk.means(status.agent.id, "close")
    return close_question(status, means, ctx.desk.currency, ctx.desk.now())


@command(
    "close",
    usage="/close AGENT",
    summary="Close all positions of an agent; lists them and asks first, and the answer tells whether none is left.",
    role=Role.ADMIN,
    confirm=_question,
    examples=("/close alpha",),
)
async def close(ctx: Context) -> Message:
    """Order it, and answer once the agent holds nothing or its time is up."""
    agent = _meant(ctx).agent
    await ctx.reply(closing(agent))
    order = await ctx.desk.order(agent.id, "close", ctx.person.name)
    return closed(order, ctx.desk.agent(agent.id), ctx.desk.currency)
