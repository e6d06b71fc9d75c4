"""Each way of being alive and wrong is found on a real process, by its own rule and no other."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import App
from bot.platforms.memory import Memory
from bot.settings import console_user, load
from tests.wire.wrong_agent import WAYS

ROOT = Path(__file__).parents[2]
RULE = {
    "undecided": "no_decisions",
    "repeating": "repeated_orders",
    "blind": "stale_feed",
    "exposed": "over_exposed",
    "failing": "model_trouble",
    "costly": "model_trouble",
    "frozen": "stale",
}
LIMITS = """interval = "0.2s"
decision_within = "1s"
feed_within = "1s"
frozen_within = "1s"
max_exposure = "150%"
max_leverage = 3
model_cost_1h = 5
"""


@contextlib.asynccontextmanager
async def fleet() -> AsyncIterator[dict[str, int]]:
    """A process for each way; gives their ports."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.wire.wrong_agent", way, way, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for way in WAYS
    ]
    try:
        ports = {}
        async with asyncio.timeout(30):
            for way, process in zip(WAYS, processes, strict=True):
                assert process.stdout is not None
                ports[way] = int((await process.stdout.readline()).split()[1])
        yield ports
    finally:
        for process in processes:
            process.kill()
            await process.wait()


@pytest.mark.slow
async def test_each_is_found_by_its_rule_and_the_healthy_one_is_left_alone(tmp_path: Path) -> None:
    async with fleet() as ports:
        people = f'[[people]]\nname = "ana"\nrole = "admin"\nconsole = "{console_user()}"\n'
        agents = "".join(
            f'[[agents]]\nid = "{way}"\nsource = {{ kind = "http", url = "http://127.0.0.1:{port}" }}\n{LIMITS}'
            for way, port in ports.items()
        )
        file = tmp_path / "nightdesk.toml"
        file.write_text(f'[alerts]\ngroup_wait = "0s"\n{people}{agents}')
        app = App(load(file, {}), platforms=[Memory()])
        await app.start()
        try:
            found: dict[str, set[str]] = {}
            async with asyncio.timeout(30):
                while found != {way: {rule} for way, rule in RULE.items()}:
                    found = {}
                    for alert in app.desk.alerts():
                        found.setdefault(alert.agent, set()).add(alert.rule)
                    assert all(found[way] <= {RULE.get(way)} for way in found), found
                    await asyncio.sleep(0.05)
            kinds = {alert.agent: dict(alert.labels).get("kind") for alert in app.desk.alerts()}
            assert (kinds["failing"], kinds["costly"], kinds["exposed"]) == ("errors", "cost", "exposure")
            await asyncio.sleep(2.0)
            assert all(alert.agent != "healthy" for alert in app.desk.alerts())
        finally:
            await app.stop()
