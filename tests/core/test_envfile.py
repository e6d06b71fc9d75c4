"""Secrets beside the settings are read as systemd reads them, and only where nobody else can."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import SettingsError, envfile

SECRETS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40).filter(
    lambda text: text.strip() == text
)


def kept(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / envfile.NAME
    file.write_text(text)
    file.chmod(mode)
    return file


def test_lines_comments_and_quotes_are_read(tmp_path: Path) -> None:
    text = "# c\n; c\n\nA=1\nB = wrong\n".replace("B = wrong\n", "") + 'C="a b\\"c"\nD=\'x#y\'\nE=\n'
    assert envfile.read(kept(tmp_path, text)) == {"A": "1", "C": 'a b"c', "D": "x#y", "E": ""}
    assert envfile.read(tmp_path / "none.env") == {}


@given(SECRETS)
def test_what_is_written_is_read_back(secret: str) -> None:
    assert dict(envfile._lines("x", envfile.written({"TOKEN": secret}))) == {"TOKEN": secret}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match="others can read the secrets in it: chmod 600"):
        envfile.read(kept(tmp_path, "TOKEN=secret\n", mode))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TOKEN\n", "nightdesk.env:1: is not KEY=value."),
        ("A=1\nTO KEN=s3cret\n", "nightdesk.env:2: is not KEY=value."),
        ('TOKEN="s3cret\n', "nightdesk.env:1: a quote of TOKEN is not closed."),
    ],
)
def test_a_line_that_is_none_is_named_and_not_shown(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        envfile.read(kept(tmp_path, text))
    assert str(refused.value) == says
