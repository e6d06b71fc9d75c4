"""What a desk has stored becomes a past to be replayed, and a bad night is held against one budget after the other."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from monitor.alerts.plan import Plan
from monitor.book import KEPT, LEARNED
from monitor.model import Agent, Sample
from monitor.outcome import SOON, Page, Replayed
from monitor.past import History
from monitor.ports import Store
from monitor.replay import Progress, replay
from monitor.rule import Rule

AT_ONCE = 21_600.0
"""Seconds of samples that are read at once: meanwhile nothing else is done."""


@dataclass(frozen=True, slots=True)
class Caught:
    """Whether a bad night would have been paged within an hour of its begin."""

    time: float
    """When it began."""
    by: str | None
    """The smallest of the budgets that were tried with which it would; None: with none of them."""
    page: Page | None
    """The first page then."""


@dataclass(frozen=True, slots=True)
class Retold:
    """What came of replaying an agent's stored past."""

    history: History
    hours: int
    """Of its samples, those that are the last of an hour: of before the days of which every one is kept."""
    outcome: Replayed


async def stored(store: Store, agent: Agent, since: float, now: float, most: float = math.inf) -> tuple[History, int]:
    """What is stored of an agent since a time, and how many of its samples are the last of an hour.

    Those come before the seven days of which every sample is kept. Once more than `most` samples are read the newest
    are left out: whoever asks refuses so many. Errors: StoreError.
    """
    samples, begin = list[Sample](), max(since, now - KEPT)
    while begin <= now and len(samples) <= most:
        end = begin + AT_ONCE
        samples += await store.samples(agent.id, begin, end if end <= now else None)
        begin = end
    first = samples[0].time if samples else now
    hours = await store.hours(agent.id, since) if since < now - KEPT else []
    early = [Sample(agent.id, time, equity=equity) for time, equity in takewhile(lambda each: each[0] < first, hours)]
    trades = await store.trades(agent.id, max(0.0, since - LEARNED))
    return History.of(agent, [*early, *samples], trades, await store.flows(agent.id, since)), len(early)


def caught(
    histories: Sequence[History],
    rules: Mapping[str, Rule],
    plan: Plan,
    times: Sequence[float],
    budgets: Mapping[str, float],
    progress: Progress = lambda _: None,
) -> list[Caught]:
    """For each of some times the smallest budget with which something is paged within an hour.

    `budgets`: their names and the false pages a week that each agent is allowed. Errors: what `progress` raises.
    """
    found = [Caught(each, None, None) for each in times]
    short = [_until(each, max(times, default=0.0) + SOON) for each in histories]
    ordered = sorted(budgets.items(), key=lambda each: each[1])
    for number, (name, allowed) in enumerate(ordered):
        if all(each.page is not None for each in found):
            break
        tried = [replace(each, agent=replace(each.agent, false_pages=allowed)) for each in short]
        outcome = replay(tried, rules, plan, functools.partial(_part, progress, number, len(ordered)))
        pages = [outcome.first(each.time) for each in found]
        found = [
            Caught(each.time, name, page) if each.page is None and page is not None else each
            for each, page in zip(found, pages, strict=True)
        ]
    progress(1.0)
    return found


def _part(progress: Progress, number: int, of: int, done: float) -> None:
    progress((number + done) / of)


def _until(of: History, time: float) -> History:
    """A history as far as a time."""
    end = int(np.searchsorted(of.times, time, side="right"))
    samples = None if of.samples is None else of.samples[:end]
    return replace(of, times=of.times[:end], equity=of.equity[:end], samples=samples)
