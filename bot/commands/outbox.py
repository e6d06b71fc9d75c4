"""`/outbox`: what waits to be told, and what no chat will take; the latter is sent again or dropped."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.quantities import shown
from bot.views.outbox import SHOWN, dropped, resent
from bot.views.outbox import outbox as view
from monitor.mail import Mail

_ALL = "all"
_DIGITS = 15


def _mail(ctx: Context) -> Mail:
    if ctx.mail is None:
        raise UsageError("this desk has no outbox")
    return ctx.mail


def _which(ctx: Context) -> int | None:
    """The number of the dead letter that is meant; None for every one."""
    word = ctx.args[1].lower() if len(ctx.args) > 1 else ""
    if word == _ALL:
        return None
    if not (word.isascii() and word.isdecimal()) or len(word) > _DIGITS:
        said = f"{shown(word)} is no dead letter's number" if word else "say which dead letter"
        raise UsageError(f"{said}: /outbox shows the numbers, or say all")
    return int(word)


def _question(ctx: Context) -> str | None:
    """Ask about all of them at once: there may be hundreds."""
    if [each.lower() for each in ctx.args[1:]] != [_ALL]:
        return None
    return {"resend": "Send every dead letter again?", "drop": "Drop every dead letter?"}.get(ctx.args[0].lower())


@command(
    "outbox",
    usage="/outbox [resend ID|all] [drop ID|all]",
    summary="Show what waits to be told and what no chat will take; send that again, or drop it.",
    role=Role.OPERATOR,
    confirm=_question,
    examples=("/outbox", "/outbox resend 17", "/outbox drop all"),
)
async def outbox(ctx: Context) -> Message:
    """Show the outbox, send dead letters again, or drop them."""
    mail = _mail(ctx)
    at_most(ctx.args, 2)
    if not ctx.args:
        now = ctx.desk.now()
        return view(await mail.waiting(now), *await mail.letters(SHOWN), now)
    act = ctx.args[0].lower()
    if act not in ("resend", "drop"):
        raise UsageError("say resend or drop, or nothing to see what is there")
    letter = _which(ctx)
    many = await (mail.resend(letter) if act == "resend" else mail.drop(letter))
    if not many and letter is not None:
        raise UsageError(f"there is no dead letter {letter} to {act}: /outbox shows which there are")
    return resent(many) if act == "resend" else dropped(many)
