"""What `nightdesk init` writes is read as it was meant, and is written as a whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.settings import SettingsError, envfile, load
from bot.setup.chats import NAME
from bot.setup.writing import Chosen, Person, write

SECRETS = {"TELEGRAM_TOKEN": "1:t0ken", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


def chosen(name: str = "ana", path: str = "/stats") -> Chosen:
    source = {"kind": "http", "url": "http://127.0.0.1:9001", "path": path, "fields": {"balance": 'wallet."eur"'}}
    people = [Person(name, "admin", {"telegram": "1001", "slack": "U0ANA"})]
    return Chosen("-100123", 12, "C0DESK", people, [("alpha", {"source": source})], dict(SECRETS))


@example("ana", '\x7f\x85\u2028\\"')
@given(st.from_regex(NAME, fullmatch=True), st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, name: str, path: str) -> None:
    folder = tmp_path_factory.mktemp("desk")
    assume(name.strip() == name and name not in ("duty", "all"))
    write(folder, "nightdesk.toml", chosen(name, f"/{path}"), lambda _fresh: None)
    settings = load(folder / "nightdesk.toml", envfile.read(folder / envfile.NAME))
    assert (settings.people[0].name, settings.fleet[0].source.options["path"]) == (name, f"/{path}")
    assert settings.telegram is not None
    assert (settings.telegram.chat, settings.telegram.topic) == (-100123, 12)


def standing(folder: Path) -> dict[str, tuple[str, int]]:
    return {each.name: (each.read_text(), stat.S_IMODE(each.stat().st_mode)) for each in folder.iterdir()}


def test_what_was_there_is_kept_as_hidden_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "nightdesk.toml").write_text("mine")
    (tmp_path / envfile.NAME).write_text("A=1\n")
    (tmp_path / envfile.NAME).chmod(0o600)
    before = os.umask(0)
    try:
        kept = write(tmp_path, "nightdesk.toml", chosen(), lambda _fresh: None)
    finally:
        os.umask(before)
    assert sorted(each.read_text() for each in kept) == ["A=1\n", "mine"]
    hidden = {name: mode for name, (_, mode) in standing(tmp_path).items() if "env" in name}
    assert (len(hidden), set(hidden.values())) == (2, {0o600})


@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_written_whole_leaves_everything_as_it_was(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "nightdesk.toml").write_text("mine")
        (tmp_path / envfile.NAME).write_text("A=1\n")
    before = standing(tmp_path)

    def refuse(_fresh: Path) -> None:
        raise SettingsError("no desk would take it")

    def lose(fresh: Path) -> None:
        """Take the secrets away, so that the second of the two files cannot be put in place."""
        (fresh.parent / f".{envfile.NAME}.{os.getpid()}.new").unlink()

    for judge, error in ((refuse, SettingsError), (lose, FileNotFoundError)):
        with pytest.raises(error):
            write(tmp_path, "nightdesk.toml", chosen(), judge)
        assert standing(tmp_path) == before
