"""Further channels, by apprise: each takes messages to one address, and hears nothing."""

from __future__ import annotations

import importlib

from bot.chat import ChatPlatform
from bot.settings import Further, Problem, Settings


def build(settings: Settings) -> tuple[ChatPlatform, ...]:
    """A platform for each of [[channels]]; without any, no library is read. Errors: SettingsError."""
    if not settings.further:
        return ()
    channel = importlib.import_module("bot.platforms.further.channel")
    amiss = [(each, channel.amiss(each)) for each in settings.further]
    problems = [Problem((*each.path, "url_env"), sentence) for each, sentence in amiss if sentence is not None]
    if problems:
        raise settings.error(problems)
    return tuple(channel.Channel(each) for each in settings.further)


def amiss(of: Further) -> str | None:
    """Why a channel can take nothing, in a sentence without its address; None when its address can be read."""
    sentence: str | None = importlib.import_module("bot.platforms.further.channel").amiss(of)
    return sentence
