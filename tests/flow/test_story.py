"""The demo's story exits 0 when every step really happened, and names the step that did not."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bot.demo.story import STEPS
from tests.flow.sabotaged import SABOTAGE

ROOT = Path(__file__).parents[2]


async def run(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.slow
async def test_the_story_holds() -> None:
    code, out, err = await run("-m", "bot", "demo", "--story")
    assert (code, err) == (0, "")
    assert all(f"step {number} of 8, {step.__name__}" in out for number, step in enumerate(STEPS, 1))
    assert "All 8 steps really happened" in out
    assert "confirmed by momentum after" in out


def test_every_step_is_sabotaged() -> None:
    assert list(SABOTAGE) == [step.__name__ for step in STEPS]


@pytest.mark.slow
async def test_a_step_that_did_not_happen_ends_the_story_and_is_named() -> None:
    turns = asyncio.Semaphore(4)

    async def sabotaged(name: str) -> tuple[int, str]:
        async with turns:
            code, _, err = await run("-m", "tests.flow.sabotaged", name)
        return code, err.partition(", failed: ")[0]

    names = [step.__name__ for step in STEPS]
    ended = await asyncio.gather(*map(sabotaged, names))
    assert list(ended) == [(1, f"nightdesk: step {number} of 8, {name}") for number, name in enumerate(names, 1)]
