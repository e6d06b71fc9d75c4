"""`/standing`: what was already wrong at the first start is accepted or kept."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message, Tone
from bot.command import Context, Role, UsageError, command
from bot.format import count
from bot.views import standing as view


@command(
    "standing",
    usage="/standing [accept|keep]",
    summary="Decide about troubles found at the first start: accept (known, not paged) or keep (paged like any other).",
    role=Role.OPERATOR,
    examples=("/standing", "/standing accept"),
)
async def standing(ctx: Context) -> Message:
    """Show what waits for a decision, or take the decision."""
    at_most(ctx.args, 1)
    if not ctx.args:
        return view(ctx.desk.standing(), ctx.desk.rules)
    answer = ctx.args[0].lower()
    if answer not in ("accept", "keep"):
        raise UsageError("say accept or keep, or nothing to see what waits")
    found = await ctx.desk.answer_standing(answer == "accept", ctx.person.name)
    if not found:
        return view((), ctx.desk.rules)
    if answer == "accept":
        return Message(
            f"Accepted: {count(len(found), 'alert')}", "Acknowledged by you; none will be paged.", tone=Tone.GOOD
        )
    return Message(f"Kept: {count(len(found), 'alert')}", "Each is paged now, like any other.", tone=Tone.WARN)
