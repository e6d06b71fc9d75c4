"""What Telegram refuses is told in one sentence, without the token, and with what it means for the message."""

from __future__ import annotations

import datetime as dt
import os
from enum import StrEnum

import httpx
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.chat import TransportError
from bot.format import plain, span

os.environ.setdefault("PTB_TIMEDELTA", "1")  # else the library warns of its own future at every 429


class Kind(StrEnum):
    """What a refusal is about."""

    MARKUP = "markup"
    """The entities could not be parsed: the same text without markup is taken."""
    MESSAGE = "message"
    """Something else in this one message; another one may well be taken."""
    PICTURE = "picture"
    """The picture of this one message: the same text without it is taken."""
    GONE = "gone"
    """The message to change is not there, or cannot be changed any more."""
    SAME = "same"
    """The message already says it."""
    LATE = "late"
    """The press is too old to be answered."""
    THREAD = "thread"
    """The topic is not there, or is closed."""
    MOVED = "moved"
    """The group has another id now."""
    CHAT = "chat"
    """The chat as a whole: not found, blocked, removed from it, no right to write."""
    TOKEN = "token"  # noqa: S105 - a kind, no token
    """The token is not known (any more)."""
    RIVAL = "rival"
    """Somebody else reads the updates."""
    BUSY = "busy"
    """Too many messages: wait."""
    NETWORK = "network"
    """It was not reached, or nobody knows whether it took the message."""


PERMANENT = frozenset({Kind.MARKUP, Kind.MESSAGE, Kind.PICTURE, Kind.GONE})
"""What will never be taken. A chat or a token in trouble is mended by people, and what waits for it arrives then."""

_WORDS = (
    (Kind.SAME, ("message is not modified",)),
    (Kind.GONE, ("message to edit not found", "message can't be edited", "message_id_invalid", "message identifier")),
    (Kind.MARKUP, ("can't parse entities",)),
    (Kind.LATE, ("query is too old", "query_id_invalid")),
    (Kind.PICTURE, ("photo", "image_process", "media_")),
    (Kind.THREAD, ("thread not found", "topic_closed", "topic_deleted", "topic_id_invalid", "topic not found")),
    (
        Kind.MESSAGE,
        (
            "too long",
            "too_long",
            "is empty",
            "non-empty",
            "parse",
            "button",
            "markup",
            "entit",
            "caption",
            "utf-8",
            "replied",
        ),
    ),
)
_RIVAL = (
    "another program reads this bot's messages with the same token (a second desk, or freqtrade's own Telegram?): "
    "stop it, or make a bot of its own for each with @BotFather"
)
_HOOKED = "another program has set a webhook for this bot, so the desk hears nothing: stop it, then restart the desk"
_CLOSED = ("initiate conversation", "blocked by the user")
_START = "the person must open a private chat with the bot and press Start"
_MEND = "see that the bot is in the chat and may write there, and that chat in [telegram] is its id"
_MEND_ELSEWHERE = "see that the bot is in it and may write there, and that its id is right where the settings name it"
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""After these nothing had been sent yet."""


class RefusedError(TransportError):
    """Telegram did not take a call; `moved_to` is the new id of a chat that moved."""

    def __init__(
        self,
        message: str,
        kind: Kind,
        *,
        retry_after: float | None = None,
        own: bool = False,
        uncertain: bool = False,
        moved_to: int | None = None,
    ) -> None:
        super().__init__(message, permanent=kind in PERMANENT, retry_after=retry_after, own=own, uncertain=uncertain)
        self.kind = kind
        self.moved_to = moved_to


def refusal(error: Exception, elsewhere: int | None = None) -> RefusedError:
    """What an error of a call means; `elsewhere`: the chat it was about, if that is not the one of [telegram].

    No text of an error that may hold an address, and so the token, is used.
    """
    if isinstance(error, RetryAfter):
        seconds = _seconds(error)
        return RefusedError(f"Telegram asks to wait {span(seconds)}", Kind.BUSY, retry_after=seconds)
    if isinstance(error, ChatMigrated):
        said = f"the group became a supergroup, and its id is {error.new_chat_id} now"
        return RefusedError(said, Kind.MOVED, moved_to=error.new_chat_id)
    if isinstance(error, InvalidToken):
        said = "Telegram does not accept the token: ask @BotFather for it (/token) and put it into TELEGRAM_TOKEN"
        return RefusedError(said, Kind.TOKEN)
    if isinstance(error, Conflict):
        hook = "webhook" in error.message.lower()
        return RefusedError(_HOOKED if hook else _RIVAL, Kind.RIVAL)
    if isinstance(error, Forbidden | BadRequest):
        return _judged(plain(error.message, 160), elsewhere)
    return _unreached(error)


def _judged(said: str, elsewhere: int | None) -> RefusedError:
    lower = said.lower()
    kind = next((kind for kind, words in _WORDS if any(word in lower for word in words)), Kind.CHAT)
    if kind is Kind.CHAT:
        chat, mend = ("the chat", _MEND) if elsewhere is None else (f"the chat {elsewhere}", _MEND_ELSEWHERE)
        mend = _START if any(words in lower for words in _CLOSED) else mend
        return RefusedError(f"Telegram refuses {chat} ({said}): {mend}", kind)
    if kind is Kind.THREAD:
        return RefusedError(f"Telegram refuses the topic ({said}): mend topic in [telegram]", kind)
    if kind is Kind.PICTURE:
        mend = ": let it send photos there" if "rights" in lower else ""
        return RefusedError(f"Telegram does not take the picture ({said}){mend}", kind)
    return RefusedError(f"Telegram refused the message: {said}", kind)


def _unreached(error: Exception) -> RefusedError:
    cause = error.__cause__
    if isinstance(cause, _UNSENT):
        return RefusedError(f"Telegram cannot be reached ({type(cause).__name__})", Kind.NETWORK)
    if isinstance(error, TimeoutError) or isinstance(cause, httpx.TimeoutException):
        return RefusedError("Telegram did not answer in time", Kind.NETWORK, uncertain=True)
    if isinstance(cause, httpx.HTTPError):
        said = f"the connection to Telegram broke ({type(cause).__name__})"
        return RefusedError(said, Kind.NETWORK, uncertain=True)
    if isinstance(error, TelegramError):
        return RefusedError(
            "Telegram has a trouble of its own and did not say what became of it", Kind.NETWORK, uncertain=True
        )
    return RefusedError(f"Telegram's answer cannot be read ({type(error).__name__})", Kind.NETWORK, uncertain=True)


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, dt.timedelta) else float(wait)
