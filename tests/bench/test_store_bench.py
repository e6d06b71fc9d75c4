"""What the store costs on top of the same work done by hand with sqlite3."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import pytest

from monitor.model import Check, Sample
from monitor.ports import Change
from monitor.storage import schema
from tests.stores import T0, a_notification, a_sample, an_alert, new_database, new_store

_AGENTS = 1000
_TICKS = 30
_CHECKS = tuple(Check(name, ok=True, detail="answers in 34 ms") for name in ("venue", "wallet", "strategy", "memory"))


def _tick(number: int) -> list[Sample]:
    figures = {"balance": 900.5, "pnl_24h": 1.5, "win_rate": 0.51, "sharpe": 1.2, "max_drawdown": 0.08, "cpu": 0.2}
    return [
        a_sample(f"agent-{each}", T0 + number * 30 + each / 1e3, checks=_CHECKS, open_positions=3, **figures)
        for each in range(_AGENTS)
    ]


def _by_hand(folder: Path) -> float:
    connection = sqlite3.connect(new_database(folder), isolation_level=None)
    connection.execute("PRAGMA synchronous=NORMAL")
    statement = f"INSERT INTO samples VALUES ({', '.join('?' * len(schema.samples.columns))})"  # noqa: S608 - our schema
    taken = []
    for number in range(_TICKS):
        rows = [
            (
                *(each.agent, round(each.time * 1e6), None, each.status, each.paused, each.equity, each.balance),
                *(3, each.pnl_24h, each.win_rate, each.sharpe, each.max_drawdown, None, None, None, None),
                *(each.cpu, None, None, '[["venue",true,"answers in 34 ms"]]' * 4),
                *(*(None,) * 21, "[]", None),  # signals that this agent does not tell
            )
            for each in _tick(number)
        ]
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, rows)
        connection.execute("COMMIT")
        taken.append(time.perf_counter() - begun)
    connection.close()
    return median(taken)


async def _median(work: Callable[[int], Awaitable[object]]) -> float:
    taken = []
    for number in range(_TICKS):
        begun = time.perf_counter()
        await work(number)
        taken.append(time.perf_counter() - begun)
    return median(taken)


@pytest.mark.bench
async def test_a_tick_of_a_thousand_agents_costs_at_most_three_times_the_work_by_hand(tmp_path: Path) -> None:
    for folder in ("hand", "store"):
        (tmp_path / folder).mkdir()
    by_hand = _by_hand(tmp_path / "hand")
    changes = [
        Change(
            samples=_tick(number),
            alerts=[an_alert(opened_at=T0 + number)],
            notifications=[a_notification(f"n{number}", alert=f"a{number}")],
        )
        for number in range(_TICKS)
    ]
    async with new_store(tmp_path / "store") as store:
        commit = await _median(lambda number: store.commit(changes[number]))
        read = await _median(lambda number: store.samples(f"agent-{number}", 0))
        claim = await _median(lambda number: store.claim("console", T0 + number, 1))
    milliseconds = [f"{each * 1e3:.2f}" for each in (by_hand, commit, read, claim)]
    print("by hand {} ms, commit {} ms, read of 30 samples {} ms, claim {} ms".format(*milliseconds))  # noqa: T201 - a bench says its figures
    assert commit < 3 * by_hand
