"""A check of a desk in both chats, whose settings and trouble the test chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bot.chat import Found
from bot.check import check
from bot.settings import Settings, load
from bot.wiring import discover_platforms
from monitor.model import Sample
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.wire.chats import settings

TITLE = "Test page from nightdesk check"
AGENTS = {"alpha": "http://127.0.0.1:1"}


def both(
    folder: Path, tg: FakeTelegram, slack: FakeSlack, change: Callable[[str], str] = str, **more: str | None
) -> Settings:
    """The settings of a desk in both chats; `change` edits the file, `more` the environment."""
    file, environ = settings(folder, tg, slack, AGENTS)
    file.write_text(change(file.read_text()))
    given: Mapping[str, str | None] = {**environ, **more}
    return load(file, {name: value for name, value in given.items() if value is not None})


def swap(before: str, after: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert before in text
        return text.replace(before, after, 1)

    return change


def told(found: list[Found], fine: bool | None) -> list[str]:
    return [each.sentence for each in found if each.fine is fine]


def secrets_of(tg: FakeTelegram, slack: FakeSlack) -> Iterator[str]:
    yield from (tg.token, tg.token.partition(":")[2], *slack.secrets)


async def fetch(name: str) -> Sample:
    return Sample(name, 0.0, equity=1.0)


async def reach(_name: str) -> str | None:
    return None


async def checked(
    chosen: Settings, *, send: bool = False, wait: float = 5.0, patience: float = 10.0
) -> tuple[int, list[str]]:
    said: list[str] = []
    platforms = [each for each in discover_platforms(chosen) if each.name != "console"] if send else None
    code = await check(chosen, fetch, reach, said.append, send=platforms, wait=wait, patience=patience)
    return code, said
