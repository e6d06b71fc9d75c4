"""The wheel alone is the whole product: installed into an empty folder, it plays the story there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (made,) = folder.glob("nightdesk-*.whl")
    return made


def test_the_wheel_carries_runbooks_migrations_and_the_example(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "monitor/alerts/runbooks.yaml" in names
    assert "bot/nightdesk.example.toml" in names
    assert any(name.startswith("monitor/storage/migrations/versions/v0001") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_the_wheel_plays_the_story_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = subprocess.run(
        [sys.executable, "-c", "import bot, monitor; print(bot.__file__, monitor.__file__)"],
        cwd=empty,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert [Path(each).parents[1] for each in where] == [installed, installed]

    told = subprocess.run(
        [sys.executable, str(installed / "bin" / "nightdesk"), "demo", "--story"],
        cwd=empty,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "All 8 steps really happened" in told.stdout
    assert list(empty.iterdir()) == []
