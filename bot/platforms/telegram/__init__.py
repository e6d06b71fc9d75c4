"""Telegram: pages in one group, orders from the people who are listed, wherever the bot may answer them."""

from __future__ import annotations

from bot.chat import ChatPlatform
from bot.command import discover
from bot.settings import Settings

ASKED = {"confirm": "", "cancel": ""}
"""What answers a question of the desk; no command of the registry, and in no menu."""


def elsewhere(settings: Settings) -> frozenset[str]:
    """Ids of the chats, beside that of [telegram], in which the settings let somebody be told of something."""
    named = (each.partition(":") for each in settings.channels)
    return frozenset(chat for platform, _, chat in named if platform == "telegram" and chat)


def build(settings: Settings) -> ChatPlatform | None:
    """The chat of [telegram]; None when it is not set up."""
    if settings.telegram is None:
        return None
    from bot.platforms.telegram.platform import Telegram  # noqa: PLC0415 - the library is loaded only where it is used

    people = (person.ids.get("telegram") for person in settings.people)
    commands = {name: each.summary for name, each in discover().items()} | ASKED
    return Telegram(settings.telegram, also=elsewhere(settings), people=filter(None, people), commands=commands)
