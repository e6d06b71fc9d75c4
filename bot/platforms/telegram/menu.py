"""The menu behind the slash is the registry of commands, as far as Telegram takes it."""

from __future__ import annotations

from collections.abc import Mapping

from telegram import BotCommand

from bot.format import plain

_MOST, _NAME, _WORDS = 100, 32, 256
"""Commands in a menu, characters of a name, of a description."""


def menu(commands: Mapping[str, str]) -> list[BotCommand]:
    """Commands (name -> summary) as Telegram wants them; one without a summary, or with an odd name, is left out."""
    fit = [(each, plain(summary, _WORDS)) for each, summary in sorted(commands.items()) if summary]
    return [
        BotCommand(each, summary)
        for each, summary in fit
        if len(each) <= _NAME and each.replace("_", "a").isalnum() and each.isascii() and each.islower()
    ][:_MOST]
