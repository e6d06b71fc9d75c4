"""`/resume`: an agent trades again, after a question, and shows that it does."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.format import count, plain
from bot.views.orders import asked, outcome
from bot.views.status import paused
from monitor.desk import AgentStatus


def _meant(ctx: Context) -> AgentStatus:
    at_most(ctx.args, 1)
    if not ctx.args:
        raise UsageError("say which agent to resume, for example /resume alpha")
    return ctx.desk.agent(ctx.args[0])


def _question(ctx: Context) -> str:
    status = _meant(ctx)
    ctx.desk.require_control(status.agent.id)
    pause = status.pause
    by = f" ({paused(pause, ctx.desk.now())})" if pause else ""
    reason = f" The pause says: {plain(pause.reason, 120)}." if pause and pause.reason else ""
    trouble = f" It has {count(len(status.alerts), 'open alert')}." if status.alerts else ""
    return f"Resume {status.agent.id}{by}?{reason}{trouble}"


@command(
    "resume",
    usage="/resume AGENT",
    summary="Let an agent trade again; asks first, and the answer tells whether it obeyed.",
    role=Role.OPERATOR,
    confirm=_question,
    examples=("/resume alpha",),
)
async def resume(ctx: Context) -> Message:
    """Order the resumption, and answer once it is proven or its time is up."""
    agent = _meant(ctx).agent
    await ctx.reply(asked(agent, "resume"))
    order = await ctx.desk.order(agent.id, "resume", ctx.person.name)
    return outcome(order, ctx.desk.agent(agent.id))
