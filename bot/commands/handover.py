"""`/handover`: what a shift leaves behind; with words, an incident goes into somebody else's hands, who is called."""

from __future__ import annotations

from bot.arguments import alert_first
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.format import plain
from bot.views.incidents import buttons, footer, headline
from bot.views.shift import Scene
from bot.views.shift import handover as view

_WORDS = 2


@command(
    "handover",
    usage="/handover [ALERT PERSON [NOTE]]",
    summary="Show what this shift leaves behind, or give an alert into somebody's hands, who is called.",
    role=Role.OPERATOR,
    changes=lambda ctx: bool(ctx.args) or ctx.about is not None,
    examples=("/handover", "/handover 3f9c1a2b ana", "/handover 3f9c ana the venue answers slowly"),
)
async def handover(ctx: Context) -> Message:
    """Hand over, and say to whom; without words tell what there is to hand over."""
    if not ctx.args and ctx.about is None:
        return await _shift(ctx)
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


async def _shift(ctx: Context) -> Message:
    desk = ctx.desk
    scene = Scene(
        desk.incidents(), desk.hidden(), desk.silences(), desk.status(), desk.duty(), desk.rules, desk.currency
    )
    return view(scene, await desk.shift(), desk.now())


def _person(ctx: Context, word: str) -> str:
    """The name as the settings spell it, however it was typed."""
    typed = word.removeprefix("@").casefold()
    return next((name for name in ctx.desk.people if name.casefold() == typed), word)
