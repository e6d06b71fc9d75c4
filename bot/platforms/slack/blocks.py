"""The smallest parts of a message in Slack: plain text, bounded, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Block = Mapping[str, Any]

SECTION = 3_000


def escape(text: str) -> str:
    """Write the three characters by which Slack's markup refers to people, channels and links as themselves."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cost(each: Block) -> int:
    """Characters of JSON that a part takes."""
    return len(json.dumps(each, ensure_ascii=False))


def cut(text: str, limit: int) -> str:
    """The beginning of a text."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def words(text: str, limit: int = SECTION) -> Block:
    """Text in which nothing is markup."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": False}


def section(text: str) -> Block:
    """A paragraph of such text."""
    return {"type": "section", "text": words(text)}
