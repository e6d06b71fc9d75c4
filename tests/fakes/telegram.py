"""A Bot API server of our own over real HTTP: it refuses what the real one refuses, and keeps what it took."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField

from tests.fakes.telegram_limits import LIMITED, Limits
from tests.fakes.telegram_methods import Methods
from tests.fakes.telegram_values import Call, Entry, Fault, Json, Refuse

TOKEN = "4242424242:AAFakeTokenThatOpensNothingAtAll_0123456"
CHAT = -1001234567890
DEFAULT_KINDS = ("message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member")


class FakeTelegram(Methods):
    """One bot and the people around it.

    People: `type`, `press`, `react`, `start_private`. What was taken: `messages`, `answers`, `commands`, `calls`,
    `early`. Trouble: `limits`, `fail`, `reset`, `hang`, `away`, `revoke`, `kick`, `block`, `migrate`,
    `delete`; a second reader is a getUpdates of the test's own.
    """

    def __init__(self, token: str, chat: int, username: str) -> None:
        super().__init__(token, chat, username)
        self.calls: list[Call] = []
        """Every call with the right token, in their order."""
        self.early = 0
        """Calls that came before the time that a 429 had named was over."""
        self.limits: Limits | None = None
        """How many messages it takes; any number for None."""
        self._faults: list[Fault] = []
        self._until: dict[str, float] = {}
        self._hung = asyncio.Event()
        self._hung.set()
        self._revoked = False
        self._port = 0
        self._transports: set[asyncio.Transport] = set()
        self._runner: web.AppRunner
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """What stands for https://api.telegram.org/bot."""
        return f"http://127.0.0.1:{self._port}/bot"

    # -- what people do -------------------------------------------------------------------------------------------

    def type(
        self,
        user: int,
        text: str,
        *,
        chat: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        date: float | None = None,
        anonymous: bool = False,
        forwarded: bool = False,
        edited: bool = False,
    ) -> int:
        """Somebody writes into a chat (the group; `chat=user`: in private); returns the update's id."""
        where = self.chat if chat is None else chat
        if where == user:
            self.start_private(user)
        self.users.add(user)
        message: Json = {
            "message_id": self.next_message(where),
            "date": round(time.time() if date is None else date),
            "chat": self.chat_json(where),
            "from": self.user_json(user),
            "text": text,
        }
        if anonymous:
            message |= {"from": self.user_json(1087968824, bot=True), "sender_chat": self.chat_json(where)}
        if forwarded:
            message["forward_origin"] = {"type": "hidden_user", "date": 1, "sender_user_name": "somebody"}
        if thread is not None:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        if reply_to is not None:
            entry = self.find(where, reply_to)
            message["reply_to_message"] = self.entry_json(entry) if entry else {**message, "message_id": reply_to}
        return self.push({"edited_message" if edited else "message": message})

    def press(self, message: int | Entry, line: str, user: int, *, chat: int | None = None, old: bool = False) -> str:
        """Somebody presses a button, or forges a press: any `line` is passed on; returns the query's id."""
        entry = message if isinstance(message, Entry) else self.find(self.chat if chat is None else chat, message)
        where = entry.chat if entry else self.chat if chat is None else chat
        shown = {"chat": self.chat_json(where), "message_id": message, "date": 0}
        self.users.add(user)
        query = str(7_000_000 + len(self.queries))
        self.queries[query] = not old
        self.push(
            {
                "callback_query": {
                    "id": query,
                    "from": self.user_json(user),
                    "chat_instance": "1",
                    "data": line,
                    "message": self.entry_json(entry) if entry else shown,
                }
            }
        )
        return query

    def react(
        self,
        message: int | Entry,
        emoji: str,
        user: int,
        *,
        chat: int | None = None,
        before: str = "",
        anonymous: bool = False,
    ) -> int:
        """Somebody reacts to a message (an empty `emoji`: takes `before` away); only administrators are told of it."""
        where = message.chat if isinstance(message, Entry) else self.chat if chat is None else chat
        shown = [[{"type": "emoji", "emoji": each}] if each else [] for each in (before, emoji)]
        who = {"actor_chat": self.chat_json(where)} if anonymous else {"user": self.user_json(user)}
        self.users.add(user)
        update: Json = {
            "chat": self.chat_json(where),
            "message_id": message.id if isinstance(message, Entry) else message,
            "date": round(time.time()),
            "old_reaction": shown[0],
            "new_reaction": shown[1],
            **who,
        }
        return self.push({"message_reaction": update}) if self.admin or where > 0 else self.update_id

    def start_private(self, user: int) -> None:
        """Somebody opens a private chat with the bot, so that it may write to them."""
        self.users.add(user)
        self.started.add(user)
        self.blocked.discard(user)

    def push(self, update: Mapping[str, Any]) -> int:
        """Put an update into the queue, if the bot has asked for its kind; returns its id."""
        self.update_id += 1
        if next(iter(update)) in (self.kinds or DEFAULT_KINDS):
            self.updates.append({"update_id": self.update_id, **update})
        self.notify()
        return self.update_id

    # -- what goes wrong ------------------------------------------------------------------------------------------

    def fail(
        self,
        code: int,
        description: str = "told to fail",
        *,
        method: str | None = None,
        times: int = 1,
        **parameters: int,
    ) -> None:
        """Refuse the next calls; with `retry_after` every call for that chat, counted in `early`, until it is over."""
        self._faults.append(Fault("fail", method, times, code, description, parameters))

    def reset(self, *, method: str | None = None, times: int = 1, after: bool = False) -> None:
        """Reset the connection of the next calls, before or after they have taken effect."""
        self._faults.append(Fault("reset after" if after else "reset", method, times))

    def hang(self, *, method: str | None = None, times: int = 1_000_000) -> None:
        """Answer nothing until `release`."""
        self._hung.clear()
        self._faults.append(Fault("hang", method, times))

    def release(self) -> None:
        """Let everything that hangs go on, and nothing go wrong any more."""
        self._faults.clear()
        self._hung.set()

    def revoke(self) -> None:
        """The token is not valid any more."""
        self._revoked = True

    def restore(self) -> None:
        """The token is valid again."""
        self._revoked = False

    async def away(self) -> None:
        """Close the listening socket and every connection."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for transport in self._transports:
            transport.abort()
        self._transports.clear()
        await asyncio.sleep(0)  # the sockets are closed in the loop's next turn
        await asyncio.sleep(0)

    async def back(self) -> None:
        """Listen again, at the same address."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()

    # -- what was taken -------------------------------------------------------------------------------------------

    @property
    def seen(self) -> Entry:
        """The newest message of the bot."""
        return self.messages[-1]

    def count(self, method: str) -> int:
        """How often a method was called."""
        return sum(each.method == method.lower() for each in self.calls)

    def shown(self) -> str:
        """Everything the bot shows now, as people would copy it."""
        parts = (part for each in self.messages for part in (each.text, *each.labels, *_read(each)))
        return "\n".join(parts)

    async def wait_for(self, predicate: Callable[[Entry], bool], timeout: float = 5.0) -> Entry:  # noqa: ASYNC109 - a bound is part of what it does
        """The first message, as it is now, for which `predicate` holds. Errors: TimeoutError with what was said."""
        await self.until(lambda: any(map(predicate, self.messages)), timeout)
        return next(filter(predicate, self.messages))

    async def until(self, holds: Callable[[], object], timeout: float = 5.0) -> None:  # noqa: ASYNC109 - likewise
        """Wait until something holds of what was taken or called. Errors: TimeoutError with what was said."""
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    await self.changed.wait()
        except TimeoutError:
            said = [each.text[:80] for each in self.messages[-5:]]
            called = [each.method for each in self.calls[-10:]]
            raise TimeoutError(f"not within {timeout:g} s; said: {said}; called: {called}") from None

    # -- the server -----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        app = web.Application(client_max_size=60 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        await self.back()

    async def close(self) -> None:
        self.release()
        self.closing = True
        self.notify()
        await self.away()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        method = request.match_info["method"].lower()
        try:
            result = await self._taken(request, method)
        except Refuse as refused:
            return self._refused(refused)
        except ConnectionResetError:
            _abort(request)
            return web.Response()
        return web.json_response({"ok": True, "result": result})

    async def _taken(self, request: web.Request, method: str) -> Any:
        if not re.fullmatch(r"\d+:[\w-]{30,}", request.match_info["token"]):
            raise Refuse(404, "Not Found")
        if request.match_info["token"] != self.token or self._revoked:
            raise Refuse(401, "Unauthorized")
        params, files = await _params(request)
        self.calls.append(Call(method, params, asyncio.get_running_loop().time()))
        self.notify()
        key = params.get("chat_id", method)
        self._wait_asked(key)
        fault = await self._fault(method, key)
        self._too_many(method, key)
        call = self.methods.get(method)
        if call is None:
            raise Refuse(404, "Not Found: method not found")
        result = await call(params, files)
        self.notify()
        if fault == "reset after":
            raise ConnectionResetError
        return result

    def _wait_asked(self, key: str) -> None:
        left = self._until.get(key, 0.0) - time.monotonic()
        if left > 0:
            self.early += 1
            seconds = int(left) + 1
            raise Refuse(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

    def _too_many(self, method: str, key: str) -> None:
        if self.limits is None or method not in LIMITED or not key.removeprefix("-").isdecimal():
            return
        left = self.limits.wait(int(key), time.monotonic())
        if left > 0:
            seconds = int(left) + 1
            self._until[key] = time.monotonic() + seconds
            raise Refuse(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

    async def _fault(self, method: str, key: str) -> str | None:
        fault = next((each for each in self._faults if each.method is None or each.method.lower() == method), None)
        if fault is None:
            return None
        fault.times -= 1
        if fault.times <= 0:
            self._faults.remove(fault)
        if fault.kind == "hang":
            await self._hung.wait()
        if fault.kind == "reset":
            raise ConnectionResetError
        if fault.kind == "fail":
            seconds = fault.parameters.get("retry_after")
            if seconds is not None:
                self._until[key] = time.monotonic() + seconds
            raise Refuse(fault.code, fault.description, **fault.parameters)
        return fault.kind

    def _refused(self, refused: Refuse) -> web.Response:
        body: Json = {"ok": False, "error_code": refused.code, "description": refused.description}
        if refused.parameters:
            body["parameters"] = refused.parameters
        return web.json_response(body, status=refused.code)


def _abort(request: web.Request) -> None:
    """Reset a connection, as a network does: without a word."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()


async def _params(request: web.Request) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    """What a call says: in the address, as a form, as multipart or as JSON."""
    params, files = dict(request.query), dict[str, tuple[str, bytes]]()
    if request.content_type == "application/json":
        body = await request.json()
        return params | {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}, files
    for name, value in (await request.post()).items():
        if isinstance(value, FileField):
            files[name] = (value.filename, value.file.read())
        else:
            params[name] = str(value)
    return params, files


def _read(entry: Entry) -> list[str]:
    return [entry.file.data.decode()] if entry.file else []


@contextlib.asynccontextmanager
async def fake_telegram(
    token: str = TOKEN, chat: int = CHAT, username: str = "desk_bot"
) -> AsyncIterator[FakeTelegram]:
    """Serve one bot that is a member of the group `chat`."""
    fake = FakeTelegram(token, chat, username)
    await fake.open()
    try:
        yield fake
    finally:
        await fake.close()
