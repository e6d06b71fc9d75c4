"""A bot that answers nonsense, late, or in part costs a look a figure at most, and the desk nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.sources import _freqtrade_api, _freqtrade_stream
from tests.fakes.freqtrade import NOW, PASSWORD, a_row
from tests.wire.watched_freqtrade import ALPHA, Bot, a_bot

HUGE = 10**400


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("trades", {"trades": [7]}),
        ("trades", {"trades": [{"trade_id": HUGE}], "total_trades": "many"}),
        ("trades", {"trades": [{**a_row(1), "open_timestamp": HUGE, "close_timestamp": -HUGE}]}),
        ("trades", {"trades": [{**a_row(1), "orders": [None, {"filled": "1e99999"}]}]}),
        ("trades", []),
        ("status", [None]),
        ("status", [{"trade_id": 1, "amount": HUGE, "pair": "X"}]),
        ("status", [{"trade_id": number, "amount": 1, "pair": "X"} for number in range(1_001)]),
        ("status", {}),
        ("balance", []),
        ("balance", {"total": HUGE, "currencies": [7], "stake": None}),
        ("show_config", {"state": "running", "max_open_trades": HUGE, "dry_run": "yes"}),
        ("health", {"last_process_ts": HUGE, "bot_startup_ts": "x"}),
        ("sysinfo", {"cpu_pct": [HUGE, None], "ram_pct": []}),
        ("profit", {"closed_trade_count": HUGE, "winrate": HUGE}),
    ],
)
async def test_nothing_that_it_answers_makes_a_look_fail_otherwise_than_by_a_sentence(path: str, answer: Any) -> None:
    async with a_bot() as bot:
        bot.fake.answers[path] = answer
        for _ in range(2):
            sample = (await bot.look()).sample
            assert sample.error is None or sample.error.startswith("answered ")
        bot.begin_anew()
        await bot.look()
        bot.fake.answers.clear()
        assert (await bot.look()).sample.error is None


async def test_what_is_slow_and_can_be_done_without_costs_neither_money_nor_trades() -> None:
    async with a_bot(timeout=0.5) as bot:
        bot.fake.trades = [a_row(1)]
        bot.fake.slow = {"sysinfo": asyncio.Event(), "profit": asyncio.Event()}
        seen = await bot.look()
    assert (seen.sample.error, seen.sample.equity, seen.sample.cpu, seen.sample.win_rate) == (None, 993.7, None, None)
    assert len(seen.trades) == 1


async def test_of_a_look_that_failed_no_call_goes_on() -> None:
    async with a_bot() as bot:
        bot.fake.fails["show_config"] = 502
        bot.fake.slow = {"balance": asyncio.Event(), "sysinfo": asyncio.Event()}
        before = asyncio.all_tasks()
        assert "HTTP 502" in str((await bot.look()).sample.error)
        await asyncio.sleep(0)
        assert not {each for each in asyncio.all_tasks() - before if "Api" in repr(each) or "_maybe" in repr(each)}


async def test_a_login_that_hangs_is_given_up_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_freqtrade_api, "RENEWS_WITHIN", 0.05)
    async with a_bot(login="jwt", timeout=0.5) as bot:
        bot.fake.slow["token/login"] = asyncio.Event()
        assert (await bot.look()).sample.error == "no answer within 0.5 s"
        bot.fake.slow.clear()
        assert (await bot.look()).sample.error is None


async def test_a_websocket_that_ended_or_hangs_is_connected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_freqtrade_stream, "FIRST", 0.01)
    monkeypatch.setattr(_freqtrade_stream, "CONNECTS_WITHIN", 0.05)
    async with a_bot(websocket=True) as bot:
        bot.fake.slow["message/ws"] = asyncio.Event()
        await bot.look()
        await asyncio.sleep(0.1)
        del bot.fake.slow["message/ws"]
        await _connected(bot, 1)
        await bot.fake.sockets[0].close()
        await _connected(bot, 2)
        await bot.fake.tell("exit_fill")
        async with asyncio.timeout(5):
            while not bot.stirred:  # noqa: ASYNC110 - a server elsewhere says nothing by itself
                await asyncio.sleep(0.01)


async def test_a_websocket_that_is_refused_is_told_once_and_without_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_freqtrade_stream, "FIRST", 0.001)
    with capture_logs() as told:
        async with a_bot(websocket=True) as bot:
            bot.fake.fails["message/ws"] = 403
            await bot.look()
            async with asyncio.timeout(5):
                while bot.fake.asked.count("GET message/ws") < 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert (await bot.look()).sample.error is None
    assert [each["event"] for each in told] == ["fills are seen at the next poll only"]
    assert "access-" not in str(told)


async def _connected(bot: Bot, times: int) -> None:
    async with asyncio.timeout(5):
        while len(bot.fake.sockets) < times:  # noqa: ASYNC110 - a server elsewhere says nothing by itself
            await asyncio.sleep(0.01)


async def test_after_a_start_the_last_days_are_known_though_a_trade_with_a_low_id_closed_late() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(1, "5", opened=NOW - 9 * 86_400, closed=NOW - 60)]
        bot.fake.trades += [a_row(number, "1", closed=NOW - 300 * (2_003 - number)) for number in range(2, 2_003)]
        whole = (await bot.look()).sample
        bot.begin_anew()
        first = (await bot.look()).sample
        assert (first.pnl_1h, first.pnl_24h, first.pnl_7d) == (whole.pnl_1h, whole.pnl_24h, None)
        anew = (await bot.look()).sample
        assert (anew.pnl_1h, anew.pnl_24h, anew.pnl_7d) == (whole.pnl_1h, whole.pnl_24h, whole.pnl_7d)
        assert whole.pnl_1h == 16.0
        bot.fake.old = True  # it tells its trades by their ids only: all are read again
        bot.begin_anew()
        assert (await bot.look()).sample.pnl_7d == whole.pnl_7d
        assert (await bot.look()).trades == ()


async def test_a_page_that_is_too_long_is_asked_for_in_halves() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(number, "1") for number in range(1, 601)]
        bot.fake.heavy = 30_000
        ids = {each.id for _ in range(4) for each in (await bot.look()).trades}
    assert len(ids) == 600


async def test_a_new_database_that_has_grown_beyond_the_old_one_is_read_from_its_first_trade() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(number) for number in range(1, 6)]
        await bot.look()
        bot.fake.trades = [a_row(number, opened=NOW - 60) for number in range(1, 9)]
        assert len((await bot.look()).trades) == 8


async def test_a_look_that_could_not_read_all_trades_knows_no_profit() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(1, "0.5")]
        assert (await bot.look()).sample.pnl_24h == 0.5
        bot.fake.fails["trades"] = 502
        assert (await bot.look()).sample.pnl_24h is None


async def test_a_trade_that_cannot_be_told_holds_up_no_other() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(1, closed=None), a_row(2, closed=None), *(a_row(each) for each in range(3, 40))]
        await bot.look()
        for each in bot.fake.trades[:2]:
            each.update(is_open=False, close_rate=58_000.0, close_timestamp=NOW * 1000, close_profit_abs=0.7)
        bot.fake.fails["trade/1"] = 500
        assert [each.id.partition("-")[0] for each in (await bot.look()).trades] == ["2"]
        bot.fake.fails.clear()
        assert [each.id.partition("-")[0] for each in (await bot.look()).trades] == ["1"]


async def test_profit_which_reads_every_trade_is_asked_only_when_some_have_closed() -> None:
    async with a_bot() as bot:
        bot.fake.trades = [a_row(1)]
        for _ in range(4):
            sample = (await bot.look()).sample
        assert (sample.win_rate, sample.max_drawdown) == (0.75, 0.02)
        assert bot.fake.asked.count("GET profit") == 2
        bot.fake.trades.append(a_row(2))
        for _ in range(3):
            await bot.look()
        assert bot.fake.asked.count("GET profit") == 3


async def test_a_bot_that_tells_secrets_back_is_not_quoted_with_them() -> None:
    async with a_bot() as bot:
        bot.fake.fails["balance"] = 502
        bot.fake.texts["balance"] = f'{{"error": "{PASSWORD} is what I was told"}}'
        assert str((await bot.look()).sample.error).endswith("•••• is what I was told")


async def test_a_bot_whose_loop_stands_still_is_not_well() -> None:
    async with a_bot() as bot:
        bot.fake.answers["health"] = {"last_process_ts": NOW - 3_600}
        assert await bot.source.well(ALPHA) == "its loop has not turned yet"
        bot.fake.answers["health"] = {"last_process_ts": None}
        assert await bot.source.well(ALPHA) == "its loop has not turned yet"
        bot.fake.state = "stopped"  # by its settings, or by somebody: then its loop stands still
        assert await bot.source.well(ALPHA) is None
