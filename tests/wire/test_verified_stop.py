"""A pause is what the agent does, not what it answers: real agents that lie, forget, die, and are un-paused."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from monitor.model import Severity
from tests.hostile import closed_port
from tests.wire.ordering import ANA, BEN, Program, agents, desk, own_control, program, settings

SLOW = pytest.mark.slow


@pytest.mark.slow
async def test_an_honest_agent_is_confirmed_by_its_own_report(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="honest") as fleet, desk(settings(fleet)) as one:
        answer = await one.give("/pause alpha losing money")
        assert answer.title.startswith("alpha is paused: confirmed by alpha after")
        assert (await fleet.ask("alpha"))["paused"] is True
        question, answer = await one.sure("/resume alpha")
        assert "The pause says: losing money." in question.title
        assert answer.title.startswith("alpha is running again")
        assert fleet.heard("alpha") == ["pause", "resume"]
        assert one.alerts() == []


@SLOW
async def test_an_agent_that_says_yes_and_trades_on_is_not_confirmed_and_pages(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="deaf") as fleet, desk(settings(fleet)) as one:
        answer = await one.give("/pause alpha")
        assert answer.title == "NOT confirmed within 1 s: alpha still reports running"
        assert answer.loud
        assert fleet.heard("alpha") == ["pause"]
        await one.told("CRITICAL · alpha · Order not obeyed")
        (alert,) = one.app.desk.alerts()
        assert (alert.severity, alert.reason) == (
            Severity.CRITICAL,
            "alpha reports running, though ana ordered pause",
        )


@SLOW
async def test_an_agent_that_says_paused_and_opens_positions_is_not_confirmed(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="trading") as fleet, desk(settings(fleet)) as one:
        answer = await one.give("/pause alpha")
        assert (await fleet.ask("alpha"))["paused"] is True
        assert answer.title.startswith("NOT confirmed within 1 s: alpha reports paused")
        await one.told("CRITICAL · alpha · Order not obeyed")
        assert one.alerts() == ["alpha reports paused and trades on, though ana ordered pause"]


@pytest.mark.slow
async def test_an_agent_that_opens_a_position_long_after_it_was_confirmed_is_caught(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="later") as fleet, desk(settings(fleet)) as one:
        assert (await one.give("/pause alpha")).title.startswith("alpha is paused: confirmed")
        assert one.alerts() == []
        fleet.say("alpha", opens=True)
        await one.told("CRITICAL · alpha · Order not obeyed")
        assert "reports paused and yet has opened" in one.alerts()[0]


@SLOW
async def test_a_pause_outlives_a_killed_desk_and_a_killed_agent_that_forgot_it(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="forgetful") as fleet:
        file = settings(fleet, {"alpha": own_control(fleet, "alpha") + 'confirm_within = "2s"\n'})
        async with program(file) as first:
            await _watching(first, "alpha")
            first.type("/pause alpha venue is mad")
            await first.see("alpha is paused: confirmed by alpha")
            await first.kill()
        await fleet.kill("alpha")
        await fleet.again("alpha")
        assert (await fleet.ask("alpha"))["paused"] is False
        async with program(file) as second:
            shown = await second.see("alpha is paused again, without a person: confirmed")
            assert "Cause: alpha began anew and was not paused." in await second.see("Cause: alpha began anew")
            assert "Order not obeyed" not in shown
        assert (await fleet.ask("alpha"))["paused"] is True
        assert fleet.heard("alpha") == ["pause", "pause"]


@SLOW
async def test_an_honest_agent_comes_back_paused_and_is_left_alone(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="honest") as fleet, desk(settings(fleet)) as one:
        await one.give("/pause alpha")
        await fleet.kill("alpha")
        await one.until(lambda: one.app.desk.agent("alpha").missed >= 1)
        await fleet.again("alpha")
        await one.until(lambda: one.app.desk.agent("alpha").missed == 0)
        assert (await fleet.ask("alpha"))["paused"] is True
        await asyncio.sleep(1.5)  # more than a look of what the desk does by itself
        assert fleet.heard("alpha") == ["pause"]
        assert one.alerts() == []


@SLOW
async def test_an_unpause_behind_the_desks_back_is_an_alert_and_no_fight(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="honest") as fleet, desk(settings(fleet)) as one:
        await one.give("/pause alpha")
        await fleet.order("alpha", "resume")
        await one.told("CRITICAL · alpha · Order not obeyed")
        assert one.alerts() == ["alpha reports running, though ana ordered pause"]
        pause, (alert,) = one.pause(), one.app.desk.alerts()
        assert pause is not None
        since = await one.app.store.samples("alpha", pause.confirmed or 0.0)
        assert alert.opened == next(each.time for each in since if each.paused is False), (
            "at the first look that shows it"
        )
        await asyncio.sleep(1.5)
        assert fleet.heard("alpha") == ["pause", "resume"]
        await fleet.order("alpha", "pause")
        await one.until(lambda: not one.alerts())


@SLOW
async def test_all_are_paused_in_one_answer_within_the_longest_of_their_times(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="honest", beta="deaf", gamma="deaf") as fleet:
        fleet.ports["delta"] = int(closed_port().rpartition(":")[2])
        tables = {name: f'{own_control(fleet, name)}confirm_within = "2s"\n' for name in fleet.ports}
        async with desk(settings(fleet, tables)) as one:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            answers = await one.chat.give("/pause all venue is mad", ANA)
            took = loop.time() - begun
        assert len(answers) == 2
        assert answers[-1].title == "3 agents NOT paused, 1 confirmed"
        rows = {row[0]: row[1] for row in answers[-1].tables[0].rows}
        assert rows["alpha"] == "paused"
        assert rows["beta"].startswith("NOT confirmed")
        assert rows["delta"].startswith("refused: cannot be reached")
        assert took < 4.0, "two agents that do not obey within 2 s cost 2 s, not 4"


@pytest.mark.slow
async def test_a_close_lists_what_is_open_asks_an_admin_and_is_confirmed_when_nothing_is_left(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="forgetful") as fleet, desk(settings(fleet)) as one:
        assert (await one.give("/close alpha", BEN)).title == "Not done"
        question, answer = await one.sure("/close alpha")
        assert question.title.startswith("Close all positions of alpha: 2 open positions")
        assert [row[:2] for row in question.tables[0].rows] == [("BTC long", "1"), ("ETH long", "1")]
        assert answer.title.startswith("alpha holds no position any more: confirmed by alpha after")
        assert (await fleet.ask("alpha"))["positions"] == []
        assert fleet.heard("alpha") == ["close"]


@SLOW
async def test_a_close_that_leaves_a_position_is_not_closed_whatever_the_agent_answered(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="keeping") as fleet, desk(settings(fleet)) as one:
        _, answer = await one.sure("/close alpha")
        assert answer.title == "NOT closed within 1 s: alpha holds 1 position"
        assert [row[0] for row in answer.tables[0].rows] == ["BTC long"]
        assert answer.loud


async def _watching(one: Program, agent: str) -> None:
    """Wait until the desk has looked at an agent."""
    for _ in range(40):
        one.type(f"/status {agent}")
        with contextlib.suppress(TimeoutError):
            await one.see(f"{agent} · ok", within=0.5)
            return
    raise TimeoutError(one.shown)
