"""What a supervisor does to a real process: begun anew where that helps, ended where it does not obey, no storms."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from monitor import orders
from tests.hostile import closed_port
from tests.wire.ordering import ROOT, Agents, desk, own_control, settings
from tests.wire.probing import a_venue

PM2 = shutil.which("pm2")
REQUIRED = bool(os.environ.get("NIGHTDESK_REQUIRE_PM2"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PM2 is None and not REQUIRED, reason="pm2 is not installed: npm install pm2"),
]


@dataclass
class Pm2:
    """A pm2 of its own, which keeps one agent and does not start it again by itself."""

    fleet: Agents
    home: Path

    async def run(self, *words: str) -> str:
        """Run one command of it."""
        process = await asyncio.create_subprocess_exec(
            str(PM2),
            *words,
            cwd=ROOT,
            env={**os.environ, "PM2_HOME": str(self.home)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        return out.decode()

    async def start(self, name: str, way: str) -> None:
        """Let it keep an agent, and wait until that answers."""
        port = int(closed_port().rpartition(":")[2])
        words = ("-m", "tests.wire.stubborn", name, way, "--folder", str(self.fleet.folder), "--port", str(port))
        keep = ("--name", name, "--interpreter", "none", "--no-autorestart")
        await self.run("start", sys.executable, *keep, "--", *words)
        self.fleet.ports[name] = port
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError, ValueError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)

    async def shown(self, name: str) -> Any:
        """What it shows of an agent."""
        found = json.loads((await self.run("jlist")).rpartition("\n")[2] or "[]")
        return next(each for each in found if each["name"] == name)

    async def restarts(self, name: str) -> int:
        """How often it began an agent anew."""
        return int((await self.shown(name))["pm2_env"]["restart_time"])

    async def process(self, name: str) -> psutil.Process:
        """The agent's process."""
        return psutil.Process((await self.shown(name))["pid"])


@contextlib.asynccontextmanager
async def kept(folder: Path, way: str) -> AsyncIterator[tuple[Agents, Pm2]]:
    """An agent that pm2 keeps; both are gone at the end."""
    fleet = Agents(folder)
    pm2 = Pm2(fleet, folder / "pm2")
    try:
        await pm2.start("alpha", way)
        yield fleet, pm2
    finally:
        await pm2.run("kill")


def watched(fleet: Agents, more: str = "", *, own: bool = False) -> Path:
    """A desk that restarts an agent by pm2. `own`: and first orders it by itself."""
    first = f"{own_control(fleet, 'alpha').removeprefix('control = ').strip()}, " if own else ""
    pm2 = f'{{ kind = "pm2", name = "alpha", program = "{PM2}", home = "{fleet.folder / "pm2"}", timeout = "20s" }}'
    table = f'controls = [{first}{pm2}]\nconfirm_within = "2s"\n{more}'
    return settings(fleet, {"alpha": table})


async def test_an_agent_that_died_is_begun_anew_after_a_question_and_judged_by_its_own_health(tmp_path: Path) -> None:
    async with kept(tmp_path, "honest") as (fleet, pm2), desk(watched(fleet)) as one:
        dead = await pm2.process("alpha")
        dead.kill()
        await one.told("CRITICAL · alpha · Agent unreachable")
        question = await one.give("/restart alpha")
        assert question.title == "Restart alpha by pm2?"
        assert (await pm2.shown("alpha"))["pm2_env"]["status"] == "stopped"
        answer = await one.give(question.buttons[0].line)
        assert answer.title.startswith("alpha is up again: /live and /health answer after")
        assert (await pm2.process("alpha")).pid != dead.pid
        assert (await pm2.process("alpha")).is_running()
        await one.until(lambda: one.app.desk.agent("alpha").missed == 0)


async def test_a_process_that_is_up_and_not_fit_is_not_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "BEGINS_WITHIN", 3.0)
    async with kept(tmp_path, "forgetful") as (fleet, _), desk(watched(fleet)) as one:
        fleet.say("alpha", fit=False)
        _, answer = await one.sure("/restart alpha")
        assert "is NOT well" in answer.title
        assert "/health answers HTTP 503" in answer.text


@pytest.mark.parametrize("why", ["its own check fails", "its address answers 503", "its address refuses"])
async def test_nothing_is_begun_anew_while_its_venue_is_down(tmp_path: Path, why: str) -> None:
    async with a_venue() as venue, kept(tmp_path, "honest") as (fleet, pm2):
        venue.status = 503 if "503" in why else 200
        url = f"{closed_port()}/ping" if "refuses" in why else venue.url
        async with desk(watched(fleet, f'venue_url = "{url.partition("?")[0]}"\n')) as one:
            if "own" in why:
                fleet.say("alpha", venue=False)
                await one.until(lambda: not all(each.ok for each in one.app.desk.agent("alpha").answered.checks))  # type: ignore[union-attr]  # it has answered
            _, answer = await one.sure("/restart alpha")
            assert answer.title == "Not done"
            assert "No restart of alpha: " in answer.text
            assert "A restart cures no venue" in answer.text
            assert await pm2.restarts("alpha") == 0
            venue.status = 200
            fleet.say("alpha", venue=True)
            if "refuses" not in why:
                await one.until(lambda: all(each.ok for each in one.app.desk.agent("alpha").answered.checks))  # type: ignore[union-attr]  # it has answered
                _, answer = await one.sure("/restart alpha")
                assert answer.title.startswith("alpha is up again")


async def test_a_fourth_restart_within_the_hour_is_refused_also_by_a_desk_that_was_started_anew(tmp_path: Path) -> None:
    async with kept(tmp_path, "honest") as (fleet, pm2):
        file = watched(fleet)
        async with desk(file) as one:
            for _ in range(3):
                _, answer = await one.sure("/restart alpha")
                assert answer.title.startswith("alpha is up again")
        async with desk(file) as one:
            _, answer = await one.sure("/restart alpha")
            assert answer.title == "Not done"
            assert "it had 3 in the last hour" in answer.text
        assert await pm2.restarts("alpha") == 3


async def test_a_restart_keeps_the_pause_of_an_agent_that_forgets_it(tmp_path: Path) -> None:
    async with kept(tmp_path, "forgetful") as (fleet, _), desk(watched(fleet, own=True)) as one:
        await asyncio.sleep(6.0)  # an agent that has run for less is not seen to begin anew
        await one.give("/pause alpha")
        await one.sure("/restart alpha")
        await one.told("alpha is paused again, without a person: confirmed")
        assert (await fleet.ask("alpha"))["paused"] is True


async def test_an_agent_that_does_not_obey_is_ended_by_its_supervisor_where_the_settings_say_so(tmp_path: Path) -> None:
    async with (
        kept(tmp_path, "deaf") as (fleet, pm2),
        desk(watched(fleet, 'if_unconfirmed = "take"\n', own=True)) as one,
    ):
        process = await pm2.process("alpha")
        answer = await one.give("/pause alpha")
        assert answer.title.startswith("alpha is stopped: confirmed by pm2 after")
        assert "Before: pause by http was unconfirmed." in answer.text
        assert not process.is_running()
        await one.until(lambda: one.app.desk.agent("alpha").missed > 3)
        assert one.app.desk.alerts() == ()
        _, answer = await one.sure("/resume alpha")
        assert answer.title.startswith("alpha is running again")
        assert (await pm2.process("alpha")).is_running()
        assert one.app.desk.alerts() == ()


async def test_the_supervisor_is_offered_otherwise_and_one_press_and_a_yes_end_the_process(tmp_path: Path) -> None:
    async with kept(tmp_path, "deaf") as (fleet, pm2), desk(watched(fleet, own=True)) as one:
        process = await pm2.process("alpha")
        answer = await one.give("/pause alpha")
        assert answer.title == "NOT confirmed within 2 s: alpha still reports running"
        assert (answer.buttons[0].label, answer.buttons[0].line) == ("Stop by pm2", "stop alpha pm2")
        assert process.is_running()
        question, answer = await one.sure(answer.buttons[0].line)
        assert question.title == "Stop alpha by pm2?"
        assert answer.title.startswith("alpha is stopped: confirmed by pm2 after")
        assert not process.is_running()
