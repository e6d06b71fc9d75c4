"""What commands read out of their words; what they cannot read is said in one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bot import quantities
from bot.command import Context, UsageError
from bot.format import count, zone
from monitor.desk import DeskError

LONGEST_PAUSE = 30 * 86_400.0
_ALERT = re.compile(r"[0-9a-f]{3,8}")
_WHOLE = 8
_PAGE = re.compile(r"[0-9]{1,6}")
_AMOUNT = re.compile(r"[+-](?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:\.[0-9]{1,9})?")
_SIGNS = str.maketrans({"−": "-", "–": "-", "＋": "+"})  # noqa: RUF001 -- what phones make of a minus and a plus
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def is_alert(word: str) -> bool:
    """Whether a word looks like an alert's id or its beginning."""
    return _ALERT.fullmatch(word.lower()) is not None


def alert_first(ctx: Context) -> tuple[str, ...]:
    """The words, with the alert of the card that was answered in front, unless they begin with an alert.

    In an answer to a card "bad fill" and "500 errors" are words: what could be one is an id only if an alert is called
    so, or if it mixes figures and letters and begins an open alert's.
    """
    word = ctx.args[0].lower() if ctx.args else ""
    if ctx.about is not None and word != ctx.about and not _meant(ctx, word):
        return (ctx.about, *ctx.args)
    return (word, *ctx.args[1:]) if is_alert(word) else ctx.args


def _meant(ctx: Context, word: str) -> bool:
    if not is_alert(word):
        return False
    ids = (each for alert in ctx.desk.alerts() for each in (alert.id, alert.incident or ""))
    known, mixed = any(each.startswith(word) for each in ids), not (word.isalpha() or word.isdigit())
    return known or mixed if len(word) == _WHOLE else known and mixed


async def agent_first(ctx: Context) -> tuple[str, ...]:
    """The words, with the agent of the card that was answered in front, unless they begin with an agent."""
    if ctx.about is None:
        return ctx.args
    try:
        if ctx.args:
            ctx.desk.agent(ctx.args[0])
            return ctx.args
    except DeskError:
        pass
    agents = list(dict.fromkeys(alert.agent for alert in (await ctx.desk.incident(ctx.about)).alerts))
    if len(agents) != 1:
        first = next(iter(agents), "alpha")
        raise UsageError(f"that card is about {count(len(agents), 'agent')}: say which one, for example {first}")
    return (agents[0], *ctx.args)


def for_how_long(words: Sequence[str]) -> tuple[float | None, str]:
    """Read "2h losing money": a duration, if the first word is one with its unit, and the reason after it.

    Errors: UsageError (longer than 30 days).
    """
    if not words or not words[0][:1].isdigit() or words[0][-1:].isdigit():
        return None, " ".join(words)
    try:
        seconds = quantities.duration(words[0])
    except ValueError:
        return None, " ".join(words)
    if not 0 < seconds <= LONGEST_PAUSE:
        raise UsageError(f"{quantities.shown(words[0])} is no time for a pause: write 5m to 30d, or none for no end")
    return seconds, " ".join(words[1:])


def page(words: Sequence[str], of: str) -> int:
    """Read the number of a page at the end of a line; 1 when there is none. `of`: the line, for an error."""
    if not words:
        return 1
    at_most(words, 1)
    if not _PAGE.fullmatch(words[0]) or int(words[0]) == 0:
        raise UsageError(f"{quantities.shown(words[0])} is no page: write for example {of} 2")
    return int(words[0])


def at_most(args: Sequence[str], most: int) -> None:
    """Refuse words that would otherwise be passed over in silence."""
    if len(args) > most:
        extra = " ".join(args[most:])
        raise UsageError(f"there is too much on the line: {quantities.shown(extra)} has no place here")


def duration(text: str) -> float:
    """Read 30m or 1h30m; returns seconds, more than 0."""
    try:
        seconds = quantities.duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if seconds <= 0:
        raise UsageError("a duration is longer than nothing: write 30m or 1h30m")
    return seconds


def signed(text: str) -> Decimal:
    """Read +1000 or -1,250.50; the sign must be there, since it says which way the money went."""
    found = text.translate(_SIGNS)
    if not _AMOUNT.fullmatch(found):
        raise UsageError(
            f"{quantities.shown(text)} is not a signed amount: write +1000 for a deposit, -250.50 for a withdrawal"
        )
    value = Decimal(found.replace(",", ""))
    if value == 0:
        raise UsageError("an amount of 0 moves nothing: write +1000 or -250.50")
    return value


def moment(text: str, now: float) -> float | None:
    """Read a time that has passed; returns seconds since the epoch, None when `text` is no time at all.

    10m (ago), 12:03 (the last one), 2026-11-24T12:03, now; in the desk's time zone unless it says otherwise.
    """
    if text.lower() == "now":
        return now
    clock = _CLOCK.fullmatch(text)
    if clock:
        return _last(int(clock[1]), int(clock[2]), now)
    at = _ago(text, now) or _dated(text)
    if at is not None and not 0 < at <= now:
        raise UsageError(
            f"{quantities.shown(text)} cannot be when it happened: give a time that has passed, such as 10m or 12:03"
        )
    return at


def _ago(text: str, now: float) -> float | None:
    try:
        return now - quantities.duration(text)
    except ValueError:
        return None


def _dated(text: str) -> float | None:
    try:
        when = datetime.fromisoformat(text)
        return when.replace(tzinfo=when.tzinfo or zone()).timestamp()
    except (ValueError, OverflowError):
        return None


def _last(hour: int, minute: int, now: float) -> float:
    if hour > 23 or minute > 59:  # noqa: PLR2004 -- the clock ends there
        raise UsageError(f"{hour}:{minute:02d} is not a time of day: write 12:03")
    today = datetime.fromtimestamp(now, zone())
    when = today.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (when if when <= today else when - timedelta(days=1)).timestamp()
