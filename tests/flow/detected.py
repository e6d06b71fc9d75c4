"""Stories of statistical findings: an agent that is known, what goes wrong with it, and what is stored of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

from monitor.alerts.alert import Alert
from monitor.detection import Baseline, Step, histories
from monitor.detector import Alarm
from monitor.model import Agent, Side, Trade
from monitor.ports import Observation
from monitor.steps import steps_of
from tests.flow.night import Night

TYPICAL = 0.0005
"""Of a move of what alpha trades."""
BALANCE = 9_000.0
KNOWN = 230
"""Moves after which enough is known of an agent."""
TRADES = Callable[[float, int], Sequence[Trade]]
"""(time, number of the sample) -> the trades that come with it."""


def budgeted(agent: Agent) -> Agent:
    """One false page a week; whether trades explain the equity is another story."""
    return replace(agent, false_pages=1.0, limits=replace(agent.limits, unexplained=None))


def judged_by(detector: str) -> Callable[[Agent], Agent]:
    """The guide's detector in place of those by budget."""
    return lambda agent: replace(budgeted(agent), detector=detector)


def moving(equity: float, of: float = TYPICAL, drift: float = 0.0, seed: int = 7) -> Iterator[float]:
    """The equity after each of endless moves: normal, of so much, with a drift."""
    source = random.Random(seed)  # noqa: S311 - a repeatable series, nothing secret
    while True:
        equity *= 1.0 + source.gauss(drift, of)
        yield equity


def a_trade(number: int, time: float, made: float, *, size: int = 1, strategy: str = "trend") -> Trade:
    """A closed trade of alpha that made so much money."""
    price = Decimal(1_000)
    leaves = price + Decimal(str(made)) / size
    return Trade("alpha", f"t{number}", strategy, "BTC", Side.LONG, Decimal(size), price, leaves, time - 20.0, time)


def untraded(_time: float, _number: int) -> Sequence[Trade]:
    """No trades at all."""
    return ()


async def lived(
    desk: Night, equities: Iterable[float], trades: TRADES = untraded, agent: str = "alpha", **says: Any
) -> float:
    """Let an agent have had these equities, a sample each; returns the newest."""
    told, equity = list[Observation](), 0.0
    for number, equity in enumerate(equities):
        desk.clock.time += 30.0
        sample = desk.calm(agent, equity=equity, balance=BALANCE, **says)
        told.append(Observation(sample, tuple(trades(desk.clock.time, number))))
    await desk.desk.observe(told)
    return equity


async def known(desk: Night, trades: TRADES = untraded) -> float:
    """Let alpha have moved for long enough, as a desk that watches it knows; returns its equity."""
    return await lived(desk, islice(moving(10_000.0), KNOWN), trades)


async def found(desk: Night, equities: Iterable[float], trades: TRADES = untraded) -> Alert:
    """Let alpha have these equities until something is found."""
    for number, equity in enumerate(equities):
        brought = tuple(trades(desk.clock.time + 30.0, number))
        await desk.see(equity=equity, balance=BALANCE, trades=brought)
        if desk.desk.alerts():
            (alert,) = desk.desk.alerts()
            return alert
    raise AssertionError("nothing was found")


async def shock(desk: Night) -> Alert:
    """Three percent are gone in a step, and stay gone."""
    equity = await known(desk)
    return await found(desk, (equity * 0.97, equity * 0.9702))


async def burst(desk: Night) -> Alert:
    """Its position has ten times the size."""
    equity = await known(desk)
    return await found(desk, islice(moving(equity, 10 * TYPICAL, seed=3), 30))


async def bleed(desk: Night) -> Alert:
    """Each move loses a fifth of a typical one on average."""
    equities = moving(await known(desk), drift=-0.2 * TYPICAL, seed=2)
    await lived(desk, islice(equities, 350))
    return await found(desk, islice(equities, 400))


async def edge(desk: Night) -> Alert:
    """Of its trades three of five won, now one of five."""
    equity = await known(desk, lambda time, number: [a_trade(number, time - 5.0, 5.0 if number % 5 < 3 else -5.0)])
    worse = moving(equity, seed=8)
    return await found(
        desk,
        islice(worse, 90),
        lambda time, number: [a_trade(KNOWN + number, time - 5.0, -5.0 if number % 5 else 5.0, strategy="grid")],
    )


async def anomaly(desk: Night) -> Alert:
    """One percent is gone in a step."""
    equity = await known(desk)
    assert desk.desk.alerts() == ()
    return await found(desk, (equity * 0.99,))


async def stored(desk: Night) -> list[Step]:
    """The steps of alpha's equity, from what is stored."""
    samples = await desk.store.samples("alpha", 0.0)
    equities = [(each.time, each.equity) for each in samples if each.equity is not None]
    return steps_of(equities, await desk.store.flows("alpha"))


def typical(agent: Agent, steps: Iterable[Step], until: float) -> float:
    """The typical move after all steps up to a time, folded anew."""
    ((baseline, _),) = histories([agent], [Baseline()], [[each for each in steps if each.time <= until]])
    assert baseline.typical is not None
    return baseline.typical


def anew(agent: Agent, steps: Sequence[Step], detector: str) -> Alarm:
    """The first finding of a detector, folded anew over all steps."""
    ((_, alarms),) = histories([agent], [Baseline()], [steps])
    return next(each for each in alarms if each.detector == detector)
