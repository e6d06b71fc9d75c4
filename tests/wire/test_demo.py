"""The demo ends as a whole, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
async def test_the_demo_leaves_no_process_behind(number: signal.Signals, code: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    children: list[psutil.Process] = []
    async with asyncio.timeout(30):
        while b"You are on call" not in await process.stdout.readline():
            pass
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 5
        process.stdin.write(b"/whoami\n")
        while b"admin" not in await process.stdout.readline():
            pass
        process.send_signal(number)
        await process.communicate()
        assert process.returncode == code
        for child in children:
            await _gone(child)


async def _gone(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running():
            if process.status() == psutil.STATUS_ZOMBIE:
                return
            await asyncio.sleep(0.02)
