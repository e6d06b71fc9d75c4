"""`/performance`: the guide's seven figures of one agent, or of each side by side."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.views.performance import compared
from bot.views.performance import performance as view

_SIDE_BY_SIDE = 12
"""Agents reckoned at one request."""


@command(
    "performance",
    usage="/performance [AGENT]",
    summary="Show Sharpe, drawdown, win rate, profit factor, Calmar, trades and P&L, and what to act on.",
    examples=("/performance", "/performance alpha"),
)
async def performance(ctx: Context) -> Message:
    """Answer with one agent's figures, or with a row for each agent of a small fleet."""
    at_most(ctx.args, 1)
    desk = ctx.desk
    agents = [desk.agent(ctx.args[0]).agent.id] if ctx.args else list(desk.agents)
    if len(agents) == 1:
        return view(await desk.performance(agents[0]), desk.currency, desk.now())
    if len(agents) > _SIDE_BY_SIDE:
        raise UsageError(f"there are {len(agents)} agents: say which one, for example /performance {agents[0]}")
    return compared([await desk.performance(agent) for agent in agents], desk.currency)
