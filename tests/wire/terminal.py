"""A program in a terminal of its own, whose questions are answered as they appear."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Terminal:
    """What stands on the screen, and the keys."""

    process: asyncio.subprocess.Process
    master: int
    text: str = ""
    _read: int = 0

    def feed(self) -> None:
        """Take what the program wrote."""
        with contextlib.suppress(OSError):
            self.text += os.read(self.master, 65_536).decode(errors="replace")

    async def expect(self, pattern: str, within: float = 20.0) -> str:
        """Wait until something new appears that fits, and give it."""
        async with asyncio.timeout(within):
            while not (found := re.compile(pattern).search(self.text, self._read)):
                if self.process.returncode is not None:
                    raise AssertionError(f"it ended before {pattern!r}: {self.text}")
                await asyncio.sleep(0.01)
        self._read = found.end()
        return found[0]

    async def answer(self, pattern: str, line: str = "") -> None:
        """Wait for a question and type an answer."""
        await self.expect(pattern)
        os.write(self.master, f"{line}\n".encode())

    def key(self, code: bytes) -> None:
        """Press a key."""
        os.write(self.master, code)

    async def end(self, within: float = 20.0) -> int:
        """Wait for its end; the exit code."""
        async with asyncio.timeout(within):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def terminal(folder: Path, *words: str, environ: Mapping[str, str]) -> AsyncIterator[Terminal]:
    """Run `nightdesk WORDS` in a terminal, in a folder."""
    master, slave = pty.openpty()
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        cwd=folder,
        env={**known, "PYTHONPATH": str(ROOT), "TERM": "dumb", **environ},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take,
    )
    os.close(slave)
    one = Terminal(process, master)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, one.feed)
    try:
        yield one
    finally:
        loop.remove_reader(master)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(master)


def _take() -> None:
    """Make the terminal the program's own, so that Ctrl-C reaches it."""
    import fcntl  # noqa: PLC0415 - between fork and exec
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
