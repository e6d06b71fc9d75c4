from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.app import App
from bot.platforms.memory import Memory
from bot.routine import Routine, digest
from bot.settings import SettingsError, load
from bot.wiring import discover_platforms
from monitor.alerts.alert import State
from tests import hostile
from tests.fakes.slack import FakeSlack, fake_slack
from tests.fakes.telegram import FakeTelegram, fake_telegram
from tests.stores import T0, an_alert
from tests.wire.chats import HURRIED, Puppet, settings

EVERY = 3.0
"""Seconds between two pings."""


@dataclass
class Watched:
    """A desk with both chats that says how it is, and a switch that is pinged."""

    app: App
    telegram: FakeTelegram
    slack: FakeSlack
    puppet: Puppet
    database: Path
    client: httpx.AsyncClient
    pings: list[float] = field(default_factory=list)
    healing: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def health(self) -> tuple[int, dict[str, Any]]:
        answer = await self.client.get("/health")
        return answer.status_code, answer.json()

    async def until(self, holds: Callable[[int, dict[str, Any]], bool], within: float) -> dict[str, Any]:
        async with asyncio.timeout(within):
            while True:
                status, body = await self.health()
                if holds(status, body):
                    return body
                await asyncio.sleep(0.05)

    async def pinged(self, count: int, within: float) -> None:
        async with asyncio.timeout(within):
            while len(self.pings) < count:  # noqa: ASYNC110 - the server has no event to wait for
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def desk(folder: Path, more: str = "", failover_after: str = "60s") -> AsyncIterator[Watched]:
    """`more`: tables for the settings file."""
    pings: list[float] = []
    puppet = Puppet()

    async def take(_request: hostile.Request, writer: asyncio.StreamWriter) -> None:
        pings.append(asyncio.get_running_loop().time())
        writer.write(hostile.response(b"OK"))

    async with (
        fake_telegram() as telegram,
        fake_slack() as slack,
        hostile.serve(puppet.answer) as agent,
        hostile.serve(take) as switch,
    ):
        file, environ = settings(folder, telegram, slack, {"alpha": agent.url})
        own = f'[desk]\ndead_mans_switch = "{switch.url}/ping"\ndead_mans_every = "{EVERY:g}s"\n'
        text = file.read_text().replace("[alerts]\n", f'[alerts]\nfailover_after = "{failover_after}"\n')
        file.write_text(text.replace("[desk]\n", own) + '[web]\nlisten = "127.0.0.1:0"\n' + more)
        chosen = load(file, environ)
        platforms = [each for each in discover_platforms(chosen) if each.name != "console"]
        for each in platforms:
            vars(each)["_pace"] = HURRIED[each.name]()
            vars(each)["_patience"] = 2.0
        app = App(chosen, platforms=platforms)
        try:
            await app.start()
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{app.port}", trust_env=False, timeout=10
            ) as client:
                watched = Watched(app, telegram, slack, puppet, folder / "nightdesk.db", client, pings)
                async with watched.healing:
                    yield watched
        finally:
            await app.stop()


async def freeze(watched: Watched) -> None:
    watched.app.engine._scheduler.pause()
    watched.healing.callback(watched.app.engine._scheduler.resume)


async def lock(watched: Watched) -> None:
    other = sqlite3.connect(watched.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    watched.healing.callback(other.close)


async def cut(watched: Watched) -> None:
    for chat in (watched.telegram, watched.slack):
        await chat.away()
        watched.healing.push_async_callback(chat.back)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "why"),
    [(freeze, "no agent has been polled for"), (lock, "database"), (cut, "no chat can be relied on")],
    ids=["the engine is frozen", "the store is broken", "both chats are down"],
)
async def test_a_desk_that_does_not_truly_work_is_no_longer_pinged_for_and_says_why(
    broken: Callable[[Watched], Awaitable[None]], why: str, tmp_path: Path
) -> None:
    async with desk(tmp_path) as watched:
        await watched.until(lambda status, _body: status == 200, 20)
        await watched.pinged(2, 20)
        await broken(watched)
        since = asyncio.get_running_loop().time()
        await watched.until(lambda status, body: status == 503 and why in body["why"], 2 * EVERY)
        assert (await watched.client.get("/live")).status_code == 200
        await asyncio.sleep(max(0.0, since + 4 * EVERY - asyncio.get_running_loop().time()))
        assert [at for at in watched.pings if at > since + 2 * EVERY] == []
        assert (await watched.health())[0] == 503
        known = len(watched.pings)
        await watched.healing.aclose()
        await watched.until(lambda status, _body: status == 200, 60)
        await watched.pinged(known + 1, 3 * EVERY)


async def test_a_desk_says_how_it_is_from_its_start_on_and_what_its_chats_are(tmp_path: Path) -> None:
    async with desk(tmp_path) as watched:
        body = await watched.until(lambda status, _body: status == 200, 20)
        assert body["checks"] == dict.fromkeys(("start", "engine", "desk", "database", "telegram", "slack"), "ok")
        assert (await watched.client.get("/ready")).status_code == 200
        await watched.pinged(1, 10)
        text = (await watched.client.get("/metrics")).text
        assert "nightdesk_healthy 1.0" in text
        assert 'nightdesk_chat_up{platform="telegram"} 1.0' in text
        assert 'nightdesk_chat_heard_seconds{platform="telegram"}' in text
        secrets = [watched.telegram.token, *watched.slack.secrets, "/ping"]
        assert [each for each in secrets if each in text + str(body)] == []


@pytest.mark.slow
async def test_a_frozen_engine_is_told_by_the_desk_itself(tmp_path: Path) -> None:
    async with desk(tmp_path) as watched:
        await watched.until(lambda status, _body: status == 200, 20)
        await freeze(watched)
        await watched.telegram.wait_for(lambda entry: "The desk is late" in entry.text, timeout=40)
        (alert,) = watched.app.desk.alerts()
        assert (alert.agent, alert.rule, alert.state) == ("nightdesk", "desk_late", State.FIRING)
        assert "the desk did nothing at all for" in alert.reason


@pytest.mark.slow
async def test_a_page_that_its_chat_does_not_take_in_time_goes_to_the_other(tmp_path: Path) -> None:
    more = '[[routes]]\nseverity = "critical"\nto = ["telegram"]\n'
    async with desk(tmp_path, more, failover_after="2s") as watched:
        await watched.until(lambda status, _: status == 200 and watched.app.desk.status()[0].answered is not None, 20)
        await watched.telegram.away()
        watched.healing.push_async_callback(watched.telegram.back)
        watched.puppet.says["equity"] = 8_000.0
        await watched.slack.wait_for(lambda posted: "Drawdown over the limit" in posted.reading, timeout=30)
        await watched.healing.aclose()
        await watched.telegram.wait_for(lambda entry: "Drawdown over the limit" in entry.text, timeout=60)


def alone(folder: Path, listen: str) -> App:
    """A desk with a terminal and an agent that is not there."""
    file = folder / "nightdesk.toml"
    file.write_text(
        f'[desk]\ndatabase = "nightdesk.db"\n[web]\nlisten = "{listen}"\n'
        '[[people]]\nname = "ana"\nrole = "admin"\nconsole = "ana"\n'
        '[[agents]]\nid = "alpha"\nsource = { kind = "http", url = "http://127.0.0.1:9" }\n'
    )
    return App(load(file, {}), platforms=[Memory("console")])


async def test_a_port_that_is_taken_is_one_sentence_before_anything_else_begins(tmp_path: Path) -> None:
    async with hostile.serve(hostile.tells({})) as other:
        listen = other.url.removeprefix("http://")
        app = alone(tmp_path, listen)
        with pytest.raises(SettingsError) as raised:
            await app.start()
    assert str(raised.value) == (
        f"nightdesk.toml:4: web.listen: {listen} cannot be listened at (Address already in use): "
        "choose another port, or end the program that has it."
    )
    assert not (tmp_path / "nightdesk.db").exists()


async def test_a_desk_with_a_terminal_alone_pages_there_and_is_well(tmp_path: Path) -> None:
    app = alone(tmp_path, "127.0.0.1:0")
    try:
        await app.start()
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(20):
            while (answer := await client.get(f"http://127.0.0.1:{app.port}/health")).status_code != 200:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.05)
        assert answer.json()["checks"]["console"] == "ok"
    finally:
        await app.stop()


async def test_what_comes_by_the_calendar_comes_once_also_across_a_restart(tmp_path: Path) -> None:
    app = alone(tmp_path, "127.0.0.1:0")
    await app.start()
    try:
        due = app.desk.now()
        await app.desk.drill("ana")
        for _ in range(2):
            routine = Routine(app.desk, app.store, app.outbox.wake, drill=lambda _now: due, digest=lambda _now: due)
            await routine.look()
            await routine.look()
        (drill,) = [each for each in app.desk.alerts() if each.rule == "drill"]
        assert "ana" in drill.reason
        chat = app.platforms["console"]
        assert isinstance(chat, Memory)
        await chat.wait_for(lambda said: said.title == "The last 24 h: nothing happened")
        async with asyncio.timeout(10):
            while (await app.store.undelivered())[0]:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)
        assert len([said for _, said in chat.sent if said.title.startswith("The last 24 h")]) == 1
    finally:
        await app.stop()


async def test_a_drill_that_is_due_is_held_and_left_out_while_one_is_under_way(tmp_path: Path) -> None:
    app = alone(tmp_path, "127.0.0.1:0")
    await app.start()
    try:
        times = [app.desk.now()]
        routine = Routine(app.desk, app.store, app.outbox.wake, drill=lambda _now: times[-1], digest=None)
        await routine.look()
        (drill,) = [each for each in app.desk.alerts() if each.rule == "drill"]
        times.append(app.desk.now() + 0.001)
        await routine.look()
        assert [each.id for each in app.desk.alerts() if each.rule == "drill"] == [drill.id]
    finally:
        await app.stop()


def test_a_digest_names_every_alert_once_and_is_bounded() -> None:
    alerts = [replace(an_alert(f"agent-{number}", opened_at=T0 + number), resolved=T0 + 90) for number in range(31)]
    (row,) = digest(alerts, {}, ["telegram"], T0 + 100)
    assert row.body["title"] == "The last 24 h: 31 alerts"
    lines = str(row.body["text"]).splitlines()
    assert lines[0].endswith("CRITICAL agent-0: drawdown, over after 1 m 30 s")
    assert (len(lines), lines[-1]) == (31, "and 1 more")
    (still,) = digest([an_alert()], {}, ["telegram"], T0)
    assert str(still.body["text"]).endswith("still open")
