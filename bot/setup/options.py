"""What the flags of `nightdesk init` said."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bot.setup import writing


@dataclass
class Options:
    """What flags said; None or empty: is asked."""

    file: Path
    telegram: bool | None = None
    slack: bool | None = None
    telegram_chat: str | None = None
    slack_channel: str | None = None
    people: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    telegram_url: str = writing.TELEGRAM
    slack_url: str = writing.SLACK
    test: bool = True
    wait: float = 120.0
