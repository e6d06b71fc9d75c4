"""Orders that cross each other, supervisors that are slow, and agents that re-open: cases of real nights."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat import Message
from bot.views.orders import outcomes
from monitor import guard
from monitor.alerts.incident import Incident
from monitor.autostop import cause
from monitor.guard import Guard
from monitor.model import Agent, AmountOrShare, AutoStop, Sample, Severity
from monitor.order import Order, OrderState
from monitor.ports import AgentControl
from monitor.rule import View
from tests.controls import Supervisor, Willing
from tests.flow.night import night
from tests.flow.test_orders import BTC, ETH, hasty, ordered, takes
from tests.wire.ordering import ANA, BEN, agents, desk, own_control, settings

T0 = 1_790_000_000.0
PATIENT = 'confirm_within = "3s"\n'


@pytest.mark.slow
async def test_two_people_who_pause_at_once_are_both_told_that_it_is_paused(tmp_path: Path) -> None:
    async with agents(tmp_path, alpha="slow") as fleet:
        file = settings(fleet, {"alpha": own_control(fleet, "alpha") + PATIENT})
        async with desk(file) as one:
            first = asyncio.create_task(one.give("/pause alpha", ANA))
            await one.until(lambda: fleet.heard("alpha"))
            second = asyncio.create_task(one.give("/pause alpha", BEN))
            for answer in (await first, await second):
                assert answer.title.startswith("alpha is paused: confirmed"), answer


@pytest.mark.slow
async def test_a_person_who_presses_pause_now_is_not_overtaken_by_the_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "EVERY", 0.1)
    stop = 'stops = [{ when = "drawdown", over = "25%", notice = "500ms" }]\n'
    async with agents(tmp_path, alpha="slow") as fleet:
        file = settings(fleet, {"alpha": own_control(fleet, "alpha") + PATIENT + stop})
        async with desk(file) as one:
            fleet.say("alpha", equity=7_000.0)
            await one.told("alpha will be paused in 500 ms")
            answer = await one.give("/pause alpha")
            assert answer.title.startswith("alpha is paused: confirmed"), answer
            assert fleet.heard("alpha") == ["pause"]


class Slow(Willing):
    async def __call__(self) -> str | None:
        await asyncio.sleep(0.05)
        return None


async def test_restarts_at_once_are_bounded_and_follow_each_other(tmp_path: Path) -> None:
    supervisor = Supervisor()
    async with night(tmp_path, controls={"alpha": supervisor}, change=hasty) as one:
        one.desk.wells = {"alpha": Slow()}
        await one.see()
        given = []
        for _ in range(6):
            given.append(asyncio.create_task(one.desk.order("alpha", "restart", "ana")))
            await asyncio.sleep(0)
            one.clock.time += 0.001
        await asyncio.gather(*given, return_exceptions=True)
        assert len(supervisor.given) <= 3


class Waits(Willing):
    """Is reached once its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def reach(self, agent: Agent) -> None:  # noqa: ARG002 - the shape of the port
        await self.gate.wait()


async def test_what_is_being_resumed_is_not_stopped_again_by_the_desk_itself(tmp_path: Path) -> None:
    own, supervisor = Waits(), Supervisor()
    async with night(tmp_path, controls={"alpha": (own, supervisor)}, change=takes) as one:
        await one.see(uptime=900.0)
        await one.desk.order("alpha", "pause", "ana")
        one.clock.time += 10.0
        given = asyncio.create_task(one.desk.order("alpha", "resume", "ana"))
        await asyncio.sleep(0.02)
        assert supervisor.given == ["stop", "resume"]
        await one.see(after=3.0, paused=False, uptime=1.0)
        due = await Guard(one.desk).due()
        alerts = one.desk.alerts()
        own.gate.set()
        await asyncio.sleep(0.02)
        await one.see(after=1.0, paused=False, uptime=2.0)
        await given
        assert (due, alerts) == ([], ())


class Second(Willing):
    kind = "freqtrade"


async def test_the_button_of_the_next_control_goes_to_that_control(tmp_path: Path) -> None:
    first, second = Willing(), Second()
    controls: dict[str, Willing | tuple[AgentControl, ...]] = {"alpha": (first, second)}
    async with night(tmp_path, controls=controls, change=hasty) as one:
        await one.see()
        answer = (await one.chats["console"].give("pause alpha", "ana"))[-1]
        await one.chats["console"].give(answer.buttons[0].line, "ana")
        assert (first.given, second.given) == (["pause"], ["pause"])


async def test_a_position_that_was_closed_and_is_opened_again_breaks_a_pause(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as one:
        given = await ordered(one)
        await one.see(after=1.0, paused=True, positions=(BTC, ETH), open_positions=2)
        await given
        await one.see(paused=True, positions=(ETH,), open_positions=1)
        await one.see(paused=True, positions=(BTC, ETH), open_positions=2)
        assert [each.rule for each in one.desk.alerts()] == ["order_unconfirmed"]


@pytest.mark.slow
async def test_a_pause_outlives_an_agent_that_dies_in_its_first_seconds(tmp_path: Path) -> None:
    async with agents(tmp_path) as fleet:
        await fleet.start("alpha", "forgetful", ran=0.0)
        async with desk(settings(fleet, {"alpha": own_control(fleet, "alpha") + PATIENT})) as one:
            await one.give("/pause alpha")
            await fleet.kill("alpha")
            await fleet.again("alpha")
            await one.told("alpha is paused again, without a person: confirmed")


async def test_all_is_understood_as_a_phone_writes_it(tmp_path: Path) -> None:
    control = Willing()
    async with night(tmp_path, controls={"alpha": control}, change=hasty) as one:
        await one.see()
        await one.chats["console"].give("/pause All", "ana")
        assert control.given == ["pause"]


def test_an_escalation_that_began_anew_is_waited_for_anew() -> None:
    paged = Incident("1f", "", "drawdown", (), Severity.CRITICAL, 1, T0 - 2_500.0, T0 - 2_500.0, paged=T0 - 2_400.0)
    view = View(Agent("alpha"), Sample("alpha", T0))
    stop = AutoStop("unacknowledged", lasting=600.0)
    assert cause(stop, view, (replace(paged, began=T0 - 1.0),), T0, open_=False) is None


def test_a_share_of_nothing_known_is_no_bound() -> None:
    view = View(Agent("alpha"), Sample("alpha", T0), loss=5.0, loss_base=None)
    assert cause(AutoStop("daily_loss", AmountOrShare(share=0.1)), view, (), T0, open_=False) is None


def test_what_is_not_confirmed_is_never_called_not_unconfirmed() -> None:
    order = Order("1", "beta", "pause", "ana", T0, state=OrderState.UNCONFIRMED, detail="done")
    table: Message = outcomes({"beta": order}, (), T0)
    assert "NOT unconfirmed" not in table.tables[0].rows[0][1]
