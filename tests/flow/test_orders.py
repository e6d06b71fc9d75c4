"""An order is done when the agent shows it; what is not shown is said, and a harder way is offered or taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.desk import DeskError
from monitor.guard import Guard
from monitor.model import Agent, AutoStop, Check, Position, Side, Trade
from monitor.order import Order, OrderState
from monitor.ports import AgentControl, ControlError
from tests.controls import Supervisor, Willing
from tests.flow.night import LIMITS, Night, night

BTC = Position("BTC", Side.LONG, 1.0)
ETH = Position("ETH", Side.LONG, 2.0)


def hasty(agent: Agent) -> Agent:
    return replace(agent, limits=replace(LIMITS, confirm_within=0.1, close_within=0.1))


def takes(agent: Agent) -> Agent:
    return replace(hasty(agent), take_next=True)


async def ordered(desk: Night, action: str = "pause", **more: Any) -> asyncio.Task[Order]:
    """Give an order, and come back once it was sent."""
    task = asyncio.create_task(desk.desk.order("alpha", action, "ana", **more))
    await asyncio.sleep(0.02)
    return task


def titles(desk: Night) -> list[str]:
    return [each.message.title for each in desk.heard]


async def test_a_pause_is_confirmed_by_an_agent_that_reports_it_and_opens_nothing(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as desk:
        await desk.see(positions=(BTC,), open_positions=1)
        given = await ordered(desk)
        await desk.see(after=1.0, paused=True, positions=(BTC,), open_positions=1)
        order = await given
        assert (order.state, order.held, order.held_count) == (OrderState.CONFIRMED, (BTC,), 1)
        assert order.confirmed is not None
        assert order.confirmed - order.requested == pytest.approx(1.0)


async def test_what_was_on_its_way_may_fill_and_the_next_report_decides(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as desk:
        await desk.see(positions=(), open_positions=0)
        given = await ordered(desk)
        await desk.see(after=1.0, paused=True, positions=(BTC,), open_positions=1)
        assert not given.done()
        await desk.see(after=1.0, paused=True, positions=(BTC,), open_positions=1)
        assert (await given).state is OrderState.CONFIRMED


async def test_an_agent_that_says_paused_and_trades_on_is_never_confirmed_and_pages(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as desk:
        await desk.see(positions=(), open_positions=0)
        given = await ordered(desk)
        for size in (1.0, 2.0, 3.0):
            await desk.see(after=1.0, paused=True, positions=(replace(BTC, size=size),), open_positions=1)
        assert (await given).state is OrderState.UNCONFIRMED
        await desk.see(after=1.0, paused=True, positions=(replace(BTC, size=4.0),), open_positions=1)
        (alert,) = desk.desk.alerts()
        assert (alert.rule, alert.reason) == (
            "order_unconfirmed",
            "alpha reports paused and trades on, though ana ordered pause",
        )


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ({"paused": True, "positions": (BTC, ETH), "open_positions": 2}, "has opened ETH long 2"),
        (
            {"paused": True, "positions": (replace(BTC, size=1.5),), "open_positions": 1},
            "has opened BTC long 1.5 (was 1)",
        ),
        ({"paused": True, "open_positions": 3}, "has opened 3 open positions (were 1)"),
        ({"paused": False, "positions": (BTC,), "open_positions": 1}, "reports running"),
    ],
)
async def test_a_confirmed_pause_that_is_broken_later_is_an_alert_until_it_is_kept_again(
    tmp_path: Path, then: Mapping[str, Any], says: str
) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as desk:
        before: dict[str, Any] = {"paused": True, "positions": (BTC,), "open_positions": 1}
        given = await ordered(desk)
        await desk.see(after=1.0, **before)
        await given
        await desk.see(**then)
        (alert,) = desk.desk.alerts()
        assert says in alert.reason
        await desk.see(**before)
        assert desk.desk.alerts() == ()


async def test_a_trade_that_was_opened_and_closed_between_two_looks_betrays_a_pause(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as desk:
        given = await ordered(desk)
        await desk.see(after=1.0, paused=True, open_positions=0)
        await given
        at = desk.clock.time
        one = Decimal(1)
        before = Trade("alpha", "1", "trend", "BTC", Side.LONG, one, one, one, at - 60.0, at + 10.0)
        await desk.see(paused=True, open_positions=0, trades=(before,))
        assert desk.desk.alerts() == ()
        await desk.see(paused=True, open_positions=0, trades=(replace(before, id="2", entry_time=at + 20.0),))
        (alert,) = desk.desk.alerts()
        assert alert.reason == "alpha reports paused and trades on, though ana ordered pause"


async def test_closing_positions_breaks_no_pause(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as desk:
        given = await ordered(desk)
        await desk.see(after=1.0, paused=True, positions=(BTC, ETH), open_positions=2)
        await given
        await desk.see(paused=True, positions=(replace(BTC, size=0.5),), open_positions=1)
        await desk.see(paused=True, positions=(), open_positions=0)
        assert desk.desk.alerts() == ()


class Deaf(Willing):
    """A control that nobody can reach."""

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the shape of the port
        raise ControlError("cannot be reached at its url: it got no order")


@pytest.mark.parametrize("first", [Willing, Deaf])
async def test_the_next_control_is_taken_where_the_settings_say_so(
    tmp_path: Path, first: Callable[[], Willing]
) -> None:
    supervisor = Supervisor()
    controls: dict[str, Willing | Sequence[AgentControl]] = {"alpha": (first(), supervisor)}
    async with night(tmp_path, controls=controls, change=takes) as desk:
        await desk.see()
        order = await desk.desk.order("alpha", "pause", "ana", "losing")
        assert (order.action, order.state, order.silent) == ("stop", OrderState.CONFIRMED, True)
        assert order.control.endswith("pm2")
        assert "pause by willing" in order.cause
        assert supervisor.given == ["stop"]


async def test_the_next_control_is_offered_otherwise_and_taken_by_one_press(tmp_path: Path) -> None:
    supervisor = Supervisor()
    controls: dict[str, Willing | Sequence[AgentControl]] = {"alpha": (Willing(), supervisor)}
    async with night(tmp_path, controls=controls, change=hasty) as desk:
        await desk.see()
        answer = (await desk.chats["console"].give("pause alpha", "ana"))[-1]
        assert answer.title == "NOT confirmed within 100 ms: alpha still reports running"
        assert answer.buttons[0].line == "stop alpha pm2"
        assert supervisor.given == []
        question = (await desk.chats["console"].give("stop alpha pm2", "ana"))[-1]
        assert question.title == "Stop alpha by pm2?"
        done = (await desk.chats["console"].give(question.buttons[0].line, "ana"))[-1]
        assert done.title.startswith("alpha is stopped: confirmed by pm2 after")


async def test_a_stopped_process_is_no_unreachable_agent_until_it_answers_again(tmp_path: Path) -> None:
    controls: dict[str, Willing | Sequence[AgentControl]] = {"alpha": (Supervisor(),)}
    async with night(tmp_path, controls=controls, change=hasty) as desk:
        await desk.see()
        order = await desk.desk.order("alpha", "pause", "ana")
        assert (order.action, order.state) == ("stop", OrderState.CONFIRMED)
        for _ in range(4):
            await desk.see(error="refused the connection")
        assert desk.desk.alerts() == ()
        await desk.see()
        (alert,) = desk.desk.alerts()
        assert alert.reason == "alpha answers again, though ana ordered stop"


async def test_a_resume_goes_back_by_every_control_that_held(tmp_path: Path) -> None:
    first, supervisor = Willing(), Supervisor()
    controls: dict[str, Willing | Sequence[AgentControl]] = {"alpha": (first, supervisor)}
    async with night(tmp_path, controls=controls, change=takes) as desk:
        await desk.see()
        await desk.desk.order("alpha", "pause", "ana")
        given = asyncio.create_task(desk.desk.order("alpha", "resume", "ana"))
        await asyncio.sleep(0.02)
        await desk.see(after=1.0, paused=False)
        assert (await given).state is OrderState.CONFIRMED
        assert (first.given, supervisor.given) == (["pause", "resume"], ["stop", "resume"])
        assert desk.desk.agent("alpha").pause is None


async def test_a_pause_outlives_the_desk_and_is_given_again_to_an_agent_that_began_anew(tmp_path: Path) -> None:
    control = Willing()
    async with night(tmp_path, controls={"alpha": control}, change=hasty) as desk:
        await desk.see(uptime=900.0)
        given = await ordered(desk, reason="venue is mad")
        await desk.see(after=1.0, paused=True, uptime=901.0)
        await given
        await desk.restart()
        assert desk.desk.agent("alpha").pause is not None
        await desk.see(paused=False, uptime=4.0)
        assert desk.desk.alerts() == ()
        (act,) = await Guard(desk.desk).due()
        carried = asyncio.create_task(Guard(desk.desk).carry(act))
        await asyncio.sleep(0.02)
        await desk.see(after=1.0, paused=True, uptime=5.0)
        await carried
        await desk.delivered()
        assert control.given == ["pause", "pause"]
        pause = desk.desk.agent("alpha").pause
        assert pause is not None
        assert (pause.by, pause.reason, pause.state) == ("ana", "venue is mad", OrderState.CONFIRMED)
        assert any(each.startswith("alpha is paused again, without a person: confirmed") for each in titles(desk))
        assert await Guard(desk.desk).due() == []


async def test_an_unpause_behind_the_back_of_the_desk_is_an_alert_and_not_undone(tmp_path: Path) -> None:
    control = Willing()
    async with night(tmp_path, controls={"alpha": control}, change=hasty) as desk:
        await desk.see(uptime=900.0)
        given = await ordered(desk)
        await desk.see(after=1.0, paused=True, uptime=901.0)
        await given
        await desk.see(paused=False, uptime=931.0)
        assert [each.rule for each in desk.desk.alerts()] == ["order_unconfirmed"]
        assert await Guard(desk.desk).due() == []
        assert control.given == ["pause"]


async def test_the_end_of_a_pause_is_told_once_and_nobody_is_resumed(tmp_path: Path) -> None:
    control = Willing()
    async with night(tmp_path, controls={"alpha": control}, change=hasty) as desk:
        await desk.see()
        given = await ordered(desk, until=desk.clock.time + 600.0)
        await desk.see(after=1.0, paused=True)
        await given
        status = (await desk.chats["console"].give("status", "ana"))[-1]
        assert "until" in str(status.tables)
        for _ in range(30):
            await desk.see(paused=True)
            await Guard(desk.desk).due()
        await desk.delivered()
        told = [each for each in titles(desk) if each.startswith("The time of the pause of alpha by ana is over")]
        assert len(told) == len(desk.chats)
        assert control.given == ["pause"]
        await desk.see(paused=False)
        assert desk.desk.alerts() == ()


async def test_all_are_paused_at_once_and_the_one_that_does_not_obey_is_named(tmp_path: Path) -> None:
    controls: dict[str, Willing | Sequence[AgentControl]] = {"alpha": Willing(), "beta": Willing()}
    async with night(tmp_path, names=("alpha", "beta"), controls=controls, change=hasty) as desk:
        await desk.see("alpha")
        await desk.see("beta")
        answer = asyncio.create_task(desk.chats["console"].give("pause all venue is mad", "ana"))
        await asyncio.sleep(0.03)
        await desk.see("alpha", after=1.0, paused=True)
        last = (await answer)[-1]
        assert last.title == "1 agent NOT paused, 1 confirmed"
        assert [row[0] for row in last.tables[0].rows] == ["beta", "alpha"]
        assert [each.line for each in last.buttons] == ["pause beta"]


async def test_a_close_is_done_when_nothing_is_left(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Willing()}, change=hasty) as desk:
        await desk.see(positions=(BTC,), open_positions=1)
        given = await ordered(desk, "close")
        await desk.see(after=1.0, positions=(), open_positions=0)
        assert (await given).state is OrderState.CONFIRMED
        await desk.see(positions=(ETH,), open_positions=1)
        assert (await desk.desk.order("alpha", "close", "ana")).state is OrderState.UNCONFIRMED
        assert desk.desk.agent("alpha").pause is None


async def test_nothing_is_restarted_while_the_venue_is_down_of_it_or_of_another(tmp_path: Path) -> None:
    supervisor = Supervisor()

    def same(agent: Agent) -> Agent:
        return replace(hasty(agent), labels={"venue": "binance"})

    async with night(tmp_path, names=("alpha", "beta"), controls={"alpha": supervisor}, change=same) as desk:
        desk.desk.wells = {"alpha": fit}
        await desk.see("beta", checks=(Check("venue", ok=False, detail="503"),))
        with pytest.raises(DeskError, match="beta says that its venue does not answer"):
            await desk.desk.order("alpha", "restart", "ana")
        await desk.see("beta")
        assert (await desk.desk.order("alpha", "restart", "ana")).state is OrderState.CONFIRMED
        assert supervisor.given == ["restart"]


async def fit() -> str | None:
    return None


async def test_restarts_are_bounded_also_over_a_restart_of_the_desk(tmp_path: Path) -> None:
    supervisor = Supervisor()
    async with night(tmp_path, controls={"alpha": supervisor}, change=hasty) as desk:
        desk.desk.wells = {"alpha": fit}
        for _ in range(3):
            await desk.see()
            assert (await desk.desk.order("alpha", "restart", "ana")).state is OrderState.CONFIRMED
        await desk.restart()
        with pytest.raises(DeskError, match="it had 3 in the last hour"):
            await desk.desk.order("alpha", "restart", "ana")
        assert len(supervisor.given) == 3


async def test_a_restart_leaves_the_pause_as_it_stands(tmp_path: Path) -> None:
    controls: dict[str, Willing | Sequence[AgentControl]] = {"alpha": (Willing(), Supervisor())}
    async with night(tmp_path, controls=controls, change=hasty) as desk:
        desk.desk.wells = {"alpha": fit}
        given = await ordered(desk)
        await desk.see(after=1.0, paused=True)
        await given
        await desk.desk.order("alpha", "restart", "ana")
        await desk.restart()
        pause = desk.desk.agent("alpha").pause
        assert pause is not None
        assert pause.action == "pause"


async def test_a_stop_that_is_over_is_resumed_by_the_control_that_stopped_it_and_never_restarted(
    tmp_path: Path,
) -> None:
    first, supervisor = Willing(), Supervisor()
    controls: dict[str, Willing | Sequence[AgentControl]] = {"alpha": (first, supervisor)}
    async with night(tmp_path, controls=controls, change=hasty) as desk:
        await desk.desk.order("alpha", "stop", "ana", until=desk.clock.time + 60.0)
        with pytest.raises(DeskError, match="is stopped, as ana ordered"):
            await desk.desk.order("alpha", "restart", "ana")
        for _ in range(4):
            await desk.see(error="refused the connection")
            await Guard(desk.desk).due()
        assert desk.desk.alerts() == ()
        given = asyncio.create_task(desk.desk.order("alpha", "resume", "ana"))
        await asyncio.sleep(0.02)
        await desk.see(after=1.0)
        assert (await given).state is OrderState.CONFIRMED
        assert supervisor.given == ["stop", "resume"]


async def test_a_venue_that_can_be_asked_knows_better_than_a_dead_agent(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Supervisor()}, change=hasty) as desk:
        desk.desk.wells = {"alpha": fit}
        await desk.see(checks=(Check("venue", ok=False, detail="503"),))
        await desk.see(error="refused the connection")
        with pytest.raises(DeskError, match="alpha says that its venue does not answer"):
            await desk.desk.order("alpha", "restart", "ana")
        desk.desk.venues = {"alpha": fit}
        assert (await desk.desk.order("alpha", "restart", "ana")).state is OrderState.CONFIRMED


async def test_a_process_that_ends_late_or_while_nobody_waits_is_still_seen_to_have_ended(tmp_path: Path) -> None:
    class Lazy(Supervisor):
        """Ends a process only when it is told that its time has come."""

        ends = False

        async def state(self, agent: Agent) -> str | None:
            return await super().state(agent) if self.ends else "running"

    supervisor = Lazy()
    async with night(tmp_path, controls={"alpha": supervisor}, change=hasty) as desk:
        await desk.see()
        assert (await desk.desk.order("alpha", "pause", "ana")).state is OrderState.UNCONFIRMED
        await desk.restart()
        supervisor.ends = True
        for _ in range(3):
            await desk.see(error="refused the connection")
            await Guard(desk.desk).look()
            await asyncio.sleep(0.01)
        pause = desk.desk.agent("alpha").pause
        assert pause is not None
        assert (pause.state, pause.silent) == (OrderState.CONFIRMED, True)
        assert desk.desk.alerts() == ()


async def test_a_silenced_page_pauses_nobody(tmp_path: Path) -> None:
    stop = AutoStop("unacknowledged", lasting=600.0, notice=0.0)
    control = Willing()

    def stopping(agent: Agent) -> Agent:
        return replace(hasty(agent), stops=(stop,))

    async with night(tmp_path, controls={"alpha": control}, change=stopping) as desk:
        await desk.see(equity=5_000.0)
        await desk.desk.silence((("agent", "alpha"),), 3_600.0, "ana", "known")
        for _ in range(40):
            await desk.see(equity=5_000.0)
            assert await Guard(desk.desk).due() == []
        for silence in desk.desk.silences():
            await desk.desk.unsilence(silence.id, "ana")
        assert desk.desk.marks() == {}
        for _ in range(25):
            await desk.see(equity=5_000.0)
            await Guard(desk.desk).due()
        assert [each.when for each in desk.desk.marks().values()] == ["unacknowledged"]
