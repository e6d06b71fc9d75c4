"""`/replay`: which pages a desk would have sent over what is stored of an agent, when and why."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.arguments import at_most, duration
from bot.charts.drawing import drawn
from bot.chat import Message, Picture
from bot.command import Context, UsageError, command
from bot.settings import budget_of_one
from bot.views import replay as view

DAY = 86_400.0
USUAL, LONGEST = 30 * DAY, 366 * DAY
_BUDGET = "false_pages="


@command(
    "replay",
    usage="/replay AGENT [PERIOD] [false_pages=BUDGET]",
    summary="Tell which pages an agent's stored past would have made by today's settings, or by another budget.",
    examples=("/replay alpha", "/replay alpha 30d false_pages=1/month"),
)
async def replay(ctx: Context) -> Message:
    """Answer with how many pages, how many a week, the first dozen with their reasons, and a picture."""
    words, allowed = _budgeted(ctx)
    period = duration(words.pop()) if len(words) > 1 else USUAL
    at_most(words, 1)
    if period > LONGEST:
        raise UsageError("no replay reaches back more than a year: write for example 30d")
    agents = list(ctx.desk.agents)
    if not words and len(agents) != 1:
        raise UsageError(f"say whose past, for example /replay {agents[0] if agents else 'alpha'} 30d")
    found = await ctx.desk.replay(words[0] if words else agents[0], period, allowed)
    notes = (view.BY_THE_HOUR,) if found.hours else ()
    plan = await asyncio.to_thread(view.replay, found.outcome, found.history, ctx.desk.rules, ctx.desk.currency, notes)
    if plan.shown is None:
        return plan.message
    return replace(plan.message, picture=Picture(await drawn(plan.shown), plan.alt, plan.name))


def _budgeted(ctx: Context) -> tuple[list[str], float | None]:
    """The words before false_pages=1/month, and how many a week that is; None: as the settings say."""
    words = list(ctx.args)
    at = next((at for at, each in enumerate(words) if each.lower().startswith(_BUDGET)), None)
    if at is None:
        return words, None
    try:
        return words[:at], budget_of_one(" ".join(words[at:])[len(_BUDGET) :])
    except ValueError as error:
        raise UsageError(str(error)) from None
