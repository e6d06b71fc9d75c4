"""`/pnl`: where profit and loss came from, by any one or two dimensions, of any period."""

from __future__ import annotations

from bot.arguments import duration
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.format import clock
from bot.views.pnl import pnl as view
from monitor.attribution import DIMENSIONS, dimensions

_CROSS = ("x", "\N{MULTIPLICATION SIGN}", "by")


@command(
    "pnl",
    usage=f"/pnl [by] [{'|'.join(DIMENSIONS)}] [x OTHER] [for] [AGENT] [PERIOD]",
    summary="Split profit and loss by strategy, asset, hour of entry (UTC) and more, or by two of them crossed.",
    examples=("/pnl by strategy", "/pnl by asset 7d", "/pnl by hour for alpha", "/pnl by strategy x asset"),
)
async def pnl(ctx: Context) -> Message:
    """Answer from stored trades, of every agent and all time unless the words say less."""
    words = list(ctx.args)
    by = _split(words)
    period = duration(words.pop()) if words and words[-1][:1].isdigit() and words[-1] not in ctx.desk.agents else None
    if words and words[0].lower() == "for":
        del words[0]
        if not words:
            raise UsageError("say for which agent, for example /pnl by hour for alpha")
    if len(words) > 1:
        raise UsageError("that is more than one agent and one period: for example /pnl by asset alpha 7d")
    agent = ctx.desk.agent(words[0]).agent.id if words else None
    now = ctx.desk.now()
    since = 0.0 if period is None else max(0.0, now - period)
    live, paper = [await ctx.desk.attribution(by, agent, since, paper=each) for each in (False, True)]
    where = f"{agent or 'all agents'}, {f'since {clock(since, now)}' if since else 'all time'}"
    return view(live, where, ctx.desk.currency, paper)


def _split(words: list[str]) -> tuple[str, ...]:
    """Take the dimensions from the front of the words."""
    said = bool(words) and words[0].lower() == "by"
    if said:
        del words[0]
    if not words or words[0].lower() not in DIMENSIONS:
        if said:
            raise UsageError(
                f"profit and loss is split by {', '.join(DIMENSIONS)}: choose one, or two with an x between"
            )
        return ("strategy",)
    names = [words.pop(0).lower()]
    if words and words[0].lower() in _CROSS:
        del words[0]
        if not words or words[0].lower() not in DIMENSIONS:
            raise UsageError(f"after the x comes another of {', '.join(DIMENSIONS)}")
        names.append(words.pop(0).lower())
    try:
        return dimensions(names)
    except ValueError as error:
        raise UsageError(str(error)) from None
