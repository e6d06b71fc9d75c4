"""A reaction stands for the one acknowledge button of a message that is known."""

from __future__ import annotations

import datetime as dt

import pytest
from telegram import Chat, MessageReactionUpdated, ReactionTypeCustomEmoji, ReactionTypeEmoji, Update, User

from bot.chat import Button, Message
from bot.platforms.telegram.hear import Ears, hear
from bot.platforms.telegram.react import KEPT, MINE, Known, Shown

CARD = Message("card", buttons=(Button("Acknowledge", "ack 3f9c"), Button("Pause", "pause alpha")))


def reaction(
    after: str, before: str = "", message: int = 5, chat: int = -100, behind: Chat | None = None
) -> MessageReactionUpdated:
    def listed(emojis: str) -> list[ReactionTypeEmoji]:
        return [ReactionTypeEmoji(each) for each in emojis]

    now = dt.datetime.now(dt.UTC)
    return MessageReactionUpdated(
        Chat(chat, "supergroup"), message, now, listed(before), listed(after), User(1, "ana", False), behind
    )


def a_card() -> Shown:
    shown = Shown()
    shown.note(-100, 5, CARD, 12)
    return shown


@pytest.mark.parametrize("emoji", sorted(MINE))
def test_what_says_mine_is_the_acknowledge_button(emoji: str) -> None:
    assert a_card().meant(reaction(emoji)) == Known("ack 3f9c", 12)


def test_telegram_offers_every_one_of_them() -> None:
    from telegram.constants import ReactionEmoji  # noqa: PLC0415 -- a large module that nothing else needs

    assert {str(each.value) for each in ReactionEmoji} >= MINE


@pytest.mark.parametrize(("after", "before"), [("", "👍"), ("👀", "👍"), ("💩", ""), ("", ""), ("👍", "👍")])
def test_what_takes_back_changes_or_says_something_else_means_nothing(after: str, before: str) -> None:
    assert a_card().meant(reaction(after, before)) is None


def test_a_second_reaction_that_says_mine_beside_another_counts() -> None:
    assert a_card().meant(reaction("🔥👍", "🔥")) is not None


def test_an_emoji_of_somebodys_own_means_nothing() -> None:
    own = MessageReactionUpdated(
        Chat(-100, "supergroup"), 5, dt.datetime.now(dt.UTC), [], [ReactionTypeCustomEmoji("1")], User(1, "ana", False)
    )
    assert a_card().meant(own) is None


def test_only_a_known_message_with_one_thing_to_acknowledge_means_anything() -> None:
    shown = a_card()
    assert shown.meant(reaction("👍", message=6)) is None
    assert shown.meant(reaction("👍", chat=-200)) is None
    shown.note(-100, 5, Message("resolved"), 12)
    assert shown.meant(reaction("👍")) is None
    shown.note(-100, 5, Message("two", buttons=(Button("a", "ack 1"), Button("b", "ack 2"))), 12)
    assert shown.meant(reaction("👍")) is None
    shown.note(-100, 5, Message("an answer", buttons=(Button("a", "acknowledge 1"),)), 12)
    assert shown.meant(reaction("👍")) is None


def test_the_oldest_messages_are_forgotten() -> None:
    shown = a_card()
    for number in range(KEPT):
        shown.note(-200, number, CARD, None)
    assert shown.meant(reaction("👍")) is None
    assert shown.meant(reaction("👍", message=KEPT - 1, chat=-200)) is not None


def test_a_group_that_reacts_is_nobody_whoever_is_named_beside_it() -> None:
    ears = Ears("desk_bot", 4, {-100: "telegram"}, (), a_card())
    heard = hear(Update(1, message_reaction=reaction("👍", behind=Chat(-100, "supergroup"))), ears, 0.0)
    assert heard is not None
    assert heard.refused
    assert heard.invocation.user == "somebody without a name by way of chat -100"
    person = hear(Update(1, message_reaction=reaction("👍")), ears, 0.0)
    assert person is not None
    assert (person.refused, person.invocation.user, person.invocation.channel) == (None, "1", "telegram")
