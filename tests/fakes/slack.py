"""Slack in a box: Web API, webhooks, Socket Mode and signed requests over real sockets, strict where Slack is.

async with fake_slack() as slack:
    platform = Slack(slack.about())
    card = await slack.wait_for(lambda each: "alpha" in each.reading)
    await slack.press(card.ts, "Acknowledge", "U0ANA")
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bot import settings
from tests.fakes import slack_blocks
from tests.fakes.slack_api import PARTS, Api, Shared
from tests.fakes.slack_blocks import RefusalError
from tests.fakes.slack_delivery import Deliveries, Delivery, Hook
from tests.fakes.slack_faults import Faults


@dataclass
class Posted:
    """A message as it stands, and what it was before."""

    channel: str
    ts: str
    payload: dict[str, Any]
    author: str
    thread_ts: str | None = None
    broadcast: bool = False
    only: str | None = None
    """The one person who sees it."""
    via: str = "api"
    files: tuple[Shared, ...] = ()
    versions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reading(self) -> str:
        return slack_blocks.reading(self.payload)

    @property
    def called(self) -> list[str]:
        """Ids of the people whom its blocks call, or its text where there are none."""
        blocks = slack_blocks.every_block(self.payload)
        found = slack_blocks.pings({"blocks": blocks} if blocks else {"text": self.payload.get("text")})
        return [each.strip("<@>") for each in found if each.startswith("<@")]

    @property
    def key(self) -> str | None:
        """What the app wrote into its metadata to find it again."""
        return ((self.payload.get("metadata") or {}).get("event_payload") or {}).get("key")

    @property
    def buttons(self) -> dict[str, str]:
        """Label -> line."""
        return {str(each["text"]["text"]): str(each.get("value", "")) for each in slack_blocks.buttons(self.payload)}

    @property
    def colour(self) -> str | None:
        return next((each.get("color") for each in self.payload.get("attachments") or []), None)


@dataclass
class Channel:
    """A conversation, and whether the app is in it."""

    id: str
    name: str = "on-call"
    member: bool = True
    archived: bool = False
    private: bool = False

    @property
    def history(self) -> str:
        """The scope by which its messages may be read."""
        return "im:history" if self.id.startswith("D") else "groups:history" if self.private else "channels:history"


@dataclass(frozen=True)
class Call:
    """One call that arrived, and how it ended: "ok", a code, an HTTP status, or what was done to it."""

    method: str
    arguments: Mapping[str, Any]
    at: float
    outcome: str


class FakeSlack:
    """One workspace with one app."""

    def __init__(
        self,
        *,
        ack_within: float = 3.0,
        rate: tuple[int, float] | None = None,
        changes: tuple[int, float] | None = None,
    ) -> None:
        self.bot_token = "xoxb-000000000000-fake-bot-token"
        self.app_token = "xapp-1-A000-fake-app-token"
        self.signing_secret = "5iGn1nG-s3cr3t-of-the-fake"
        self.team, self.user, self.bot = "T0DESK", "U0DESKBOT", "B0DESKBOT"
        self.channel = "C0DESK0001"
        self.channels = {self.channel: Channel(self.channel)}
        self.scopes = {
            "app_mentions:read",
            "channels:history",
            "channels:read",
            "chat:write",
            "commands",
            "files:write",
            "groups:history",
            "im:history",
        }
        self.revoked: set[str] = set()
        self.messages: list[Posted] = []
        self.whispers: list[Posted] = []
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, Mapping[str, Any]] = {}
        """File -> what was said of it before it came."""
        self.shared: set[str] = set()
        """Files that a message shows; each once."""
        self.calls: list[Call] = []
        self.events_url: str | None = None
        """Where requests go in HTTP mode; None for Socket Mode."""
        self.faults = Faults(rate, changes)
        self.hooks: dict[str, Hook] = {}
        self.deliveries = Deliveries(self, ack_within)
        self._last_ts = 0.0
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The base_url of the Web API."""
        return f"{self.origin}/api/"

    @property
    def webhook(self) -> str:
        return f"{self.origin}/services/T0DESK/B0DESKBOT/s3cr3t-of-the-webhook"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Whatever must never be logged."""
        return (self.bot_token, self.app_token, self.signing_secret, "s3cr3t-of-the-webhook", *self.deliveries.tickets)

    def about(self, mode: str = "socket") -> settings.Slack:
        """The settings of a desk that speaks to it."""
        return settings.Slack(
            channel=self.channel,
            mode=mode,
            listen="127.0.0.1:0",
            base_url=self.url,
            bot_token=SecretStr(self.bot_token),
            app_token=SecretStr(self.app_token),
            signing_secret=SecretStr(self.signing_secret),
            webhook=SecretStr(self.webhook),
        )

    async def wait_for(self, predicate: Callable[[Posted], bool], timeout: float = 5.0) -> Posted:  # noqa: ASYNC109 -- a bound is part of what it does
        """The first message or whisper for which it holds, now or soon. Errors: TimeoutError with what there was."""

        def found() -> Posted | None:
            return next((each for each in (*self.messages, *self.whispers) if predicate(each)), None)

        await self.until(lambda: found() is not None, timeout)
        each = found()
        assert each is not None
        return each

    async def until(self, holds: Callable[[], bool], timeout: float = 5.0) -> None:  # noqa: ASYNC109 -- the same
        """Wait until it holds; looked at whenever anything happens here. Errors: TimeoutError."""
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            said = "; ".join(each.reading.partition("\n")[0] for each in (*self.messages, *self.whispers)[-10:])
            calls = ", ".join(f"{each.method} {each.outcome}" for each in self.calls[-10:])
            raise TimeoutError(f"not within {timeout} s; said: {said or 'nothing'}; calls: {calls or 'none'}") from None

    def stir(self) -> None:
        """Something happened."""
        self._changed.set()

    def shown(self) -> str:
        """Everything that the app has said, as people read it now."""
        return "\n".join(each.reading for each in (*self.messages, *self.whispers) if each.author == self.user)

    def at(self, ts: str) -> Posted:
        """The message that stands at a ts."""
        return next(each for each in (*self.messages, *self.whispers) if each.ts == ts)

    def revoke(self, token: str = "") -> None:
        """Take a token back (the bot's unless another is named)."""
        self.revoked.add(token or self.bot_token)

    async def away(self) -> None:
        """Be gone from the network, with every connection."""
        runner, self._runner = self._runner, None
        assert runner is not None
        for site in tuple(runner.sites):
            await site.stop()
        for each in tuple(runner.server.connections if runner.server is not None else ()):
            if each.transport is not None:
                each.transport.abort()
        self.faults.released.set()
        await self.deliveries.drop()
        await runner.cleanup()
        self.faults.released.clear()

    async def back(self) -> None:
        """Be there, at the same address as before."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_routes(Api(self).routes())
        app.router.add_get("/socket/{ticket}", self.deliveries.socket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])

    # What people do.

    def open(self, channel: str, *, private: bool = False) -> None:
        """Have another conversation that the app is in."""
        self.channels[channel] = Channel(channel, channel.lower(), private=private)

    def say(self, user: str, text: str, thread_ts: str | None = None, channel: str | None = None) -> Posted:
        """Let a person write something."""
        posted = Posted(channel or self.channel, self.ts(), {"text": text}, user, thread_ts)
        self.messages.append(posted)
        self.stir()
        return posted

    async def slash(self, user: str, command: str, text: str = "", **other: Any) -> Delivery:
        """Type a slash command. `other`: team, channel, trigger_id; in HTTP mode also headers, secret, timestamp."""
        return await self.deliveries.slash(user, command, text, **other)

    async def press(self, ts: str, button: str, user: str, **other: Any) -> Delivery:
        """Press a button, by its label or its value."""
        return await self.deliveries.press(self.at(ts), button, user, **other)

    async def mention(self, user: str, text: str, thread_ts: str | None = None, **other: Any) -> Delivery:
        """Write `@app text`. `other`: as for slash, and `raw` for the whole text, `event` for more of the event."""
        return await self.deliveries.mention(user, text, thread_ts, **other)

    def type(self, user: str, text: str) -> None:
        """Mention the app soon, without waiting for anything."""
        self.deliveries.spawn(self.mention(user, text))

    async def drop_socket(self) -> None:
        """Break every connection of Socket Mode off."""
        await self.deliveries.drop()

    # What comes of it.

    def ts(self) -> str:
        """A new ts, later than every other."""
        self._last_ts = max(time.time(), self._last_ts + 0.000_002)
        return f"{self._last_ts:.6f}"

    def note(self, method: str, arguments: Mapping[str, Any], outcome: str, began: float | None = None) -> None:
        """Write a call down."""
        now = time.monotonic()
        self.calls.append(Call(method, arguments, now if began is None else began, outcome))
        self.stir()

    def keep(self, channel: str, arguments: Mapping[str, Any], via: str = "api", only: str | None = None) -> Posted:
        """Let a message stand. Errors: RefusalError."""
        thread = arguments.get("thread_ts")
        if thread is not None and not any((each.channel, each.ts) == (channel, thread) for each in self.messages):
            raise RefusalError("thread_not_found")
        payload = {name: arguments[name] for name in PARTS if name in arguments}
        broadcast = bool(arguments.get("reply_broadcast")) and thread is not None
        posted = Posted(channel, self.ts(), payload, self.user, thread, broadcast, only, via)
        (self.messages if only is None else self.whispers).append(posted)
        self.stir()
        return posted


@contextlib.asynccontextmanager
async def fake_slack(
    *, ack_within: float = 3.0, rate: tuple[int, float] | None = None, changes: tuple[int, float] | None = None
) -> AsyncIterator[FakeSlack]:
    """A Slack of our own. `ack_within`: seconds before an event is delivered again; `rate`, `changes`: see Faults."""
    slack = FakeSlack(ack_within=ack_within, rate=rate, changes=changes)
    await slack.back()
    try:
        yield slack
    finally:
        await slack.deliveries.close()
        if slack._runner is not None:
            await slack.away()
