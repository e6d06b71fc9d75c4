"""Whoever a message calls is called so that Slack reaches them: by their id, in text of nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.chat import Mention
from bot.format import plain
from bot.platforms.slack.blocks import Block, section

CALLED = 20
"""People that one message calls; the others are counted."""
_ID = re.compile(r"[UW][A-Z0-9]{2,30}")


def calls(mentions: Sequence[Mention]) -> str:
    """Slack's markup for those it knows; empty for nobody."""
    return " ".join(f"<@{each.id}>" for each in mentions[:CALLED] if _known(each))


def names(mentions: Sequence[Mention]) -> str:
    """The names of the others, and how many are left out."""
    told = [plain(each.name, 60) or "somebody" for each in mentions[:CALLED] if not _known(each)]
    left = len(mentions[CALLED:])
    return ", ".join([*told, *([f"+{left} more"] if left else [])])


def blocks(mentions: Sequence[Mention]) -> Iterable[Block]:
    """A block for those whom Slack knows by an id, and one for the others."""
    if called := calls(mentions):
        yield {"type": "section", "text": {"type": "mrkdwn", "text": called, "verbatim": True}}
    if told := names(mentions):
        yield section(told)


def _known(mention: Mention) -> bool:
    return bool(_ID.fullmatch(mention.id or ""))
