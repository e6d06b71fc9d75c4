"""What Slack posts to the desk is read only with a fresh signature: events, commands and buttons at one address."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response

from bot.chat import TransportError
from bot.platforms.slack.bolt import Take

PATH = "/slack/events"
LARGEST = 1 << 20
"""Bytes of a request that is still read."""
WITHIN = 5.0
"""Seconds in which a request must have arrived."""
FRESH = 300.0
"""Seconds for which a signature holds."""
TELL_EVERY = 60.0
"""Seconds between two lines of the log about requests that nobody signed."""
log = structlog.get_logger()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature of a request: v0, HMAC-SHA256 over its time and its body."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def fresh(headers: Mapping[str, str], now: float) -> bool:
    """Whether a request was signed within the last FRESH seconds, by its own word."""
    stamp = headers.get("X-Slack-Request-Timestamp", "")
    return stamp.isascii() and stamp.isdecimal() and len(stamp) < 12 and abs(now - int(stamp)) <= FRESH  # noqa: PLR2004 -- far beyond any time


def signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether Slack itself signed these bytes; compared in constant time."""
    given = headers.get("X-Slack-Signature", "").encode(errors="replace")
    return hmac.compare_digest(given, signature(secret, headers.get("X-Slack-Request-Timestamp", ""), body).encode())


class Listener:
    """Listens at `listen` ("127.0.0.1:8484") and hands every signed request to `take`."""

    def __init__(self, listen: str, secret: str, take: Take, clock: Callable[[], float]) -> None:
        self._listen = listen
        self._secret = secret
        self._take = take
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self._unsigned = 0
        self._told = -TELL_EVERY
        self.port: int | None = None
        """Where it listens; None while it does not."""

    async def start(self) -> None:
        """Listen. Errors: TransportError (the address cannot be used)."""
        host, _, port = self._listen.rpartition(":")
        if not port.isdecimal():
            raise TransportError(f'[slack] listen = "{self._listen}" is no address: write one like "127.0.0.1:8484".')
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post(PATH, self._post)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, host.strip("[]") or None, int(port))
            await site.start()
        except (OSError, OverflowError) as error:
            await self.stop()
            why = getattr(error, "strerror", None) or "no such port"
            raise TransportError(f"Slack's requests cannot be received at {self._listen}: {why}.") from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more."""
        runner, self._runner, self.port = self._runner, None, None
        if runner is not None:
            await runner.cleanup()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if not fresh(request.headers, self._clock()) or "X-Slack-Signature" not in request.headers:
            return self._refused("no fresh signature")
        try:
            async with asyncio.timeout(WITHIN):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        except web.RequestPayloadError:
            return web.Response(status=400)
        if not signed(self._secret, request.headers, body):
            return self._refused("a wrong signature")
        try:
            text = body.decode()
        except ValueError:
            return web.Response(status=400)
        response, begin = await self._take("http", text, dict(request.headers))
        answer = await to_aiohttp_response(response)
        await answer.prepare(request)
        await answer.write_eof()
        begin()
        return answer

    def _refused(self, why: str) -> web.Response:
        self._unsigned += 1
        now = self._clock()
        if now - self._told >= TELL_EVERY:
            log.warning("requests to Slack's address were refused", why=why, times=self._unsigned)
            self._unsigned, self._told = 0, now
        return web.Response(status=401)
