"""`/reset`: an agent's figures count anew from now on, since it is not what it was."""

from __future__ import annotations

from bot.arguments import agent_first
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.format import clock, plain
from bot.line import button


def _question(ctx: Context) -> str:
    if not ctx.args:
        raise UsageError("say which agent, for example /reset alpha a new model")
    name = ctx.desk.agent(ctx.args[0]).agent.id
    return (
        f"Let the figures of {name} count anew from now on? They are judged by what it does after this; "
        "drawdown, profit and loss and everything stored stay as they are."
    )


@command(
    "reset",
    usage="/reset AGENT [REASON]",
    summary="Let an agent's figures (Sharpe, win rate ...) count anew from now on; asks first.",
    role=Role.OPERATOR,
    confirm=_question,
    examples=("/reset alpha", "/reset alpha a new model"),
)
async def reset(ctx: Context) -> Message:
    """Record it, and say from when on."""
    words = await agent_first(ctx)
    made = await ctx.desk.reset(words[0], ctx.person.name, " ".join(words[1:])[:200])
    return Message(
        title=f"The figures of {made.agent} count from {clock(made.time, ctx.desk.now())} on",
        text=f"By {plain(made.by, 40)}{f': {plain(made.note, 200)}' if made.note else ''}.",
        buttons=button("Figures", "performance", made.agent, "reset"),
    )
