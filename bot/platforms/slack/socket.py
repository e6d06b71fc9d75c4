"""One living connection of Socket Mode: watched by pings, replaced before Slack ends it, built again when lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.chat import TransportError
from bot.platforms.slack.bolt import Take
from bot.platforms.slack.errors import unreached

LINGER = 10.0
"""Seconds that a replaced connection still delivers what is on its way."""
AGAIN = (0.5, 30.0)
"""Seconds before a lost connection is built again: at first, at most."""
_OK = 200
log = structlog.get_logger()


class Socket:
    """Connects by addresses that `address` gives and hands every request to `take`.

    The library's own client retries without an end and without a word; this one tells its trouble. `ping`: seconds
    between two pings, each to be answered within half of it; `hello`: seconds from a connection to Slack's hello;
    `quiet`: seconds without any message after which a connection is replaced, though it answers pings.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: Callable[[], Awaitable[str]],
        take: Take,
        *,
        ping: float = 5.0,
        hello: float = 5.0,
        quiet: float = 1_800.0,
    ) -> None:
        self.trouble: str | None = "Slack is not connected yet."
        self._session = session
        self._address = address
        self._take = take
        self._ping = ping
        self._hello = hello
        self._quiet = quiet
        self._heard: float | None = None
        self._settled = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._requests: set[asyncio.Task[None]] = set()

    @property
    def heard(self) -> float | None:
        """Seconds since anything came from Slack, an answer to a ping included; None before the first."""
        return None if self._heard is None else time.monotonic() - self._heard

    async def up(self, within: float) -> None:
        """Wait for the first connection. Errors: TransportError (it failed, or took too long)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._settled.wait()
        if self.trouble is not None:
            raise TransportError(self.trouble)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        wait, longest = AGAIN
        loop = asyncio.get_running_loop()
        try:
            while True:
                began, renew = loop.time(), asyncio.Event()
                connection = asyncio.create_task(self._connection(renew))
                self._connections.add(connection)
                connection.add_done_callback(self._ended)
                renewing = asyncio.create_task(renew.wait())
                try:
                    await asyncio.wait((connection, renewing), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    renewing.cancel()
                lived = loop.time() - began
                if lived > longest:
                    wait = AGAIN[0]
                if not renew.is_set():
                    self._lost(connection)
                if not renew.is_set() or lived < AGAIN[0]:
                    await asyncio.sleep(wait)
                    wait = min(2 * wait, longest)
        finally:
            for task in (*self._connections, *self._requests):
                task.cancel()
            await asyncio.gather(*self._connections, *self._requests, return_exceptions=True)

    def _ended(self, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        if not connection.cancelled():
            connection.exception()  # what ends a connection that has been replaced is no news

    def _lost(self, connection: asyncio.Task[None]) -> None:
        error = None if connection.cancelled() else connection.exception()
        if error is not None and not isinstance(error, TransportError):
            log.error("a connection to Slack failed", error=type(error).__name__)
        self.trouble = str(error) if isinstance(error, TransportError) else "Slack closed the connection."
        self._settled.set()

    async def _connection(self, renew: asyncio.Event) -> None:
        """Live as long as one connection does; sets `renew` when another should take over. Errors: TransportError."""
        url = await self._address()
        try:
            async with self._session.ws_connect(
                url, heartbeat=self._ping, autoping=False, timeout=aiohttp.ClientWSTimeout(ws_close=0.3)
            ) as ws:
                await self._listen(ws, renew)
        except (aiohttp.ClientError, OSError) as error:
            raise unreached(error) from None

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse, renew: asyncio.Event) -> None:
        first = await self._next(ws, self._hello)
        if first.get("type") != "hello":
            raise TransportError(f"Slack did not greet the connection ({first.get('type', 'closed')}).")
        self.trouble = None
        self._settled.set()
        log.info("connected to Slack")
        while True:
            message = await self._next(ws, LINGER if renew.is_set() else self._quiet)
            kind = message.get("type")
            if kind in ("disconnect", "quiet"):
                if renew.is_set():
                    return
                renew.set()
            elif kind == "closed":
                if renew.is_set():
                    return
                raise TransportError("The connection to Slack was lost; it is built again.")
            elif "envelope_id" in message:
                task = asyncio.create_task(self._request(ws, message))
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)

    async def _next(self, ws: aiohttp.ClientWebSocketResponse, within: float) -> dict[str, object]:
        """The next message; type "closed" when there is none any more, "quiet" when none came in time."""
        try:
            async with asyncio.timeout(within):
                frame = await self._frame(ws)
        except TimeoutError:
            return {"type": "quiet"}
        if frame.type is not aiohttp.WSMsgType.TEXT:
            return {"type": "closed"} if frame.type is not aiohttp.WSMsgType.BINARY else {}
        try:
            message = json.loads(frame.data)
        except (ValueError, RecursionError):
            message = None
        return message if isinstance(message, dict) else {}

    async def _frame(self, ws: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
        """The next frame that is no ping and no answer to one."""
        while True:
            frame = await ws.receive()
            if frame.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                self._heard = time.monotonic()
            if frame.type is aiohttp.WSMsgType.PING:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    await ws.pong(frame.data)
            elif frame.type is not aiohttp.WSMsgType.PONG:
                return frame

    async def _request(self, ws: aiohttp.ClientWebSocketResponse, message: dict[str, object]) -> None:
        """Acknowledge one request, then begin what it asks for."""
        request = SocketModeRequest.from_dict(message) if isinstance(message.get("payload"), dict) else None
        if request is None or not isinstance(request.envelope_id, str):
            log.warning("Slack sent an envelope that nobody can open")
            return
        response, begin = await self._take("socket_mode", request.payload, dict(build_headers(request) or {}))
        if response.status != _OK:
            log.warning("a request of Slack was not understood", kind=str(request.type)[:40])
        try:  # what is not understood is acknowledged too: delivered again it would be no clearer
            await ws.send_json({"envelope_id": request.envelope_id})
        except (aiohttp.ClientError, OSError):
            log.warning("a request of Slack could not be acknowledged; it is done all the same")
        begin()
