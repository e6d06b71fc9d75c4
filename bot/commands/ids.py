"""`/ids`: the ids of you and of this chat, as the settings want them."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Field, Message
from bot.command import Context, command
from bot.format import plain


@command("ids", usage="/ids", summary="Show your id and this chat's, for the settings.", examples=("/ids",))
async def ids(ctx: Context) -> Message:
    """Answer with what the chat calls the person and itself."""
    at_most(ctx.args, 0)
    asked = ctx.invocation
    return Message(
        title=f"Ids in {plain(asked.platform, 40)}",
        fields=(Field("You", plain(asked.user, 80)), Field("This chat", plain(asked.chat, 80))),
        private=True,
    )
