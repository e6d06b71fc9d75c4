"""Who we are in a chat, and who speaks to us where: asked of the chat itself, so that nobody copies ids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
from pydantic import SecretStr
from telegram import Bot, Message, Update

from bot.chat import Found, TransportError
from bot.platforms.slack import examine as slack
from bot.platforms.slack.api import Api
from bot.platforms.slack.incoming import Order, mention, slash
from bot.platforms.slack.pace import Pace
from bot.platforms.telegram import examine as telegram
from bot.platforms.telegram.errors import RefusedError
from bot.settings import Slack, Telegram

WITHIN = 300.0
"""Seconds that somebody has to write a command."""
POLL = 5
KINDS = ("message", "callback_query")
"""What is asked for: Telegram keeps that for whoever asks next, and the press of a button must not be lost by it."""
MOST = 50
"""Answers of a hundred updates each that are forgotten; who writes more than that is heard all the same."""
NOWHERE = 0
"""No chat yet."""
ANONYMOUS = (
    "somebody wrote as the group, so nobody knows who: Edit, Administrators, you, switch off Remain anonymous, "
    "and write again"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody who gave a command: who, and where."""

    user: str
    display: str
    chat: str
    where: str
    """The chat as people call it."""
    topic: int | None = None
    """The topic of the group in which it was written; None for the general part."""


class NotFoundError(Exception):
    """Nobody was heard; the message is one sentence."""


async def telegram_token(token: str, base_url: str) -> list[Found]:
    """Whose token it is, and whether anybody else uses it."""
    return await telegram.identify(_telegram(token, base_url))


async def slack_tokens(bot: str, app: str, base_url: str) -> list[Found]:
    """Whose tokens they are, and what they lack."""
    return await slack.identify(_slack(bot, app, base_url))


async def slack_channel(bot: str, base_url: str, channel: str) -> list[Found]:
    """What a channel is called, or why nothing can be written there."""
    return await slack.look(_slack(bot, "", base_url), channel)


def _telegram(token: str, base_url: str) -> Telegram:
    return Telegram(NOWHERE, None, base_url, SecretStr(token))


def _slack(bot: str, app: str, base_url: str) -> Slack:
    return Slack(None, "socket", base_url, "127.0.0.1:0", SecretStr(bot), SecretStr(app), None, None)


async def forget(token: str, base_url: str, *, unhook: bool = False) -> None:
    """Drop what was written to a bot until now, so that nobody's old command is taken for an answer.

    `unhook`: remove its webhook first, which takes everything that is written. Errors: NotFoundError.
    """
    try:
        async with telegram.speaking(_telegram(token, base_url), telegram.PATIENCE) as bot:
            if unhook:
                await telegram.attempt(bot.delete_webhook)
            after = None
            for _ in range(MOST):
                waiting = await _waiting(bot, after, 0)
                if not waiting:
                    break
                after = waiting[-1].update_id + 1
    except RefusedError as error:
        raise NotFoundError(str(error)) from None


async def in_telegram(token: str, base_url: str, note: Callable[[str], None], within: float = WITHIN) -> Heard:
    """The first person who gives a command; what they wrote is not given to the desk again. Errors: NotFoundError.

    `note` is told of what was heard and cannot be taken.
    """
    try:
        async with asyncio.timeout(within), telegram.speaking(_telegram(token, base_url), POLL + 3.0) as bot:
            return await _commanded(bot, note)
    except TimeoutError:
        raise NotFoundError(f"nobody gave a command within {within:g} s: is the bot in that chat?") from None
    except RefusedError as error:
        raise NotFoundError(str(error)) from None


async def _commanded(bot: Bot, note: Callable[[str], None]) -> Heard:
    after: int | None = None
    while True:
        updates = await _waiting(bot, after, POLL)
        for each in updates:
            after = each.update_id + 1
            message = each.message
            if message is None or not (message.text or "").startswith("/"):
                continue
            if message.sender_chat is not None:
                note(ANONYMOUS)
            elif (heard := _heard(message)) is not None:
                await _waiting(bot, after, 0)  # which says that it was taken
                return heard


async def _waiting(bot: Bot, after: int | None, wait: int) -> Sequence[Update]:
    """What waits to be read from an update on; what is before it is forgotten. Errors: RefusedError."""
    return await telegram.attempt(lambda: bot.get_updates(offset=after, timeout=wait, allowed_updates=list(KINDS)))


def _heard(message: Message) -> Heard | None:
    person, chat = message.from_user, message.chat
    if person is None or person.is_bot:
        return None
    topic = message.message_thread_id if message.is_topic_message else None
    return Heard(str(person.id), person.full_name, str(chat.id), chat.effective_name or str(chat.id), topic)


async def in_slack(bot: str, app: str, base_url: str, within: float = WITHIN) -> Heard:
    """The first person who mentions us or types a command in a channel. Errors: NotFoundError."""
    try:
        async with asyncio.timeout(within), aiohttp.ClientSession(trust_env=True) as session:
            api = Api(session, base_url, bot, Pace())
            us = await api.identity()
            while True:  # Slack ends a connection now and then
                order = await _ordered(session, await api.socket_url(app), us.user)
                if order is not None:
                    return Heard(order.user, order.display, order.chat, order.chat)
    except TimeoutError:
        said = f"nobody mentioned the app within {within:g} s: in a channel that it is not in, /invite it first"
        raise NotFoundError(said) from None
    except (TransportError, aiohttp.ClientError, OSError) as error:
        said = str(error).rstrip(".") if isinstance(error, TransportError) else type(error).__name__
        raise NotFoundError(f"Slack could not be listened to: {said}") from None


async def _ordered(session: aiohttp.ClientSession, url: str, us: str) -> Order | None:
    """The first order of one connection; None when that ended before. The address holds a ticket: it is never shown.

    Errors: TransportError (Socket Mode is switched off).
    """
    async with session.ws_connect(url, heartbeat=20.0) as socket:
        async for message in socket:
            said = slack.read(message)
            if said.get("reason") == slack.DISABLED:
                raise TransportError(slack.SWITCHED_OFF)
            if "envelope_id" not in said:
                continue
            await socket.send_json({"envelope_id": said["envelope_id"]})
            payload = said.get("payload")
            body = payload if isinstance(payload, dict) else {}
            order = slash(body) if said.get("type") == "slash_commands" else mention(body, us)
            if order is not None:
                return order
    return None
