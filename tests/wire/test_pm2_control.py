"""pm2 from npm, with a real agent under it: stopped, started, read back, its log in chat without its secrets."""

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

import aiohttp
import psutil
import pytest

from monitor.controls._process import LONGEST_LINE
from monitor.controls.pm2 import Options, Pm2Control, build
from monitor.handling import MOST_CHARS
from monitor.model import Agent
from monitor.ports import AgentControl, ControlError
from monitor.redaction import MASK, bounded, redacted
from tests.hostile import closed_port

ROOT = Path(__file__).parents[2]
PM2 = shutil.which("pm2")
REQUIRED = bool(os.environ.get("NIGHTDESK_REQUIRE_PM2"))
needs_pm2 = pytest.mark.skipif(PM2 is None and not REQUIRED, reason="pm2 is not installed: npm install pm2")
ALPHA = Agent("alpha")


@dataclass
class Kept:
    """An agent that a pm2 of its own keeps."""

    home: Path
    port: int
    control: AgentControl

    async def answers(self) -> bool:
        """Whether the agent itself answers."""
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}/live") as answer:
                return answer.status == 200
        return False

    async def until(self, answers: bool) -> None:
        """Wait until it does, or does not."""
        async with asyncio.timeout(30):
            while await self.answers() is not answers:  # noqa: ASYNC110 - the process says nothing by itself
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def kept(folder: Path) -> AsyncIterator[Kept]:
    home, port = folder / "pm2", int(closed_port().rpartition(":")[2])
    environ = {**os.environ, "PM2_HOME": str(home), "VENUE_IS_DOWN": str(folder / "down"), "PYTHONPATH": str(ROOT)}

    async def pm2(*words: str) -> None:
        process = await asyncio.create_subprocess_exec(
            PM2 or "pm2", *words, env=environ, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0

    agent = ("-m", "tests.wire.pm2_agent", str(port))
    await pm2("start", sys.executable, "--name", "alpha", "--interpreter", "none", "--silent", "--", *agent)
    try:
        options = Options(name="alpha", program=PM2 or "pm2", home=str(home), timeout=20.0)
        one = Kept(home, port, build(options))
        await one.until(answers=True)
        yield one
    finally:
        await pm2("kill", "--silent")


@pytest.mark.slow
@needs_pm2
async def test_an_agent_is_stopped_and_started_and_pm2_and_the_agent_agree(tmp_path: Path) -> None:
    async with kept(tmp_path) as one:
        control = one.control
        assert await control.state(ALPHA) == "running"
        await control.reach(ALPHA)
        assert await control.send(ALPHA, "stop", "ana", "losing") == "pm2: alpha stopped"
        assert await control.state(ALPHA) == "stopped"
        assert not await one.answers()
        assert await control.send(ALPHA, "resume", "ana", "") == "pm2: alpha started"
        await one.until(answers=True)
        assert await control.state(ALPHA) == "running"
        assert await control.send(ALPHA, "restart", "ana", "") == "pm2: alpha restarted"
        await one.until(answers=True)

        lines = await control.logs(ALPHA, 50)
        shown = redacted("\n".join(lines))
        assert "opened BTC/USDT long 0.1 @ 64000.5" in shown
        assert f"api_key={MASK}" in shown
        assert f"err| https://ana:{MASK}@venue.example refused" in shown
        assert "very-secret" not in shown
        assert "hunter2" not in shown
        assert len(await control.logs(ALPHA, 2)) == 2
        assert bounded(lines, 50, MOST_CHARS)[1] == 0

        other = build(Options(name="gamma", program=PM2 or "pm2", home=str(one.home), timeout=20.0))
        with pytest.raises(ControlError, match="is not known to pm2 as gamma: it knows alpha"):
            await other.send(ALPHA, "stop", "ana", "")


def program(folder: Path, text: str) -> str:
    """A program that stands where pm2 would."""
    file = folder / "pm2"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


async def asked(folder: Path, text: str, **options: float) -> str | None:
    return await Pm2Control(Options(name="alpha", program=program(folder, text), **options)).state(ALPHA)


@pytest.mark.parametrize(
    ("processes", "state"),
    [
        ('[{"name": "alpha", "pid": 12, "pm2_env": {"status": "online"}}]', "running"),
        ('[{"name": "alpha", "pid": 0, "pm2_env": {"status": "stopped"}}]', "stopped"),
        ('[{"name": "alpha", "pid": 0, "pm2_env": {"status": "errored"}}]', "stopped"),
        ('[{"name": "alpha", "pid": 12, "pm2_env": {"status": "stopping"}}]', "running"),
        ('[{"name": "alpha", "pid": 0, "pm2_env": {"status": "waiting restart"}}]', "running"),
        (
            '[{"name": "alpha", "pid": 0, "pm2_env": {}}, {"name": "alpha", "pid": 9, "pm2_env": {"status": ""}}]',
            "running",
        ),
    ],
)
async def test_a_process_counts_as_stopped_only_when_none_of_its_name_is_left(
    tmp_path: Path, processes: str, state: str
) -> None:
    assert await asked(tmp_path, f"echo '[PM2] Spawning the daemon'\necho '{processes}'") == state


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo nonsense", "pm2 jlist answered no list"),
        ("echo no rights >&2; exit 1", "pm2 jlist failed: no rights"),
        ("echo '[]'", "is not known to pm2 as alpha: it knows none"),
        ("sleep 30 & wait", "pm2, which took longer than 0.3 s"),
        ("head -c 9000000 /dev/zero", "said more than 8 MiB"),
    ],
)
async def test_a_pm2_that_is_wrong_is_one_sentence_and_is_not_left_running(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ControlError, match=says):
        await asked(tmp_path, text, timeout=0.3 if "sleep" in text else 20.0)


def alive(group: int) -> list[int]:
    """The processes of a group that run; one that was ended and not yet collected runs no more."""
    found = []
    for each in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(each.pid) == group and each.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(each.pid)
    return found


@pytest.mark.parametrize("text", ["sleep 600 &", "setsid sleep 5 & sleep 600", "sleep 600"])
async def test_what_a_late_pm2_began_is_ended_and_nobody_waits_for_what_got_away(tmp_path: Path, text: str) -> None:
    group = tmp_path / "group"
    async with asyncio.timeout(4):
        with pytest.raises(ControlError, match=r"cannot be looked up by pm2, which took longer than 0\.3 s$") as late:
            await asked(tmp_path, f"echo $$ > {group}\n{text}", timeout=0.3)
    assert not late.value.uncertain  # nothing was ordered yet
    async with asyncio.timeout(4):
        while alive(int(group.read_text())):  # noqa: ASYNC110 - what was killed says nothing
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_an_order_that_pm2_does_not_end_in_time_may_have_been_obeyed(tmp_path: Path) -> None:
    listed = """[ "$1" = jlist ] && echo '[{"name": "alpha"}]' && exit 0"""
    control = build(Options(name="alpha", program=program(tmp_path, f"{listed}\nsleep 600"), timeout=0.3))
    with pytest.raises(ControlError, match=r"was ordered by pm2, .* longer than 0\.9 s: it may have obeyed") as late:
        await control.send(ALPHA, "stop", "ana", "")
    assert late.value.uncertain


async def logged(folder: Path, out: str, err: str | None, lines: int) -> tuple[str, ...]:
    files = {"pm_out_log_path": folder / "out.log", "pm_err_log_path": folder / "err.log"}
    files["pm_out_log_path"].write_text(out)
    if err is not None:
        files["pm_err_log_path"].write_text(err)
    found = [{"name": "alpha", "pm2_env": {name: str(path) for name, path in files.items()}}]
    return await build(Options(name="alpha", program=program(folder, f"echo '{json.dumps(found)}'"))).logs(ALPHA, lines)


async def test_two_logs_that_tell_the_time_are_read_as_one(tmp_path: Path) -> None:
    out = "2026-11-29 05:00:01,100 opened\n2026-11-29 05:00:03,000 closed\n"
    err = "2026-11-29T05:00:02: failed\n  Traceback\n"
    assert await logged(tmp_path, out, err, 3) == (
        "err| 2026-11-29T05:00:02: failed",
        "err|   Traceback",
        "2026-11-29 05:00:03,000 closed",
    )
    assert await logged(tmp_path, "a\nb\nc\n", err, 3) == ("b", "c", "err|   Traceback")


async def test_a_log_that_is_gone_or_is_no_file_does_not_hide_the_other(tmp_path: Path) -> None:
    assert await logged(tmp_path, "a\n", None, 5) == ("a",)
    os.mkfifo(tmp_path / "err.log")
    assert await logged(tmp_path, "a\n", None, 5) == ("a",)
    assert await logged(tmp_path, "", None, 5) == ()


async def test_a_log_without_end_is_read_from_its_end(tmp_path: Path) -> None:
    lines = await logged(tmp_path, "x" * 1_000_000 + "\n" + "y" * 300_000 + "\nlast\n", "", 5)
    assert lines == ("last",)
    assert await logged(tmp_path, "z" * 9_000 + "\nlast\n", "", 5) == ("z" * LONGEST_LINE, "last")


async def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    control = build(Options(name="alpha", program=str(tmp_path / "none")))
    with pytest.raises(ControlError, match="needs the program none, which cannot be run here"):
        await control.reach(ALPHA)


async def test_it_is_given_no_key_of_the_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "123456:secret")
    seen = tmp_path / "seen"
    with pytest.raises(ControlError):
        await asked(tmp_path, f"env > {seen}; echo '[]'")
    assert "TELEGRAM_TOKEN" not in seen.read_text()
    assert "PM2_DISCRETE_MODE=1" in seen.read_text()


NAMES = [
    "-rf",
    "a b",
    "a;b",
    "",
    "a/../b",
    "all",
    "ALL",
    "0",
    "12",
    "1e3",
    "0x1f",
    "Infinity",
    "a.json",
    "a.yml",
    "a.config.js",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_cannot_be_an_option_or_be_taken_for_anything_else(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Options(name=name)
