"""`/performance`: the figures of one agent over a window, or the guide's of each agent side by side."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.views.performance import compared
from bot.views.performance import performance as view
from monitor.performance import WINDOWS

_SIDE_BY_SIDE = 12
"""Agents reckoned at one request."""
_USUAL = "7d"


@command(
    "performance",
    usage=f"/performance [AGENT] [{'|'.join(WINDOWS)}]",
    summary="Show Sharpe, drawdown, win rate, profit factor, Calmar and more, with intervals and what to act on.",
    examples=("/performance", "/performance alpha", "/performance alpha 30d"),
)
async def performance(ctx: Context) -> Message:
    """Answer with one agent's figures, or with a row for each agent of a small fleet."""
    at_most(ctx.args, 2)
    desk, words = ctx.desk, list(ctx.args)
    window = words.pop().lower() if words and words[-1].lower() in WINDOWS and words[-1] not in desk.agents else _USUAL
    if len(words) > 1:
        raise UsageError(f"figures are reckoned over {', '.join(WINDOWS)}: for example /performance alpha 30d")
    agents = [desk.agent(words[0]).agent.id] if words else list(desk.agents)
    if len(agents) == 1:
        return view(await desk.performance(agents[0], window), desk.currency, desk.now(), window)
    if len(agents) > _SIDE_BY_SIDE:
        raise UsageError(f"there are {len(agents)} agents: say which one, for example /performance {agents[0]}")
    return compared([await desk.performance(agent, window) for agent in agents], desk.currency, window)
