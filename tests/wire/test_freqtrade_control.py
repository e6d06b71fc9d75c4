"""An order to a bot is what its version understands, and what it says of it is told."""

from __future__ import annotations

import pytest

from monitor.controls.freqtrade import Options, build
from monitor.model import Agent
from monitor.ports import AgentControl, ControlError
from tests.fakes.freqtrade import PASSWORD, USER, FakeFreqtrade, a_row, fake_freqtrade
from tests.hostile import closed_port

ALPHA = Agent("alpha")


def control(fake: FakeFreqtrade, password: str = PASSWORD) -> AgentControl:
    known = {"url": fake.url, "username": USER, "password": password, "password_env": "FT_PASSWORD"}
    return build(Options.model_validate(known))


async def test_pause_stop_and_resume_are_what_the_bot_then_is() -> None:
    async with fake_freqtrade() as fake:
        one = control(fake)
        await one.reach(ALPHA)
        assert await one.send(ALPHA, "pause", "ana", "") == "paused, no more entries will occur from now."
        assert fake.state == "paused"
        await one.send(ALPHA, "resume", "ana", "")
        assert fake.state == "running"
        await one.send(ALPHA, "stop", "ana", "")
        assert fake.state == "stopped"
        assert await one.state(ALPHA) is None


async def test_a_bot_of_2024_is_paused_and_resumed_its_own_way() -> None:
    async with fake_freqtrade() as fake:
        fake.old = True
        one = control(fake)
        await one.send(ALPHA, "pause", "ana", "")
        assert (fake.state, fake.max_open_trades) == ("running", 0)
        await one.send(ALPHA, "resume", "ana", "")
        assert fake.max_open_trades == 3.0
        assert "POST reload_config" in fake.asked


async def test_everything_open_is_sold_or_the_bot_says_why_not() -> None:
    async with fake_freqtrade() as fake:
        fake.trades = [a_row(1, closed=None)]
        assert await control(fake).send(ALPHA, "close", "ana", "") == "Created exit orders for all open trades."
        assert not fake.trades[0]["is_open"]
        fake.state = "stopped"
        with pytest.raises(ControlError, match=r"HTTP 502: .*trader is not running") as refused:
            await control(fake).send(ALPHA, "close", "ana", "")
        assert not refused.value.uncertain


async def test_its_log_comes_as_lines() -> None:
    async with fake_freqtrade() as fake:
        (line,) = await control(fake).logs(ALPHA, 5)
    assert line == "2026-11-23 17:36:13 INFO freqtrade.worker: token=abc123456\nsecond line"


async def test_a_wrong_password_and_a_bot_that_is_away_are_sentences() -> None:
    async with fake_freqtrade() as fake:
        wrong = control(fake, "wrong")
        for action in ("pause", "resume", "close"):
            with pytest.raises(ControlError, match="refused user and password: check FT_PASSWORD"):
                await wrong.send(ALPHA, action, "ana", "")
        with pytest.raises(ControlError, match="refused user and password"):
            await wrong.reach(ALPHA)
        with pytest.raises(ControlError, match="cannot be ordered to dance"):
            await control(fake).send(ALPHA, "dance", "ana", "")
        fake.url = closed_port()
        with pytest.raises(ControlError, match="it got no order"):
            await control(fake).send(ALPHA, "pause", "ana", "")
