"""An exchange small enough for one process: it answers every request with its status."""

from __future__ import annotations

import asyncio

FIRST_ERROR = 400
WITHIN = 5.0
"""Seconds that a request may take."""


class Venue:
    """Serves on a free port of this machine, and is asked there."""

    def __init__(self) -> None:
        self.status = 200
        self.url = ""
        self._port = 0

    async def open(self) -> asyncio.Server:
        """Begin to serve."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/ping"
        return server

    async def ask(self) -> tuple[float, bool]:
        """Ask it as an agent does; seconds that took, and whether the answer was good."""
        time = asyncio.get_running_loop().time
        begun, head = time(), b""
        try:
            async with asyncio.timeout(WITHIN):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(b"GET /ticker HTTP/1.1\r\nHost: venue\r\n\r\n")
                    head = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            pass
        status = head.split()[1:2]
        return time() - begun, bool(status) and int(status[0]) < FIRST_ERROR

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                await reader.readuntil(b"\r\n\r\n")
                head = f"HTTP/1.1 {self.status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()
