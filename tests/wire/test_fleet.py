from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import psutil
import pytest

from monitor.engine.clock import SteadyClock
from monitor.engine.local import Engine
from monitor.model import Agent
from monitor.ports import Observation
from monitor.sources import Means, discover, fleet_session
from tests import hostile
from tests.hostile import HEALTHY, HOSTILE, Server, closed_port, redirects, serve, tells

HEALTHY_AGENTS = 178
INTERVAL = 1.0
TIMEOUT = 0.7
ROUNDS = 4
KINDS = [kind for kind in HOSTILE if kind not in ("a list", "infinity by overflow", "truth for a number")]
"""With a redirect and a refusal, twenty hostile agents; two more set cookies."""
MEMORY = 100 * 2**20


@pytest.mark.slow
async def test_hostile_agents_cost_only_themselves() -> None:
    memory = psutil.Process().memory_info().rss
    seen: dict[str, list[Observation]] = defaultdict(list)
    enough = asyncio.Event()

    async def observe(batch: Sequence[Observation]) -> None:
        for each in batch:
            seen[each.sample.agent].append(each)
        if all(len(seen[agent]) >= ROUNDS for agent in servers):
            enough.set()

    async with contextlib.AsyncExitStack() as stack:
        servers: dict[str, Server] = {}
        for number in range(HEALTHY_AGENTS):
            name = f"agent-{number:03}"
            servers[name] = await stack.enter_async_context(serve(tells(HEALTHY | {"agent_id": name})))
        for name in ("cookie-1", "cookie-2"):
            servers[name] = await stack.enter_async_context(serve(hostile.COOKIE))
        for kind in KINDS:
            servers[kind] = await stack.enter_async_context(serve(HOSTILE[kind][0]))
        target = servers["agent-000"]
        servers["redirects"] = await stack.enter_async_context(serve(redirects(target.url + "/stolen")))
        servers["refuses"] = Server(closed_port())
        session = await stack.enter_async_context(fleet_session(INTERVAL))

        kind_of_source = discover()["http"]
        means = Means(session, SteadyClock())
        sources = {
            name: kind_of_source.build(kind_of_source.Options(url=server.url, key="s3cret", timeout=TIMEOUT), means)
            for name, server in servers.items()
        }
        agents = [Agent(name, interval=INTERVAL) for name in servers]
        engine = Engine(agents, sources, observe, cursors=lambda _agent: None, clock=means.clock)
        await engine.start()
        try:
            await asyncio.wait_for(enough.wait(), 30)
        finally:
            await engine.stop()

    assert len(servers) == 200
    well = [name for name in servers if name.startswith(("agent-", "cookie-"))]
    errors = {each.sample.error for name in well for each in seen[name]}
    assert errors == {None}, errors
    assert [name for name in well if engine.skipped[name]] == []
    # One sample in each interval: no agent is more than the running interval, and what the machine itself lost, behind.
    counts = [len(seen[name]) for name in well]
    assert max(counts) - min(counts) <= 1 + math.ceil(engine.overruns * 0.1 / INTERVAL)

    reasons = {kind: HOSTILE[kind][1] for kind in KINDS} | {"redirects": "a redirect", "refuses": "refused"}
    for kind, reason in reasons.items():
        told = Counter(each.sample.error for each in seen[kind])
        assert [error for error in told if error is None or reason not in error] == [], (kind, told)
    assert {request.path for request in target.requests} == {"/metrics"}
    cookies = [request.headers.get("cookie") for name in ("cookie-1", "cookie-2") for request in servers[name].requests]
    assert cookies == [None] * len(cookies)
    assert servers["agent-000"].connections == 1
    assert psutil.Process().memory_info().rss - memory < MEMORY
