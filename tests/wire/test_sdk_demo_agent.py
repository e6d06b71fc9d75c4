"""A demo agent is a real process: it serves, trades, obeys, shows each fault over HTTP, and is never left over."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import pytest

from bot.demo.trader import STYLES
from tests.wire.probing import KEY, Answer, ask, order

pytestmark = pytest.mark.slow


def command(state: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "bot.demo.agent", "alpha", "--key-env", "TEST_KEY", "--state", str(state)),
        *("--seed", "7", "--strategy", "carry", "--tick", "0.02", "--stale-after", "1", *more),
    ]


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[bytes]
    port: int

    def fault(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()


@contextmanager
def started(state: Path, *more: str) -> Iterator[Running]:
    environment = {**os.environ, "TEST_KEY": KEY}
    with subprocess.Popen(
        command(state, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            assert select.select([process.stdout], [], [], 20)[0], "not ready within 20 s"
            word, port = process.stdout.readline().split()
            assert word == b"ready"
            yield Running(process, int(port))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("agent") / "pause.json") as running:
        yield running


async def until(agent: Running, path: str, holds: Callable[[Answer], bool]) -> Answer:
    async with asyncio.timeout(15):
        while True:
            answer = await ask(agent, path)
            if holds(answer):
                return answer
            await asyncio.sleep(0.02)


def equity(answer: Answer) -> float:
    return float(answer.body["equity"])


async def test_it_serves_an_account_of_about_ten_thousand_and_a_day_of_trades(agent: Running) -> None:
    snapshot = (await until(agent, "/metrics", lambda it: it.body["open_positions"] >= 1)).body
    assert snapshot["agent_id"] == "alpha"
    assert snapshot["equity"] == pytest.approx(10_000, rel=0.05)
    assert snapshot["heartbeat_age"] < 5
    trades = (await ask(agent, "/trades")).body["trades"]
    assert len(trades) >= 40
    assert len({int(trade["entry_time"] // 3600) for trade in trades}) >= 20


async def test_it_goes_on_closing_trades(agent: Running) -> None:
    cursor = (await ask(agent, "/metrics")).body["trades_cursor"]
    page = await until(agent, f"/trades?since={cursor}", lambda it: len(it.body["trades"]) >= 2)
    assert {trade["strategy"] for trade in page.body["trades"]} == {"carry"}


async def test_a_crash_costs_a_fifth_of_the_equity_until_the_price_comes_back(agent: Running) -> None:
    before = equity(await until(agent, "/metrics", lambda it: it.body["open_positions"] >= 1))
    agent.fault("crash")
    down = await until(agent, "/metrics", lambda it: equity(it) < 0.85 * before)
    assert 0.75 * before < equity(down)
    agent.fault("crash")
    later = (await ask(agent, "/metrics")).body["uptime"] + 0.5
    assert equity(await until(agent, "/metrics", lambda it: it.body["uptime"] > later)) > 0.75 * before
    agent.fault("recover")
    await until(agent, "/metrics", lambda it: equity(it) > 0.95 * before)


async def test_a_venue_that_is_down_is_named_by_health(agent: Running) -> None:
    agent.fault("venue-down")
    answer = await until(agent, "/health", lambda it: it.status == 503)
    assert answer.body["checks"]["venue"]["detail"] == "the venue answered 500"
    agent.fault("venue-up")
    await until(agent, "/health", lambda it: it.status == 200)


async def test_an_agent_that_hangs_answers_and_no_longer_acts(agent: Running) -> None:
    agent.fault("hang")
    answer = await until(agent, "/metrics", lambda it: it.body["heartbeat_age"] > 1.2)
    assert answer.body["status"] == "degraded"
    assert [check["name"] for check in answer.body["checks"] if not check["ok"]] == ["strategy"]
    agent.fault("unhang")
    await until(agent, "/metrics", lambda it: it.body["status"] == "ok")


async def silent(agent: Running) -> bool:
    try:
        async with asyncio.timeout(0.5):
            await ask(agent, "/live")
    except (TimeoutError, aiohttp.ClientError):
        return True
    return False


async def test_an_agent_that_is_deaf_lives_and_hears_again_on_its_port(tmp_path: Path) -> None:
    with started(tmp_path / "s") as agent:
        agent.fault("deaf")
        async with asyncio.timeout(20):
            while not await silent(agent):
                pass
            assert await silent(agent)
            assert agent.process.poll() is None
            agent.fault("hear")
            while await silent(agent):
                pass


async def test_an_agent_that_lies_says_paused_and_trades_on(agent: Running) -> None:
    agent.fault("lie")
    agent.fault("drain")
    await until(agent, "/metrics", lambda it: it.body["balance"] < 100)
    answer = await order(agent, "pause")
    assert (answer.status, answer.body) == (200, {"ok": True, "detail": "paused"})
    assert (await ask(agent, "/metrics")).body["paused"] is False
    cursor = (await ask(agent, "/metrics")).body["trades_cursor"]
    await until(agent, f"/trades?since={cursor}", lambda it: bool(it.body["trades"]))
    agent.fault("honest")
    agent.fault("fill")
    await until(agent, "/metrics", lambda it: it.body["balance"] > 100)


async def test_a_drained_account_is_below_its_minimum_with_the_same_equity(agent: Running) -> None:
    agent.fault("drain")
    answer = await until(agent, "/metrics", lambda it: it.body["balance"] < 100)
    assert equity(answer) > 9_000
    health = await ask(agent, "/health")
    assert (health.status, health.body["checks"]["wallet"]["ok"]) == (503, False)
    agent.fault("fill")
    await until(agent, "/health", lambda it: it.status == 200)


async def test_a_pause_holds_still_survives_a_kill_and_ends_with_a_resume(tmp_path: Path) -> None:
    state = tmp_path / "pause.json"
    with started(state) as agent:
        await until(agent, "/metrics", lambda it: it.body["open_positions"] == 3)
        assert (await order(agent, "pause", data=b'{"by": "ana"}')).status == 200
        paused = (await ask(agent, "/metrics")).body
        later = await until(agent, "/metrics", lambda it: it.body["uptime"] > paused["uptime"] + 1.5)
        assert later.body["status"] == "paused"
        assert (later.body["open_positions"], later.body["trades_cursor"]) == (3, paused["trades_cursor"])
        assert later.body["equity"] != paused["equity"]
        assert (await order(agent, "close")).status == 200
        assert (await ask(agent, "/metrics")).body["open_positions"] == 0
        agent.process.kill()
    with started(state) as agent:
        assert (await ask(agent, "/health")).body["pause"]["by"] == "ana"
        assert (await order(agent, "resume")).status == 200
        await until(agent, "/metrics", lambda it: it.body["status"] == "ok" and it.body["open_positions"] == 3)


def test_an_agent_told_to_die_is_dead(tmp_path: Path) -> None:
    with started(tmp_path / "s") as agent:
        agent.fault("no such fault")
        agent.fault("die")
        assert agent.process.wait(10) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path / "s") as agent:
        agent.process.send_signal(number)
        assert agent.process.wait(10) == 0


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "TEST_KEY": KEY}
    with subprocess.Popen(
        [sys.executable, "-c", parent, *command(tmp_path / "s")], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 20)[0]
        agent = psutil.Process(int(process.stdout.readline()))
        process.kill()
    try:
        assert agent.status() == psutil.STATUS_ZOMBIE or agent.wait(10) is None
    except psutil.NoSuchProcess:
        return


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with started(tmp_path / "s") as agent:
        environment = {**os.environ, "TEST_KEY": KEY}
        taken = command(tmp_path / "t", "--port", str(agent.port))
        with subprocess.Popen(taken, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as second:
            assert second.stderr is not None
            assert second.stderr.read().decode().strip() == (
                f"alpha: port {agent.port} on 127.0.0.1 is in use: end the other process or give another port"
            )
            assert second.wait(10) == 1


def test_a_missing_key_is_one_sentence(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TEST_KEY"}
    done = subprocess.run(command(tmp_path / "s"), env=environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"the environment variable TEST_KEY holds no key" in done.stderr


@pytest.mark.parametrize("strategy", sorted(STYLES))
async def test_every_strategy_starts_and_serves_its_own_trades(tmp_path: Path, strategy: str) -> None:
    with started(tmp_path / "s", "--strategy", strategy) as agent:
        trades = (await ask(agent, "/trades")).body["trades"]
    assert {trade["strategy"] for trade in trades} == {strategy}
    assert {trade["asset"] for trade in trades} <= set(STYLES[strategy].assets)
