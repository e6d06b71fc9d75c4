"""One program is run without a shell, in an environment of our own, bounded in time and output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.outside import line
from monitor.ports import ControlError

OUTPUT_LIMIT = 8 << 20
"""Bytes of output that are read; pm2 tells every process's whole environment."""
PASSED = ("PATH", "HOME", "PM2_HOME", "USER", "LANG", "LC_ALL", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
"""Variables that a program is given: no key of the desk is among them."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a program."""

    code: int
    out: str
    said: str
    """The last line it complained with; untrusted, bounded."""


async def run(arguments: Sequence[str], within: float, environ: Mapping[str, str] | None = None) -> Ran:
    """Run a program to its end. Errors: ControlError (not there, late, too much output)."""
    name = os.path.basename(arguments[0])  # noqa: PTH119 - a program's name is no path of ours
    known = {each: os.environ[each] for each in PASSED if each in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**known, **(environ or {})},
            start_new_session=True,
            limit=OUTPUT_LIMIT,
        )
    except OSError as error:
        raise ControlError(f"needs the program {name}, which cannot be run here: {error.strerror}") from None
    try:
        async with asyncio.timeout(within):
            out, complaint = await asyncio.gather(_read(process.stdout, name), _read(process.stderr, name))
            code = await process.wait()
    except TimeoutError:
        raise ControlError(
            f"was asked by {name}, which took longer than {within:g} s: it may have obeyed", uncertain=True
        ) from None
    finally:
        await _end(process)
    lines = [each for each in complaint.splitlines() if each.strip()]
    return Ran(code, out, line(lines[-1]) if lines else "")


async def _read(stream: asyncio.StreamReader | None, name: str) -> str:
    assert stream is not None  # noqa: S101 - both are pipes
    body = bytearray()
    while chunk := await stream.read(1 << 16):
        body += chunk
        if len(body) > OUTPUT_LIMIT:
            raise ControlError(f"was asked by {name}, which said more than 8 MiB", uncertain=True)
    return body.decode(errors="replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let nothing of it run on."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
