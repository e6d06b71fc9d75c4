"""A button is a line that Slack carries; the first ones of too many stand on the card, each can be typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.chat import Button
from bot.format import plain
from bot.platforms.slack.blocks import Block, cost, words

ROW = 25
"""Buttons of an actions block."""
MOST = 5_000
"""Characters of JSON that all buttons together may have, so that they leave room for what they are about."""
LABEL = 75
VALUE = 2_000


def actions(buttons: Sequence[Button]) -> Iterator[Block]:
    """Buttons in at most two blocks; one whose line Slack would refuse is left out."""
    elements: list[Block] = []
    spent = 0
    for each in [each for each in buttons if each.line.strip() and len(each.line) <= VALUE][: 2 * ROW]:
        element = {
            "type": "button",
            "text": words(plain(each.label) or plain(each.line) or "?", LABEL),
            "value": each.line,
            "action_id": f"nightdesk:{len(elements)}",
        }
        spent += cost(element)
        if elements and spent > MOST:
            break
        elements.append(element)
    for start in range(0, len(elements), ROW):
        yield {"type": "actions", "elements": elements[start : start + ROW]}


def typed(buttons: Iterable[Button]) -> Iterator[str]:
    """What to type where there are no buttons."""
    for each in buttons:
        yield f"{plain(each.label)}: /desk {each.line}"
