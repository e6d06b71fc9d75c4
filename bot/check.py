"""`nightdesk check`: one line for each thing that a night depends on, and what to do where it is not fine."""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import os
import pkgutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from bot import allowance, drill, telling
from bot import format as written
from bot.access import Access
from bot.chat import ChatPlatform, Found, Invocation, Message, Reply
from bot.logs import redact
from bot.settings import Settings, Watched, console_user
from monitor import rule
from monitor.alerts import runbooks
from monitor.model import Sample
from monitor.storage.lock import holder

CHAT = 10.0
"""Seconds that looking at one chat may take."""
WAIT = 60.0
"""Seconds that a test page waits for somebody to press its button."""


@dataclass(frozen=True, slots=True)
class _Line:
    fine: bool | None
    """None is neither: worth knowing."""
    about: str
    says: str


_WORDS = {True: "ok  ", False: "fail", None: "note"}

Fetch = Callable[[str], Awaitable[Sample]]
Reach = Callable[[str], Awaitable[str | None]]


class Examiner(Protocol):
    """The module `examine` of a platform's package; a platform that has none is not looked at."""

    async def examine(self, settings: Settings, *, running: bool) -> list[Found]:
        """Look at the chat; `running`: whether the desk runs now, so as not to disturb it."""

    async def say(self, settings: Settings, message: Message) -> str | None:
        """Say something without listening; returns what is amiss all the same. Errors: TransportError."""


async def check(
    settings: Settings,
    fetch: Fetch,
    reach: Reach,
    out: Callable[[str], None],
    *,
    grace: float = 5.0,
    patience: float = CHAT,
    send: Sequence[ChatPlatform] | None = None,
    wait: float = WAIT,
) -> int:
    """Say a line for settings, people, platforms, database, runbooks, every chat and agent; 0 when all is fine, else 1.

    `fetch` looks once at an agent, by id; `reach` says why an order would not get to it, or None. All chats and agents
    are asked at once: no agent is waited for longer than its own time-out and `grace` seconds, no chat longer than
    `patience` seconds. `send`: the chats that are sent a test page then, whose button may be pressed within `wait`
    seconds (0: nobody waits for that).
    """
    written.tell_times_in(settings.timezone)
    width = max(9, *(len(each.agent.id) for each in settings.fleet))
    fine, scrub = True, redact(settings.secrets)

    def say(line: _Line) -> None:
        nonlocal fine
        fine = fine and line.fine is not False
        out(scrub(f"{_WORDS[line.fine]}  {line.about:<{width}}  {line.says}"))

    running, chats = _holder(settings) is not None, _chats(settings)
    seen = asyncio.gather(*(_seen(each, settings, running, patience) for each in chats.values()))
    asked = asyncio.gather(*(_agent(each, settings, fetch, reach, each.timeout + grace) for each in settings.fleet))
    try:
        for line in _house(settings):
            say(line)
        found = dict(zip(chats, await seen, strict=True))
        for name, each in found.items():
            for one in each:
                say(_Line(one.fine, name, one.sentence))
        for line in await asked:
            say(line)
    finally:
        seen.cancel()  # where nobody reads on
        asked.cancel()
    if send is not None:
        reasons = {name: _unheard(each, wait, running=running) for name, each in found.items()}
        await _send(settings, send, reasons, wait, say)
    return 0 if fine else 1


def _chats(settings: Settings) -> Mapping[str, Examiner]:
    """Platforms that are set up, and can be looked at."""
    package = importlib.import_module("bot.platforms")
    packages = sorted(each.name for each in pkgutil.iter_modules(package.__path__) if each.ispkg)
    chosen = [each for each in packages if getattr(settings, each, None) is not None]
    modules = {each: f"{package.__name__}.{each}.examine" for each in chosen}
    return {
        name: cast("Examiner", importlib.import_module(module))
        for name, module in modules.items()
        if importlib.util.find_spec(module)
    }


async def _seen(chat: Examiner, settings: Settings, running: bool, patience: float) -> list[Found]:
    try:
        async with asyncio.timeout(patience):
            return await chat.examine(settings, running=running)
    except TimeoutError:
        return [Found(False, f"no answer within {patience:g} s: look at this machine's network")]
    except Exception as error:  # noqa: BLE001 -- one chat's fault hides nothing of the others
        return [Found(False, f"could not be looked at ({type(error).__name__})")]


def _unheard(found: Sequence[Found], wait: float, *, running: bool) -> str:
    """Why nobody is to wait for a press, in a few words; empty where somebody may."""
    answered = "the desk that runs now answers whoever presses its button" if running else ""
    reasons = (*(each.deaf for each in found), answered, "" if wait > 0 else "a press is not waited for")
    return next(filter(None, reasons), "")


async def _send(
    settings: Settings,
    platforms: Sequence[ChatPlatform],
    unheard: Mapping[str, str],
    wait: float,
    say: Callable[[_Line], None],
) -> None:
    """Send every chat its test page, all at once."""
    if not platforms:
        say(_Line(False, "platforms", "no chat is set up that a test page could go to: add [telegram] or [slack]"))
    people, chats = Access(settings.people), _chats(settings)

    async def one(platform: ChatPlatform) -> None:
        name = platform.name

        def tell(found: Found) -> None:
            say(_Line(found.fine, name, found.sentence))

        if name not in chats:
            await drill.post(functools.partial(_say, platform), "it takes messages and hears no press", tell)
        elif unheard.get(name):
            await drill.post(functools.partial(chats[name].say, settings), unheard[name], tell)
        else:
            await drill.press(platform, people, wait, tell)

    await asyncio.gather(*(one(each) for each in platforms))


async def _say(platform: ChatPlatform, message: Message) -> str | None:
    """Say something in a channel that hears nothing. Errors: TransportError."""

    async def heard(_invocation: Invocation, _reply: Reply) -> None:
        """Nothing is."""

    await platform.start(heard)
    try:
        await platform.send(message)
    finally:
        await platform.stop()
    return None


def _house(settings: Settings) -> Iterator[_Line]:
    agents = written.count(len(settings.fleet), "agent")
    yield _Line(True, "settings", f"{settings.origin.name}: {agents} in {settings.currency}")
    yield _people(settings)
    yield from _platforms(settings)
    yield from (_Line(each.fine, about, each.sentence) for about, each in telling.examine(settings, time.time()))
    yield from (_Line(each.fine, "budget", each.sentence) for each in allowance.examine(settings))
    yield _database(settings)
    yield _runbooks(settings)


def _people(settings: Settings) -> _Line:
    named = ", ".join(f"{each.name} {each.role}" for each in settings.people)
    if all(each.role == "viewer" for each in settings.people):
        return _Line(False, "people", f"{named}: nobody may acknowledge: make somebody an operator or admin")
    me = console_user()
    if not any(each.ids.get("console") == me for each in settings.people):
        return _Line(None, "people", f"{named}; at this console you are {me}, whom the desk does not know")
    return _Line(True, "people", named)


def _platforms(settings: Settings) -> Iterator[_Line]:
    known = {"console": "", "telegram": settings.telegram, "slack": settings.slack}
    chosen = [name for name, section in known.items() if section is not None]
    able = [name for name in chosen if importlib.util.find_spec(f"bot.platforms.{name}")]
    yield _Line(True, "platforms", ", ".join((*able, *(each.name for each in settings.further))))
    for name in chosen:
        if name not in able:
            yield _Line(
                False, "platforms", f"{name} is set up, but this version cannot speak to it: nobody is paged there"
            )


def _path(settings: Settings) -> Path:
    rest = settings.database.partition("://")[2]
    return Path(rest.removeprefix("/") if rest else settings.database).absolute()


def _holder(settings: Settings) -> int | None:
    """The pid of the desk that runs now with this database; None while none does."""
    return holder(_path(settings))


def _database(settings: Settings) -> _Line:
    scheme, _, rest = settings.database.partition("://")
    where = settings.origin.where(("desk", "database"))
    if rest and not scheme.startswith("sqlite"):
        return _Line(False, "database", f"{scheme} is not supported: write a path, like nightdesk.db ({where})")
    path, pid = _path(settings), _holder(settings)
    if not path.parent.is_dir():
        return _Line(False, "database", f"the folder {path.parent} does not exist: create it, or mend {where}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.R_OK | os.W_OK):
        return _Line(False, "database", f"{path} cannot be written: mend its permissions, or {where}")
    if pid is not None:
        return _Line(True, "database", f"{path} is in use by the desk that runs now (pid {pid})")
    return _Line(True, "database", f"{path} {'can be written' if path.exists() else 'can be created'}")


def _runbooks(settings: Settings) -> _Line:
    try:
        path = settings.runbooks or runbooks.locate()
        found = runbooks.load(path)
    except runbooks.RunbookError as error:
        return _Line(False, "runbooks", str(error))
    lacking = sorted(each.runbook for each in rule.discover().values() if each.runbook not in found)
    if lacking:
        return _Line(False, "runbooks", f"{path} has none for {', '.join(lacking)}: add it there")
    return _Line(True, "runbooks", f"{written.count(len(found), 'runbook')} in {path}")


async def _agent(watched: Watched, settings: Settings, fetch: Fetch, reach: Reach, patience: float) -> _Line:
    name = watched.agent.id
    try:
        async with asyncio.timeout(patience):
            sample, unheard = await asyncio.gather(fetch(name), reach(name))
    except TimeoutError:
        return _silent(watched, settings, f"no answer within {patience:g} s")
    failing = [each for each in sample.checks if not each.ok]
    if sample.error is not None:
        return _silent(watched, settings, sample.error)
    if failing:
        said = "; ".join(f"{each.name}: {each.detail or 'not ok'}" for each in failing)
        return _Line(
            False, name, f"answers, but its own checks fail: {written.plain(said, 200)}: see /runbook health_degraded"
        )
    if unheard is not None and watched.controls:
        where = settings.origin.where(watched.controls[0].path)
        return _Line(False, name, f"answers, but its control {unheard}: mend {where}")
    facts = [
        f"answers in {written.span(sample.poll_latency)}" if sample.poll_latency is not None else "answers",
        *(["is paused"] if sample.paused else []),
        f"equity {written.money(sample.equity, settings.currency)}",
        f"{written.count(len(sample.checks), 'check')} ok" if sample.checks else "reports no checks",
        *(["trades without money"] if sample.paper else []),
        *([] if watched.controls else ["takes no orders"]),
    ]
    return _Line(True, name, ", ".join(facts))


def _silent(watched: Watched, settings: Settings, why: str) -> _Line:
    """An agent that does not answer: why, where it was looked for, and what to do."""
    why = written.plain(why, 200)
    url = watched.source.options.get("url")
    where = settings.origin.where((*watched.source.path, "url") if url else watched.source.path)
    place = f"{url}, {where}" if url else where
    remedy = "" if ": " in why else ": see whether it runs, or mend its address"
    return _Line(False, watched.agent.id, f"{why}{remedy} ({place})")
