"""What the desk does over a night: first starts, holds, silences, acknowledgements, cash flows, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts.alert import State
from monitor.desk import DeskError
from monitor.kept import VERSION
from monitor.model import Agent, AmountOrShare, CashFlow, Finding, Limits, Sample, Severity, Verdict
from monitor.order import OrderState
from monitor.ports import Change, ControlError, Observation, Snapshot
from monitor.rule import Labels, View, discover
from tests.controls import Willing
from tests.flow.night import Obedient, night

DOWN: dict[str, Any] = {"error": "connection refused"}
DEEP: dict[str, Any] = {"equity": 8_000.0}


async def test_history_found_at_the_first_start_is_one_message_and_no_page(tmp_path: Path) -> None:
    async with night(tmp_path, names=("alpha", "beta", "gamma"), seen_before=False) as desk:
        for _ in range(2):
            await desk.see("alpha", after=10.0, balance=5.0)
            await desk.see("beta", after=10.0, pnl_24h=-9_000.0)
            await desk.see("gamma", after=10.0, **DOWN)
        assert desk.pages() == ["3 troubles already stood when the desk first looked"]
        message = desk.chat.sent[0][1]
        assert [button.line for button in message.buttons] == ["standing accept", "standing keep"]
        assert len(message.fields) == 3
        await desk.restart()
        await desk.see("alpha", balance=5.0)
        assert desk.pages() == []
        assert len(desk.desk.standing()) == 3


async def test_what_was_found_does_not_wait_for_an_agent_that_is_looked_at_once_an_hour(tmp_path: Path) -> None:
    async with night(tmp_path, names=("alpha", "slow"), seen_before=False) as desk:
        await desk.see("alpha", balance=5.0)
        for _ in range(3):
            await desk.see("alpha", balance=5.0)
            assert desk.pages() == []
        await desk.see("alpha", balance=5.0)
        assert desk.pages() == ["1 trouble already stood when the desk first looked"]


async def test_what_was_found_and_accepted_is_not_paged_but_its_end_is_told(tmp_path: Path) -> None:
    async with night(tmp_path, seen_before=False) as desk:
        for _ in range(2):
            await desk.see(balance=5.0)
        (accepted,) = await desk.desk.answer_standing(True, "ana")
        assert (accepted.state, accepted.acknowledged_by) == (State.ACKNOWLEDGED, "ana")
        await desk.see(balance=5.0)
        assert len(desk.pages()) == 1
        await desk.see(balance=500.0)
        assert "alpha has enough balance again" in desk.pages()[1]


async def test_what_was_found_and_kept_is_paged_once_like_any_other(tmp_path: Path) -> None:
    async with night(tmp_path, seen_before=False) as desk:
        for _ in range(2):
            await desk.see(balance=5.0)
        await desk.desk.answer_standing(False, "ana")
        for _ in range(3):
            await desk.see(balance=5.0)
        assert [title for title in desk.pages() if "Balance low" in title] == ["⚠️ WARN · alpha · Balance low"]
        assert desk.chat.edits == []
        assert desk.desk.standing() == ()


async def test_an_agent_that_breaks_after_its_first_polls_is_news(tmp_path: Path) -> None:
    async with night(tmp_path, seen_before=False) as desk:
        for _ in range(2):
            await desk.see()
        await desk.see(**DEEP)
        assert desk.pages() == ["🚨 CRITICAL · alpha · Drawdown over the limit"]


async def test_what_breaks_after_the_first_answer_is_news(tmp_path: Path) -> None:
    async with night(tmp_path, seen_before=False) as desk:
        await desk.see()
        await desk.see(**DEEP)
        assert desk.pages() == ["🚨 CRITICAL · alpha · Drawdown over the limit"]


async def test_what_the_first_answer_shows_was_so_before_however_late_it_comes(tmp_path: Path) -> None:
    async with night(tmp_path, seen_before=False) as desk:
        for _ in range(4):
            await desk.see(**DOWN)
        assert desk.pages() == ["1 trouble already stood when the desk first looked"]
        await desk.see(balance=5.0)
        assert sorted(desk.pages()[1:]) == [
            "1 trouble already stood when the desk first looked",
            "✅ alpha answers again after 2 m",
        ]


async def test_a_trouble_that_comes_back_within_the_hold_is_paged_when_the_hold_ends(tmp_path: Path) -> None:
    async with night(tmp_path, hold=300.0) as desk:
        await desk.see(balance=5.0)
        await desk.see(balance=500.0)
        assert len(desk.pages()) == 2
        await desk.see(balance=5.0)
        assert len(desk.pages()) == 2
        await desk.restart()
        await desk.see(balance=5.0, after=60.0)
        assert desk.pages() == []
        await desk.see(balance=5.0, after=200.0)
        assert desk.pages() == ["⚠️ WARN · alpha · Balance low"]
        kinds = [event.kind for event in await desk.store.events(desk.desk.alerts()[0].id)]
        assert kinds[:2] == ["fired", "held"]
        assert kinds[-1] == "paged"


async def test_a_silenced_trouble_is_paged_when_the_silence_ends_and_it_still_stands(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(balance=5.0)
        silence = await desk.desk.silence((("agent", "alpha"),), 600.0, "ana", "known")
        await desk.see(balance=500.0)
        await desk.see(balance=5.0)
        await desk.restart()
        assert desk.desk.silences() == (silence,)
        await desk.see(balance=5.0)
        assert desk.pages() == []
        await desk.see(balance=5.0, after=600.0)
        assert desk.pages() == ["⚠️ WARN · alpha · Balance low"]


async def test_a_silence_is_bounded(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(balance=5.0)
        with pytest.raises(DeskError, match="24 h at most"):
            await desk.desk.silence((("agent", "alpha"),), 90_000.0, "ana", "holiday")


async def test_acknowledging_edits_the_card_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(**DEEP)
        name = desk.desk.alerts()[0].id
        first = await desk.desk.acknowledge(name[:4], "ana", "on it")
        second = await desk.desk.acknowledge(name, "ben")
        await desk.delivered()
        assert (first.changed, second.changed, second.status.incident.acknowledged_by) == (True, False, "ana")
        (ref, edited) = desk.chat.edits[-1]
        assert ref == desk.chat.sent[0][0]
        assert any("acknowledged by ana" in each.value for each in edited.fields)
        await desk.see()
        with pytest.raises(DeskError, match="already over"):
            await desk.desk.acknowledge(name, "ben")


async def test_a_withdrawal_recorded_late_is_no_drawdown(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(equity=6_000.0)
        assert [alert.rule for alert in desk.desk.alerts()] == ["drawdown", "hard_loss"]
        await desk.see(equity=6_010.0)
        flow = await desk.desk.record_flow("alpha", Decimal(-4_000), "ana", None)
        assert flow.time == desk.clock.now() - 30.0
        assert desk.desk.status()[0].drawdown == pytest.approx(0.0, abs=1e-9)
        await desk.see(equity=6_010.0)
        assert desk.desk.alerts() == ()
        await desk.restart()
        assert desk.desk.status()[0].drawdown == pytest.approx(0.0, abs=1e-9)


async def test_a_time_given_to_the_minute_still_finds_its_step(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(equity=20_000.0)
        moved = desk.clock.now()
        await desk.see(equity=20_000.0)
        flow = await desk.desk.record_flow("alpha", Decimal(10_000), "ana", moved - 55.0)
        assert flow.time == moved
        await desk.see(equity=19_000.0)
        assert desk.desk.status()[0].drawdown == pytest.approx(0.05)


async def test_a_deposit_is_no_profit_wherever_it_is_recorded(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(equity=20_000.0)
        await desk.desk.record_flow("alpha", Decimal(10_000), "ana", None)
        await desk.see(equity=18_000.0)
        assert desk.desk.status()[0].drawdown == pytest.approx(0.1)


async def test_a_deposit_that_is_recorded_later_takes_back_what_it_faked(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(equity=5_000.0)
        assert {alert.rule for alert in desk.desk.alerts()} == {"drawdown", "hard_loss"}
        before = {each.key: each.value for each in (await desk.desk.performance("alpha")).figures}
        assert before["max_drawdown"] == pytest.approx(0.5)
        await desk.desk.record_flow("alpha", Decimal(-5_000), "ana", None)
        await desk.see(equity=5_000.0)
        assert desk.desk.alerts() == ()
        after = {each.key: each.value for each in (await desk.desk.performance("alpha")).figures}
        assert desk.desk.status()[0].drawdown == 0.0
        assert after["max_drawdown"] == pytest.approx(0.0)


async def test_flows_that_a_source_tells_are_no_profit_and_come_in_once_however_often_and_late(tmp_path: Path) -> None:
    async with night(tmp_path, names=("alpha", "beta")) as desk:

        async def told(agent: str, flows: tuple[CashFlow, ...], equity: float) -> None:
            desk.clock.time += 30.0
            await desk.desk.observe([Observation(desk.calm(agent, equity=equity), flows=flows)])

        now = desk.clock.now()
        deposit, payout = (
            CashFlow("alpha", now + 10, Decimal(10_000), "alpha"),
            CashFlow("beta", now + 40, Decimal(-2_000), "beta"),
        )
        await told("alpha", (deposit,), 20_000.0)
        await told("beta", (), 8_000.0)  # it forgot to say so
        assert [each.drawdown for each in desk.desk.status()] == [0.0, pytest.approx(0.2)]
        await told("beta", (payout, payout), 8_000.0)
        await told("alpha", (deposit,), 18_000.0)
        assert [each.drawdown for each in desk.desk.status()] == [pytest.approx(0.1), 0.0]
        await desk.restart()
        assert [each.drawdown for each in desk.desk.status()] == [pytest.approx(0.1), 0.0]
        assert [await desk.store.flows(name) for name in ("alpha", "beta")] == [[deposit], [payout]]
        nonsense = (CashFlow("alpha", now + 9e9, Decimal(1), "alpha"), CashFlow("alpha", 5.0, Decimal(1), "alpha"))
        await told("alpha", nonsense, 18_000.0)
        assert await desk.store.flows("alpha") == [deposit]


async def test_a_flow_that_nothing_shows_yet_is_refused_and_one_that_was_recorded_is_not_recorded_twice(
    tmp_path: Path,
) -> None:
    async with night(tmp_path) as desk:
        with pytest.raises(DeskError, match="once its equity shows it"):
            await desk.desk.record_flow("alpha", Decimal(2_500), "ana", None)
        at = desk.clock.now() - 45.0
        once = await desk.desk.record_flow("alpha", Decimal(2_500), "ana", at)
        assert await desk.desk.record_flow("alpha", Decimal(2_500), "ana", at) == once
        assert await desk.store.flows("alpha") == [once]


async def test_what_fired_and_ended_while_nothing_could_be_stored_is_told(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        now = desk.clock.now()
        seen = [Sample("alpha", now + step, error="refused") for step in (30, 60, 90)]
        seen += [desk.calm("alpha", time=now + 120), desk.calm("alpha", time=now + 150)]
        desk.clock.time += 150
        await desk.desk.observe([Observation(sample) for sample in seen])
        await desk.delivered()
        assert desk.pages() == ["✅ resolved · alpha · Agent unreachable", "✅ alpha answers again after 1 m 30 s"]


async def test_acknowledging_an_old_card_leaves_a_new_episode_alone(tmp_path: Path) -> None:
    async with night(tmp_path, hold=300.0) as desk:
        await desk.see(balance=5.0)
        old = desk.desk.alerts()[0].id
        await desk.see(balance=500.0)
        await desk.see(balance=5.0)
        with pytest.raises(DeskError, match="already over"):
            await desk.desk.acknowledge(old, "ana")
        assert desk.desk.alerts()[0].state is State.FIRING


async def test_an_alert_that_nobody_could_be_told_of_is_told_once_somebody_can(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        desk.platforms = ()
        await desk.restart()
        await desk.see(balance=5.0)
        assert [alert.paged for alert in desk.desk.alerts()] == [None]
        desk.platforms = ("console",)
        await desk.restart()
        await desk.see(balance=5.0)
        assert "⚠️ WARN · alpha · Balance low" in desk.pages()


async def test_a_page_that_waits_for_a_platform_that_is_gone_goes_to_those_that_are_there(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        desk.platforms = ("telegram",)
        await desk.restart()
        await desk.see(balance=5.0, deliver=False)
        desk.platforms = ("console",)
        await desk.restart()
        await desk.see(balance=5.0)
        assert "⚠️ WARN · alpha · Balance low" in desk.pages()


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(drawdown=0.15), {"equity": 8_000.0}),
        (Limits(drawdown=None, hard_loss=AmountOrShare(amount=500.0)), {"pnl_24h": -900.0}),
        (Limits(drawdown=None, min_balance=100.0), {"balance": 5.0}),
    ],
)
async def test_a_limit_that_is_switched_off_ends_its_alert(
    limits: Limits, says: dict[str, Any], tmp_path: Path
) -> None:
    async with night(tmp_path, limits=limits) as desk:
        await desk.see(**says)
        assert len(desk.desk.alerts()) == 1
        off = Limits(drawdown=None)
        desk.agents = tuple(replace(agent, limits=off) for agent in desk.agents)
        await desk.restart()
        await desk.see(**says)
        assert desk.desk.alerts() == ()


async def test_an_agent_that_calls_itself_degraded_without_a_failing_check_is_told(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(status="degraded")
        assert [alert.labels for alert in desk.desk.alerts()] == [(("check", "status"),)]
        await desk.see()
        await desk.see()
        assert desk.desk.alerts() == ()


async def test_the_introduction_outlives_a_restart(tmp_path: Path) -> None:
    async with night(tmp_path, seen_before=False) as desk:
        await desk.see(**DOWN)
        await desk.restart()
        await desk.see(pnl_24h=-9_000.0)
        await desk.see(pnl_24h=-9_000.0)
        assert not any("CRITICAL" in title for title in desk.pages())


async def test_orders_reach_an_agent_one_after_the_other(tmp_path: Path) -> None:
    control = Slow()
    async with night(tmp_path, controls={"alpha": control}, change=hasty) as desk:
        await asyncio.gather(desk.desk.order("alpha", "pause", "ana"), desk.desk.order("alpha", "resume", "ben"))
        assert control.heard == ["pause begins", "pause ends", "resume begins", "resume ends"]
        assert (await desk.store.orders())[0].action == "resume"


async def test_two_orders_refused_at_once_leave_none_in_force(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Refusing(uncertain=False)}, change=hasty) as desk:
        await asyncio.gather(desk.desk.order("alpha", "pause", "ana"), desk.desk.order("alpha", "resume", "ben"))
        await desk.see(after=60.0)
        assert (desk.desk.status()[0].pause, desk.desk.alerts()) == (None, ())


@pytest.mark.parametrize(("amount", "ago"), [("0", None), ("NaN", None), ("5", 8 * 86_400.0), ("5", -60.0)])
async def test_a_cash_flow_that_makes_no_sense_is_refused(amount: str, ago: float | None, tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        at = None if ago is None else desk.clock.now() - ago
        with pytest.raises(DeskError):
            await desk.desk.record_flow("alpha", Decimal(amount), "ana", at)


async def test_a_restart_finds_the_whole_situation_again(tmp_path: Path) -> None:
    async with night(tmp_path, names=("alpha", "beta")) as desk:
        for step in range(40):
            await desk.see("alpha", equity=10_000.0 + 37 * step % 11)
            await desk.see("beta", **(DOWN if step % 3 else {}))
        before = desk.desk.status()
        await desk.restart()
        assert desk.desk.status() == before
        await desk.desk.stop()
        await desk.restart()
        assert desk.desk.status() == before


async def test_alerts_of_an_agent_that_is_no_longer_watched_end_and_that_is_no_recovery(tmp_path: Path) -> None:
    async with night(tmp_path, names=("alpha", "beta")) as desk:
        await desk.see("beta", balance=5.0)
        desk.agents = desk.agents[:1]
        await desk.restart()
        await desk.delivered()
        assert desk.desk.alerts() == ()
        assert desk.pages() == []
        assert [message.title for _, message in desk.chat.edits] == ["closed, no longer watched · beta · Balance low"]


async def test_alerts_of_a_rule_that_has_another_name_now_end_and_what_stands_is_found_by_the_new_one(
    tmp_path: Path,
) -> None:
    former = replace(discover()["stale"], key="frozen_equity", evaluate=_still)
    async with night(tmp_path, rules=(former,)) as desk:
        await desk.see(equity=10_050.0, open_positions=1)
        assert [each.rule for each in desk.desk.alerts()] == ["frozen_equity"]
        del desk.rules["frozen_equity"]
        await desk.restart()
        await desk.delivered()
        assert (desk.desk.alerts(), desk.pages()) == ((), [])
        assert [message.title for _, message in desk.chat.edits] == [
            "closed, no longer watched · alpha · frozen_equity"
        ]
        for _ in range(3):
            await desk.see(equity=10_050.0, open_positions=1)
        assert [each.rule for each in desk.desk.alerts()] == ["stale"]


def _still(view: View, _open: Collection[Labels]) -> list[Finding]:
    """What the rule of the former name found."""
    verdict = Verdict.BREACH if view.sample.open_positions else Verdict.CLEAR
    return [Finding("alpha", "frozen_equity", view.now, verdict, Severity.WARN, "the equity stands still")]


class Refusing(Willing):
    """A control whose agent says no, or nothing."""

    def __init__(self, *, uncertain: bool) -> None:
        super().__init__()
        self.uncertain = uncertain

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the shape of the port
        raise ControlError("refused the key", uncertain=self.uncertain)


class Slow(Willing):
    """A control that takes its time, and remembers what it heard when."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    async def send(self, agent: Agent, action: str, by: str, reason: str) -> str:  # noqa: ARG002 - the shape of the port
        self.heard.append(f"{action} begins")
        await asyncio.sleep(0.02)
        self.heard.append(f"{action} ends")
        return "ok"


def hasty(agent: Agent) -> Agent:
    return replace(agent, limits=Limits(confirm_within=0.05))


async def test_a_refused_order_leaves_the_one_before_it_in_force(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Refusing(uncertain=False)}, change=hasty) as desk:
        order = await desk.desk.order("alpha", "pause", "ana")
        assert (order.state, order.detail) == (OrderState.REFUSED, "refused the key")
        assert desk.desk.status()[0].pause is None
        await desk.see(after=60.0)
        assert desk.desk.alerts() == ()


async def test_an_order_that_may_have_arrived_waits_for_its_proof(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Refusing(uncertain=True)}, change=hasty) as desk:
        order = await desk.desk.order("alpha", "pause", "ana")
        assert order.state is OrderState.UNCONFIRMED
        await desk.see(paused=True)
        assert desk.desk.status()[0].pause is not None
        assert desk.desk.alerts() == ()


async def test_a_snapshot_that_cannot_be_read_is_folded_anew(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(equity=9_000.0)
        await desk.desk.stop()
        before = desk.desk.status()
        at = desk.clock.now()
        await desk.store.commit(Change(snapshots=[Snapshot("alpha", at, VERSION, '{"sample": 1}')]))
        await desk.restart()
        assert desk.desk.status() == before


async def test_a_resume_of_an_agent_that_does_not_say_whether_it_is_paused_ends_the_alert(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Obedient()}, change=hasty) as desk:
        await desk.desk.order("alpha", "pause", "ana")
        await desk.see(paused=None)
        assert "does not say whether it is paused" in desk.desk.alerts()[0].reason
        await desk.desk.order("alpha", "resume", "ana")
        await desk.see(paused=None)
        assert desk.desk.alerts() == ()


async def test_an_agent_without_a_control_cannot_be_ordered_and_is_told_so(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        with pytest.raises(DeskError, match="No control is set for alpha"):
            await desk.desk.order("alp", "pause", "ana")


@pytest.mark.parametrize("name", ["", "x", "alp\x00ha", "al"])
async def test_an_unknown_or_ambiguous_name_is_one_sentence(name: str, tmp_path: Path) -> None:
    async with night(tmp_path, names=("alpha", "alphonse"), seen_before=False) as desk:
        with pytest.raises(DeskError) as error:
            desk.desk.agent(name)
        assert "alpha" in str(error.value)
