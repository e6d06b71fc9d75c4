"""The guide page shows an agent that runs as printed, and answers that look like the real ones."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.wire.probing import KEY, ask

PAGE = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Here:
    port: int


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def answers(here: Here) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            try:
                return {path: (await ask(here, path)).body for path in ("/health", "/metrics", "/trades")}
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@pytest.fixture
def printed(tmp_path: Path) -> Iterator[Here]:
    (example,) = blocks("python")
    here = Here(free_port())
    script = tmp_path / "agent.py"
    # Nobody answers at this address: the printed venue does not exist either.
    script.write_text(example.replace("9001", str(here.port)).replace("https://venue.example", "http://127.0.0.1:9"))
    environment = {**os.environ, "ALPHA_KEY": KEY, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(script)], cwd=tmp_path, env=environment) as agent:
        yield here
        agent.kill()


async def test_the_agent_of_the_guide_runs_and_answers_what_the_guide_shows(printed: Here, tmp_path: Path) -> None:
    real = await answers(printed)
    health, metrics, trades = (json.loads(block) for block in blocks("json"))
    assert set(health) == set(real["/health"])
    assert set(health["checks"]) == set(real["/health"]["checks"])
    assert health["checks"]["cpu"].keys() == real["/health"]["checks"]["cpu"].keys()
    assert list(metrics) == list(real["/metrics"])
    assert set(metrics["checks"][0]) == set(real["/metrics"]["checks"][0])
    assert set(trades) == set(real["/trades"])
    assert real["/metrics"]["equity"] == metrics["equity"]
    assert (tmp_path / "alpha.pause.json").exists()
