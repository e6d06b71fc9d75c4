"""`/restart`: a supervisor begins an agent's process anew, after a question, never while its venue is down."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.restarting import restart_question, restarted, restarting


def _name(ctx: Context) -> str:
    at_most(ctx.args, 1)
    if not ctx.args:
        raise UsageError("say which agent to restart, for example /restart alpha")
    return ctx.args[0]


def _question(ctx: Context) -> Message:
    agent, control = ctx.desk.require_control(_name(ctx), "restart")
    return restart_question(ctx.desk.agent(agent.id), control.kind, ctx.desk.now())


@command(
    "restart",
    usage="/restart AGENT",
    summary="Begin an agent's process anew by its supervisor; three times an hour at most, never with its venue down.",
    role=Role.OPERATOR,
    confirm=_question,
    examples=("/restart alpha",),
)
async def restart(ctx: Context) -> Message:
    """Order it, and answer once the process is up and fit by its own /live and /health, or its time is up."""
    agent, control = ctx.desk.require_control(_name(ctx), "restart")
    await ctx.reply(restarting(agent, control.kind))
    order = await ctx.desk.order(agent.id, "restart", ctx.person.name)
    return restarted(order, ctx.desk.agent(agent.id))
