"""`/handover` without words tells whoever comes next what is open, hidden and ending, and what the shift has done."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

from bot.chat import Message, Tone
from monitor.alerts.plan import Plan, Rotation
from monitor.model import Limits
from tests.flow.night import EVENING, Night, Obedient, night

HOUR = 3_600.0
BEGAN = dt.datetime.fromtimestamp(EVENING, dt.UTC).replace(minute=0, second=0)
"""14:00 UTC: a quarter of an hour before the desk starts."""
TURNS = Rotation("main", ("ana", "ben"), "daily", BEGAN.time(), dt.UTC, BEGAN.date())
PLAN = Plan(("console",), hold=0.0, rotations=(TURNS,), people={"ana": "admin", "ben": "operator"})
LIMITS = Limits(drawdown=0.1, min_balance=100.0, confirm_within=0.02)


def told(answer: Message) -> dict[str, list[str]]:
    return {each.label: each.value.splitlines() for each in answer.fields}


async def shift(desk: Night) -> None:
    """Two pages, one of them in hand; an order, a cash flow, a deploy, and a silence that ends soon."""
    await desk.see("alpha", error="timed out")
    await desk.see("alpha", error="timed out")
    await desk.say("/ack " + desk.desk.incidents()[0].incident.id)
    await desk.see("beta", balance=50.0)
    await desk.say("/silence rule=low_balance 2h known")
    await desk.say("/silence rule=hard_loss 20h too long to tell")
    await desk.say("/deploy beta 5m a new model")
    await desk.desk.record_flow("beta", Decimal(-250), "ana", desk.clock.time, "payout")
    await desk.desk.order("beta", "pause", "ben", "bad fills", until=desk.clock.time + 3 * HOUR)


async def test_everything_that_whoever_comes_next_must_know_is_in_one_message(tmp_path: Path) -> None:
    async with night(
        tmp_path, names=("alpha", "beta"), limits=LIMITS, plan=PLAN, controls={"beta": Obedient()}
    ) as desk:
        await shift(desk)
        answer = await desk.say("/handover")
        unreachable, balance = sorted(desk.desk.incidents(), key=lambda each: each.incident.rule)
    assert answer.title == "Handover: 2 incidents open, 1 in nobody's hands"
    assert answer.text == "This shift: since 14:00 UTC, when the duty changed."
    found = told(answer)
    assert found["On duty"][0].startswith("main: ana until 2026-09-22 14:00 UTC")
    assert found["On duty"][0].endswith("then ben")
    assert found["Open"][0].startswith("⚠️ WARN · beta · Balance low: nobody has it")
    assert found["Open"][1].startswith("🚨 CRITICAL · alpha · Agent unreachable: ana has it until 14:4")
    assert found["Hidden"] == ["1 alert silenced"]
    assert [line.partition(",")[0] for line in found["Ending soon"]] == [
        "silence of ana",
        "silence of ana",
        "pause of beta by ben",
    ]
    assert [line.rpartition("(")[2].rstrip(")") for line in found["Pages"]] == [
        balance.incident.id,
        unreachable.incident.id,
    ]
    assert found["Acknowledged"][0].endswith(f"ana: {unreachable.incident.id}")
    assert found["Orders"][0].endswith("ben: pause beta, unconfirmed: bad fills")
    assert found["Cash flows"][0].endswith("ana: -250.00 USD beta: payout")
    assert found["Deploys"][0].endswith("ana: beta, 5 m: a new model")
    assert (answer.tone, [each.line for each in answer.buttons]) == (
        Tone.WARN,
        [f"ack {balance.incident.id}", "alerts"],
    )


async def test_what_the_shift_before_did_is_left_out(tmp_path: Path) -> None:
    async with night(
        tmp_path, names=("alpha", "beta"), limits=LIMITS, plan=PLAN, controls={"beta": Obedient()}
    ) as desk:
        await shift(desk)
        desk.clock.time = BEGAN.timestamp() + 24 * HOUR
        found = told(await desk.say("/handover", "ben"))
    assert not found.keys() & {"Pages", "Acknowledged", "Orders", "Cash flows", "Deploys"}
    assert found["On duty"][0].startswith("main: ben")


async def test_where_nobody_takes_turns_it_is_the_last_eight_hours(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        answer = await desk.say("/handover")
        assert (answer.title, answer.tone) == ("Handover: nothing is open", Tone.GOOD)
        assert answer.text == "This shift: the last 8 h."
        await desk.see(error="timed out")
        await desk.see(error="timed out")
        await desk.see()
        desk.clock.time += 8 * HOUR - 60.0
        assert len(told(await desk.say("/handover"))["Pages"]) == 1
        desk.clock.time += 120.0
        assert "Pages" not in told(await desk.say("/handover"))
