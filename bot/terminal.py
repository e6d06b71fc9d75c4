"""Lines are read from a file descriptor, and text written to one, without ever holding up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
from collections.abc import Callable
from typing import Protocol

READ_BYTES = 65_536
LONGEST = 8_192
"""Bytes of a line that are kept; what follows, up to its end, is dropped."""
PIECE = min(select.PIPE_BUF, 4_096)
"""A pipe that is ready takes this much at once (POSIX)."""
BACKGROUND = 1.0
"""Seconds between two looks at a terminal that belongs to somebody else at the moment."""
SHORT = 0.05
"""Seconds before a terminal that had no room after all is tried again."""


class Stream(Protocol):
    """Anything with a file descriptor."""

    def fileno(self) -> int:
        """The descriptor."""


class Lines:
    """Calls `line` for every line that comes, until the end of the input, which calls `end`, or `close`.

    Pipes, terminals and sockets are watched; files and /dev/null, which cannot be watched, are read bit by bit.
    """

    def __init__(self, stream: Stream, line: Callable[[str], None], end: Callable[[], None] = lambda: None) -> None:
        self._fd = os.dup(stream.fileno())
        self._line = line
        self._at_end = end
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.Handle | None = None
        self._watched = False
        self._held = False
        self._ended = False
        self._arm()

    def pause(self) -> None:
        """Read nothing until `resume`."""
        self._held = True
        self._disarm()

    def resume(self) -> None:
        """Read on."""
        self._held = False
        self._arm()

    def close(self) -> None:
        """Read nothing any more; `stream` stays open."""
        self._end()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _end(self) -> None:
        self._ended = True
        self._disarm()

    def _arm(self) -> None:
        if self._held or self._ended or self._watched or self._later is not None:
            return
        if not _ours(self._fd):
            self._later = self._loop.call_later(BACKGROUND, self._again)
            return
        try:
            self._loop.add_reader(self._fd, self._read)
            self._watched = True
        except PermissionError:
            self._later = self._loop.call_soon(self._read)

    def _disarm(self) -> None:
        if self._watched:
            self._loop.remove_reader(self._fd)
            self._watched = False
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _again(self) -> None:
        self._later = None
        self._arm()

    def _read(self) -> None:
        self._later = None
        if _ours(self._fd):
            self._take()
        else:
            self._disarm()
        self._arm()

    def _take(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            data = b"\n" if self._rest else b""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LONGEST]
        for line in lines:
            self._line(line[:LONGEST].decode(errors="replace").rstrip("\r"))
        if self._ended:
            self._at_end()


def _opened(fd: int) -> int:
    if os.isatty(fd):
        with contextlib.suppress(OSError):  # another user's terminal cannot be opened, only used as it was handed over
            return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return os.dup(fd)


def _ours(fd: int) -> bool:
    """Whether reading is allowed: a process in the background that reads its terminal would be stopped."""
    try:
        return not os.isatty(fd) or os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return True


class Sink:
    """Writes bytes one after the other, and waits for a slow reader without blocking.

    A terminal is opened anew, so that not blocking concerns nobody else who has it open. `within`: seconds that nothing
    may be taken.
    """

    def __init__(self, stream: Stream, within: float) -> None:
        self.fd = _opened(stream.fileno())
        """Its own, so that nobody else's close hands its number to another file."""
        self._within = within
        self._lock = asyncio.Lock()

    async def write(self, data: bytes) -> None:
        """Write everything. Errors: OSError (closed, broken, or TimeoutError when nobody reads it)."""
        async with self._lock:
            while data:
                async with asyncio.timeout(self._within):
                    data = data[await self._piece(data[:PIECE]) :]

    def close(self) -> None:
        """Write nothing any more; `stream` stays open."""
        os.close(self.fd)
        self.fd = -1

    async def _piece(self, data: bytes) -> int:
        while True:
            if self.fd < 0:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            try:
                return os.write(self.fd, data) if self._fits() else await self._wait()
            except BlockingIOError:
                await asyncio.sleep(SHORT)

    async def _wait(self) -> int:
        """Wait until something fits; nothing is written meanwhile."""
        loop, ready, fd = asyncio.get_running_loop(), asyncio.Event(), self.fd
        loop.add_writer(fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(fd)
        return 0

    def _fits(self) -> bool:
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        return bool(poll.poll(0))
