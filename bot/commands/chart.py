"""`/chart`: pictures of equity, of several agents side by side, of profit and loss by name or by hour of the week."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.arguments import at_most, duration
from bot.charts.drawing import drawn
from bot.chat import Message, Picture
from bot.command import Context, UsageError, command
from bot.format import clock
from bot.views import chart as view
from monitor.attribution import DIMENSIONS, Attribution, dimensions

DAY = 86_400.0
MOST = 6
"""Agents whose lines can be told apart."""
LONGEST = 3_660 * DAY


@command(
    "chart",
    usage="/chart [AGENT ...] [PERIOD] | pnl [by] DIMENSION [AGENT] [PERIOD] | hours [AGENT] [PERIOD]",
    summary="Draw equity with drawdown and alerts, agents compared, or profit and loss by name or hour of the week.",
    examples=("/chart alpha 24h", "/chart alpha beta 7d", "/chart pnl by strategy 7d", "/chart hours alpha 30d"),
)
async def chart(ctx: Context) -> Message:
    """Answer with a picture and the same in words; with words alone where there is nothing to see."""
    words = list(ctx.args)
    ends = bool(words) and words[-1][:1].isdigit() and words[-1] not in ctx.desk.agents
    period = duration(words.pop()) if ends else None
    if period is not None and period > LONGEST:
        raise UsageError("no picture reaches back more than ten years: write for example 7d")
    kind = words[0].lower() if words and words[0] not in ctx.desk.agents else ""
    if kind == "pnl":
        plan = await _pnl(ctx, words[1:], period)
    elif kind == "hours":
        plan = await _hours(ctx, words[1:], 30 * DAY if period is None else period)
    else:
        plan = await _equity(ctx, words, DAY if period is None else period)
    if plan.shown is None:
        return plan.message
    return replace(plan.message, picture=Picture(await drawn(plan.shown), plan.alt, plan.name))


async def _equity(ctx: Context, words: list[str], period: float) -> view.Plan:
    desk, now = ctx.desk, ctx.desk.now()
    agents = list(dict.fromkeys(desk.agent(each).agent.id for each in words)) or list(desk.agents)
    if len(agents) > MOST:
        raise UsageError(
            f"a picture shows at most {MOST} agents: say which, for example /chart {agents[0]} {agents[1]}"
        )
    since = max(0.0, now - period)
    curves = [await desk.curve(each, since) for each in agents]
    if len(agents) == 1:
        return await asyncio.to_thread(view.equity, curves[0], desk.agent(agents[0]), desk.currency, since, now)
    found = [(each, desk.agent(each.agent)) for each in curves]
    return await asyncio.to_thread(view.compared, found, since, now)


async def _pnl(ctx: Context, words: list[str], period: float | None) -> view.Plan:
    by = _split(words)
    found, where = await _attribution(ctx, by, words, period)
    return view.pnl(found, where, ctx.desk.currency)


async def _hours(ctx: Context, words: list[str], period: float) -> view.Plan:
    found, where = await _attribution(ctx, ("weekday", "hour"), words, period)
    return view.hours(found, where, ctx.desk.currency)


async def _attribution(
    ctx: Context, by: tuple[str, ...], words: list[str], period: float | None
) -> tuple[Attribution, str]:
    """Trades with money; where there are none, those without, which the words then say."""
    if words and words[0].lower() == "for":
        del words[0]
    at_most(words, 1)
    desk, now = ctx.desk, ctx.desk.now()
    agent = desk.agent(words[0]).agent.id if words else None
    since = 0.0 if period is None else max(0.0, now - period)
    where = f"{agent or 'all agents'}, {f'since {clock(since, now)}' if since else 'all time'}"
    found = await desk.attribution(by, agent, since)
    if not found.total.trades:
        paper = await desk.attribution(by, agent, since, paper=True)
        if paper.total.trades:
            return paper, f"paper, {where}"
    return found, where


def _split(words: list[str]) -> tuple[str, ...]:
    """Take the dimensions from the front of the words: none is by strategy."""
    if words and words[0].lower() == "by":
        del words[0]
        if not words or words[0].lower() not in DIMENSIONS:
            raise UsageError(f"profit and loss is split by {', '.join(DIMENSIONS)}: choose one")
    names = [words.pop(0).lower()] if words and words[0].lower() in DIMENSIONS else ["strategy"]
    if len(words) > 1 and words[0].lower() == "x":
        names.append(words[1].lower())
        del words[:2]
    try:
        return dimensions(names)
    except ValueError as error:
        raise UsageError(str(error)) from None
