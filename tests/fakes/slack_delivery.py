"""How Slack hands over what people do: by envelopes or signed requests, again until it is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.fakes.slack_blocks import buttons

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack, Posted

TRIES = 3


@dataclass
class Hook:
    """A response_url: five uses within half an hour."""

    channel: str
    user: str
    made: float = field(default_factory=time.monotonic)
    uses: int = 0
    lasts: float = 1_800.0

    def spend(self) -> str | None:
        """Use it once; a code when it is used up or too old."""
        if time.monotonic() - self.made > self.lasts:
            return "expired_url"
        self.uses += 1
        return "used_url" if self.uses > 5 else None


@dataclass
class Delivery:
    """One thing that was handed over."""

    kind: str
    payload: dict[str, Any]
    envelopes: list[str] = field(default_factory=list)
    """One id a try."""
    latency: float | None = None
    """Seconds from the last try to its acknowledgement; None while there is none."""
    status: int | None = None
    """What was answered, in HTTP mode."""
    body: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Acknowledged, or given up."""

    async def acknowledged(self, timeout: float = 5.0) -> float:  # noqa: ASYNC109 -- a bound is part of what it does
        """Seconds that the acknowledgement took. Errors: TimeoutError, AssertionError (given up)."""
        async with asyncio.timeout(timeout):
            await self.done.wait()
        assert self.latency is not None, f"{self.kind} was never acknowledged"
        return self.latency


class Deliveries:
    """Everything that goes from people to the app."""

    def __init__(self, slack: FakeSlack, ack_within: float) -> None:
        self._slack = slack
        self._ack_within = ack_within
        self.made: list[Delivery] = []
        self.tickets: set[str] = set()
        self.sockets: list[web.WebSocketResponse] = []
        self.connected = 0
        """Connections so far."""
        self.pongs = 0
        self.greets = True
        """Whether a connection is greeted."""
        self.zombie = False
        """Connections stay open, but nothing goes through them any more."""
        self._acks: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    def ticket(self) -> str:
        """A new ticket for one connection."""
        ticket = f"ticket-{secrets.token_hex(8)}"
        self.tickets.add(ticket)
        return ticket

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection of Socket Mode."""
        ticket = request.match_info["ticket"]
        if ticket not in self.tickets:
            return web.Response(status=403)
        self.tickets.discard(ticket)
        ws = web.WebSocketResponse(autoping=False, timeout=0.1)
        await ws.prepare(request)
        if self.greets:
            await ws.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0DESK"}})
            await ws.ping(b"Ping from applink")
        self.sockets.append(ws)
        self.connected += 1
        self._slack.stir()
        try:
            while True:
                await self._frame(ws, await ws.receive())
        except EOFError:
            return ws
        finally:
            with contextlib.suppress(ValueError):
                self.sockets.remove(ws)
            self._slack.stir()

    async def _frame(self, ws: web.WebSocketResponse, frame: aiohttp.WSMessage) -> None:
        if frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED):
            await ws.close()
            raise EOFError
        if frame.type is aiohttp.WSMsgType.ERROR:
            raise EOFError
        if self.zombie:
            return
        if frame.type is aiohttp.WSMsgType.PING:
            await ws.pong(frame.data)
        elif frame.type is aiohttp.WSMsgType.PONG:
            self.pongs += 1
            self._slack.stir()
        elif frame.type is aiohttp.WSMsgType.TEXT:
            acked = self._acks.get(json.loads(frame.data).get("envelope_id"))
            if acked is not None:
                acked.set()

    async def drop(self) -> None:
        """Break every connection off, without a word."""
        sockets, self.sockets = self.sockets, []
        for ws in sockets:
            if ws._req is not None and ws._req.transport is not None:
                ws._req.transport.abort()

    async def disconnect(self, reason: str = "refresh_requested", *, close_after: float | None = 0.2) -> None:
        """Tell every connection to make place for another, as Slack does every few hours, then close it."""
        for ws in tuple(self.sockets):
            with contextlib.suppress(ConnectionError):
                await ws.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}})
            if close_after is not None:
                self.spawn(self._close(ws, close_after))

    async def _close(self, ws: web.WebSocketResponse, after: float) -> None:
        await asyncio.sleep(after)
        with contextlib.suppress(ConnectionError):
            await ws.close()

    async def close(self) -> None:
        """Hand nothing over any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def slash(self, user: str, command: str, text: str, **other: Any) -> Delivery:
        """Hand over a slash command."""
        slack, channel = self._slack, other.pop("channel", self._slack.channel)
        team, trigger = other.pop("team", slack.team), other.pop("trigger_id", _trigger())
        payload = {
            "token": "deprecated",
            "team_id": team,
            "team_domain": "desk",
            "channel_id": channel,
            "channel_name": "on-call",
            "user_id": user,
            "user_name": user.lower(),
            "command": command,
            "text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
            "api_app_id": "A0DESK",
            "is_enterprise_install": "false",
            "response_url": self._hook(channel, user),
            "trigger_id": trigger,
        }
        return await self._hand("slash_commands", payload, **other)

    async def press(self, posted: Posted, button: str, user: str, **other: Any) -> Delivery:
        """Hand over a pressed button of a message."""
        slack, team = self._slack, other.pop("team", self._slack.team)
        trigger = other.pop("trigger_id", _trigger())
        found = next(each for each in buttons(posted.payload) if button in (each["text"]["text"], each.get("value")))
        hidden = posted.only is not None
        thread = {"thread_ts": posted.thread_ts} if posted.thread_ts else {}
        container = {
            "type": "message_attachment" if posted.payload.get("attachments") else "message",
            "message_ts": posted.ts,
            "channel_id": posted.channel,
            "is_ephemeral": hidden,
            **thread,
        }
        action = {
            "action_id": found["action_id"],
            "block_id": "b1",
            "text": found["text"],
            "value": other.pop("value", found.get("value")),
            "type": "button",
            "action_ts": other.pop("action_ts", slack.ts()),
        }
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": team},
            "api_app_id": "A0DESK",
            "token": "deprecated",
            "container": container,
            "trigger_id": trigger,
            "team": {"id": team, "domain": "desk"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": posted.channel, "name": "on-call"},
            **({} if hidden else {"message": {"type": "message", "ts": posted.ts, "user": slack.user, **thread}}),
            "state": {"values": {}},
            "response_url": self._hook(posted.channel, user),
            "actions": [action],
        }
        return await self._hand("interactive", payload, **other)

    async def mention(self, user: str, text: str, thread_ts: str | None, **other: Any) -> Delivery:
        """Hand over a message that mentions the app."""
        slack, channel = self._slack, other.pop("channel", self._slack.channel)
        team, whole = other.pop("team", slack.team), other.pop("raw", f"<@{slack.user}> {text}")
        event = {
            "type": "app_mention",
            "user": user,
            "text": whole,
            "ts": other.pop("ts", None) or slack.say(user, whole, thread_ts, channel).ts,
            "channel": channel,
            "team": team,
            **({"thread_ts": thread_ts} if thread_ts else {}),
            **other.pop("event", {}),
        }
        payload = {
            "token": "deprecated",
            "team_id": slack.team,
            "api_app_id": "A0DESK",
            "event": {**event, "event_ts": event["ts"]},
            "type": "event_callback",
            "event_id": other.pop("event_id", f"Ev{secrets.token_hex(5).upper()}"),
            "event_time": int(time.time()),
            "authorizations": [{"team_id": slack.team, "user_id": slack.user, "is_bot": True}],
        }
        return await self._hand("events_api", payload, **other)

    def _hook(self, channel: str, user: str) -> str:
        name = secrets.token_hex(6)
        self._slack.hooks[name] = Hook(channel, user)
        return f"{self._slack.origin}/response/{name}"

    async def _hand(self, kind: str, payload: dict[str, Any], **how: Any) -> Delivery:
        delivery = Delivery(kind, payload)
        self.made.append(delivery)
        tries = TRIES if kind == "events_api" else 1
        if self._slack.events_url is not None:
            await self._over_http(delivery, tries, **how)
        else:
            self.spawn(self._over_socket(delivery, tries))
        return delivery

    async def _over_socket(self, delivery: Delivery, tries: int) -> None:
        for attempt in range(tries):
            await self._slack.until(lambda: bool(self.sockets) and not self.zombie, 60.0)
            envelope = secrets.token_hex(8)
            delivery.envelopes.append(envelope)
            acked = self._acks[envelope] = asyncio.Event()
            message = {
                "envelope_id": envelope,
                "type": delivery.kind,
                "payload": delivery.payload,
                "accepts_response_payload": delivery.kind != "events_api",
                "retry_attempt": attempt,
                "retry_reason": "timeout" if attempt else "",
            }
            began = time.monotonic()
            with contextlib.suppress(ConnectionError):
                await self.sockets[-1].send_json(message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(acked.wait(), self._ack_within)
                delivery.latency = time.monotonic() - began
                break
        delivery.done.set()
        self._slack.stir()

    async def _over_http(self, delivery: Delivery, tries: int, **how: Any) -> None:
        assert self._slack.events_url is not None
        for attempt in range(tries):
            body, content = _posted(delivery)
            began = time.monotonic()
            headers = {**self.signed(body, **how), "Content-Type": content}
            if attempt:
                headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_error"}
            try:
                async with (
                    aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(self._ack_within)) as session,
                    session.post(self._slack.events_url, data=body, headers=headers) as answer,
                ):
                    delivery.status, delivery.body = answer.status, await answer.text()
            except (aiohttp.ClientError, TimeoutError):
                continue
            if delivery.status == 200:
                delivery.latency = time.monotonic() - began
                break
            if how:
                break  # a forgery is not tried again
        delivery.done.set()

    def signed(
        self,
        body: bytes,
        *,
        secret: str | None = None,
        timestamp: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, str]:
        """The headers of a request that Slack signs; with another secret or time, a forgery."""
        stamp = timestamp if timestamp is not None else str(int(time.time()))
        key = self._slack.signing_secret if secret is None else secret
        made = hmac.new(key.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={made}", **(headers or {})}

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something beside everything else, until the end at most."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _posted(delivery: Delivery) -> tuple[bytes, str]:
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload).encode(), "application/json"
    if delivery.kind == "interactive":
        return urlencode({"payload": json.dumps(delivery.payload)}).encode(), "application/x-www-form-urlencoded"
    return urlencode(delivery.payload).encode(), "application/x-www-form-urlencoded"


def _trigger() -> str:
    return f"{secrets.randbelow(10**9)}.{secrets.randbelow(10**9)}.{secrets.token_hex(8)}"
