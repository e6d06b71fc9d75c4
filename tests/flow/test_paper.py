"""An agent without money never wakes anybody, and its profit is counted apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from monitor.model import Agent, Severity, Side, Trade
from tests.flow.night import EVENING, Night, night


def labelled(mode: str | None) -> Callable[[Agent], Agent]:
    return lambda agent: replace(agent, labels={} if mode is None else {"mode": mode})


def a_trade(number: int, pnl: str) -> Trade:
    opened = EVENING - 600.0 * number
    price = Decimal(100)
    one = Decimal(1)
    return Trade("alpha", str(number), "trend", "BTC", Side.LONG, one, price, price + Decimal(pnl), opened, opened + 60)


async def worst(desk: Night) -> Severity:
    return max(each.severity for each in desk.desk.alerts())


async def test_paper_is_never_critical_whether_its_label_or_it_itself_says_so(tmp_path: Path) -> None:
    for number, (mode, says) in enumerate([("paper", None), (None, True), ("live", True)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with night(folder, change=labelled(mode)) as desk:
            await desk.see(equity=10_000.0, paper=says)
            await desk.see(equity=5_000.0, paper=says)
            assert await worst(desk) is Severity.WARN
            assert desk.desk.agent("alpha").paper


async def test_a_label_cannot_hide_that_money_is_at_stake(tmp_path: Path) -> None:
    async with night(tmp_path, change=labelled("paper")) as desk:
        await desk.see(equity=10_000.0, paper=False)
        await desk.see(equity=5_000.0, paper=False)
        assert await worst(desk) is Severity.CRITICAL


async def test_an_agent_without_an_answer_keeps_the_mode_it_last_had(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(paper=True)
        for _ in range(3):
            await desk.see(error="refused the connection")
        assert [(each.rule, each.severity) for each in desk.desk.alerts()] == [("agent_unreachable", Severity.WARN)]
        await desk.restart()
        assert desk.desk.agent("alpha").paper


async def test_its_trades_are_counted_apart_also_after_it_goes_live(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(paper=True, trades=(replace(a_trade(1, "5"), paper=True),))
        await desk.see(paper=False, trades=(a_trade(1, "5"), a_trade(2, "3")))
        live, paper = [await desk.desk.attribution("strategy", paper=each) for each in (False, True)]
        assert (live.total.net, paper.total.net) == (Decimal(3), Decimal(5))
        answer = await desk.say("/pnl by strategy")
        assert answer.title.startswith("+3.00 USD net by strategy")
        assert "Paper, counted apart: +5.00 USD in 1 trade." in answer.text
        assert [each.columns[0] for each in answer.tables] == ["Strategy", "Paper: Strategy"]
