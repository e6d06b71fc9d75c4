"""One program is run without a shell, in an environment of our own, bounded in time and output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.outside import line
from monitor.ports import ControlError

OUTPUT_LIMIT = 8 << 20
"""Bytes of output that are read; pm2 tells every process's whole environment."""
LONGEST_LINE = 4_000
"""Characters of a log's line that are read: far more than are shown."""
PASSED = ("PATH", "HOME", "PM2_HOME", "USER", "LANG", "LC_ALL", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
"""Variables that a program is given: no key of the desk is among them."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a program."""

    code: int
    out: str
    said: str
    """The last line it complained with; untrusted, bounded."""


async def run(
    arguments: Sequence[str], within: float, environ: Mapping[str, str] | None = None, *, orders: bool = False
) -> Ran:
    """Run a program to its end. Errors: ControlError (not there, late, too much output).

    `orders`: it gives an order, so that one that is late may have been obeyed.
    """
    name = os.path.basename(arguments[0])  # noqa: PTH119 - a program's name is no path of ours
    async with _pipe() as (out, ours), _pipe() as (said, complaints):
        process = await _begin(arguments, name, {**_passed(), **(environ or {})}, (ours, complaints))
        try:
            async with asyncio.timeout(within):
                texts = await asyncio.gather(_read(out), _read(said))
                code = await process.wait()
        except BaseException as error:
            await _end(process)
            asked = f"was ordered by {name}" if orders else f"cannot be looked up by {name}"
            if isinstance(error, TimeoutError):
                doubt = ": it may have obeyed" if orders else ""
                late = f"{asked}, which took longer than {within:g} s{doubt}"
                raise ControlError(late, uncertain=orders) from None
            if isinstance(error, _TooMuchError):
                raise ControlError(f"{asked}, which said more than 8 MiB", uncertain=orders) from None
            raise
    lines = [each for each in texts[1].splitlines() if each.strip()]
    return Ran(code, texts[0], line(lines[-1]) if lines else "")


class _TooMuchError(Exception):
    """A program says more than anybody reads."""


def _passed() -> dict[str, str]:
    return {each: os.environ[each] for each in PASSED if each in os.environ}


@contextlib.asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """A pipe of our own: unlike asyncio's, it ends when we say so, whoever else still holds its other end."""
    try:
        theirs, ours = os.pipe()
    except OSError as error:
        raise ControlError(f"cannot be asked here: {error.strerror}") from None
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(theirs, "rb", 0)
    )
    try:
        yield reader, ours
    finally:
        transport.close()


async def _begin(
    arguments: Sequence[str], name: str, environ: Mapping[str, str], pipes: tuple[int, int]
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipes[0],
            stderr=pipes[1],
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        raise ControlError(f"needs the program {name}, which cannot be run here: {error.strerror}") from None
    finally:
        for each in pipes:
            os.close(each)


async def _read(stream: asyncio.StreamReader) -> str:
    body = bytearray()
    while chunk := await stream.read(1 << 16):
        body += chunk
        if len(body) > OUTPUT_LIMIT:
            raise _TooMuchError
    return body.decode(errors="replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let nothing of it run on, nor of what it began, though it may have ended itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
