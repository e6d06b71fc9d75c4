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


@pytest.mark.slow
async def test_a_bot_of_2024_is_paused_and_resumed_its_own_way() -> None:
    async with fake_freqtrade() as fake:
        fake.old = True
        one = control(fake)
        await one.send(ALPHA, "pause", "ana", "")
        assert (fake.state, fake.max_open_trades) == ("running", 0)
        await one.send(ALPHA, "resume", "ana", "")
        assert fake.max_open_trades == 3.0
        assert "POST reload_config" in fake.asked
        await one.send(ALPHA, "pause", "ana", "")
        await one.send(ALPHA, "stop", "ana", "")
        await one.send(ALPHA, "resume", "ana", "")
        assert (fake.state, fake.max_open_trades) == ("running", 3.0)


async def test_a_bot_of_2024_whose_settings_leave_it_stopped_is_started_after_it_has_read_them() -> None:
    async with fake_freqtrade() as fake:
        fake.old, fake.initial = True, "stopped"
        await control(fake).send(ALPHA, "pause", "ana", "")
        await control(fake).send(ALPHA, "resume", "ana", "")
        assert (fake.state, fake.max_open_trades) == ("running", 3.0)


async def test_a_pause_does_not_start_a_bot_that_is_stopped() -> None:
    async with fake_freqtrade() as fake:
        fake.state = "stopped"
        assert await control(fake).send(ALPHA, "pause", "ana", "") == "it is stopped already"
        assert fake.state == "stopped"
        fake.fails["show_config"], fake.state = 502, "running"
        await control(fake).send(ALPHA, "pause", "ana", "")
        assert fake.state == "paused"


async def test_what_is_not_freqtrade_is_not_reached_and_a_question_that_fails_orders_nothing() -> None:
    async with fake_freqtrade() as fake:
        fake.fails["version"] = 404
        with pytest.raises(ControlError, match="does not know /version"):
            await control(fake).reach(ALPHA)
        fake.fails["show_config"] = 503
        with pytest.raises(ControlError, match="HTTP 503") as failed:
            await control(fake).send(ALPHA, "resume", "ana", "")
        assert not failed.value.uncertain
        assert not any(each.startswith("POST") for each in fake.asked)


async def test_a_bot_that_knows_no_stopentry_is_paused_by_its_older_name() -> None:
    async with fake_freqtrade() as fake:
        fake.fails["stopentry"] = 404
        await control(fake).send(ALPHA, "pause", "ana", "")
        assert fake.state == "paused"


@pytest.mark.parametrize(
    ("status", "body", "uncertain"),
    [
        (502, '{"error": "Error querying /api/v1/stop: invalid argument"}', False),
        (502, "<html>Bad Gateway</html>", True),
        (500, "Internal Server Error", True),
    ],
)
async def test_only_freqtrade_itself_says_for_sure_that_an_order_was_not_heard(
    status: int, body: str, uncertain: bool
) -> None:
    async with fake_freqtrade() as fake:
        fake.fails["stop"], fake.texts["stop"] = status, body
        with pytest.raises(ControlError, match=f"HTTP {status}") as refused:
            await control(fake).send(ALPHA, "stop", "ana", "")
    assert refused.value.uncertain is uncertain


async def test_everything_open_is_sold_or_the_bot_says_why_not() -> None:
    async with fake_freqtrade() as fake:
        fake.trades = [a_row(1, closed=None)]
        assert await control(fake).send(ALPHA, "close", "ana", "") == "Created exit orders for all open trades."
        assert not fake.trades[0]["is_open"]
        assert fake.sold == "market"
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
