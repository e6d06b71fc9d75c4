"""`/pnl`: where profit and loss came from, by strategy, asset, hour or side."""

from __future__ import annotations

from bot.arguments import duration
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.format import clock
from bot.views.pnl import pnl as view
from monitor.attribution import KEYS


@command(
    "pnl",
    usage="/pnl [by] [strategy|asset|hour|side] [AGENT] [PERIOD]",
    summary="Split profit and loss by strategy, asset, hour of entry (UTC) or side.",
    examples=("/pnl by strategy", "/pnl by asset alpha", "/pnl by hour 7d"),
)
async def pnl(ctx: Context) -> Message:
    """Answer from stored trades, of every agent and all time unless the words say less."""
    words = list(ctx.args)
    if words and words[0].lower() == "by":
        del words[0]
        if not words or words[0].lower() not in KEYS:
            raise UsageError(f"profit and loss is split by {', '.join(KEYS)}: choose one")
    by = words.pop(0).lower() if words and words[0].lower() in KEYS else "strategy"
    period = duration(words.pop()) if words and words[-1][:1].isdigit() and not _agent(ctx, words[-1]) else None
    if len(words) > 1:
        raise UsageError("that is more than one agent and one period: for example /pnl by asset alpha 7d")
    agent = ctx.desk.agent(words[0]).agent.id if words else None
    now = ctx.desk.now()
    since = 0.0 if period is None else max(0.0, now - period)
    live, paper = [await ctx.desk.attribution(by, agent, since, paper=each) for each in (False, True)]
    where = f"{agent or 'all agents'}, {f'since {clock(since, now)}' if since else 'all time'}"
    return view(live, where, ctx.desk.currency, paper)


def _agent(ctx: Context, word: str) -> bool:
    return word in ctx.desk.agents
