"""The settings and the secrets that were chosen become two files, both or none."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.settings import envfile

TELEGRAM, SLACK = "https://api.telegram.org/bot", "https://slack.com/api/"


@dataclass
class Person:
    """Somebody who may give orders."""

    name: str
    role: str = "admin"
    ids: dict[str, str] = field(default_factory=dict)
    """Platform -> their id there."""


@dataclass
class Chosen:
    """What is to be written."""

    telegram: str | None = None
    """The chat that is paged; None: not Telegram."""
    topic: int | None = None
    """The topic of it; None: the whole chat."""
    slack: str | None = None
    """The channel that is paged; None: not Slack."""
    people: list[Person] = field(default_factory=list)
    agents: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    """Id, and the tables source and control by name."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Environment variable -> secret."""
    telegram_url: str = TELEGRAM
    slack_url: str = SLACK


def settings(chosen: Chosen) -> str:
    """The text of nightdesk.toml."""
    return "\n".join(_lines(chosen))


def _lines(chosen: Chosen) -> Iterator[str]:
    yield "# Written by `nightdesk init`. nightdesk.example.toml shows every setting; secrets are in nightdesk.env."
    yield ""
    yield "[desk]"
    yield 'database = "nightdesk.db"'
    yield 'timezone = "UTC"                     # for times shown to people, such as "Europe/Berlin"'
    yield 'currency = "USD"'
    if chosen.telegram is not None:
        yield from ("", "[telegram]", f"chat = {chosen.telegram}")
        if chosen.topic is not None:
            yield f"topic = {chosen.topic}"
        yield from _address(chosen.telegram_url, TELEGRAM)
    if chosen.slack is not None:
        yield from ("", "[slack]", f"channel = {_text(chosen.slack)}")
        yield from _address(chosen.slack_url, SLACK)
    for each in chosen.people:
        yield from ("", "[[people]]", f"name = {_text(each.name)}", f"role = {_text(each.role)}")
        yield from (f"{chat} = {id_ if chat == 'telegram' else _text(id_)}" for chat, id_ in each.ids.items())
    for name, parts in chosen.agents:
        yield from ("", "[[agents]]", f"id = {_text(name)}")
        yield from (f"{part} = {_table(table)}" for part, table in parts.items())
        yield '# hard_loss_24h = "5%"             # wakes people; drawdown_limit is 15% unless set'
    yield ""


def _address(url: str, usual: str) -> Iterator[str]:
    if url != usual:
        yield f"base_url = {_text(url)}"


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")  # all that TOML takes otherwise


def _table(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_table(each)}" for name, each in value.items()) + " }"
    return _text(value)


def write(folder: Path, name: str, chosen: Chosen, judge: Callable[[Path], object]) -> list[Path]:
    """Write both files, the secrets so that nobody else can read them; what was there is kept beside.

    `judge` is given the new settings before anything is replaced; what it raises leaves everything as it was. Returns
    what was kept. Errors: OSError.
    """
    texts = {name: (settings(chosen), 0o644)}
    if chosen.secrets:
        texts[envfile.NAME] = (envfile.written(chosen.secrets), 0o600)
    made, kept, replaced = dict[Path, Path](), dict[Path, Path](), list[Path]()
    try:
        for each, (text, mode) in texts.items():
            fresh = folder / f".{each}.{os.getpid()}.new"
            file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made[folder / each] = fresh
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                stream.write(text)
        judge(made[folder / name])
        for target in filter(Path.exists, made):
            kept[target] = _kept(target)
        for target, fresh in made.items():
            fresh.replace(target)
            replaced.append(target)
    except BaseException:
        _undo(made, kept, replaced)
        raise
    return list(kept.values())


def _undo(made: Mapping[Path, Path], kept: Mapping[Path, Path], replaced: Sequence[Path]) -> None:
    """Leave everything as it was."""
    for target in replaced:
        with contextlib.suppress(OSError):
            if target in kept:
                kept[target].replace(target)
            else:
                target.unlink()
    for each in (*made.values(), *kept.values()):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)


def _kept(target: Path) -> Path:
    """Keep what stands there under another name, as well hidden as it was. Errors: OSError."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{target.name}.{stamp}{more}.bak" for more in ("", *(f"-{number}" for number in range(1, 10))))
    kept = next(each for each in map(target.with_name, names) if not each.exists())
    file = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, target.stat().st_mode & 0o777)
    with os.fdopen(file, "wb") as stream:
        stream.write(target.read_bytes())
    return kept


def merged(people: Sequence[Person], other: Person) -> list[Person]:
    """People with one more, whose ids are added where the name is there already."""
    for each in people:
        if each.name == other.name:
            each.ids |= other.ids
            return list(people)
    return [*people, other]
