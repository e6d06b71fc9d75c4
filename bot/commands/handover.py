"""`/handover`: an incident goes into somebody else's hands, who is called."""

from __future__ import annotations

from bot.arguments import alert_first
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.format import plain
from bot.views.incidents import buttons, footer, headline

_WORDS = 2


@command(
    "handover",
    usage="/handover ALERT PERSON [NOTE]",
    summary="Give an alert into somebody's hands, who is called.",
    role=Role.OPERATOR,
    examples=("/handover 3f9c1a2b ana", "/handover 3f9c ana the venue answers slowly"),
)
async def handover(ctx: Context) -> Message:
    """Hand over, and say to whom."""
    words = alert_first(ctx)
    if len(words) < _WORDS:
        raise UsageError("say which alert and to whom, for example /handover 3f9c1a2b ana")
    to = _person(ctx, words[1])
    status = await ctx.desk.hand_over(words[0], to, ctx.person.name, " ".join(words[2:]))
    holder = plain(status.incident.acknowledged_by or to, 40)
    return Message(
        title=f"{holder} has it: {headline(status, ctx.desk.rules.get(status.incident.rule))}",
        buttons=buttons(status, orders=False),
        footer=footer(status),
    )


def _person(ctx: Context, word: str) -> str:
    """The name as the settings spell it, however it was typed."""
    typed = word.removeprefix("@").casefold()
    return next((name for name in ctx.desk.people if name.casefold() == typed), word)
