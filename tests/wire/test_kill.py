"""A desk that is killed between storing a page and marking it done tells it all the same: once or twice, never not."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.model import Agent
from monitor.ports import Change
from tests.hostile import closed_port
from tests.stores import a_sample, new_store

ROOT = Path(__file__).parents[2]


def settings(folder: Path) -> Path:
    """A desk that watches an agent which no longer answers."""
    file = folder / "nightdesk.toml"
    file.write_text(
        f"""
[desk]
database = "nightdesk.db"
interval = "200ms"

[[people]]
name = "ana"
role = "admin"
console = "ana"

[[agents]]
id = "alpha"
source = {{ kind = "http", url = "{closed_port()}" }}
"""
    )
    return file


@contextlib.asynccontextmanager
async def desk(file: Path, ledger: Path, point: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.wire.killed", str(file), str(ledger), point), cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def pages(ledger: Path) -> list[str]:
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return [line for line in lines if line.startswith("sent 🚨 CRITICAL · alpha · Agent unreachable")]


@pytest.mark.parametrize(("point", "before", "after"), [("commit", 0, 1), ("claim", 0, 1), ("send", 1, 2)])
async def test_a_page_outlives_the_desk(point: str, before: int, after: int, tmp_path: Path) -> None:
    file, ledger = settings(tmp_path), tmp_path / "ledger"
    async with new_store(tmp_path) as store:
        known = a_sample(time=time.time() - 60)
        await store.commit(Change(agents=[Agent("alpha")], samples=[known]))

    async with asyncio.timeout(30):
        async with desk(file, ledger, point) as first:
            assert await first.wait() == -signal.SIGKILL
        assert len(pages(ledger)) == before

        async with desk(file, ledger, "never") as second:
            while len(pages(ledger)) < after:
                assert second.returncode is None
                await asyncio.sleep(0.02)
            second.terminate()
            assert await second.wait() == 0
    assert len(pages(ledger)) == after
