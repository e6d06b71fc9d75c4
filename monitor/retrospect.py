"""What a digest and a shift are made of is read from the store, one agent's equity at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping

from monitor import digest, shift
from monitor.alerts import oncall
from monitor.alerts.plan import Plan
from monitor.kept import VERSION, unpack
from monitor.model import Agent, CashFlow
from monitor.ports import Store
from monitor.rule import Rule
from monitor.series import EquityCurve

LATER = 1e11
"""A time that no event is after."""


async def facts(
    store: Store,
    agents: Mapping[str, Agent],
    rules: Mapping[str, Rule],
    papers: Collection[str],
    since: float,
    until: float,
    only: Collection[str] | None = None,
) -> digest.Facts:
    """What is stored about since <= time < until; of the agents in `only`, or of everything. Errors: StoreError.

    `agents`: those that are watched; `rules`: those that watch them; `papers`: ids of those that trade without money.
    """
    trades = await store.trades(None, since, until)
    alerts = await store.alerts_between(since, until)
    incidents = await store.incidents_between(since, until)
    if only is not None:
        trades = [each for each in trades if each.agent in only]
        alerts = [each for each in alerts if each.agent in only]
        named = {each.incident for each in alerts}
        incidents = [each for each in incidents if each.id in named]
    walks = []
    for name, agent in agents.items():
        if only is None or name in only:
            account = await _account(store, agent, name in papers, since, until)
            walks.append(await asyncio.to_thread(digest.walk, account, since, until))
    allowed = [each.false_pages for name, each in agents.items() if only is None or name in only]
    given = [each for each in allowed if each is not None]
    return digest.Facts(
        since,
        until,
        trades,
        walks,
        alerts,
        incidents,
        events=await store.happened(since, LATER),
        statistical=frozenset(key for key, rule in rules.items() if rule.statistical),
        false_pages=sum(given) if given else None,
    )


async def _account(store: Store, agent: Agent, paper: bool, since: float, until: float) -> digest.Account:
    kept, curve = await store.snapshot(agent.id, VERSION, since), EquityCurve()
    if kept is not None:
        with contextlib.suppress(ValueError, KeyError, TypeError):  # one that cannot be read is folded anew
            curve = unpack(kept.state).curve
    steps = await store.equities(agent.id, curve.time or 0.0, until)
    return digest.Account(agent, paper, curve, steps, await store.flows(agent.id))


async def of_shift(store: Store, agents: Collection[str], plan: Plan, now: float) -> shift.Shift:
    """What happened since the last change of duty, or in the last 8 h. Errors: StoreError."""
    overrides = oncall.valid(await store.overrides(now - shift.LONGEST), plan.people)
    changed = shift.began(plan.rotations, overrides, now)
    since = now - shift.ALONE if changed is None else changed
    soon = now + 1.0  # what happens at this very moment belongs to it
    flows: list[CashFlow] = []
    for agent in agents:
        flows += await store.flows(agent, since)
    return shift.shift(
        since,
        now,
        by_duty=changed is not None,
        alerts=await store.alerts_between(since, soon),
        incidents=await store.incidents_between(since, soon),
        events=await store.happened(since, soon),
        orders=await store.given(since, soon),
        flows=flows,
        silences=await store.silences(since),
    )
