"""An incident outlives the desk: what falls due over a restart, or while the desk is down, is done once, in its time."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts.alert import Kind, State
from monitor.alerts.plan import Plan, Policy, Rotation, Step
from monitor.desk import DeskError
from monitor.model import Agent
from monitor.ports import Observation
from tests.flow.night import EVENING, PEOPLE, Night, night

CHATS = ("telegram", "slack")
DEEP: dict[str, Any] = {"equity": 8_000.0}
POOR: dict[str, Any] = {"balance": 5.0}
DRAWDOWN = "🚨 CRITICAL · alpha · Drawdown over the limit"
PRIMARY = Rotation("primary", ("ana", "ben"), "daily", dt.time(15), dt.UTC, dt.date(2026, 9, 20))
"""It is 14:13 on the 21st: ana's turn for 46 more minutes."""
PLAN = Plan(CHATS, people={each.name: each.role for each in PEOPLE}, hold=0.0, rotations=(PRIMARY,))
VENUES = ("binance", "kraken", "okx")


def placed(agent: Agent) -> Agent:
    """Each agent on a venue of its own."""
    return replace(agent, labels={"venue": VENUES[int(agent.id[-1])]}) if agent.id[-1].isdigit() else agent


@contextlib.asynccontextmanager
async def watched(folder: Path, plan: Plan = PLAN, names: tuple[str, ...] = ("alpha",)) -> AsyncIterator[Night]:
    async with night(folder, names=names, plan=plan, chats=CHATS, change=placed) as desk:
        yield desk


def calls(desk: Night, since: float, chat: str = "telegram") -> list[tuple[float, list[str], str]]:
    """New messages in a chat: seconds after a time, whom they call, how they begin."""
    return [
        (each.time - since, each.called, each.message.title.partition(":")[0])
        for each in desk.heard
        if each.chat == chat and each.time >= since
    ]


async def test_the_steps_come_at_their_times_over_restarts_until_somebody_has_it(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.wait(200)
        await desk.restart()
        await desk.wait(200)
        await desk.stop()
        desk.clock.time += 490
        await desk.start()
        await desk.wait(2_000)
        await desk.restart()
        await desk.wait(110)
        print(calls(desk, fell))
        print(calls(desk, fell, "slack"))
        await desk.say("/ack", chat="slack")
        many = len(desk.heard)
        await desk.restart()
        await desk.wait(1_790, step=60)
        assert len(desk.heard) == many


async def test_a_lapsed_lease_asks_once_and_lets_others_be_called(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.say("/ack mine")
        await desk.wait(600, step=60)
        await desk.restart()
        await desk.wait(1_210)
        await desk.restart()
        await desk.wait(280)
        await desk.restart()
        await desk.wait(400)
        print(calls(desk, fell))


async def test_a_silence_that_ends_while_the_desk_is_down_is_followed_by_the_page(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.say("/silence agent=alpha 10m moving house")
        await desk.see(**DEEP)
        print(calls(desk, EVENING))
        await desk.stop()
        desk.clock.time += 3_600
        await desk.start()
        await desk.wait(1)
        print(calls(desk, EVENING))


async def test_group_wait(tmp_path: Path) -> None:
    async with watched(tmp_path, replace(PLAN, group_wait=60.0)) as desk:
        await desk.see(**DEEP)
        await desk.restart()
        await desk.wait(50)
        assert calls(desk, EVENING) == []
        await desk.restart()
        await desk.wait(10)
        print(calls(desk, EVENING))


async def test_spread(tmp_path: Path) -> None:
    names = ("agent-0", "agent-1", "agent-2")
    async with watched(tmp_path, replace(PLAN, group_wait=60.0), names) as desk:
        for name in names:
            await desk.see(name, after=5.0, **DEEP)
            await desk.restart()
        assert len(desk.desk.incidents()) == 3
        await desk.wait(60)
        (status,) = desk.desk.incidents()
        assert len(status.alerts) == 3
        print(calls(desk, EVENING))
        await desk.restart()
        for name in names:
            await desk.see(name, after=5.0)
        print(calls(desk, EVENING))


async def test_rotation(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        print(calls(desk, EVENING))
        await desk.see()
        await desk.say("/oncall take 1h", "ben")
        await desk.restart()
        await desk.see(**DEEP)
        print(calls(desk, EVENING))
        await desk.see()
        await desk.wait(3_600, step=60)
        await desk.see(**DEEP)
        print(calls(desk, EVENING))


async def test_hand_over(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.say("/ack")
        await desk.restart()
        (s,) = desk.desk.incidents()
        a = await desk.say(f"/handover {s.incident.id} ben you know it")
        print(a)
        await desk.restart()
        a = await desk.say(f"/unack {s.incident.id} I have to leave", "ben")
        print(a)
        await desk.restart()
        await desk.wait(300)
        print(calls(desk, fell))


async def test_drill(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        print(await desk.say("/drill"))
        await desk.restart()
        print(await desk.say("/drill"))
        print(await desk.say("/ack", "ben", "slack"))
        print(calls(desk, EVENING), calls(desk, EVENING, "slack"), desk.chats["telegram"].sent[-1], desk.chats["slack"].edits)
        print(desk.desk.incidents(), desk.desk.alerts())


async def test_orphan(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        for chat in desk.chats.values():
            chat.fail(1)
        await desk.see(**POOR, deliver=False)
        await desk.until(lambda: desk.chats["telegram"].refusals == 0)
        desk.platforms = ("slack",)
        await desk.restart()
        await desk.wait(10)
        print(calls(desk, EVENING), calls(desk, EVENING, "slack"))
