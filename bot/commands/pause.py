"""`/pause`: an agent, or all of them, stop trading, in one step, and show that they did."""

from __future__ import annotations

import asyncio

from bot.arguments import agent_first, for_how_long
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.views.orders import asked, asked_all, outcome, outcomes
from monitor.alerts.plan import EVERYBODY
from monitor.answers import DeskError
from monitor.order import Order


@command(
    "pause",
    usage="/pause AGENT|all [via CONTROL] [2h] [REASON]",
    summary="Stop an agent from trading, or all of them; the answer tells whether it obeyed.",
    role=Role.OPERATOR,
    examples=("/pause alpha", "/pause alpha 2h losing money on ETH", "/pause all venue is mad"),
)
async def pause(ctx: Context) -> Message:
    """Order the pause, and answer once it is proven or its time is up."""
    everybody = bool(ctx.args) and ctx.args[0].lower() == EVERYBODY
    words = ctx.args if everybody else await agent_first(ctx)
    if not words:
        raise UsageError("say which agent to pause, for example /pause alpha, or /pause all")
    now = ctx.desk.now()
    via = words[2].lower() if len(words) > 2 and words[1].lower() == "via" else None  # noqa: PLR2004 -- alpha via pm2
    seconds, reason = for_how_long(words[1 if via is None else 3 :])
    until = None if seconds is None else now + seconds
    if everybody:
        return await _all(ctx, via, until, reason)
    agent, _ = ctx.desk.require_control(words[0], "pause", via)
    await ctx.reply(asked(agent, "pause", ctx.desk.means(agent.id, "pause", via)))
    order = await ctx.desk.order(agent.id, "pause", ctx.person.name, reason, via=via, until=until)
    return outcome(order, ctx.desk.agent(agent.id), ctx.desk.next_stop(order), ctx.desk.now())


async def _all(ctx: Context, via: str | None, until: float | None, reason: str) -> Message:
    """Every agent at once: what one does holds up no other."""
    able = [name for name in ctx.desk.agents if ctx.desk.takes_orders(name)]
    unable = [name for name in ctx.desk.agents if name not in able]
    if not able:
        raise UsageError("no agent takes orders: give them a control in the settings")
    await ctx.reply(asked_all(able, unable))

    async def one(name: str) -> Order | str:
        try:
            return await ctx.desk.order(name, "pause", ctx.person.name, reason, via=via, until=until)
        except DeskError as error:
            return str(error)

    given = dict(zip(able, await asyncio.gather(*map(one, able)), strict=True))
    return outcomes(given, unable, ctx.desk.now())
