"""Pages outlive servers that go wrong, outages and a desk that is killed: none is lost, few come twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from monitor.model import Agent
from monitor.ports import Change
from tests.fakes.slack import FakeSlack
from tests.hostile import closed_port
from tests.stores import a_sample, new_store
from tests.wire.siege import KINDS, Dice, Telegram, besieged_slack, besieged_telegram

ROOT = Path(__file__).parents[2]
PERSON, DIRECT = 1001, "D0ANA00001"


@dataclass(frozen=True)
class Siege:
    """How long and how hard."""

    pages: int
    pace: str
    kills: int
    outage: float
    """Seconds that each chat is away, once."""
    gap: tuple[float, float]
    """Seconds between two kills, at least and at most."""
    waits: tuple[int, int]
    within: float
    least: int
    """Times that each kind of trouble is met, in either chat, at least."""
    seed: int = 4


SHORT = Siege(30, "hurried", 3, 1.0, (1.5, 2.5), (1, 2), 75.0, 3)
LONG = Siege(300, "real", 10, 20.0, (20.0, 50.0), (1, 5), 880.0, 20)


class Chat(Protocol):
    """A server that can be gone."""

    async def away(self) -> None: ...

    async def back(self) -> None: ...


@dataclass
class Desk:
    """A desk that is killed and started anew."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    log: Path
    kills: list[float] = field(default_factory=list)
    """When, by the monotonic clock."""
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        environ = {**os.environ, **self.environ}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.arguments, cwd=ROOT, env=environ, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        assert self.process is not None
        assert self.process.returncode is None, "the desk ended by itself"
        self.kills.append(time.monotonic())
        self.process.kill()
        assert await self.process.wait() == -signal.SIGKILL


def _settings(folder: Path, telegram: Telegram, slack: FakeSlack, agents: int) -> tuple[Path, dict[str, str]]:
    """A desk whose agents are dark, each an incident of its own, in private chats."""
    file, dark = folder / "nightdesk.toml", closed_port()
    watched = "".join(
        f'[[agents]]\nid = "{_name(each)}"\nsource = {{ kind = "http", url = "{dark}" }}\n' for each in range(agents)
    )
    file.write_text(
        f'[desk]\ndatabase = "nightdesk.db"\ninterval = "2s"\n'
        f'[telegram]\nchat = {PERSON}\nbase_url = "{telegram.url}"\n'
        f'[slack]\nchannel = "{DIRECT}"\nbase_url = "{slack.url}"\n'
        f'[alerts]\ngroup_by = ["agent"]\ngroup_wait = "0s"\nspread = 0\n'
        f'[[policies]]\nname = "patient"\nsteps = []\n'
        f'[[people]]\nname = "ana"\nrole = "admin"\ntelegram = {PERSON}\nslack = "U0ANA"\n{watched}'
    )
    tokens = {"TELEGRAM_TOKEN": telegram.token, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    return file, tokens


def _name(number: int) -> str:
    return f"agent-{number:03}"


async def _seen_before(folder: Path, agents: int) -> None:
    """Let every agent have been well a minute ago, so that none is merely found dark."""
    names = [_name(number) for number in range(agents)]
    async with new_store(folder) as store:
        samples = [a_sample(name, time.time() - 60) for name in names]
        await store.commit(Change(agents=[Agent(name) for name in names], samples=samples))


def _pages(folder: Path) -> Counter[str]:
    """State -> how many pages of agents the outbox holds; the desk may write meanwhile."""
    query = (
        "SELECT state, count(*) FROM notifications WHERE kind = 'page' "
        "AND alert IN (SELECT id FROM incidents WHERE rule = 'agent_unreachable') GROUP BY state"
    )
    address = f"file:{folder / 'nightdesk.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=10)) as store:
        return Counter(dict(store.execute(query)))


def _pages_in(texts: Iterable[str]) -> dict[str, list[str]]:
    """Agent -> its pages as they stand in a chat, the first one first."""
    pages: dict[str, list[str]] = {}
    for text in texts:
        title = text.partition("\n")[0]
        if "CRITICAL · agent-" in title:
            pages.setdefault(title.split(" · ")[1], []).append(text)
    return pages


async def _outage(chat: Chat, seconds: float) -> None:
    await chat.away()
    await asyncio.sleep(seconds)
    await chat.back()


async def _kill(desk: Desk, plan: Siege) -> None:
    moments = random.Random(plan.seed)  # noqa: S311 -- a test that can be repeated
    for _ in range(plan.kills):
        await asyncio.sleep(moments.uniform(*plan.gap))
        await desk.kill()
        await desk.start()


async def _until(holds: Callable[[], bool], within: float) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - what it looks at is another process's
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _besieged(folder: Path, plan: Siege) -> AsyncIterator[tuple[Telegram, FakeSlack, dict[str, Dice], Desk]]:
    dice = {name: Dice(plan.seed + number, plan.waits) for number, name in enumerate(("telegram", "slack"))}
    await _seen_before(folder, plan.pages)
    async with (
        besieged_telegram(dice["telegram"], PERSON) as telegram,
        besieged_slack(dice["slack"], DIRECT) as slack,
    ):
        file, tokens = _settings(folder, telegram, slack, plan.pages)
        desk = Desk((sys.executable, "-m", "tests.wire.sieged", str(file), plan.pace), tokens, folder / "desk.log")
        await desk.start()
        try:
            yield telegram, slack, dice, desk
        finally:
            if desk.process is not None and desk.process.returncode is None:
                desk.process.kill()
                await desk.process.wait()


async def _withstand(folder: Path, plan: Siege) -> None:
    began = time.monotonic()
    async with _besieged(folder, plan) as (telegram, slack, dice, desk), asyncio.TaskGroup() as group:
        killing = group.create_task(_kill(desk, plan))
        share = plan.kills * plan.gap[0]
        outages: tuple[tuple[Chat, float], ...] = ((telegram, share / 3), (slack, share * 2 / 3))
        for chat, begins in outages:
            await asyncio.sleep(max(0.0, began + begins - time.monotonic()))
            await _outage(chat, plan.outage)
        await killing
        everything = Counter(done=2 * plan.pages)
        await _until(lambda: _pages(folder) == everything, began + plan.within - time.monotonic())
        taken = {
            "telegram": _pages_in(each.text for each in telegram.messages),
            "slack": _pages_in(each.reading for each in slack.messages),
        }
    _judge(plan, taken, dice, desk, time.monotonic() - began)


def _judge(
    plan: Siege, taken: Mapping[str, dict[str, list[str]]], dice: Mapping[str, Dice], desk: Desk, seconds: float
) -> None:
    print(f"\n{plan.pages} pages, {len(desk.kills)} kills, an outage of {plan.outage:g} s each, {seconds:.0f} s")  # noqa: T201 -- the figures are what it is for
    for name, pages in taken.items():
        thrown, extra = dice[name].thrown, [text for _, *more in pages.values() for text in more]
        met = ", ".join(f"{kind} {thrown[kind]}" for kind in KINDS)
        early = [each for each in dice[name].early if not _untold(each.asked, desk.kills)]
        bound = len(desk.kills) + thrown["reset after"]
        copies = f"{len(extra)} extra copies (at most {bound})"
        untold = len(dice[name].early) - len(early)
        print(f"{name}: {met}; {len(pages)} pages taken, {copies}, {len(early)} early (and {untold} untold)")  # noqa: T201 -- likewise
        assert set(pages) == {_name(number) for number in range(plan.pages)}
        assert len(extra) <= bound
        assert all("May be a repeat" in text for text in extra)
        assert early == []
        assert all(thrown[kind] >= plan.least for kind in KINDS)


def _untold(asked: float, kills: Iterable[float]) -> bool:
    """Whether the desk was killed while it heard that it must wait, before it could store that."""
    return any(abs(killed - asked) < 0.25 for killed in kills)


@pytest.mark.slow
async def test_no_page_is_lost_in_a_short_siege(tmp_path: Path) -> None:
    await _withstand(tmp_path, SHORT)


@pytest.mark.siege
@pytest.mark.timeout(1_000)
async def test_no_page_is_lost_in_a_long_siege(tmp_path: Path) -> None:
    await _withstand(tmp_path, LONG)
