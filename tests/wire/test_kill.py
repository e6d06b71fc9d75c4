"""A desk that is killed between storing a page and marking it done tells it all the same, twice where none can tell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from monitor.model import Agent
from monitor.ports import Change
from tests.fakes.slack import fake_slack
from tests.fakes.telegram import fake_telegram
from tests.hostile import closed_port
from tests.stores import a_sample, new_store
from tests.wire import chats

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def desk(file: Path, point: str, environ: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.wire.killed", str(file), point),
        cwd=ROOT,
        env={**os.environ, **environ},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.mark.parametrize("point", ["commit", "claim", "send"])
async def test_a_page_outlives_the_desk_in_both_chats(point: str, tmp_path: Path) -> None:
    async with new_store(tmp_path) as store:
        await store.commit(Change(agents=[Agent("alpha")], samples=[a_sample(time=time.time() - 60)]))
    async with fake_telegram() as telegram, fake_slack() as slack, asyncio.timeout(40):
        file, environ = chats.settings(tmp_path, telegram, slack, {"alpha": closed_port()})

        def cards() -> tuple[int, int]:
            in_telegram = [each.text for each in telegram.messages]
            in_slack = [each.reading for each in slack.messages]
            return sum(map(_page, in_telegram)), sum(map(_page, in_slack))

        async with desk(file, point, environ) as first:
            assert await first.wait() == -signal.SIGKILL
        assert sum(cards()) <= 2
        before = telegram.count("getMe")  # none, where it died sooner than it had begun
        async with desk(file, "never", environ) as second:
            while min(cards()) < 1 or telegram.count("getMe") <= before:
                assert second.returncode is None
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            second.terminate()
            assert await second.wait() == 0
        in_telegram, in_slack = cards()
        assert 1 <= in_telegram <= 2
        assert in_slack == 1, "Slack can be asked whether it took a page"


def _page(text: str) -> bool:
    return "CRITICAL · alpha · Agent unreachable" in text and "watches again" not in text
