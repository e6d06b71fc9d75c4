"""What `nightdesk check` asks Slack: tokens, scopes, channel, a connection if no desk has one; nothing is posted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from bot import settings as configured
from bot.chat import Found, Message, TransportError
from bot.format import plain
from bot.platforms.slack import elsewhere
from bot.platforms.slack.api import Api
from bot.platforms.slack.errors import RefusedError, explain, refused, unreached
from bot.platforms.slack.manifest import LOOKING, SCOPES, SHOWING
from bot.platforms.slack.pace import Pace
from bot.platforms.slack.platform import NAME, WEBHOOK
from bot.settings import Settings

PATIENCE = 4.0
"""Seconds that an answer may take."""
_CLOSE = 0.3
"""Seconds that saying goodbye may take."""
DISABLED = "link_disabled"
"""Why Slack ends a connection of an app whose Socket Mode is switched off."""
SWITCHED_OFF = "Socket Mode is switched off for the app: at api.slack.com/apps, Socket Mode, Enable Socket Mode"
_DEAF = "no press would be heard"
_APP_TOKEN = (
    "SLACK_APP_TOKEN lacks the scope connections:write: at api.slack.com/apps, Basic Information, App-Level Tokens, "  # noqa: S105 -- the name of a variable
    "make one with it"
)
_REINSTALL = "paste the newly exported manifest (nightdesk export slack-manifest), then reinstall the app"
_PERSON = "SLACK_BOT_TOKEN is a person's token: take the Bot User OAuth Token (xoxb-) from the app's page, Install App"


async def examine(settings: Settings, *, running: bool, patience: float = PATIENCE) -> list[Found]:
    """Look at everything that [slack] names.

    `running`: whether the desk runs now, and so listens. `patience`: seconds that each of two answers may take.
    """
    about = settings.slack
    if about is None:
        return []
    if about.mode == WEBHOOK:
        return [_webhook(_open(about.webhook))]
    async with _calling(about, patience) as api:
        others = sorted(elsewhere(settings) - {about.channel})
        (entry, allowed), inward = await asyncio.gather(
            _entry(api, [about.channel or "", *others]), _inward(api, about, patience, running=running)
        )
    return [*entry, *(inward if allowed else ()), *_people(settings)]


async def identify(about: configured.Slack, *, patience: float = PATIENCE) -> list[Found]:
    """Whose tokens they are and what they lack: before there is a channel."""
    async with _calling(about, patience) as api:
        entry, allowed = await _entry(api, [])
        return [*entry, *(await _inward(api, about, patience, running=False) if allowed else ())]


async def look(about: configured.Slack, channel: str, *, patience: float = PATIENCE) -> list[Found]:
    """What a channel is called, or why nothing can be written there."""
    async with _calling(about, patience) as api:
        try:
            us = await _asked(api.client.auth_test)
        except TransportError as error:
            return [Found(False, str(error))]
        return await _channel(api, channel, plain(str(us.get("user") or "?"), 40), told=False)


def read(frame: aiohttp.WSMessage) -> Mapping[str, Any]:
    """What a frame of Socket Mode says; nothing for one that nobody can read."""
    if frame.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        said = json.loads(frame.data)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


async def say(settings: Settings, message: Message) -> str | None:
    """Say something in the channel without listening; returns None. Errors: TransportError."""
    about = settings.slack
    if about is None:
        raise TransportError("slack is not set up")
    async with _calling(about, PATIENCE) as api:
        if about.mode == WEBHOOK:
            await api.hook(_open(about.webhook), replace(message, buttons=()))
        else:
            await api.post(about.channel or "", message, page=True)
    return None


@contextlib.asynccontextmanager
async def _calling(about: configured.Slack, patience: float) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience), trust_env=True) as session:
        yield Api(session, about.base_url, _open(about.bot_token), Pace())


async def _switched_on(url: str, patience: float) -> bool:
    """Whether Socket Mode is on, which Slack says at the begin of a connection. The address holds a ticket.

    Whatever else comes is not acknowledged, so Slack delivers it again. Errors: TransportError.
    """
    try:
        async with (
            asyncio.timeout(patience),
            aiohttp.ClientSession(trust_env=True) as session,
            session.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE)) as ws,
        ):
            return read(await ws.receive()).get("reason") != DISABLED
    except (aiohttp.ClientError, OSError) as error:
        raise unreached(error) from None


async def _asked(call: Callable[[], Awaitable[Any]], channel: str = "") -> Any:
    """One answer of Slack, with its headers. Errors: TransportError."""
    try:
        return await call()
    except SlackApiError as error:
        raise refused(error, channel) from None
    except Exception as error:  # noqa: BLE001 -- the library raises whatever a broken answer breaks in it
        raise unreached(error) from None


async def _entry(api: Api, channels: Sequence[str]) -> tuple[list[Found], bool]:
    """Token, scopes and channels; and whether Slack knows the app at all."""
    try:
        us = await _asked(api.client.auth_test)
    except TransportError as error:
        return [Found(False, str(error))], False
    if not us.get("bot_id"):
        return [Found(False, _PERSON)], True
    name, team = plain(str(us.get("user") or "?"), 40), plain(str(us.get("team") or "?"), 60)
    lacking = _lacking(us.headers)
    found = [Found(True, f"the token is that of @{name} in {team}"), *_scopes(lacking)]
    rooms = await asyncio.gather(*(_channel(api, each, name, told=bool(lacking)) for each in channels))
    return [*found, *itertools.chain.from_iterable(rooms)], True


def _scopes(lacking: Sequence[str]) -> Iterator[Found]:
    needed = [each for each in lacking if each not in LOOKING]
    pictures = needed == [SHOWING]
    for fine, why, names in (
        (None if pictures else False, ", so answers come without their pictures" if pictures else "", needed),
        (None, ", so an uncertain page may come twice", [each for each in lacking if each in LOOKING]),
    ):
        if names:
            what = "scope" if len(names) == 1 else "scopes"
            yield Found(fine, f"the app lacks the {what} {', '.join(names)}{why}: {_REINSTALL}")


def _lacking(headers: Mapping[str, str]) -> list[str]:
    """The scopes that the app should have and has not; none where Slack does not say which it has."""
    said = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    given = {each.strip() for each in (said or "").split(",")}
    return [] if said is None else [each for each in SCOPES if each not in given]


async def _channel(api: Api, channel: str, name: str, *, told: bool) -> list[Found]:
    """Whether the app can write in the channel; `told`: whether a missing scope was told already."""
    if channel.startswith("D"):
        return [Found(None, f"pages go to the direct message {plain(channel, 40)}: only a page shows that it is open")]
    try:
        about = (await _asked(lambda: api.client.conversations_info(channel=channel), channel)).get("channel") or {}
    except TransportError as error:
        known = told and isinstance(error, RefusedError) and error.code == "missing_scope"
        return [] if known else [Found(False, str(error))]
    where = f"#{plain(str(about.get('name') or channel), 80)}"
    if about.get("is_archived"):
        return [Found(False, str(explain(0, "is_archived", channel=where)))]
    if not about.get("is_member") and not about.get("is_im"):
        return [Found(False, f"the app is not in {where}: type /invite @{name} there")]
    return [Found(True, f"pages go to {where}")]


async def _inward(api: Api, about: configured.Slack, patience: float, *, running: bool) -> list[Found]:
    """How orders come in: whether Slack lets the app connect, or the desk can be reached by Slack."""
    if about.mode == "http":
        return [_listening(about, running=running)]
    try:
        url = await api.socket_url(_open(about.app_token))
        if not (running or await _switched_on(url, patience)):
            return [Found(False, SWITCHED_OFF, _DEAF)]
    except RefusedError as error:
        return [Found(False, _APP_TOKEN if error.code == "missing_scope" else str(error), _DEAF)]
    except TransportError as error:
        return [Found(False, str(error), _DEAF)]
    return [Found(True, "the app may connect by Socket Mode")]


def _listening(about: configured.Slack, *, running: bool) -> Found:
    if not _open(about.signing_secret):
        said = "SLACK_SIGNING_SECRET is not set: it stands on the app's page, Basic Information, App Credentials"
        return Found(False, said, _DEAF)
    host, _, port = about.listen.rpartition(":")
    try:
        if not running:
            with socket.create_server((host, int(port))):
                pass
    except (OSError, OverflowError) as error:
        why = plain((getattr(error, "strerror", None) or str(error)).partition(" (")[0], 80)
        return Found(False, f"the desk cannot listen at {about.listen} ({why}): mend listen under [slack]", _DEAF)
    return Found(True, f"signed requests are taken at {about.listen}: a proxy with TLS leads /slack/events there")


def _webhook(address: str) -> Found:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        said = "SLACK_WEBHOOK is no https:// address: copy it from the app's page, Incoming Webhooks"
        return Found(False, said, "a webhook hears no press")
    said = "the webhook is set: it takes pages and no orders; --send shows whether it works"
    return Found(True, said, "a webhook hears no press")


def _people(settings: Settings) -> Iterator[Found]:
    lacking = ", ".join(each.name for each in settings.people if NAME not in each.ids)
    if lacking:
        how = "in Slack: View full profile, ⋮, Copy member ID"
        yield Found(None, f"no slack id, and so no orders there: {plain(lacking, 120)}; {how}")


def _open(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
