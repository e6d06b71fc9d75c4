"""systemd is asked by systemctl and journalctl: a real `systemctl --user` where it runs, else a recorded one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.controls.systemd import Options, build
from monitor.model import Agent
from monitor.ports import ControlError

ROOT = Path(__file__).parents[2]
ALPHA = Agent("alpha")
UNIT = "nightdesk-trial.service"


def runs() -> bool:
    """Whether this user has a systemd of their own."""
    if shutil.which("systemctl") is None:
        return False
    asked = subprocess.run(["systemctl", "--user", "is-system-running"], check=False, capture_output=True, text=True)
    return asked.stdout.strip() in ("running", "degraded")


REAL = runs()

RECORDED = '''#!{python}
"""What systemctl 252 and journalctl 252 answer, and what they refuse; the unit's state is a file."""
import pathlib, sys
here = pathlib.Path(__file__).parent
state = here / "state"
now = state.read_text() if state.exists() else "active"
words = sys.argv[1:]
def refuse(said, code=1):
    print(said, file=sys.stderr); sys.exit(code)
if words[:1] != ["--user"]:
    refuse("Failed to connect to bus: the recorded one is the user's")
words = words[1:]
if pathlib.Path(__file__).name == "journalctl":
    if words != ["-u", "{unit}", "-n", words[3], "-o", "short-iso", "--no-pager"]:
        refuse("journalctl: unrecognized option")
    if (here / "denied").exists():
        print("No journal files were opened due to insufficient permissions.", file=sys.stderr)
        print("-- No entries --"); sys.exit(0)
    lines = ["2026-11-29T05:00:%02d+0000 host alpha[812]: line %d token=abc123456" % (n, n) for n in range(60)]
    print("-- Boot 0123456789abcdef --"); print("\\n".join(lines[-int(words[3]):])); sys.exit(0)
if words[:1] == ["show"]:
    if (here / "gone").exists() and now != "active":
        refuse("Failed to get properties: Transport endpoint is not connected")
    if words[1:4] != ["-p", "LoadState,ActiveState,SubState,MainPID,NRestarts", "--"]:
        refuse("systemctl: unrecognized option")
    if words[4] != "{unit}":
        print("LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\nMainPID=0\\nNRestarts=0"); sys.exit(0)
    alive = now == "active"
    print("MainPID=%d\\nNRestarts=0\\nLoadState=loaded\\nActiveState=%s\\nSubState=%s"
          % (812 if alive else 0, now, "running" if alive else "dead")); sys.exit(0)
if words[:1] != ["--no-ask-password"] or words[2:3] != ["--"]:
    refuse("systemctl: unrecognized option")
if words[3] != "{unit}":
    refuse("Failed to %s %s: Unit %s not found." % (words[1], words[3], words[3]), 5)
if (here / "denied").exists():
    refuse("Failed to %s %s: Interactive authentication required." % (words[1], words[3]), 1)
state.write_text({{"stop": "inactive", "start": "active", "restart": "active"}}[words[1]])
'''


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A unit that runs; gives the folder of the recorded programs, which are first on the path where none is real."""
    if REAL:
        home = Path.home() / ".config" / "systemd" / "user"
        home.mkdir(parents=True, exist_ok=True)
        (home / UNIT).write_text("[Service]\nExecStart=/bin/sh -c 'echo line token=abc123456; exec sleep 600'\n")
        for words in (["daemon-reload"], ["start", UNIT]):
            subprocess.run(["systemctl", "--user", *words], check=True)
        yield tmp_path
        subprocess.run(["systemctl", "--user", "stop", UNIT], check=False)
        (home / UNIT).unlink()
        return
    for name in ("systemctl", "journalctl"):
        file = tmp_path / name
        file.write_text(RECORDED.format(python=sys.executable, unit=UNIT))
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    yield tmp_path


async def test_a_unit_is_stopped_started_restarted_and_read_back(unit: Path) -> None:
    control = build(Options(unit=UNIT.removesuffix(".service"), user=True))
    print("against", "the real systemctl --user" if REAL else f"a recorded one in {unit.name}")  # noqa: T201 - says which
    await control.reach(ALPHA)
    assert await control.state(ALPHA) == "running"
    assert (await control.send(ALPHA, "stop", "ana", "")).startswith(f"systemd: {UNIT} is inactive")
    assert await control.state(ALPHA) == "stopped"
    assert (await control.send(ALPHA, "resume", "ana", "")).startswith(f"systemd: {UNIT} is active")
    assert (await control.send(ALPHA, "restart", "ana", "")).startswith(f"systemd: {UNIT} is active")
    assert await control.state(ALPHA) == "running"


async def test_its_journal_is_read_newest_last(unit: Path) -> None:  # noqa: ARG001 - it must run
    lines = await build(Options(unit=UNIT, user=True)).logs(ALPHA, 5)
    assert 1 <= len(lines) <= 5
    assert all("token=abc123456" in each for each in lines)


async def test_a_unit_that_is_not_there_is_one_sentence(unit: Path) -> None:  # noqa: ARG001 - it must run
    control = build(Options(unit="nobody-is-called-so", user=True))
    with pytest.raises(ControlError, match=r"is not known to systemd as nobody-is-called-so\.service \(not-found\)"):
        await control.send(ALPHA, "stop", "ana", "")


@pytest.mark.skipif(REAL, reason="a user may do everything to their own units")
async def test_what_may_not_be_done_is_said_in_systemds_words(unit: Path) -> None:
    (unit / "denied").touch()
    with pytest.raises(ControlError, match="Interactive authentication required"):
        await build(Options(unit=UNIT, user=True)).send(ALPHA, "stop", "ana", "")
    with pytest.raises(ControlError, match="has a journal that cannot be read: No journal files were opened"):
        await build(Options(unit=UNIT, user=True)).logs(ALPHA, 5)


@pytest.mark.skipif(REAL, reason="a real one does not go away")
async def test_an_order_that_was_taken_is_taken_though_nobody_can_look_after_it(unit: Path) -> None:
    (unit / "gone").touch()
    assert await build(Options(unit=UNIT, user=True)).send(ALPHA, "stop", "ana", "") == f"systemd: {UNIT} took stop"


@pytest.mark.parametrize("name", ["-H host", "a b", "a;b", "", "../x"])
def test_a_unit_cannot_be_an_option_or_hold_anything_else(name: str) -> None:
    with pytest.raises(ValueError, match="unit"):
        Options(unit=name)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_of_the_desk_itself_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "nightdesk.service").read_text().replace("/opt/nightdesk/.venv/bin/nightdesk", "/bin/true")
    file = tmp_path / "nightdesk.service"
    file.write_text(text)
    verified = subprocess.run(["systemd-analyze", "verify", str(file)], check=False, capture_output=True, text=True)
    said = [each for each in verified.stderr.splitlines() if "nightdesk.service" in each]
    assert said == []
