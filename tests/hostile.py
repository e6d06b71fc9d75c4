"""Agents that answer well, badly or never: raw TCP servers on loopback, one port each, for tests over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

HEALTHY = {"balance": 1000.5, "pnl_24h": -12.25, "open_positions": 2}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """One agent, and what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list)
    connections: int = 0


@contextlib.asynccontextmanager
async def serve(behaviour: Behaviour, port: int = 0) -> AsyncIterator[Server]:
    """Run an agent that does `behaviour` with each request, at a free port or at the one that it had."""
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while request := await _read(reader):
                server.requests.append(request)
                await behaviour(request, writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(handle(reader, writer))
        handlers.add(task)
        task.add_done_callback(handlers.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", port, backlog=1_024)
    server = Server(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    try:
        yield server
    finally:
        listener.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines if each)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    return Request(method, parts.path, query, headers, body)


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """One whole HTTP answer."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(answer: bytes) -> Behaviour:
    """Answer every request with the same bytes."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return behave


def tells(document: object) -> Behaviour:
    """Answer every request with the same JSON."""
    return says(response(json.dumps(document).encode()))


async def hangs(_request: Request, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drips(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drips_its_header(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def floods(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(160):  # 10 MiB, without saying so first
        writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await writer.drain()


async def closes(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def breaks_off(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"balance": 1')
    await writer.drain()
    writer.close()


def redirects(url: str) -> Behaviour:
    """Send every request on to another address."""
    return says(response(b"", f"Location: {url}", status="302 Found"))


HOSTILE: Mapping[str, tuple[Behaviour, str]] = {
    "hangs": (hangs, "no answer within"),
    "drips": (drips, "no answer within"),
    "drips its header": (drips_its_header, "no answer within"),
    "floods": (floods, "more than 1 MiB"),
    "announces 10 MB": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"), "more than 1 MiB"),
    "gzip bomb": (
        says(response(gzip.compress(bytes(10_000_000)), "Content-Encoding: gzip")),
        "compressed though it was asked not to",
    ),
    "garbage status line": (says(b"\x00\xffnonsense\r\n\r\n"), "not HTTP"),
    "20 KB header": (says(response(b"{}", "X-Large: " + "x" * 20_000)), "headers that are too large"),
    "a thousand headers": (says(response(b"{}", *("X: y" for _ in range(1000)))), "headers that are too large"),
    "NaN": (says(response(b'{"balance": NaN}')), "balance is NaN, not a number"),
    "infinity by overflow": (says(response(b'{"balance": 1e999}')), "balance is Infinity, not a number"),
    "text for a number": (tells(HEALTHY | {"balance": "lots"}), "balance is text, not a number"),
    "truth for a number": (tells(HEALTHY | {"pnl_24h": True}), "pnl_24h is true or false, not a number"),
    "wrong JSON": (says(response(b'{"balance": ')), "not JSON"),
    "a list": (tells([1, 2]), "a list, not a JSON object"),
    "nesting bomb": (says(response(b"[" * 500_000)), "nested too deep"),
    "huge integer": (says(response(b'{"balance": ' + b"9" * 5000 + b"}")), "absurdly long number"),
    "another agent": (tells(HEALTHY | {"agent_id": "mallory"}), "agent_id is 'mallory', not"),
    "server error": (says(response(b"", status="503 Service Unavailable")), "answered HTTP 503"),
    "closes at once": (closes, "dropped the connection"),
    "breaks off": (breaks_off, "broke its answer off"),
}
"""Kind -> what it does, and words of the reason that the desk must give."""

COOKIE = says(response(json.dumps(HEALTHY).encode(), "Set-Cookie: id=tracked; Path=/"))


def closed_port() -> str:
    """Find an address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
