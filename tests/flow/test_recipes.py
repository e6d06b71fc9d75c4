"""The recipes of CONTRIBUTING.md work as written: a command and a rule are one file each, and touch no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

USE_COMMAND = """
import asyncio
from pathlib import Path
from bot import command
from bot.access import Access
from bot.router import Router
from monitor.model import Person
from monitor.ports import Change
from tests.flow.night import night

async def main():
    people = [Person("ana", "viewer", {"console": "ana"})]
    async with night(Path("."), names=("alpha",)) as desk:
        async def audit(entry):
            await desk.store.commit(Change(audit=(entry,)))
        router = Router(command.discover(), Access(people), desk.desk, audit, dict)
        await desk.chat.start(router.handle)
        await desk.see(uptime=3700.0)
        print((await desk.chat.give("/uptime", "ana"))[0].fields)
        print((await desk.chat.give("/help", "ana"))[0])
        print([each.line for each in await desk.store.audit()])
asyncio.run(main())
"""

USE_RULE = """
import asyncio
from pathlib import Path
from tests.flow.night import night

async def main():
    async with night(Path("."), names=("alpha",)) as desk:
        for latency in (2.5, 2.5):
            await desk.see(venue_latency=latency)
        await desk.restart()
        await desk.see(venue_latency=2.5)
        for _ in range(3):
            await desk.see(venue_latency=0.1)
        print(desk.pages())
asyncio.run(main())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    for name in ("bot", "monitor", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "runbooks.yaml", folder)
    return folder


def recipe(heading: str) -> str:
    section = (ROOT / "CONTRIBUTING.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def use(copy: Path, script: str) -> str:
    work = copy.parent / "work"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def changed(copy: Path) -> list[str]:
    """Files of the copy that are not as they are in the checkout."""
    ours = [each for name in ("bot", "monitor") for each in (copy / name).rglob("*.py")]
    return [
        str(each.relative_to(copy))
        for each in ours
        if not (ROOT / each.relative_to(copy)).exists()
        or (ROOT / each.relative_to(copy)).read_bytes() != each.read_bytes()
    ]


@pytest.mark.slow
def test_a_command_is_one_file(copy: Path) -> None:
    (copy / "bot" / "commands" / "uptime.py").write_text(recipe("Add a command"))
    told = use(copy, USE_COMMAND)
    assert changed(copy) == ["bot/commands/uptime.py"]
    answer, listing, audited = told.splitlines()
    assert "1 h 1 m" in answer
    assert "Tell how long each agent has been running." in listing
    assert "/uptime" in audited


@pytest.mark.slow
def test_a_rule_is_one_file(copy: Path) -> None:
    (copy / "monitor" / "rules" / "venue_slow.py").write_text(recipe("Add a rule"))
    told = use(copy, USE_RULE)
    assert changed(copy) == ["monitor/rules/venue_slow.py"]
    assert "alpha · Venue slow" in told
    assert "alpha has a quick venue again" in told
