"""`/whoami`: how the desk knows you, and what you may do."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Field, Message
from bot.command import Context, command
from bot.format import plain


@command("whoami", usage="/whoami", summary="Show your name, role and ids.", examples=("/whoami",))
async def whoami(ctx: Context) -> Message:
    """Answer with the person as the settings name them."""
    at_most(ctx.args, 0)
    ids = tuple(Field(plain(name, 40), plain(user, 80)) for name, user in sorted(ctx.person.ids.items()))
    return Message(f"You are {plain(ctx.person.name, 40)}, {ctx.role.name.lower()}", fields=ids)
