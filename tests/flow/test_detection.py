"""A statistical finding from the sample to the card, and every number in it from what is stored."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from monitor.alerts.alert import State
from monitor.model import Agent, Severity
from monitor.ports import Observation
from tests.flow.night import Night, night

TYPICAL = 0.0005
"""Of a move of what alpha trades."""


def budgeted(agent: Agent) -> Agent:
    return replace(agent, false_pages=1.0)


async def used_to(desk: Night, moves: int = 400) -> float:
    """Let alpha have moved for a while, as a desk that watches it knows; returns its equity."""
    source, equity, told = random.Random(7), 10_000.0, []  # noqa: S311 - a repeatable series, nothing secret
    for _ in range(moves):
        desk.clock.time += 30.0
        equity *= 1.0 + source.gauss(0.0, TYPICAL)
        told.append(Observation(desk.calm("alpha", equity=equity, balance=9_000.0)))
    await desk.desk.observe(told)
    return equity


async def test_a_sudden_loss_is_a_silent_page_a_sample_later_and_is_over_after_an_hour(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        equity = await used_to(desk)
        await desk.see(equity=equity * 0.97, balance=9_000.0)
        assert desk.pages() == [], "it may yet be undone"
        await desk.see(equity=equity * 0.9702, balance=9_000.0)
        (alert,) = desk.desk.alerts()
        assert (alert.rule, alert.severity) == ("shock", Severity.WARN)
        assert alert.reason.startswith("alpha lost 3 % in 30 s, ")
        assert "expected about once in 3 months" in alert.reason
        (page,) = [message for _, message in desk.chat.sent]
        assert not page.loud
        await desk.restart()
        await desk.see(after=3_500.0, equity=equity * 0.9703, balance=9_000.0)
        assert [each.id for each in desk.desk.alerts()] == [alert.id]
        await desk.see(after=130.0, equity=equity * 0.9701, balance=9_000.0)
        over = await desk.store.alert(alert.id)
        assert over is not None
        assert over.state is State.RESOLVED


async def test_a_loss_that_is_undone_is_a_spike_and_no_page(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        equity = await used_to(desk)
        await desk.see(equity=equity * 0.97, balance=9_000.0)
        await desk.see(equity=equity * 0.9999, balance=9_000.0)
        assert [(each.rule, each.severity) for each in desk.desk.alerts()] == [("spike", Severity.INFO)]
        assert desk.pages() == []


TOLD_HERE = ("shock", "spike", "burst", "bleed", "edge", "anomaly")
