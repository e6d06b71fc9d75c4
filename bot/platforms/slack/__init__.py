"""Slack: cards with buttons in one channel, orders by slash command, mention and button."""

from __future__ import annotations

import importlib

from bot.chat import ChatPlatform
from bot.settings import Settings


def build(settings: Settings) -> ChatPlatform | None:
    """The platform that the settings describe; None when Slack is not set up, and then no library is read."""
    if settings.slack is None:
        return None
    built: ChatPlatform = importlib.import_module("bot.platforms.slack.platform").Slack(settings.slack)
    return built
