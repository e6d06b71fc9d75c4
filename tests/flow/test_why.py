"""What `/why` says of an alert over a real store: each decision in order, by whom, and with its reason."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Message
from monitor.alerts.plan import Plan, Route
from monitor.model import Agent
from tests.flow.night import PEOPLE, Night, night

CHATS = ("telegram", "slack")
DOWN: dict[str, Any] = {"error": "connection refused"}
POOR: dict[str, Any] = {"balance": 5.0}
DEEP: dict[str, Any] = {"equity": 8_000.0}
FIRED = "fired by nightdesk: alpha has a balance of 5.00 (minimum 100.00)"
FELL = "fired by nightdesk: alpha is 20.0% below its peak (limit 15.0%), equity 8,000.00"
PLAN = Plan(CHATS, people={each.name: each.role for each in PEOPLE}, hold=0.0)


def at_binance(agent: Agent) -> Agent:
    return replace(agent, labels={"venue": "binance"})


@contextlib.asynccontextmanager
async def told(folder: Path, plan: Plan = PLAN, names: tuple[str, ...] = ("alpha",)) -> AsyncIterator[Night]:
    """A calm night of agents on one venue, told of in two chats."""
    async with night(folder, names=names, plan=plan, chats=CHATS, change=at_binance) as desk:
        yield desk


async def why(desk: Night, agent: str = "alpha", rule: str = "low_balance") -> Message:
    """What `/why` answers about an agent's alert."""
    (alert,) = (each for each in desk.desk.alerts() if (each.agent, each.rule) == (agent, rule))
    return await desk.say(f"/why {alert.id}", "ben")


def story(message: Message) -> list[str]:
    """Its lines without their times, and with # for ids."""
    return [_mild(line.partition(" ")[2]) for line in message.text.splitlines()]


def field(message: Message, label: str) -> str | None:
    return next((_mild(each.value) for each in message.fields if each.label == label), None)


def _mild(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{8}\b", "#", text)


async def test_grouped_with_another_agent_of_the_same_venue(tmp_path: Path) -> None:
    async with told(tmp_path, replace(PLAN, group_wait=60.0), ("alpha", "beta")) as desk:
        await desk.see("beta", **POOR)
        await desk.see("alpha", **POOR)
        await desk.wait(30)
        message = await why(desk)
        assert message.title == "Why · alpha · Balance low"
        assert story(message) == [FIRED, "grouped by nightdesk: told with #, to telegram"]
        assert field(message, "Told with") == "incident #"
        assert field(message, "Told") == "30 s after it fired"


async def test_silenced_and_told_of_when_the_silence_ends(tmp_path: Path) -> None:
    async with told(tmp_path) as desk:
        await desk.say("/silence agent=alpha 10m moving house")
        await desk.see(**POOR)
        message = await why(desk)
        held_back = "silenced by nightdesk: silenced by ana: moving house (#)"
        assert story(message) == [FIRED, held_back]
        assert field(message, "Not told now") == "silenced: silenced by ana: moving house (#)"
        assert field(message, "Told") == "nobody yet"
        await desk.wait(570)
        message = await why(desk)
        assert story(message)[:3] == [FIRED, held_back, "silence ended by nightdesk: and it still stands"]
        assert story(message)[-1] == "paged by nightdesk: to telegram"
        assert field(message, "Not told now") is None
        assert field(message, "Told") == "9 m 30 s after it fired"


@pytest.mark.slow
async def test_inhibited_by_what_explains_it_and_told_of_when_that_is_over(tmp_path: Path) -> None:
    async with told(tmp_path, replace(PLAN, group_wait=60.0)) as desk:
        await desk.see(**POOR)
        for _ in range(3):
            await desk.see(**DOWN)
        await desk.wait(60)
        message = await why(desk)
        cause = "alpha has agent_unreachable (#), which explains it"
        assert story(message)[0] == FIRED
        assert story(message)[-1] == f"inhibited by nightdesk: {cause}"
        assert field(message, "Not told now") == f"inhibited: {cause}"
        assert [title for _, title in desk.told(0.0, "telegram")] == ["🚨 CRITICAL · alpha · Agent unreachable"]
        await desk.see(**POOR)
        await desk.wait(60)
        assert story(await why(desk))[-1] == "paged by nightdesk: to telegram"


async def test_held_as_a_duplicate_and_told_of_when_the_hold_ends(tmp_path: Path) -> None:
    async with told(tmp_path, replace(PLAN, hold=300.0)) as desk:
        await desk.see(**POOR)
        await desk.see()
        await desk.see(**POOR)
        message = await why(desk)
        held = "held by nightdesk: the same trouble was paged less than 300 s ago"
        assert story(message) == [FIRED, held]
        assert field(message, "Not told now") == "held: the same trouble was paged less than 300 s ago"
        await desk.wait(240)
        assert story(await why(desk)) == [
            FIRED,
            held,
            "joined by nightdesk: incident #",
            "paged by nightdesk: to telegram",
        ]


async def test_flapping(tmp_path: Path) -> None:
    async with told(tmp_path) as desk:
        for _ in range(3):
            await desk.see(**POOR)
            await desk.see()
        await desk.see(**POOR)
        message = await why(desk)
        said = "it comes and goes: quiet until it has kept one state for a while"
        assert story(message) == [FIRED, f"flapping by nightdesk: {said}"]
        assert field(message, "Not told now") == f"flapping: {said}"
        assert desk.told(desk.clock.time) == [(0.0, "⚠️ alpha · Balance low comes and goes")]


async def test_escalated_step_by_step_and_taken_in_hand(tmp_path: Path) -> None:
    async with told(tmp_path) as desk:
        await desk.see(**DEEP)
        await desk.wait(930)
        await desk.say("/ack looking")
        message = await why(desk, rule="drawdown")
        assert story(message) == [
            FELL,
            "paged by nightdesk: to telegram, slack",
            "escalated by nightdesk: not acknowledged 300 s after its page: step 2 of default, to everybody there",
            "escalated by nightdesk: not acknowledged 900 s after its page: step 3 of default, to ana, ben",
            "acknowledged by ana: looking",
        ]
        assert field(message, "Acknowledged") == "15 m 30 s after it fired"


async def test_delayed_by_a_chat_that_did_not_take_it(tmp_path: Path) -> None:
    async with told(tmp_path) as desk:
        desk.chats["telegram"].fail(1)
        await desk.see(**POOR, deliver=False)
        await desk.until(lambda: desk.chats["telegram"].refusals == 0)
        await desk.wait(252, step=252)
        message = await why(desk)
        assert story(message) == [
            FIRED,
            "paged by nightdesk: to telegram",
            "delayed by nightdesk: telegram took it 4 m 12 s after it was due",
        ]
        assert field(message, "Told") == "4 m 12 s after it fired"


async def test_failed_over_to_the_chat_that_works(tmp_path: Path) -> None:
    async with told(tmp_path, replace(PLAN, routes=(Route(("telegram",)),))) as desk:
        desk.chats["telegram"].fail(2)
        await desk.see(**DEEP, deliver=False)
        await desk.until(lambda: desk.chats["telegram"].refusals == 1)
        await desk.wait(70, step=70, deliver=False)
        await desk.until(lambda: desk.chats["slack"].sent)
        assert "Why here" in {each.label for each in desk.chats["slack"].sent[0][1].fields}
        await desk.until(lambda: desk.chats["telegram"].refusals == 0)
        await desk.wait(60, step=60)
        assert story(await why(desk, rule="drawdown")) == [
            FELL,
            "paged by nightdesk: to telegram",
            "sent elsewhere by nightdesk: to slack: telegram took nothing within 60 s",
            "delayed by nightdesk: telegram took it 2 m 10 s after it was due",
        ]


async def test_handed_over_says_by_whom_also_where_nobody_had_it_before(tmp_path: Path) -> None:
    async with told(tmp_path) as desk:
        await desk.see(**DEEP)
        of = desk.desk.incidents()[0].incident.id
        await desk.say(f"/handover {of} ben")
        assert story(await why(desk, rule="drawdown"))[-1] == "handed over by ana: to ben"
        await desk.wait(1)
        await desk.say(f"/handover {of} ana")
        lines = story(await why(desk, rule="drawdown"))
        assert [each for each in lines if each.startswith("handed over")] == [
            "handed over by ana: to ben",
            "handed over by ana: ana",
        ]
