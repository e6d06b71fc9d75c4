"""What people order about an incident holds while the desk is busy with it, and is bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor.alarms import MOST_SILENCES
from monitor.alerts.plan import Plan
from monitor.desk import DeskError
from monitor.model import Sample
from monitor.ports import Observation
from tests.flow.night import PEOPLE, Night, night

PLAN = Plan(("telegram",), people={each.name: each.role for each in PEOPLE}, hold=0.0, spread=0)


async def both_dark(desk: Night) -> str:
    """Two agents that do not answer: the id of their incident."""
    for _ in range(2):
        desk.clock.time += 30
        seen = [Observation(Sample(name, desk.clock.time, error="refused")) for name in ("alpha", "beta")]
        await desk.desk.observe(seen)
        await desk.desk.tick()
    (status,) = desk.desk.incidents()
    return status.incident.id


async def test_an_incident_is_taken_in_hand_while_its_first_alert_ends(tmp_path: Path) -> None:
    async with night(tmp_path, names=("alpha", "beta"), plan=PLAN, chats=("telegram",)) as desk:
        incident = await both_dark(desk)
        desk.clock.time += 30
        turns = desk.desk._book.turn()
        turn = await turns.__aenter__()
        taking = asyncio.create_task(desk.desk.acknowledge(incident, "ana"))
        for _ in range(10):  # until it waits for the turn under way
            await asyncio.sleep(0)
        turn.observe(Observation(desk.calm("alpha")))
        await turns.__aexit__(None, None, None)
        assert (await taking).changed
        (status,) = desk.desk.incidents()
        assert [(each.agent, each.acknowledged_by) for each in status.alerts] == [("beta", "ana")]


@pytest.mark.slow
async def test_silences_are_bounded_so_that_nobody_drowns_the_desk_in_them(tmp_path: Path) -> None:
    async with night(tmp_path, plan=PLAN, chats=("telegram",), seen_before=False) as desk:
        for number in range(MOST_SILENCES):
            await desk.desk.silence((("agent", f"a{number}"),), 600.0, "ana", "known")
        with pytest.raises(DeskError, match="200 silences already"):
            await desk.desk.silence((("agent", "alpha"),), 600.0, "ana", "known")
