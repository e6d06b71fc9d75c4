"""`/report`: what a period came to, of every agent or of one."""

from __future__ import annotations

import datetime as dt

from bot.arguments import duration
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.format import plain, span, zone
from bot.quantities import shown
from bot.views.report import report as view
from monitor.desk import DeskError

DAY = 86_400.0
LONGEST = 31 * DAY
"""Seconds that a report looks back."""
_HOW = "write today, yesterday, 24h or 7d, and an agent if you like: /report 7d alpha"


@command(
    "report",
    usage="/report [today|yesterday|PERIOD] [AGENT]",
    summary="Show what a period came to: P&L, best and worst, drawdowns, alerts with their noise, times to react.",
    examples=("/report", "/report yesterday", "/report 7d alpha"),
)
async def report(ctx: Context) -> Message:
    """Answer from stored rows, of the last 24 h and every agent unless the words say otherwise."""
    now, words = ctx.desk.now(), list(ctx.args)
    meant = None if not words or words[0] in ctx.desk.agents else period(words[0], now, zone())
    if meant is not None:
        del words[0]
    if len(words) > 1:
        raise UsageError(f"that is more than one period and one agent: {_HOW}")
    agent = _agent(ctx, words[0], first=meant is None) if words else None
    since, until, what = meant or (now - DAY, now, "Last 24 h")
    found = await ctx.desk.report(since, until, None if agent is None else (agent,))
    whose = what if agent is None else f"{plain(agent, 64)}, {what[:1].lower()}{what[1:]}"
    return view(found, whose, ctx.desk.rules, ctx.desk.currency, zone())


def _agent(ctx: Context, word: str, *, first: bool) -> str:
    try:
        return ctx.desk.agent(word).agent.id
    except DeskError as error:
        if first:  # it may have been meant as a period
            raise UsageError(f"{shown(word)} is no period and no agent: {_HOW}") from error
        raise


def period(word: str, now: float, where: dt.tzinfo) -> tuple[float, float, str] | None:
    """Since and until when, and in words, by the clock of a time zone; None when it is no period.

    Errors: UsageError (longer than 31 days).
    """
    today = dt.datetime.combine(dt.datetime.fromtimestamp(now, where).date(), dt.time(), where)
    if word.lower() == "today":
        return today.timestamp(), now, "Today"
    if word.lower() == "yesterday":
        return (today - dt.timedelta(days=1)).timestamp(), today.timestamp(), "Yesterday"
    if not word[:1].isdigit() or word[-1:].isdigit():
        return None
    seconds = duration(word)
    if seconds > LONGEST:
        raise UsageError(f"{shown(word)} is too long: a report looks back 31 days at most")
    return now - seconds, now, f"Last {span(seconds)}"
