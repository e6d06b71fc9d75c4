"""A thousand agents go dark at once: one page in each chat within seconds, every agent on demand, one recovery."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from bot.app import App
from bot.settings import load
from bot.wiring import discover_platforms
from tests import hostile
from tests.fakes.slack import Posted, fake_slack
from tests.fakes.telegram import fake_telegram
from tests.fakes.telegram_limits import Limits
from tests.fakes.telegram_values import Entry
from tests.wire import chats
from tests.wire.chats import ANA, Chats, Puppet

AGENTS, VENUES = 1_000, 10
INTERVAL, GROUP_WAIT, GOAL = 2.0, 1.0, 3.0
"""Seconds; the goal is from the incident, or its end, to the message in both chats, beyond the wait for others."""
MOST, MINUTE = 3, 60.0
"""Messages in a chat in the first minute, at most."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@contextlib.asynccontextmanager
async def fleet(folder: Path, url: str, puppet: Puppet) -> AsyncIterator[Chats]:
    """A desk with a thousand agents at one address, and both chats, which take no more than the real ones."""
    names = {f"agent-{number:04}": url for number in range(AGENTS)}
    venues = {name: f"venue-{number % VENUES}" for number, name in enumerate(names)}
    async with fake_telegram() as telegram, fake_slack() as slack:
        telegram.limits = Limits()
        telegram.start_private(ANA[0])
        slack.faults.rate = slack.faults.changes = (6, 1.0)
        file = chats.settings(
            folder, telegram, slack, names, interval=f"{INTERVAL:g}s", group_wait=f"{GROUP_WAIT:g}s", venues=venues
        )
        settings = load(*file)
        app = App(settings, platforms=[each for each in discover_platforms(settings) if each.name != "console"])
        await app.start()
        try:
            yield Chats(app, telegram, slack, puppet)
        finally:
            await app.stop()


async def told(desk: Chats, words: str) -> dict[str, float]:
    """When a new message with these words first stood in each room."""

    async def in_telegram() -> float:
        await desk.telegram.wait_for(lambda each: each.chat == desk.telegram.chat and words in each.text, 30)
        return time.time()

    async def in_slack() -> float:
        await desk.slack.wait_for(lambda each: each.via == "api" and words in each.reading, 30)
        return time.time()

    found = await asyncio.gather(in_telegram(), in_slack())
    return dict(zip(("telegram", "slack"), found, strict=True))


def news(desk: Chats) -> tuple[list[str], list[str]]:
    """How every message in either room begins, without answers and without edits."""
    room = desk.telegram.chat
    in_telegram = [each.text.partition("\n")[0] for each in desk.telegram.messages if each.chat == room]
    return in_telegram, [each.reading.partition("\n")[0] for each in desk.slack.messages if each.via == "api"]


async def listed(desk: Chats, of: str) -> tuple[set[str], set[str]]:
    """The agents that `/incident` names, page by page, in a private chat of Telegram and in Slack."""
    pages = AGENTS // 40

    async def in_telegram() -> set[str]:
        for page in range(1, pages + 1):
            desk.telegram.type(ANA[0], f"/incident {of} {page}", chat=ANA[0])
            await desk.telegram.wait_for(partial(_ends, f"page {page} of {pages}"), 30)
        return _named("\n".join(each.text for each in desk.telegram.messages if each.chat == ANA[0]))

    async def in_slack() -> set[str]:
        for page in range(1, pages + 1):
            await desk.slack.slash(ANA[1], "/incident", f"{of} {page}")
            await desk.slack.wait_for(partial(_ends, f"page {page} of {pages}"), 30)
        return _named("\n".join(each.reading for each in desk.slack.messages if each.via == "response_url"))

    in_one, in_other = await asyncio.gather(in_telegram(), in_slack())
    return in_one, in_other


def _ends(footer: str, answer: Entry | Posted) -> bool:
    return footer in (answer.text if isinstance(answer, Entry) else answer.reading)


def _named(text: str) -> set[str]:
    return set(re.findall(r"^agent-\d{4}", text, re.MULTILINE))


def show(line: str) -> None:
    print(f"\n{line}", end="")  # noqa: T201 - a measured figure


def said(of: dict[str, float], since: float) -> str:
    return ", ".join(f"{name} {at - since:.2f} s" for name, at in of.items())


async def test_a_thousand_agents_that_go_dark_are_one_page_and_one_recovery(tmp_path: Path) -> None:
    puppet = Puppet()
    async with contextlib.AsyncExitStack() as stack:
        alive = await stack.enter_async_context(contextlib.AsyncExitStack())
        agents = await alive.enter_async_context(hostile.serve(puppet.answer))
        desk = await stack.enter_async_context(fleet(tmp_path, agents.url, puppet))
        await desk.seen()
        assert news(desk) == ([], [])

        await alive.aclose()
        dark = time.time()
        paged = await told(desk, "Agent unreachable")
        await desk.settled(lambda: len(desk.app.desk.alerts()) == AGENTS, within=30)
        (status,) = desk.app.desk.incidents()
        opened, last = status.incident.opened, max(each.fired or 0.0 for each in status.alerts)
        show(f"dark: the incident opened {opened - dark:.2f} s after the outage, the last alert {last - dark:.2f} s")
        show(f"paged: {said(paged, dark)} after the outage, {said(paged, opened)} after the incident opened")
        assert max(paged.values()) - opened <= GROUP_WAIT + GOAL

        began = time.time()
        in_telegram, in_slack = await listed(desk, status.incident.id)
        assert in_telegram == in_slack == set(desk.app.desk.agents)
        show(f"listed: every agent by name in both chats, in {time.time() - began:.0f} s")

        await asyncio.sleep(max(0.0, dark + MINUTE - time.time()))
        for chat in news(desk):
            assert len(chat) <= MOST, chat
            assert chat[0] == f"🚨 CRITICAL · {AGENTS:,} agents · Agent unreachable"
            assert sum("CRITICAL" in each for each in chat) == 1
        before = news(desk)

        await stack.enter_async_context(hostile.serve(puppet.answer, int(agents.url.rpartition(":")[2])))
        back = time.time()
        recovered = await told(desk, f"{AGENTS:,} agents answer again after")
        past = await desk.app.store.of_incident(status.incident.id, AGENTS + 1)
        ended = max(each.resolved or 0.0 for each in past)
        show(f"back: the last alert ended after {ended - back:.2f} s; told {said(recovered, ended)} after that")
        show(f"told in the first minute: {before}")
        assert len(past) == AGENTS
        assert max(recovered.values()) - ended <= GOAL
        await desk.delivered()
        await asyncio.sleep(5)
        for chat, known in zip(news(desk), before, strict=True):
            assert [each.partition(" after ")[0] for each in chat[len(known) :]] == [
                f"✅ {AGENTS:,} agents answer again"
            ]
        assert desk.telegram.limits is not None
        assert (desk.telegram.limits.refused, desk.slack.faults.early) == (0, 0)
        assert desk.app.engine.dropped == 0
