"""`/logs`: the newest lines of an agent's log, with whatever looks like a secret taken out."""

from __future__ import annotations

from bot import quantities
from bot.arguments import agent_first, at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.logs import logs as view
from monitor.handling import MOST_LINES

USUAL = 20


@command(
    "logs",
    usage="/logs AGENT [LINES]",
    summary="Show the newest lines of an agent's log; what looks like a secret is taken out.",
    role=Role.OPERATOR,
    examples=("/logs alpha", "/logs alpha 50"),
)
async def logs(ctx: Context) -> Message:
    """Answer with the newest lines that have room in a message."""
    words = await agent_first(ctx)
    at_most(words, 2)
    if not words:
        raise UsageError("say whose log, for example /logs alpha 50")
    agent = ctx.desk.agent(words[0]).agent.id
    many = _many(words[1]) if len(words) > 1 else USUAL
    return view(agent, await ctx.desk.logs(agent, many))


def _many(word: str) -> int:
    try:
        return quantities.whole(1, MOST_LINES)(word)
    except ValueError as error:
        raise UsageError(f"{error} Write for example /logs alpha 50") from None
