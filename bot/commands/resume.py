"""`/resume`: an agent trades again, after a question that shows what is to be known before, and shows that it does."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.orders import asked, outcome
from bot.views.resuming import prechecks
from monitor.desk import AgentStatus


def _meant(ctx: Context) -> AgentStatus:
    at_most(ctx.args, 1)
    if not ctx.args:
        raise UsageError("say which agent to resume, for example /resume alpha")
    return ctx.desk.agent(ctx.args[0])


def _question(ctx: Context) -> Message:
    status = _meant(ctx)
    ctx.desk.require_control(status.agent.id, "resume")
    return prechecks(status, ctx.desk.rules, ctx.desk.currency, ctx.desk.now())


@command(
    "resume",
    usage="/resume AGENT",
    summary="Let an agent trade again; shows its health, positions, drawdown and limits, and asks first.",
    role=Role.OPERATOR,
    confirm=_question,
    examples=("/resume alpha",),
)
async def resume(ctx: Context) -> Message:
    """Order the resumption, and answer once it is proven or its time is up."""
    agent = _meant(ctx).agent
    await ctx.reply(asked(agent, "resume"))
    order = await ctx.desk.order(agent.id, "resume", ctx.person.name)
    return outcome(order, ctx.desk.agent(agent.id), None, ctx.desk.now())
