"""A reaction that says "mine", put under a message of ours that one can acknowledge, is its acknowledge button."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import MessageReactionUpdated, ReactionTypeEmoji

from bot.chat import Message

MINE = frozenset("👍👌👀🫡✍")
"""Reactions that acknowledge; Telegram offers them everywhere where it offers any."""
ACK = "ack"
KEPT = 2_000
"""Messages that are remembered; a message that is changed counts as new."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a reaction to a message stands for, and the topic it stands in."""

    line: str
    thread: int | None


class Shown:
    """Messages of ours that can be acknowledged, by chat and id.

    An update does not tell whose message it is about. After a restart those are known that are changed or sent again:
    every open card is.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Known] = {}

    def note(self, chat: int, message: int, says: Message, thread: int | None) -> None:
        """Remember what a message says now; one that has not one acknowledge button stands for nothing."""
        lines = {each.line for each in says.buttons if each.line.split(" ")[0] == ACK}
        self._known.pop((chat, message), None)
        if len(lines) == 1:
            self._known[chat, message] = Known(lines.pop(), thread)
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]

    def meant(self, update: MessageReactionUpdated) -> Known | None:
        """What somebody says by a reaction; None for one that is taken away, says something else, or is not to us."""
        before, after = _emojis(update.old_reaction), _emojis(update.new_reaction)
        known = self._known.get((update.chat.id, update.message_id))
        return known if (after - before) & MINE and not before & MINE else None


def _emojis(reactions: object) -> set[str]:
    found = reactions if isinstance(reactions, tuple) else ()
    return {each.emoji.removesuffix("\ufe0f") for each in found if isinstance(each, ReactionTypeEmoji)}
