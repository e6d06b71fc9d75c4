"""The demo ends as a whole, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.fakes.slack import fake_slack
from tests.fakes.telegram import fake_telegram

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGKILL, -9)])
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


async def test_with_tokens_in_the_environment_it_plays_in_both_chats() -> None:
    async with fake_telegram() as telegram, fake_slack() as slack, asyncio.timeout(30):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "demo"),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            env={
                **os.environ,
                "TELEGRAM_TOKEN": telegram.token,
                "TELEGRAM_CHAT_ID": str(telegram.chat),
                "TELEGRAM_USER_ID": "1001",
                "TELEGRAM_BASE_URL": telegram.url,
                "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_APP_TOKEN": slack.app_token,
                "SLACK_CHANNEL": slack.channel,
                "SLACK_USER_ID": "U0ANA",
                "SLACK_BASE_URL": slack.url,
            },
        )
        try:
            await slack.until(lambda: slack.deliveries.connected > 0, timeout=20)
            telegram.type(1001, "/status")
            await slack.slash("U0ANA", "/desk", "status")
            await telegram.wait_for(lambda entry: "5 agents" in entry.text, timeout=10)
            await slack.wait_for(lambda posted: "5 agents" in posted.reading, timeout=10)
        finally:
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
