"""A replay of what a desk has stored, or of a file that says the same, is what the desk did."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.offline.past import Options, Past, of_files
from bot.offline.replay import told
from monitor import rule
from monitor.alerts.plan import Plan
from monitor.desk import DeskError
from monitor.model import Agent, AmountOrShare, Limits, Sample, Side, Trade
from monitor.outcome import Replayed
from monitor.past import History
from monitor.ports import Change, Observation
from monitor.replay import Progress, replay
from tests.flow.night import Night, night

LIMITS = Limits(drawdown=0.05, hard_loss=AmountOrShare(share=0.045))
NAMES = ("alpha", "beta")
Fired = set[tuple[str, float | None, str, str, str]]
"""Fingerprint, time, rule, agent, reason."""


def budgeted(agent: Agent) -> Agent:
    return replace(agent, false_pages=3.0)


async def lived(desk: Night) -> None:
    """Two agents that move, one of which loses a little, then much, while its trades lose; told poll by poll."""
    dice, equity, polls = random.Random(3), dict.fromkeys(NAMES, 10_000.0), 284  # noqa: S311 - a repeatable series
    early: list[Observation] = []
    for at in range(polls):
        desk.clock.time += 30.0
        now, batch = desk.clock.time, []
        for name in NAMES:
            equity[name] *= 1.0 + dice.gauss(0.0, 5e-4)
            if name == "alpha" and at in (258, 275):
                equity[name] *= 0.98 if at == 258 else 0.96
            trades = (closed(name, at, now - 7.0, dice.random() < (0.9 if at < 236 else 0.0)),) if at % 2 == 0 else ()
            batch.append(Observation(desk.calm(name, equity=equity[name], balance=9_000.0), trades))
        early += batch
        if at >= 257:
            await desk.desk.observe(early)
            await desk.desk.tick()
            early.clear()


def closed(agent: str, number: int, time: float, good: bool) -> Trade:
    worth = Decimal(101 if good else 99)
    return Trade(agent, f"t{number}", "grid", "BTC", Side.LONG, Decimal(1), Decimal(100), worth, time - 20.0, time)


async def fired(desk: Night) -> Fired:
    """What the desk told of, as it is stored: with the reason with which each alert fired."""
    found = set()
    for each in await desk.store.opened_between(0.0, 1e11):
        reason = next(event.reason for event in await desk.store.events(each.id) if event.kind == "fired")
        found.add((each.fingerprint, each.fired, each.rule, each.agent, reason))
    return found


def said(found: Replayed) -> Fired:
    return {(each.fingerprint, each.fired, each.rule, each.agent, each.reason) for each in found.alerts}


async def bare(desk: Night) -> Sequence[History]:
    """What a file of equity and one of trades would say of each."""
    found = []
    for agent in desk.agents:
        samples = await desk.store.samples(agent.id, 0.0)
        times, equity = (np.array([getattr(each, name) for each in samples]) for name in ("time", "equity"))
        found.append(History(agent, times, equity, await desk.store.trades(agent.id, 0.0)))
    return found


@pytest.mark.slow
async def test_a_replay_is_what_the_desk_did(tmp_path: Path) -> None:
    plan = Plan(("console",), hold=300.0)
    async with night(tmp_path, limits=LIMITS, names=NAMES, change=budgeted, plan=plan) as desk:
        await lived(desk)
        again = replay(await bare(desk), rule.discover(), plan)
        assert {each.rule for each in again.alerts} >= {"shock", "edge", "hard_loss", "drawdown"}
        assert said(again) == await fired(desk)
        paged = {each.id: each.paged for each in await desk.store.incidents_between(0.0, 1e11)}
        assert {each.incident.id: each.time for each in again.pages} == paged


@pytest.mark.slow
async def test_people_ask_for_it_in_a_chat_by_another_budget_if_they_like(tmp_path: Path) -> None:
    async with night(tmp_path, limits=LIMITS, names=NAMES, change=budgeted) as desk:
        await lived(desk)
        mine = {each[:4] for each in await fired(desk) if each[3] == "alpha"}
        alone = (await desk.desk.replay("alpha", 86_400.0)).outcome
        assert {each[:4] for each in said(alone)} == mine
        answer = await desk.say("/replay alpha 1d false_pages=3 per week")
        assert answer.title == f"alpha: {len(alone.pages)} pages in 2 h 23 m"
        assert next(each.label.split(" UTC ")[1] for each in answer.fields) == "WARN Sudden loss"
        assert answer.picture is not None
        desk.clock.time += 60.0
        assert "ask for another period" in (await desk.say("/replay alpha 10s")).text
        assert "write it like" in (await desk.say("/replay alpha false_pages=often")).text
        assert "more than 3 a day" in (await desk.say("/replay alpha false_pages=4/day")).text
        assert "more than a year" in (await desk.say("/replay alpha 500d")).text
        file = tmp_path / "equity.csv"
        rows = [(each.time, each.agent, each.equity) for name in NAMES for each in await desk.store.samples(name, 0.0)]
        file.write_text("time,agent,equity\n" + "".join(f"{time},{name},{equity}\n" for time, name, equity in rows))
        past = of_files([file], Options(false_pages="3 per week"), None)
        limited = [replace(each, agent=replace(each.agent, limits=LIMITS)) for each in past.histories]
        found = json.loads(told(Past(limited), Options(json=True)))
        live = {each[:4:2] for each in await fired(desk) if each[2] != "edge"}
        assert {(each["fingerprint"], each["rule"]) for each in found["alerts"]} == live


async def test_a_replay_that_nobody_waits_for_any_more_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(_histories: object, _rules: object, _plan: object, progress: Progress) -> None:
        begun.set()
        try:
            for _ in range(2_000):
                progress(0.0)
                time.sleep(0.005)
        except DeskError:
            ended.set()

    monkeypatch.setattr("monitor.desk.told_again", endless)
    async with night(tmp_path) as desk:
        asked = asyncio.create_task(desk.desk.replay("alpha", 3_600.0))
        await asyncio.to_thread(begun.wait, 5.0)
        with pytest.raises(DeskError, match="Another replay is under way"):
            await desk.desk.replay("alpha", 3_600.0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await asyncio.to_thread(ended.wait, 1.0)


async def test_no_more_of_a_past_is_read_than_is_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.desk.MOST_REPLAYED", 5)
    async with night(tmp_path) as desk:
        begin, read = desk.clock.time, list[int]()
        desk.clock.time += 86_400.0
        quick = [replace(desk.calm("alpha"), time=begin + 3_600.0 * at) for at in range(1, 24)]
        await desk.store.commit(Change(samples=quick))
        samples = desk.store.samples

        async def counted(*of: Any) -> list[Sample]:
            read.append(len(found := await samples(*of)))
            return found

        monkeypatch.setattr(desk.store, "samples", counted)
        with pytest.raises(DeskError, match="More than 5 samples are stored of alpha"):
            await desk.desk.replay("alpha", 90_000.0)
        assert sum(read) < 15
