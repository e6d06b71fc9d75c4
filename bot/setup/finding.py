"""Who we are in a chat, and who speaks to us where: asked of the chat itself, so that nobody copies ids."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import aiohttp
from pydantic import SecretStr
from telegram import Bot, Update

from bot.chat import Found, TransportError
from bot.platforms.slack import examine as slack
from bot.platforms.slack.api import Api
from bot.platforms.slack.incoming import Order, mention, slash
from bot.platforms.slack.pace import Pace
from bot.platforms.telegram import examine as telegram
from bot.platforms.telegram.errors import Kind, RefusedError
from bot.settings import Slack, Telegram

WITHIN = 300.0
"""Seconds that somebody has to write a command."""
POLL = 5
KINDS = ("message", "callback_query")
"""What is asked for: Telegram keeps that for whoever asks next, and the press of a button must not be lost by it."""
NOWHERE = 0
"""No chat yet."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody who gave a command: who, and where."""

    user: str
    display: str
    chat: str
    where: str
    """The chat as people call it."""


class NotFoundError(Exception):
    """Nobody was heard; the message is one sentence."""


async def telegram_token(token: str, base_url: str) -> list[Found]:
    """Whose token it is, and whether anybody else uses it."""
    return await telegram.identify(Telegram(NOWHERE, None, base_url, SecretStr(token)))


async def slack_tokens(bot: str, app: str, base_url: str) -> list[Found]:
    """Whose tokens they are, and what they lack."""
    return await slack.identify(_slack(bot, app, base_url))


def _slack(bot: str, app: str, base_url: str) -> Slack:
    return Slack(None, "socket", base_url, "127.0.0.1:0", SecretStr(bot), SecretStr(app), None, None)


async def in_telegram(token: str, base_url: str, within: float = WITHIN) -> Heard:
    """The first person who gives a command; what they wrote is not given to the desk again. Errors: NotFoundError."""
    section = Telegram(NOWHERE, None, base_url, SecretStr(token))
    try:
        async with asyncio.timeout(within), telegram.speaking(section, POLL + 3.0) as bot:
            return await _commanded(bot)
    except TimeoutError:
        raise NotFoundError(f"nobody gave a command within {within:g} s") from None
    except RefusedError as error:
        rival = " (freqtrade's own Telegram, or another desk?)" if error.kind is Kind.RIVAL else ""
        raise NotFoundError(f"{error}{rival}") from None


async def _commanded(bot: Bot) -> Heard:
    after = None
    while True:
        updates: tuple[Update, ...] = await telegram.attempt(
            lambda offset=after: bot.get_updates(offset=offset, timeout=POLL, allowed_updates=list(KINDS))  # type: ignore[misc]
        )
        for each in updates:
            after = each.update_id + 1
            message = each.message
            if message is None or not (message.text or "").startswith("/"):
                continue
            person, chat = message.from_user, message.chat
            if person is None or person.is_bot or message.sender_chat is not None:
                continue  # an anonymous administrator is nobody
            await telegram.attempt(lambda offset=after: bot.get_updates(offset=offset, timeout=0))  # type: ignore[misc]
            where = chat.effective_name or str(chat.id)
            return Heard(str(person.id), person.full_name, str(chat.id), where)


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
        raise NotFoundError(f"nobody mentioned the app within {within:g} s") from None
    except (TransportError, aiohttp.ClientError, OSError) as error:
        said = str(error) if isinstance(error, TransportError) else type(error).__name__
        raise NotFoundError(f"Slack could not be listened to: {said}") from None


async def _ordered(session: aiohttp.ClientSession, url: str, us: str) -> Order | None:
    """The first order of one connection; None when that ended before. The address holds a ticket: it is never shown."""
    async with session.ws_connect(url, heartbeat=20.0) as socket:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            if not isinstance(said, dict) or "envelope_id" not in said:
                continue
            await socket.send_json({"envelope_id": said["envelope_id"]})
            body = said.get("payload")
            body = body if isinstance(body, dict) else {}
            order = slash(body) if said.get("type") == "slash_commands" else mention(body, us)
            if order is not None:
                return order
    return None
