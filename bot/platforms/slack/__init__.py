"""Slack: cards with buttons in one channel, orders by slash command, mention and button."""

from __future__ import annotations

import importlib

from bot.chat import ChatPlatform
from bot.settings import Settings


def build(settings: Settings) -> ChatPlatform | None:
    """The platform that the settings describe; None when Slack is not set up, and then no library is read."""
    if settings.slack is None:
        return None
    made = importlib.import_module("bot.platforms.slack.platform").Slack
    built: ChatPlatform = made(settings.slack, also=elsewhere(settings))
    return built


def elsewhere(settings: Settings) -> frozenset[str]:
    """Ids of the channels, beside that of [slack], in which the settings let somebody be told of something."""
    named = (each.partition(":") for each in settings.channels)
    return frozenset(channel for platform, _, channel in named if platform == "slack" and channel)
