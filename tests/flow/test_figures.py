"""Figures are reckoned from what is stored, page only when chance does not explain them, and count anew when told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from monitor.model import Severity, Side, Trade
from monitor.performance import WINDOWS
from monitor.ports import Change
from tests.flow.night import Night, night

HOUR, DAY = 3_600.0, 86_400.0


def trades(now: float, wins: int, losses: int) -> list[Trade]:
    """Trades of the last day, a win earns 5 and a loss costs 10."""
    made = []
    for number in range(wins + losses):
        leave = now - 80_000.0 + 600.0 * number
        exit_price = Decimal(105 if number < wins else 90)
        entry = Decimal(100)
        made.append(
            Trade("alpha", str(number), "grid", "BTC", Side.LONG, Decimal(1), entry, exit_price, leave - 60, leave)
        )
    return made


async def reviewed(desk: Night) -> set[str]:
    """The figures that are alerts after a review and the next sample."""
    await desk.wait(901.0, step=300.0)
    await desk.desk.review()
    await desk.see()
    return {value for alert in desk.desk.alerts() if alert.rule == "poor_figures" for _, value in alert.labels}


async def test_a_losing_strategy_pages_with_its_interval_and_counts_anew_when_told(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.store.commit(Change(trades=trades(desk.clock.time, 10, 50)))
        assert await reviewed(desk) == {"win_rate", "profit_factor"}
        (page,) = [message for _, message in desk.chat.sent if "Figures" in message.title]
        assert page.title.startswith("\N{WARNING SIGN}")
        assert "win rate of alpha is 17%" in page.text
        assert "95 % sure to be 9% to 28% (60 trades): review signals" in page.text
        (alert, *_) = [each for each in desk.desk.alerts() if each.rule == "poor_figures"]
        assert alert.severity is Severity.WARN

        await desk.restart()
        await desk.see()
        assert len(desk.desk.alerts()) == 2, "nothing is known of the figures yet, so nothing changes"

        asked = await desk.say("/reset alpha a new model")
        assert "count anew" in asked.title
        answer = await desk.say(asked.buttons[0].line)
        assert answer.title.startswith("The figures of alpha count from ")
        assert await reviewed(desk) == set()


async def test_ten_trades_never_page_however_bad_they_are(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.store.commit(Change(trades=trades(desk.clock.time, 0, 10)))
        assert await reviewed(desk) == set()


async def test_a_rate_that_chance_explains_does_not_page(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.store.commit(Change(trades=trades(desk.clock.time, 10, 20)))  # 33 %, perhaps 19 to 51
        assert "win_rate" not in await reviewed(desk)


async def test_a_strategy_that_bleeds_hour_by_hour_has_a_poor_sharpe_ratio(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        equity = 10_000.0
        for hour in range(24 * 6):
            equity *= 0.9995 if hour % 3 else 1.0003
            await desk.see(after=HOUR, equity=equity, balance=equity, deliver=False)
        found = await reviewed(desk)
        assert found >= {"sharpe"}
        figures = {each.key: each for each in (await desk.desk.performance("alpha", "30d")).figures}
        high = figures["sharpe"].high
        assert isinstance(high, float)
        assert high < 0.5


@pytest.mark.slow
async def test_live_figures_are_there_after_a_review_and_begin_anew_with_a_flow(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        for number in range(24 * 12):
            await desk.see(after=300.0, equity=10_000.0 + number % 7, deliver=False)
        assert desk.desk.status()[0].live is None
        await desk.desk.review()
        before = desk.desk.status()[0].live
        assert before is not None
        assert before.max_drawdown == pytest.approx(6 / 10_006)
        for _ in range(3):  # a step ends with the first sample after it
            await desk.see(after=300.0, equity=9_000.0)
        fallen = desk.desk.status()[0].live
        assert fallen is not None
        assert fallen.max_drawdown == pytest.approx(1_006 / 10_006)
        rows = {row[0]: row for table in (await desk.say("/status alpha")).tables for row in table.rows}
        assert rows["Max drawdown 24 h"][1] == "10.1%"
        await desk.desk.record_flow("alpha", Decimal(-1_000), "ana", None)
        assert desk.desk.status()[0].live is None
        await desk.desk.review()
        after = desk.desk.status()[0].live
        assert after is not None
        assert after.max_drawdown == pytest.approx(6 / 10_006, rel=0.05)


@pytest.mark.parametrize("window", WINDOWS)
async def test_every_window_is_answered_in_chat(window: str, tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.store.commit(Change(trades=trades(desk.clock.time, 20, 40)))
        answer = await desk.say(f"/performance alpha {window}")
        assert window in answer.title
        rows = {row[0]: row for table in answer.tables for row in table.rows}
        assert rows["Win rate"][1] == ("33.3%" if (WINDOWS[window] or DAY) > HOUR else "n/a (0 of 1 samples)")
