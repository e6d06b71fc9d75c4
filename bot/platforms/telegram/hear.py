"""An update is a command line, a line that is refused here with a reason, or nothing for this desk."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from telegram import CallbackQuery, Chat, Message, MessageReactionUpdated, Update, User

from bot.chat import Invocation, MessageRef
from bot.format import plain
from bot.platforms.telegram.react import Shown

NAME = "telegram"
NEAR = 0.75
"""How alike a word must be to one of our commands to be taken for a slip of the finger in a group."""
_NO_PERSON = "Write as yourself: the desk takes orders from people, not from a group or a channel."
_FORWARDED = "A forwarded line is no order: write it yourself."


@dataclass(frozen=True, slots=True)
class Ears:
    """What the desk answers to: its name and id, its chats (every id they have had -> channel), commands, reactions."""

    username: str
    id: int
    chats: Mapping[int, str]
    commands: Collection[str]
    shown: Shown


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes: a chat, a topic of it, under a message."""

    chat: int
    thread: int | None = None
    under: int | None = None
    group: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A line somebody gave, and where its answer goes."""

    invocation: Invocation
    place: Place
    person: int | None
    """Whose private chat with the bot may be written to."""
    query: str | None = None
    """A press waits for an answer under this id."""
    refused: str | None = None
    """Why nobody's order can come this way; the invocation then names no person."""
    private: bool = False
    """Whether the reason is only for the person."""


def hear(update: Update, ears: Ears, now: float) -> Heard | None:
    """What an update says to this desk; None for nothing: edited, not for us, from a channel, without text.

    A press has no time of its own: it gets `now`, seconds since the epoch.
    """
    if update.message is not None:
        return _typed(update.message, ears, str(update.update_id))
    if update.callback_query is not None:
        return _pressed(update.callback_query, ears, str(update.update_id), now)
    if update.message_reaction is not None:
        return _reacted(update.message_reaction, ears, str(update.update_id))
    return None


def _typed(message: Message, ears: Ears, event: str) -> Heard | None:
    group = message.chat.type != Chat.PRIVATE
    line = _line(message, ears, group)
    if line is None or message.chat.type == Chat.CHANNEL:
        return None
    sender = None if message.sender_chat else message.from_user
    answered = message.reply_to_message
    return _heard(
        Invocation(
            line=line,
            platform=NAME,
            user=str(sender.id) if sender else "",
            display=_called(sender) if sender else "",
            chat=str(message.chat.id),
            time=message.date.timestamp(),
            event=event,
            about=_ref(message.chat, answered.message_id) if answered and _ours(message, ears) else None,
            channel=ears.chats.get(message.chat.id),
        ),
        Place(message.chat.id, _thread(message), message.message_id if group else None, group),
        sender,
        _elsewhere(message.chat, ears),
        no_order=_no_order(message, sender),
    )


def _pressed(query: CallbackQuery, ears: Ears, event: str, now: float) -> Heard | None:
    if query.message is None or query.data is None:
        return None
    chat, shown = query.message.chat, query.message
    group = chat.type != Chat.PRIVATE
    invocation = Invocation(
        line=query.data,
        platform=NAME,
        user=str(query.from_user.id),
        display=_called(query.from_user),
        chat=str(chat.id),
        time=now,
        button=True,
        event=event,
        about=_ref(chat, shown.message_id),
        channel=ears.chats.get(chat.id),
    )
    thread = _thread(shown) if isinstance(shown, Message) else None
    place = Place(chat.id, thread, shown.message_id if group else None, group)
    return _heard(invocation, place, query.from_user, _elsewhere(chat, ears), query=query.id)


def _reacted(reaction: MessageReactionUpdated, ears: Ears, event: str) -> Heard | None:
    known, chat = ears.shown.meant(reaction), reaction.chat
    if known is None:
        return None
    sender = None if reaction.actor_chat else reaction.user
    group = chat.type != Chat.PRIVATE
    return _heard(
        Invocation(
            line=known.line,
            platform=NAME,
            user=str(sender.id) if sender else "",
            display=_called(sender) if sender else "",
            chat=str(chat.id),
            time=reaction.date.timestamp(),
            event=event,
            about=_ref(chat, reaction.message_id),
            channel=ears.chats.get(chat.id),
        ),
        Place(chat.id, known.thread, reaction.message_id if group else None, group),
        sender,
        _elsewhere(chat, ears),
        no_order=_NO_PERSON if sender is None or sender.is_bot else None,
    )


def _heard(
    invocation: Invocation,
    place: Place,
    sender: User | None,
    elsewhere: str | None,
    *,
    query: str | None = None,
    no_order: str | None = None,
) -> Heard:
    refused = elsewhere or no_order
    if refused is not None:  # the audit still names who it was, in words that are nobody's id
        who = f"{invocation.user or 'somebody without a name'} by way of chat {invocation.chat}"
        invocation = replace(invocation, user=who, button=False, about=None)
    return Heard(invocation, place, sender.id if sender else None, query, refused, private=elsewhere is not None)


def _no_order(message: Message, sender: User | None) -> str | None:
    if sender is None or sender.is_bot:
        return _NO_PERSON
    return _FORWARDED if message.forward_origin or message.via_bot else None


def _elsewhere(chat: Chat, ears: Ears) -> str | None:
    if chat.type == Chat.PRIVATE or chat.id in ears.chats:
        return None
    where = plain(chat.title or "that chat", 60)
    return (
        f"This desk takes no orders in {where}. To be paged there, write chat = {chat.id} under [telegram] in the "
        f'settings, or "{NAME}:{chat.id}" in a route, and restart the desk.'
    )


def _line(message: Message, ears: Ears, group: bool) -> str | None:
    """The command line in a message; None when it is said to somebody else."""
    word, rest = [*(message.text or "").split(None, 1), "", ""][:2]
    if not word:
        return None
    ours = not group or _ours(message, ears)
    if word.startswith("/"):
        name, at, bot = word[1:].partition("@")
        if at and bot.lower() != ears.username.lower():
            return None
        if not group and name.lower() == "start":  # what Telegram's own Start button sends
            name, rest = "help", ""
        return f"/{name} {rest}".rstrip() if at or ours or _known(name, ears) else None
    if word.lower() == f"@{ears.username.lower()}":
        return rest.strip()
    bare = word.rstrip(",.:;!")
    if ours and _known(bare, ears):
        return f"{bare} {rest}".rstrip()
    return None if group else f"{word} {rest}".rstrip()


def _known(name: str, ears: Ears) -> bool:
    """Whether it is one of our commands, or nearly: other bots of the group have words of their own."""
    return bool(difflib.get_close_matches(name.lower(), ears.commands, n=1, cutoff=NEAR))


def _ours(message: Message, ears: Ears) -> bool:
    """Whether it answers a message of this bot; that a topic was made by it does not count."""
    answered = message.reply_to_message
    if answered is None or answered.forum_topic_created is not None:
        return False
    return answered.from_user is not None and answered.from_user.id == ears.id


def _thread(message: Message) -> int | None:
    return message.message_thread_id if message.is_topic_message else None


def _ref(chat: Chat, message: int) -> MessageRef:
    return MessageRef(NAME, str(chat.id), str(message))


def _called(user: User) -> str:
    return plain(f"{user.full_name} (@{user.username})" if user.username else user.full_name, 80)
