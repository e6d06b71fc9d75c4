"""Every call to Slack: one try within its time, unreadable blocks sent again as text, an error as one sentence."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.chat import Message, Picture, TransportError
from bot.platforms.slack.blocks import cut
from bot.platforms.slack.errors import (
    APP_TOKEN,
    BOT_TOKEN,
    NO_METADATA,
    NO_THREAD,
    UNREADABLE,
    RefusedError,
    explain,
    refused,
    unreached,
)
from bot.platforms.slack.pace import Pace
from bot.platforms.slack.render import HEADER, Rendered, render

WITHIN = aiohttp.ClientTimeout(total=10.0, sock_connect=3.0)
ALT = 1_000
"""Characters that Slack takes of what a picture shows."""
_OK = 200
_POSTS = frozenset({"chat.postMessage", "webhook"})
"""Methods for which Slack's wish to wait is about pages; while it wants no other call, they may go."""
_SPARED = ((NO_THREAD, ("thread_ts", "reply_broadcast")), (NO_METADATA, ("metadata",)))
"""What a message is sent without, when Slack refuses it with one of these codes."""
quiet = logging.getLogger("slack_sdk.nightdesk")
"""Slack's libraries write addresses with tickets and whole messages below this level."""
quiet.setLevel(logging.ERROR)
log = structlog.get_logger()

Answer = TypeVar("Answer")
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot token speaks for."""

    user: str = ""
    bot: str = ""
    homes: frozenset[str] = frozenset()
    """The ids of our workspace, and of the organisation that it belongs to."""


class Api:
    """The Web API by one token, at `base_url`, through `session`. Whatever fails raises TransportError."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, token: str, pace: Pace) -> None:
        self.client = AsyncWebClient(token or None, base_url, session=session, logger=quiet, retry_handlers=[])
        self.client.proxy = None  # the session itself reads the proxy from the environment, and NO_PROXY with it
        self._session = session
        self._pace = pace

    async def identity(self) -> Identity:
        """Who we are, which also tells whether the token holds."""
        found = await self._call("auth.test", self.client.auth_test)
        user, bot, team, whole = (str(found.get(f"{name}_id") or "") for name in ("user", "bot", "team", "enterprise"))
        return Identity(user, bot, frozenset({team, whole} - {""}))

    async def socket_url(self, app_token: str) -> str:
        """An address for one connection of Socket Mode; it holds a ticket."""
        found = await self._call(
            "apps.connections.open",
            lambda: self.client.apps_connections_open(app_token=app_token),
            variable=APP_TOKEN,
        )
        return str(found.get("url") or "")

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        thread: str | None = None,
        broadcast: bool = False,
        page: bool = False,
        key: str = "",
    ) -> tuple[str, str]:
        """Say something in a channel or a thread; returns where it stands: channel and ts.

        A thread that is gone is no reason to be silent, and neither is a `key` that Slack does not take.
        """
        extra: dict[str, Any] = {"thread_ts": thread, "reply_broadcast": True if broadcast and thread else None}
        extra["metadata"] = {"event_type": "nightdesk", "event_payload": {"key": key}} if key else None

        async def say(arguments: Arguments) -> Mapping[str, Any]:
            self.ready("chat.postMessage", channel)
            await self._pace.turn(channel, page=page)
            call = {**arguments, **extra, "channel": channel, "unfurl_links": False, "unfurl_media": False}
            return await self._call(
                "chat.postMessage", lambda: self.client.chat_postMessage(mrkdwn=False, **call), channel
            )

        while True:
            try:
                found = await _legibly(render(message), say)
            except RefusedError as error:
                parts = next((parts for codes, parts in _SPARED if error.code in codes), ())
                if not any(extra[part] for part in parts):
                    raise
                extra.update(dict.fromkeys(parts))
            else:
                return str(found.get("channel") or channel), str(found.get("ts") or "")

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Change what stands at `ts`; what would have to wait is handed back."""
        wait = self._pace.change()
        if wait > 0:
            said = "Slack takes no more changes for a while; it is tried again."
            raise TransportError(said, retry_after=wait, own=True)

        async def say(arguments: Arguments) -> Mapping[str, Any]:
            call = {**arguments, "channel": channel, "ts": ts}
            return await self._call("chat.update", lambda: self.client.chat_update(**call), channel)

        await _legibly(render(message), say)

    async def history(self, channel: str, since: float, cursor: str) -> Mapping[str, Any]:
        """What a channel shows since a time, the newest first, from `cursor` on."""
        call: dict[str, Any] = {"oldest": f"{since:.6f}", "include_all_metadata": True, "limit": 200}
        return await self._call(
            "conversations.history",
            lambda: self.client.conversations_history(channel=channel, cursor=cursor or None, **call),
            channel,
        )

    async def whisper(self, channel: str, user: str, message: Message, thread: str | None) -> None:
        """Say something to one person in a channel; nobody else sees it."""

        async def say(arguments: Arguments) -> Mapping[str, Any]:
            call = {**arguments, "channel": channel, "user": user, "thread_ts": thread}
            return await self._call("chat.postEphemeral", lambda: self.client.chat_postEphemeral(**call), channel)

        await _legibly(render(message), say)

    async def upload(self, picture: Picture) -> str:
        """Hand a picture over, which nobody sees yet; returns its id."""
        about: dict[str, Any] = {"filename": picture.name, "length": len(picture.png), "alt_txt": cut(picture.alt, ALT)}
        found = await self._call("files.getUploadURLExternal", lambda: self.client.files_getUploadURLExternal(**about))
        try:
            async with self._session.post(
                str(found.get("upload_url") or ""),
                data=picture.png,
                headers={"Content-Type": "application/octet-stream"},
                allow_redirects=False,
            ) as answer:
                if answer.status != _OK:
                    raise self._held("files.getUploadURLExternal", "", explain(answer.status, "", answer.headers))
        except (aiohttp.ClientError, OSError) as error:
            raise unreached(error) from None
        return str(found.get("file_id") or "")

    async def show(self, channel: str, file: str, title: str, thread: str | None) -> None:
        """Show a picture that was handed over in a channel or a thread; where there is no thread, in the channel."""
        await self._pace.turn(channel, page=False)
        files: list[dict[str, str | None]] = [{"id": file, "title": cut(title, HEADER)}]
        try:
            await self._call(
                "files.completeUploadExternal",
                lambda: self.client.files_completeUploadExternal(files=files, channel_id=channel, thread_ts=thread),
                channel,
            )
        except RefusedError as error:
            if thread is None or error.code not in NO_THREAD:
                raise
            await self.show(channel, file, title, None)

    async def hook(self, url: str, message: Message, *, private: bool | None = None) -> None:
        """Say something by an address that Slack gave: a webhook, or with `private` the answer to a command."""
        extra: dict[str, Any] = {}
        if private is not None:
            extra = {"response_type": "ephemeral" if private else "in_channel", "replace_original": False}
        client = AsyncWebhookClient(url, session=self._session, logger=quiet, retry_handlers=[])
        client.proxy = None

        async def say(arguments: Arguments) -> None:
            self.ready("webhook", "")
            try:
                async with asyncio.timeout(WITHIN.total):
                    answer = await client.send_dict({**arguments, **extra})
            except (aiohttp.ClientError, OSError) as error:
                raise unreached(error) from None
            code = _code(answer.body)
            if answer.status_code != _OK or code:
                raise self._held("webhook", "", explain(answer.status_code, code, answer.headers))

        await _legibly(render(message), say)

    def ready(self, method: str, channel: str) -> None:
        """Errors: TransportError with the seconds that Slack still wants no such call."""
        left = self._pace.held(method, channel)
        if left > 0:
            own = method not in _POSTS
            raise TransportError("Slack asked to wait; it is tried again.", retry_after=left, own=own)

    def _held(self, method: str, channel: str, error: RefusedError) -> RefusedError:
        if error.retry_after is not None:
            self._pace.hold(method, channel, error.retry_after)
            error.own = method not in _POSTS
        return error

    async def _call(
        self,
        method: str,
        call: Callable[[], Awaitable[Any]],
        channel: str = "",
        variable: str = BOT_TOKEN,
    ) -> Mapping[str, Any]:
        self.ready(method, channel)
        try:
            answer = await call()
        except SlackApiError as error:
            raise self._held(method, channel, refused(error, channel, variable)) from None
        except Exception as error:  # noqa: BLE001 -- the library raises whatever a broken answer breaks in it
            raise unreached(error) from None
        return answer.data if isinstance(answer.data, dict) else {}


def _code(body: str) -> str:
    """What Slack says by an address of its own: "ok", a code, or JSON with one; empty when all is well."""
    try:
        found = json.loads(body)
    except ValueError:
        return "" if body.strip() == "ok" else body
    return str(found.get("error") or "") if isinstance(found, dict) else ""


async def _legibly(rendered: Rendered, say: Callable[[Arguments], Awaitable[Answer]]) -> Answer:
    """Say it with blocks, and as text alone when Slack does not take them: a page arrives in any case."""
    try:
        return await say(rendered.whole)
    except RefusedError as error:
        if error.code not in UNREADABLE:
            raise
        log.warning("Slack did not take a message's blocks; it is sent as text", code=error.code)
    try:
        return await say(rendered.plainly)
    except RefusedError as error:
        if error.code in UNREADABLE:  # said as plainly as it can be; only another message will be taken
            raise RefusedError(error.code, str(error), permanent=True) from None
        raise
