"""An incident outlives the desk: what falls due over a restart, or while the desk is down, is done in its time."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts.alert import State
from monitor.alerts.plan import Plan, Rotation
from monitor.model import Agent
from tests.flow.night import EVENING, PEOPLE, Night, night

CHATS = ("telegram", "slack")
DEEP: dict[str, Any] = {"equity": 8_000.0}
POOR: dict[str, Any] = {"balance": 5.0}
DOWN: dict[str, Any] = {"error": "connection refused"}
PAGE = "🚨 CRITICAL · alpha · Drawdown over the limit"
AGAIN = "🚨 Still not acknowledged, "
PRIMARY = Rotation("primary", ("ana", "ben"), "daily", dt.time(15), dt.UTC, dt.date(2026, 9, 20))
"""The evening begins at 14:13 UTC: it is ana's turn for 47 more minutes, then ben's."""
PLAN = Plan(CHATS, people={each.name: each.role for each in PEOPLE}, hold=0.0, rotations=(PRIMARY,))
VENUES = {"alpha": "binance", "beta": "kraken", "gamma": "okx"}


def placed(agent: Agent) -> Agent:
    return replace(agent, labels={"venue": VENUES[agent.id]})


@contextlib.asynccontextmanager
async def watched(folder: Path, plan: Plan = PLAN, names: tuple[str, ...] = ("alpha",)) -> AsyncIterator[Night]:
    """A calm night of agents on a venue each, told of in two chats."""
    async with night(folder, names=names, plan=plan, chats=CHATS, change=placed) as desk:
        yield desk


def calls(desk: Night, since: float = EVENING, chat: str = "telegram") -> list[tuple[float, str, list[str]]]:
    """New messages in a chat: seconds after a time, how they begin, whom they call."""
    return [
        (each.time - since, each.message.title.partition(": ")[0], each.called)
        for each in desk.heard
        if each.chat == chat and each.time >= since
    ]


async def test_the_steps_come_at_their_times_over_restarts_until_somebody_has_it(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.wait(200)
        await desk.restart()
        await desk.wait(600)
        await desk.stop()
        desk.clock.time += 99
        await desk.start()
        await desk.wait(1)
        await desk.restart()
        await desk.wait(1_800, step=60)
        everybody = ["ana", "ben"]
        for chat in CHATS:
            assert calls(desk, fell, chat) == [
                (0, PAGE, ["ana"]),
                (300, f"{AGAIN}5 m after its page", ["ana"]),
                (900, f"{AGAIN}15 m after its page", everybody),
                (2_700, f"{AGAIN}45 m after its page", everybody),
            ]
        answer = await desk.say("/ack", chat="slack")
        assert answer.title.startswith("Acknowledged by ana")
        many = len(desk.heard)
        await desk.restart()
        await desk.wait(1_790, step=60)
        assert len(desk.heard) == many


async def test_a_step_that_fell_due_while_the_desk_was_down_is_taken_once_it_is_up(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.stop()
        desk.clock.time += 7_200
        await desk.start()
        await desk.wait(1)
        await desk.wait(600)
        assert calls(desk, fell) == [(0, PAGE, ["ana"]), (7_201, f"{AGAIN}2 h after its page", ["ana", "ben"])]


async def test_a_lapsed_lease_asks_once_and_lets_others_be_called(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.say("/ack mine")
        await desk.wait(600, step=60)
        await desk.restart()
        await desk.wait(1_200, step=60)
        await desk.restart()
        await desk.wait(290)
        assert (await desk.say("/alerts")).fields[0].value.count("asked at") == 1
        await desk.restart()
        await desk.wait(310)
        assert calls(desk, fell) == [
            (0, PAGE, ["ana"]),
            (1_800, "🚨 Still on it, ana? alpha · Drawdown over the limit", ["ana"]),
            (2_100, "🚨 ana did not say to be still on it", ["ana"]),
            (2_400, f"{AGAIN}40 m after its page", ["ana"]),
        ]
        assert [each.state for each in desk.desk.alerts()] == [State.FIRING]


async def test_a_silence_that_ends_while_the_desk_is_down_is_followed_by_the_page(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.say("/silence agent=alpha 10m moving house")
        await desk.see(**DEEP)
        fell = desk.clock.time
        assert calls(desk) == []
        assert [(each.chat, each.message.title) for each in desk.heard] == [
            ("slack", "ana silenced agent alpha until 14:24 UTC")
        ]
        await desk.stop()
        desk.clock.time += 3_600
        await desk.start()
        await desk.wait(1)
        for chat in CHATS:
            assert calls(desk, fell, chat) == [(3_601, PAGE, ["ben"])]
        (why,) = (each.value for each in desk.chat.sent[-1][1].fields if each.label == "Why now")
        assert why.startswith("until now silenced: silenced by ana: moving house")


async def test_a_wait_for_others_that_a_restart_interrupts_still_ends_in_a_page(tmp_path: Path) -> None:
    async with watched(tmp_path, replace(PLAN, group_wait=60.0)) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.restart()
        await desk.wait(50)
        await desk.restart()
        assert calls(desk) == []
        await desk.wait(10)
        assert calls(desk, fell) == [(60, PAGE, ["ana"])]


@pytest.mark.slow
async def test_what_comes_from_three_venues_is_one_page_though_a_restart_lies_between(tmp_path: Path) -> None:
    async with watched(tmp_path, replace(PLAN, group_wait=60.0), tuple(VENUES)) as desk:
        fell = desk.clock.time
        for name in VENUES:
            await desk.see(name, after=10.0, **DEEP)
            await desk.restart()
        assert len(desk.desk.incidents()) == 3
        await desk.wait(60)
        await desk.restart()
        (status,) = desk.desk.incidents()
        listed = await desk.say(f"/incident {status.incident.id}")
        assert [row[0] for row in listed.tables[0].rows] == list(VENUES)
        for name in VENUES:
            await desk.see(name, after=10.0)
            await desk.restart()
        assert [(at, title) for at, title, _ in calls(desk, fell)] == [
            (70, "🚨 CRITICAL · 3 agents · Drawdown over the limit"),
            (120, "✅ 3 agents are back within their drawdown limit after 1 m 50 s"),
        ]


async def test_whoever_is_on_duty_is_called_also_by_an_override_that_outlives_the_desk(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        await desk.see()
        assert (await desk.say("/oncall take 30m", "ben")).title != "Not done"
        await desk.restart()
        await desk.see(**DEEP)
        await desk.see()
        await desk.restart()
        await desk.see(after=1_800.0, **DEEP)
        await desk.see()
        await desk.restart()
        await desk.see(after=1_800.0, **DEEP)
        assert [called for _, title, called in calls(desk) if title == PAGE] == [["ana"], ["ben"], ["ana"], ["ben"]]


async def test_what_is_handed_over_and_let_go_calls_whom_it_should(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        await desk.see(**DEEP)
        fell = desk.clock.time
        await desk.say("/ack")
        await desk.restart()
        of = desk.desk.incidents()[0].incident.id
        handed = await desk.say(f"/handover {of} ben you know it")
        assert handed.title == "ben has it: alpha · Drawdown over the limit"
        await desk.restart()
        assert desk.desk.incidents()[0].incident.acknowledged_by == "ben"
        assert (await desk.say(f"/unack {of} I have to leave", "ben")).title.startswith("Open again")
        await desk.restart()
        await desk.wait(300)
        for chat in CHATS:
            assert calls(desk, fell, chat) == [
                (0, PAGE, ["ana"]),
                (0, "🚨 ana hands it over to ben", ["ben"]),
                (0, "🚨 ben let it go", ["ana"]),
                (300, f"{AGAIN}5 m after its page", ["ana"]),
            ]


async def test_a_drill_reaches_every_chat_and_ends_with_its_acknowledgement(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        began = desk.clock.time
        await desk.say("/drill")
        await desk.restart()
        await desk.wait(20)
        assert "under way" in (await desk.say("/drill")).text
        answer = await desk.say("/ack", "ben", "slack")
        assert answer.title.startswith("Acknowledged by ben")
        assert answer.buttons == (), "nothing is left to do about it"
        for chat in CHATS:
            assert calls(desk, began, chat) == [
                (0, "🚨 CRITICAL · nightdesk · Drill", ["ana"]),
                (20, "✅ nightdesk has ended its drill after 20 s", []),
            ]
        assert desk.heard[-1].message.text == "Acknowledged by ben 20 s after it fired."
        await desk.restart()
        assert desk.desk.incidents() == ()
        assert (await desk.say("/drill")).title.startswith("A test page is on its way")


async def test_a_page_on_its_way_to_a_channel_that_is_gone_goes_to_one_that_is_there(tmp_path: Path) -> None:
    async with watched(tmp_path) as desk:
        desk.chats["telegram"].fail(1)
        await desk.see(**POOR, deliver=False)
        await desk.until(lambda: desk.chats["telegram"].refusals == 0)
        fell = desk.clock.time
        desk.platforms = ("slack",)
        await desk.restart()
        await desk.wait(5)
        assert desk.told(fell) == [(5.0, "⚠️ WARN · alpha · Balance low")]
        assert desk.heard[-1].chat == "slack"
        await desk.see()
        assert [each.chat for each in desk.heard] == ["slack", "slack"]
        assert desk.heard[-1].message.title == "✅ alpha has enough balance again after 35 s"


NIGHT = [
    (11, "🚨 CRITICAL · 3 agents · Agent unreachable", ["ana"]),
    (86, "⚠️ WARN · alpha · Balance low", []),
    (96, "✅ 3 agents answer again after 1 m 35 s", []),
    (96, "⚠️ WARN · beta · Balance low", []),
    (101, "⚠️ WARN · gamma · Balance low", []),
    (166, "✅ alpha has enough balance again after 1 m 30 s", []),
    (216, "⚠️ alpha · Balance low comes and goes", []),
    (261, "✅ beta has enough balance again after 2 m 55 s", []),
    (266, "✅ gamma has enough balance again after 2 m 50 s", []),
    (286, "🚨 CRITICAL · gamma · Drawdown over the limit", ["ana"]),
    (586, f"{AGAIN}5 m after its page", ["ana"]),
    (586, "🚨 CRITICAL · beta · Drawdown over the limit", ["ana"]),
    (886, f"{AGAIN}5 m after its page", ["ana"]),
    (886, "⚠️ WARN · alpha · Balance low", []),
    (1_226, "🚨 Still on it, ben? gamma · Drawdown over the limit", ["ben"]),
    (1_286, "🚨 ben did not say to be still on it", ["ana"]),
    (1_356, "✅ alpha has enough balance again after 18 m 20 s", []),
    (1_366, "✅ beta is back within its drawdown limit after 18 m 25 s", []),
    (1_376, "✅ gamma is back within its drawdown limit after 18 m 30 s", []),
]
"""Three agents go dark and come back poor, one of them flaps, one is silenced, one is forgotten."""


@pytest.mark.slow
@pytest.mark.parametrize("broken", [True, False], ids=["a restart after each turn", "no restart"])
async def test_a_night_of_everything_is_told_the_same_with_and_without_restarts(broken: bool, tmp_path: Path) -> None:
    plan = replace(PLAN, group_wait=5.0, hold=300.0, lease=600.0, answer_within=60.0)
    async with watched(tmp_path, plan, tuple(VENUES)) as desk:
        began = desk.clock.time

        async def turn(agent: str, after: float, **says: Any) -> None:
            await desk.see(agent, after=after, **says)
            if broken:
                await desk.restart()

        async def rest(seconds: float) -> None:
            for _ in range(3):
                await desk.wait(seconds / 3, step=5.0 if seconds < 100 else 20.0)
                if broken:
                    await desk.restart()

        for name in VENUES:
            await turn(name, 1, **DOWN)
            await turn(name, 1, **DOWN)
        await rest(60)
        await desk.say("/ack all of them")
        for name in VENUES:
            await turn(name, 10, **POOR)
        await rest(60)
        for _ in range(5):
            await turn("alpha", 10)
            await turn("alpha", 10, **POOR)
        await desk.say("/silence agent=beta 5m known")
        await turn("beta", 5, **DEEP)
        await turn("gamma", 5, **DEEP)
        await rest(360)
        await desk.say(f"/ack {next(each.id for each in desk.desk.alerts() if each.agent == 'gamma')}", "ben")
        await rest(720)
        for name in VENUES:
            await turn(name, 10)
        await rest(600)
        assert calls(desk, began) == NIGHT
        slack = [row for row in calls(desk, began, "slack") if "silenced" not in row[1]]
        assert slack == [row for row in NIGHT if not _warns(row[1])]


def _warns(title: str) -> bool:
    """Whether it is of the WARN kind, of which Slack does not hear where Telegram is there too."""
    return "alance" in title
