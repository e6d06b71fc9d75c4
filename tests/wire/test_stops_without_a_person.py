"""A stop without a person is announced, given once an episode, confirmed, told and in the audit: with real agents."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor import guard
from monitor.rule import DESK
from tests.wire.ordering import Agents, Ordering, agents, desk, own_control, settings

pytestmark = pytest.mark.slow

DRAWDOWN = 'when = "drawdown", over = "25%", notice = "500ms"'
UNHEARD = 'when = "unacknowledged", lasting = "1s", notice = "500ms"'
LOOKS = 10


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "EVERY", 0.1)


def watched(fleet: Agents, *stops: str, more: str = 'drawdown_limit = "off"\n') -> Path:
    written = ", ".join(f"{{ {each} }}" for each in stops)
    table = f'{own_control(fleet, "alpha")}stops = [{written}]\nconfirm_within = "2s"\n{more}'
    return settings(fleet, {"alpha": table})


async def looks(many: int = LOOKS) -> None:
    """Let what the desk does by itself look a few times more."""
    await asyncio.sleep(many * guard.EVERY)


def order_of(one: Ordering, *words: str) -> list[int]:
    """Where messages with these words in their titles stand among what was told."""
    return [next(at for at, title in enumerate(one.titles()) if each in title) for each in words]


async def test_a_deep_drawdown_is_announced_then_paused_once_and_told_and_a_person_who_resumes_it_is_not_overruled(
    tmp_path: Path,
) -> None:
    async with agents(tmp_path, alpha="honest") as fleet:
        file = watched(fleet, DRAWDOWN)
        async with desk(file) as one:
            fleet.say("alpha", equity=7_000.0)
            announced = await one.told("alpha will be paused in 500 ms, without a person, for its drawdown")
            assert (announced.text, announced.loud) == (
                "Cause: drawdown 30.0%, limit 25.0%. Its settings say so.",
                True,
            )
            done = await one.told("alpha is paused, without a person: confirmed after")
            assert done.text == "Cause: drawdown 30.0%, limit 25.0%."
            assert order_of(one, "will be paused", "is paused, without a person") == sorted(
                order_of(one, "will be paused", "is paused, without a person")
            )
            entries = await one.audit("pause alpha")
            assert [(each.user, each.outcome) for each in entries] == [
                (DESK, "announced"),
                (DESK, "acted"),
                (DESK, "confirmed"),
            ]
            assert all("drawdown 30.0%, limit 25.0%" in each.detail for each in entries)
        async with desk(file) as one:
            await looks()
            assert fleet.heard("alpha") == ["pause"]
            pause = one.pause()
            assert pause is not None
            assert (pause.by, pause.cause) == (DESK, "drawdown 30.0%, limit 25.0%")
            question, answer = await one.sure("/resume alpha")
            assert {row[0]: row[1] for row in question.tables[0].rows}["Drawdown"].startswith("30.0%")
            assert answer.title.startswith("alpha is running again")
            await looks()
        async with desk(file) as one:
            await looks()
            assert fleet.heard("alpha") == ["pause", "resume"]
            assert one.pause() is None
            assert not any("without a person" in each for each in one.titles())


async def test_a_dry_run_orders_nothing_and_says_what_it_would_have_done(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="honest") as fleet, desk(watched(fleet, f"{DRAWDOWN}, dry_run = true")) as one:
        fleet.say("alpha", equity=7_000.0)
        await one.told("Dry run: alpha would be paused in 500 ms, without a person, for its drawdown")
        told = await one.told("Dry run: alpha would have been paused now, for its drawdown")
        assert told.text == "Cause: drawdown 30.0%, limit 25.0%."
        await looks()
        assert fleet.heard("alpha") == []
        assert [each.outcome for each in await one.audit("pause alpha")] == ["announced", "would act"]


async def test_a_page_that_nobody_acknowledges_in_time_pauses_the_agent(tmp_path: Path) -> None:
    async with (
        agents(tmp_path, alpha="honest") as fleet,
        desk(watched(fleet, UNHEARD, more='drawdown_limit = "15%"\n')) as one,
    ):
        fleet.say("alpha", equity=8_000.0)
        await one.told("CRITICAL · alpha · Drawdown over the limit")
        await one.told("alpha will be paused in 500 ms, without a person, for a page that nobody acknowledged")
        await one.told("alpha is paused, without a person: confirmed after")
        assert fleet.heard("alpha") == ["pause"]
        (*_, last) = await one.audit("pause alpha")
        assert "a CRITICAL page not acknowledged" in last.detail


@pytest.mark.parametrize("when", ["before it is announced", "after it was announced"])
async def test_an_acknowledgement_in_time_prevents_it(tmp_path: Path, when: str) -> None:
    stop = UNHEARD.replace('"1s"', '"2s"').replace("500ms", "2s")
    async with (
        agents(tmp_path, alpha="honest") as fleet,
        desk(watched(fleet, stop, more='drawdown_limit = "15%"\n')) as one,
    ):
        fleet.say("alpha", equity=8_000.0)
        await one.told("CRITICAL · alpha · Drawdown over the limit")
        if when.startswith("after"):
            await one.told("alpha will be paused in 2 s")
        assert (await one.give("/ack looking")).title.startswith("Acknowledged by ana")
        if when.startswith("after"):
            await one.told("after all")
        await looks(25 if when.startswith("after") else 45)
        assert fleet.heard("alpha") == []
        assert one.pause() is None


async def test_a_stop_that_the_agent_does_not_obey_is_told_as_such_and_given_once(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="deaf") as fleet, desk(watched(fleet, DRAWDOWN)) as one:
        fleet.say("alpha", equity=7_000.0)
        told = await one.told("alpha was to be paused, without a person, and is NOT: unconfirmed")
        assert told.loud
        await one.told("CRITICAL · alpha · Order not obeyed")
        await looks()
        assert fleet.heard("alpha") == ["pause"]
        assert [each.outcome for each in await one.audit("pause alpha")] == ["announced", "acted", "unconfirmed"]


async def test_a_stop_comes_back_for_an_agent_that_was_dead_when_it_was_to_be_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard.Guard.__init__, "__defaults__", (0.3,))
    async with agents(tmp_path, alpha="forgetful") as fleet, desk(watched(fleet, DRAWDOWN)) as one:
        fleet.say("alpha", equity=7_000.0)
        await one.told("alpha will be paused in 500 ms")
        await fleet.kill("alpha")
        told = await one.told("alpha was to be paused, without a person, and is NOT: refused")
        assert "it got no order" in told.text
        await fleet.again("alpha")
        await one.told("alpha is paused, without a person: confirmed after")
        assert fleet.heard("alpha") == ["pause"]
        assert one.titles().count("alpha was to be paused, without a person, and is NOT: refused") == 1
