"""A bot's answers become one sample and its closed trades, whatever fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from monitor.model import Position, Side
from monitor.sources._freqtrade_trades import PAGE
from tests.fakes.freqtrade import NOW, a_row
from tests.wire.watched_freqtrade import ALPHA, a_bot


async def test_one_look_is_its_money_its_positions_its_machine_and_its_closed_trades() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(1, "0.5"), a_row(2, closed=None), a_row(3, "-0.2", closed=NOW - 7_200)]
        seen = await bot.look()
    sample = seen.sample
    assert (sample.error, sample.status, sample.paused, sample.paper) == (None, "ok", False, True)
    assert (sample.equity, sample.balance, sample.available) == (993.7, 703.8, 693.7)
    assert sample.open_positions == 1
    assert sample.exposure == pytest.approx(0.00173 * 58_000)
    assert sample.positions == (Position("BTC/USDT", Side.LONG, 0.00173, 57_794.64, 0.1, "2"),)
    assert (sample.heartbeat_age, sample.uptime, sample.memory, sample.cpu) == (5.0, 905.0, 0.41, 0.2)
    assert (sample.pnl_1h, sample.pnl_24h, sample.pnl_7d) == (0.5, 0.3, 0.3)
    assert (sample.decision_age, sample.feed_age, sample.venue_latency, sample.leverage) == (None, None, None, None)
    assert [(each.id, each.net, each.paper) for each in seen.trades] == [
        (f"1-{(NOW - 600) * 1000}", Decimal("0.5"), True),
        (f"3-{(NOW - 600) * 1000}", Decimal("-0.2"), True),
    ]


async def test_a_trade_that_closes_late_and_new_ones_are_read_once_each() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(1, closed=None), a_row(2, "0.1")]
        first = await bot.look()
        bot.fake.trades[0].update(is_open=False, close_rate=58_000.0, close_timestamp=NOW * 1000, close_profit_abs=0.7)
        bot.fake.trades.append(a_row(3, "0.2"))
        second, third = await bot.look(), await bot.look()
    assert [each.id.partition("-")[0] for each in first.trades] == ["2"]
    assert sorted(each.id.partition("-")[0] for each in second.trades) == ["1", "3"]
    assert (third.trades, third.cursor) == ((), None)
    assert second.sample.pnl_24h == pytest.approx(1.0)


@pytest.mark.slow
async def test_a_long_history_is_read_over_several_looks_and_a_restart_of_the_desk() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(number, "0.01") for number in range(1, 12 * PAGE + 8)]
        ids = {each.id for each in (await bot.look()).trades}
        assert len(ids) == 10 * PAGE
        bot.begin_anew()
        last = await bot.look()
        ids |= {each.id for each in last.trades}
        assert len(ids) == 12 * PAGE + 7
    # All of them closed within the last hour: more than a page, which is all that is read again after a start.
    assert last.sample.pnl_7d is None


async def test_a_fault_half_way_costs_neither_the_figures_nor_a_trade() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(1), a_row(2)]
        bot.fake.fails["trades"] = 502
        failed = await bot.look()
        assert (failed.sample.error, failed.sample.equity, failed.trades) == (None, 993.7, ())
        assert failed.sample.pnl_24h is None
        bot.fake.fails.clear()
        assert len((await bot.look()).trades) == 2


async def test_a_new_database_is_read_from_its_first_trade() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(number) for number in range(1, 40)]
        assert len((await bot.look()).trades) == 39
        bot.fake.trades = [a_row(1, opened=NOW - 60), a_row(2, opened=NOW - 50)]
        assert [each.entry_time for each in (await bot.look()).trades] == [NOW - 60.0, NOW - 50.0]


async def test_trades_that_were_deleted_hide_no_new_ones() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(number) for number in range(1, 60)]
        await bot.look()
        for number in range(1, 31):
            bot.fake.delete(number)
        bot.fake.trades.append(a_row(60, "0.9"))
        assert any(each.id.startswith("60-") for each in (await bot.look()).trades)


@pytest.mark.parametrize("login", ["basic", "jwt"])
async def test_a_wrong_password_names_its_variable(login: str) -> None:
    async with a_bot(login=login, password="wrong") as bot:
        assert (await bot.look()).sample.error == "refused user and password: check FT_PASSWORD"


async def test_a_token_is_renewed_when_it_runs_out_and_by_the_password_when_that_is_refused() -> None:
    async with a_bot(login="jwt") as bot:
        assert (await bot.look()).sample.error is None
        logins = bot.fake.asked.count("POST token/login")
        bot.fake.expire()
        assert (await bot.look()).sample.error is None
        assert bot.fake.asked.count("POST token/refresh") == 1
        assert bot.fake.asked.count("POST token/login") == logins == 1
        bot.fake.expire()
        bot.fake.refreshes = False
        assert (await bot.look()).sample.error is None
        assert bot.fake.asked.count("POST token/login") == 2


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("balance", 502, "answered /balance with HTTP 502: Error querying /api/v1/balance: no rights"),
        ("show_config", 404, "does not know /show_config"),
        ("status", 500, "answered /status with HTTP 500"),
    ],
)
async def test_what_freqtrade_refuses_is_one_sentence_with_its_own_words(path: str, status: int, says: str) -> None:
    async with a_bot() as bot:
        bot.fake.fails[path] = status
        assert says in str((await bot.look()).sample.error)
        bot.fake.fails.clear()
        assert (await bot.look()).sample.error is None


async def test_a_bot_without_sysinfo_is_watched_all_the_same() -> None:
    async with a_bot() as bot:
        bot.fake.fails["sysinfo"] = 404
        sample = (await bot.look()).sample
    assert (sample.error, sample.memory, sample.cpu) == (None, None, None)


@pytest.mark.parametrize(
    ("state", "most", "paused", "status"),
    [("running", 3.0, False, "ok"), ("paused", 3.0, True, "paused"), ("stopped", 3.0, True, "paused"),
     ("running", 0, True, "paused"), ("reload_config", 3.0, False, "reload_config")],
)  # fmt: skip
async def test_paused_is_what_enters_nothing(state: str, most: float, paused: bool, status: str) -> None:
    async with a_bot() as bot:
        bot.fake.state, bot.fake.max_open_trades = state, most
        sample = (await bot.look()).sample
    assert (sample.paused, sample.status) == (paused, status)


async def test_a_fill_makes_the_desk_look_at_once_and_a_socket_that_is_refused_costs_nothing() -> None:
    async with a_bot(websocket=True) as bot:
        await bot.look()
        await _until(lambda: bot.fake.sockets)
        await bot.fake.tell("whitelist")
        await bot.fake.tell("exit_fill")
        await _until(lambda: bot.stirred)
        assert bot.stirred == ["alpha"]
    async with a_bot(websocket=True) as bot:
        bot.fake.fails["token/login"] = 404
        assert (await bot.look()).sample.error is None
        await _until(lambda: "POST token/login" in bot.fake.asked)
        assert (await bot.look()).sample.error is None


async def _until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - a server elsewhere says nothing by itself
            await asyncio.sleep(0.01)


async def test_a_bot_that_was_just_started_is_well_once_its_loop_turns() -> None:
    async with a_bot() as bot:
        assert await bot.source.well(ALPHA) is None
        bot.fake.fails["health"] = 502
        assert "HTTP 502" in str(await bot.source.well(ALPHA))


async def test_its_password_stands_in_no_repr_and_no_error() -> None:
    async with a_bot(password="pass-word-9876") as bot:
        assert "pass-word-9876" not in repr(bot.source.__dict__.get("_options"))
        assert "pass-word-9876" not in str((await bot.look()).sample.error)
