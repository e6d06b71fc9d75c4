"""A probe on a calm machine, a venue of its own and a way to ask it over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

KEY = "k-alpha"


class Served(Protocol):
    """Something that serves a probe on this machine."""

    @property
    def port(self) -> int:
        """Where."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is JSON where it is JSON, else text."""

    status: int
    body: Any
    headers: dict[str, str]


def calm() -> tuple[float, float]:
    """Half of the memory and a tenth of the CPU in use."""
    return 0.5, 0.1


def no_constant(name: str) -> float:
    """Refuse NaN and Infinity, which json reads by default."""
    raise AssertionError(f"{name} in JSON")


async def ask(
    probe: Served,
    path: str,
    *,
    method: str = "GET",
    key: str | None = KEY,
    data: bytes | None = None,
    accept: str = "*/*",
) -> Answer:
    """Send one request to a probe."""
    headers = {"Accept": accept} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"http://127.0.0.1:{probe.port}{path}", data=data) as response,
    ):
        text = await response.text()
        body = json.loads(text, parse_constant=no_constant) if "json" in response.content_type else text
        return Answer(response.status, body, dict(response.headers))


async def order(probe: Served, name: str, *, key: str | None = KEY, data: bytes | None = None) -> Answer:
    """POST an order."""
    return await ask(probe, f"/{name}", method="POST", key=key, data=data)


@dataclass(slots=True)
class Venue:
    """A venue that answers as it is told, and counts who asks."""

    url: str
    status: int = 200
    silent: bool = False
    asked: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def a_venue() -> AsyncIterator[Venue]:
    """Serve a venue on a free port."""
    venue = Venue("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET /ping")
        venue.asked += 1
        venue.waiting.set()
        if venue.silent:
            await reader.read()
        else:
            writer.write(f"HTTP/1.1 {venue.status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    venue.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping?signature=s3cret"
    async with server:
        yield venue
