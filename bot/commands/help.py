"""`/help`: what you can do here, or how one command is used."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Field, Message
from bot.command import Command, Context, UsageError, command
from bot.line import button


@command(
    "help", usage="/help [COMMAND]", summary="List what you can do, or explain one command.", examples=("/help pause",)
)
async def help_(ctx: Context) -> Message:
    """Answer with the commands that the person's role may run."""
    at_most(ctx.args, 1)
    allowed = {name: each for name, each in ctx.commands.items() if each.role <= ctx.role}
    if ctx.args:
        return _one(allowed, ctx.args[0].removeprefix("/").lower())
    return Message(
        title=f"What you can do as {ctx.role.name.lower()}",
        text="AGENT and ALERT can be shortened as long as one name begins that way. A button equals typing its line.",
        fields=tuple(Field(each.usage, each.summary) for _, each in sorted(allowed.items())),
        buttons=(*button("Status", "status"), *button("Alerts", "alerts")),
    )


def _one(allowed: dict[str, Command], name: str) -> Message:
    found = allowed.get(name)
    if found is None:
        raise UsageError("you have no such command: /help lists those you have")
    examples = (Field("For example", "\n".join(found.examples)),) if found.examples else ()
    return Message(found.usage, found.summary, fields=(*examples, Field("Needs", found.role.name.lower())))
