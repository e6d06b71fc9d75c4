"""`/oncall`: who is on duty now and next, and how somebody else is for a while."""

from __future__ import annotations

import contextlib

from bot.arguments import duration
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.quantities import shown
from bot.views.oncall import duties, taken

_HOW = "/oncall, /oncall take 4h, or /oncall give ben 4h"


@command(
    "oncall",
    usage="/oncall [take DURATION | give PERSON DURATION] [ROTATION]",
    summary="Show who is on duty now and next. Operators take the duty for a while, or give it to somebody.",
    examples=("/oncall", "/oncall take 4h", "/oncall give ana 4h"),
    changes=lambda ctx: bool(ctx.args) and ctx.role >= Role.OPERATOR,  # whoever may not is refused, and changes nothing
)
async def oncall(ctx: Context) -> Message:
    """Answer with the duties, or change one for a while."""
    may = ctx.role >= Role.OPERATOR
    if not ctx.args:
        return duties(ctx.desk.duty(), ctx.desk.now(), takes=may)
    verb = ctx.args[0].lower()
    if verb not in ("take", "give"):
        raise UsageError(f"{shown(ctx.args[0])} has no meaning here: write {_HOW}")
    if not may:
        raise UsageError("only an operator or admin can acknowledge and so have the duty: ask one of them")
    before, seconds, after = _parted(ctx.args[1:])
    person, rotation = (before, after) if verb == "give" else (ctx.person.name, before or after)
    if verb == "give" and not person:
        raise UsageError("say who is to have the duty before you say for how long: /oncall give ben 4h")
    if verb == "take" and before and after:
        raise UsageError("the rotation stands at the end of the line: /oncall take 4h ROTATION")
    made = await ctx.desk.take(rotation or None, person, seconds, ctx.person.name)
    return taken(made, ctx.desk.duty(), ctx.desk.now())


def _parted(words: tuple[str, ...]) -> tuple[str, float, str]:
    """What stands before the duration, the duration in seconds, what stands after it; names may have blanks."""
    for index, word in enumerate(words):
        with contextlib.suppress(UsageError):
            return " ".join(words[:index]), duration(word), " ".join(words[index + 1 :])
    raise UsageError(f"say for how long: write {_HOW}")
