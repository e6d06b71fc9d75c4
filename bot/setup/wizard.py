"""`nightdesk init`: chats, people and agents, one after the other, each checked at once; written only at the end."""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bot.format import plain
from bot.settings import Settings, SettingsError, console_user, envfile, load
from bot.setup import agents, chats, writing
from bot.setup.asking import Console, SetupError
from bot.setup.chats import NAME
from bot.setup.options import Options
from bot.setup.proving import prove
from bot.setup.writing import Chosen, Person
from monitor.storage.lock import holder

_PERSON = re.compile(
    r"(?P<name>[^:=]+):(?P<role>viewer|operator|admin)(?P<ids>(?::(?:telegram=\d{1,18}|slack=[UW][A-Z0-9]{2,30}))*)"
)


async def run(
    options: Options,
    console: Console,
    environ: Mapping[str, str],
    hide: Callable[[Iterable[str]], None] = lambda _secrets: None,
) -> int:
    """Set a desk up; 0 when its test page was acknowledged, or none was wanted. Errors: SetupError, SettingsError.

    `hide` is told every secret before the desk is proved, for the log to leave them out.
    """
    environ = {**_free(options.file, console), **environ}
    chosen = Chosen(telegram_url=options.telegram_url, slack_url=options.slack_url)
    for text in options.people:
        chosen.people = writing.merged(chosen.people, _person(text))
    wants = _wanted(options, console)
    if "telegram" in wants:
        await chats.telegram(chosen, options, console, environ)
    if "slack" in wants:
        await chats.slack(chosen, options, console, environ)
    _console(chosen, console)
    await agents.collect(chosen, options.agents, console, environ)
    if not console.sure(f"Write {options.file.name}?"):
        raise SetupError("Nothing was written.")
    _write(options.file, chosen, console, environ)
    settings = _load(options.file, chosen, environ)
    hide(settings.secrets)
    fine = await prove(settings, console, options.wait if options.test else None)
    settled = "Set up." if fine else "Set up, and something is left to mend: see above, then `nightdesk check --send`."
    where = "" if options.file == Path("nightdesk.toml") else f" --settings {options.file}"
    console.say(f"\n{settled} Start the desk: nightdesk run{where}")
    return 0 if fine else 1


def _free(file: Path, console: Console) -> Mapping[str, str]:
    """Refuse where a desk runs, nothing can be written, or what stands there is to stay; returns secrets that stand.

    Errors: SetupError, SettingsError (others can read them).
    """
    folder, secrets = file.absolute().parent, file.absolute().with_name(envfile.NAME)
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise SetupError(f"Nothing can be written into {folder}: create it, or name another file by --settings.")
    for each in {folder / "nightdesk.db", _database(file, folder)}:
        pid = holder(each)
        if pid is not None:
            raise SetupError(f"A desk runs here (pid {pid}): stop it first, or set up another in another folder.")
    standing = [each.name for each in (file, secrets) if each.exists()]
    if not standing:
        return {}
    there = " and ".join(standing)
    one = len(standing) == 1
    exists, them, are = ("exists", "it", "is") if one else ("exist", "them", "are")
    if not (console.interactive and console.sure(f"{there} {exists}. Replace {them}?", default=False)):
        elsewhere = f"move {them} away, or name a file in another folder by --settings"
        raise SetupError(f"{there} {exists} and {are} left alone: {elsewhere}.")
    return envfile.read(secrets)


def _database(file: Path, folder: Path) -> Path:
    """The database of the settings that stand there, as far as they can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        named = tomllib.loads(file.read_text(encoding="utf-8"))["desk"]["database"]
        return folder / str(named).removeprefix("sqlite:///")
    return folder / "nightdesk.db"


def _wanted(options: Options, console: Console) -> set[str]:
    """The chats that are to be paged. Errors: SetupError."""
    named = {"telegram": options.telegram, "slack": options.slack}
    if options.telegram_chat:
        named["telegram"] = True
    if options.slack_channel:
        named["slack"] = True
    if any(each is not None for each in named.values()) or not console.interactive:
        wants = {name for name, wanted in named.items() if wanted}
        if not wants:
            raise SetupError("Which chats are paged: give it by --telegram or --slack.")
        return wants
    while True:
        said = console.ask(
            "Which chats are paged: telegram, slack or both", "--telegram or --slack", "telegram"
        ).lower()
        if said in ("telegram", "slack", "both"):
            return {"telegram", "slack"} if said == "both" else {said}


def _console(chosen: Chosen, console: Console) -> None:
    """Let whoever set it up give orders at its terminal too. Errors: SetupError (nobody may give any)."""
    if not chosen.people:
        chosen.people = [Person(chats.name(console, "Your name", console_user() if console.interactive else None))]
    if not any("console" in each.ids for each in chosen.people):
        chosen.people[0].ids["console"] = console_user()


def _person(text: str) -> Person:
    """Read ana:admin:telegram=1001:slack=U0ANA. Errors: SetupError."""
    found = _PERSON.fullmatch(text)
    if found is None or not NAME.fullmatch(found["name"]):
        raise SetupError(f"{plain(text, 60)} is no person: write --person ana:admin:telegram=1001.")
    pairs = [each.partition("=")[::2] for each in found["ids"].split(":") if each]
    return Person(found["name"], found["role"], dict(pairs))


def _write(file: Path, chosen: Chosen, console: Console, environ: Mapping[str, str]) -> None:
    """Write both files, if a desk can be started by them. Errors: SetupError."""
    try:
        kept = writing.write(file.absolute().parent, file.name, chosen, lambda fresh: _load(fresh, chosen, environ))
    except SettingsError as error:
        raise SetupError(f"Nothing was written, for the desk would not take it: {error}") from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "what was typed is no text"
        raise SetupError(f"{file} cannot be written: {why}.") from None
    for each in kept:
        console.say(f"  what was there is kept as {each.name}")
    secrets = f" and {envfile.NAME}, which only you can read" if chosen.secrets else ""
    console.say(f"\nWritten: {file.name}{secrets}.")


def _load(file: Path, chosen: Chosen, environ: Mapping[str, str]) -> Settings:
    """The settings, with the secrets that were tried. Errors: SettingsError."""
    return load(file.absolute(), {**environ, **chosen.secrets})
