"""/live is always 200; /health names each check that is not ok, and answers 503 unless the agent is paused."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.sdk import Probe
from tests.wire.probing import KEY, Answer, a_venue, ask, calm, order


def red(answer: Answer) -> set[str]:
    return {name for name, check in answer.body["checks"].items() if not check["ok"]}


async def test_a_fit_agent_is_ok_and_shows_every_check() -> None:
    async with a_venue() as venue, Probe("alpha", venue=venue.url, min_balance=100, machine=calm) as probe:
        probe.money(balance=250.0)
        answer = await ask(probe, "/health", key=None)
    assert answer.status == 200
    assert answer.body["status"] == "ok"
    assert answer.body["agent_id"] == "alpha"
    assert answer.body["timestamp"] > 1.6e9
    assert answer.body["uptime"] >= 0
    assert list(answer.body["checks"]) == ["venue", "memory", "cpu", "wallet", "strategy"]
    assert red(answer) == set()
    assert answer.body["checks"]["wallet"]["value"] == 250.0
    assert answer.body["checks"]["cpu"] == {"ok": True, "detail": "10% in use", "value": 0.1}
    assert answer.body["checks"]["venue"]["value"] > 0


@pytest.mark.parametrize("status", [500, 503, 404])
async def test_a_venue_that_answers_an_error_is_not_healthy(status: int) -> None:
    async with a_venue() as venue, Probe("alpha", venue=venue.url, machine=calm) as probe:
        venue.status = status
        answer = await ask(probe, "/health")
    assert answer.status == 503
    assert answer.body["status"] == "degraded"
    assert red(answer) == {"venue"}
    assert answer.body["checks"]["venue"]["detail"] == f"the venue answered {status}"


async def test_a_venue_that_hangs_is_given_up_and_the_agent_still_answers() -> None:
    async with a_venue() as venue, Probe("alpha", venue=venue.url, venue_timeout=0.05, machine=calm) as probe:
        venue.silent = True
        answer = await ask(probe, "/health")
    assert answer.status == 503
    assert answer.body["checks"]["venue"]["detail"] == "the venue did not answer within 0.05 s"


async def test_a_venue_that_is_gone_is_named_without_its_address() -> None:
    async with a_venue() as venue:
        url = venue.url
    async with Probe("alpha", venue=url, machine=calm) as probe:
        answer = await ask(probe, "/health")
    assert answer.status == 503
    assert red(answer) == {"venue"}
    assert "s3cret" not in str(answer.body)


async def stubborn() -> None:
    """Will not be cancelled at once."""
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        await asyncio.sleep(0.3)


async def broken() -> None:
    raise ConnectionError("signature=s3cret")


async def cancelled() -> None:
    raise asyncio.CancelledError


async def no() -> bool:
    return False


def not_async() -> Any:
    return 1


@pytest.mark.parametrize(
    ("venue", "detail"),
    [
        (stubborn, "the venue did not answer within 0.1 s"),
        (broken, "the venue check raised ConnectionError"),
        (cancelled, "the venue check raised RuntimeError"),
        (no, "the venue check said no"),
        (not_async, "the venue check raised TypeError"),
    ],
)
async def test_a_venue_function_that_fails_in_any_way_only_turns_the_check_red(venue: Any, detail: str) -> None:
    async with Probe("alpha", venue=venue, venue_timeout=0.1, machine=calm) as probe:
        answer = await ask(probe, "/health")
    assert answer.status == 503
    assert answer.body["checks"]["venue"]["detail"] == detail


@pytest.mark.parametrize("memory", [0.9, 0.97])
async def test_full_memory_is_not_healthy(memory: float) -> None:
    async with Probe("alpha", machine=lambda: (memory, 0.1)) as probe:
        answer = await ask(probe, "/health")
    assert answer.status == 503
    assert red(answer) == {"memory"}


async def test_a_busy_cpu_is_shown_and_not_judged() -> None:
    async with Probe("alpha", machine=lambda: (0.89, 1.0)) as probe:
        answer = await ask(probe, "/health")
    assert answer.status == 200
    assert answer.body["checks"]["cpu"]["value"] == 1.0


def unreadable() -> tuple[float, float]:
    raise PermissionError("/proc is not mounted")


@pytest.mark.parametrize("machine", [unreadable, lambda: (math.nan, math.inf)])
async def test_memory_that_cannot_be_read_is_unknown_and_not_healthy(machine: Any) -> None:
    async with Probe("alpha", machine=machine) as probe:
        answer = await ask(probe, "/health")
        snapshot = (await ask(probe, "/metrics")).body
    assert answer.status == 503
    assert red(answer) == {"memory"}
    assert snapshot["memory"] is None
    assert snapshot["cpu"] is None


async def test_the_real_machine_can_be_read() -> None:
    async with Probe("alpha") as probe:
        checks = (await ask(probe, "/health")).body["checks"]
    assert 0 < checks["memory"]["value"] <= 1
    assert 0 <= checks["cpu"]["value"] <= 1


@pytest.mark.parametrize("balance", [99.99, None, math.nan])
async def test_a_wallet_below_its_minimum_or_unknown_is_not_healthy(balance: float | None) -> None:
    async with Probe("alpha", min_balance=100, machine=calm) as probe:
        probe.money(balance=balance)
        answer = await ask(probe, "/health")
    assert answer.status == 503
    assert red(answer) == {"wallet"}


async def test_a_strategy_that_does_not_act_is_stale_until_it_acts() -> None:
    async with Probe("alpha", stale_after=0.2, machine=calm) as probe:
        probe.beat()
        assert (await ask(probe, "/health")).status == 200
        await asyncio.sleep(0.25)
        answer = await ask(probe, "/health")
        assert answer.status == 503
        assert red(answer) == {"strategy"}
        assert (await ask(probe, "/metrics")).body["heartbeat_age"] >= 0.25
        probe.beat()
        assert (await ask(probe, "/health")).status == 200


async def test_paused_by_order_is_200_paused_and_the_other_checks_stay_honest(tmp_path: Path) -> None:
    state = tmp_path / "pause.json"
    async with Probe("alpha", key=KEY, state=state, stale_after=0.0, min_balance=100, machine=calm) as probe:
        assert red(await ask(probe, "/health")) == {"strategy", "wallet"}
        await order(probe, "pause", data=b'{"by": "ana", "reason": "drawdown"}')
        answer = await ask(probe, "/health")
    assert answer.status == 200
    assert answer.body["status"] == "paused"
    assert red(answer) == {"wallet"}
    assert answer.body["checks"]["strategy"]["detail"].endswith(", paused")
    assert answer.body["pause"]["by"] == "ana"
    assert answer.body["pause"]["reason"] == "drawdown"


async def test_what_did_not_act_while_paused_is_not_stale_right_after_the_resume(tmp_path: Path) -> None:
    async with Probe("alpha", key=KEY, state=tmp_path / "s", stale_after=5.0, machine=calm) as probe:
        await order(probe, "pause")
        probe._acted -= 3600
        assert (await ask(probe, "/metrics")).body["heartbeat_age"] >= 3600
        await order(probe, "resume")
        assert (await ask(probe, "/metrics")).body["heartbeat_age"] < 3600
        assert (await ask(probe, "/health")).body["status"] == "ok"


async def test_many_askers_share_one_look_at_the_venue() -> None:
    async with a_venue() as venue, Probe("alpha", venue=venue.url, checks_ttl=60, machine=calm) as probe:
        answers = await asyncio.gather(*(ask(probe, path) for path in ["/health", "/metrics"] * 10))
        assert {answer.status for answer in answers} == {200}
        assert venue.asked == 1


async def test_the_look_is_taken_again_when_it_is_too_old() -> None:
    async with a_venue() as venue, Probe("alpha", venue=venue.url, checks_ttl=0, machine=calm) as probe:
        assert (await ask(probe, "/health")).status == 200
        venue.status = 500
        assert (await ask(probe, "/health")).status == 503
        venue.status = 200
        assert (await ask(probe, "/health")).status == 200


async def test_live_answers_while_the_venue_hangs() -> None:
    async with a_venue() as venue, Probe("alpha", venue=venue.url, venue_timeout=60, machine=calm) as probe:
        venue.silent = True
        health = asyncio.create_task(ask(probe, "/health"))
        async with asyncio.timeout(10):
            await venue.waiting.wait()
            answer = await ask(probe, "/live", key=None)
        assert not health.done()
        health.cancel()
        await asyncio.wait({health})
    assert answer.status == 200
    assert answer.body["status"] == "live"


@pytest.mark.slow
async def test_stopping_does_not_wait_for_a_venue_that_hangs() -> None:
    async with a_venue() as venue:
        venue.silent = True
        async with asyncio.timeout(20):
            async with Probe("alpha", venue=venue.url, venue_timeout=600, machine=calm) as probe:
                health = asyncio.create_task(ask(probe, "/health"))
                await venue.waiting.wait()
            with pytest.raises(aiohttp.ClientError):
                await health


async def test_a_probe_can_stop_and_serve_again_on_its_port() -> None:
    probe = Probe("alpha", machine=calm)
    async with probe:
        port = probe.port
        assert port > 0
        with pytest.raises(RuntimeError, match="serving already"):
            await probe.start()
    await probe.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(probe, "/live")
    async with probe:
        assert probe.port == port
        assert (await ask(probe, "/live")).status == 200


async def test_a_port_in_use_is_one_clear_sentence() -> None:
    async with Probe("alpha", machine=calm) as first:
        second = Probe("beta", port=first.port, machine=calm)
        with pytest.raises(OSError, match=f"^port {first.port} on 127.0.0.1 is in use: end the other process"):
            await second.start()
        await second.stop()
