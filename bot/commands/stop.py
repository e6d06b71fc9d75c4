"""`/stop`: an agent is stopped harder than by a pause, after a question that says what that means."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.orders import asked, outcome, stop_question


def _words(ctx: Context) -> tuple[str, str | None]:
    at_most(ctx.args, 2)
    if not ctx.args:
        raise UsageError("say which agent to stop, for example /stop alpha, or /stop alpha pm2")
    return ctx.args[0], ctx.args[1].lower() if len(ctx.args) > 1 else None


def _question(ctx: Context) -> Message:
    name, via = _words(ctx)
    agent, control = ctx.desk.require_control(name, "stop", via)
    return stop_question(ctx.desk.agent(agent.id), control.kind, ctx.desk.means(agent.id, "stop", via))


@command(
    "stop",
    usage="/stop AGENT [CONTROL]",
    summary="Stop an agent harder than by a pause (pm2, systemd, freqtrade); asks first, and says what that means.",
    role=Role.OPERATOR,
    confirm=_question,
    examples=("/stop alpha", "/stop alpha pm2"),
)
async def stop(ctx: Context) -> Message:
    """Order the stop, and answer once it is proven or its time is up."""
    name, via = _words(ctx)
    agent, control = ctx.desk.require_control(name, "stop", via)
    await ctx.reply(asked(agent, "stop", ctx.desk.means(agent.id, "stop", via)))
    order = await ctx.desk.order(agent.id, "stop", ctx.person.name, via=control.kind)
    return outcome(order, ctx.desk.agent(agent.id), ctx.desk.next_stop(order), ctx.desk.now())
