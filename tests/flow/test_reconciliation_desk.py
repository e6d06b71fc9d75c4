"""On a whole desk: money nobody can explain is one page, kept over a crash, and over when somebody explains it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.model import Side, Trade
from tests.flow.night import LIMITS, Night, night

QUICK = replace(LIMITS, settle=90.0)
FLAT: dict[str, Any] = {"open_positions": 0}


def a_trade(desk: Night, net: str, name: str) -> Trade:
    """A trade that closes within the next poll."""
    now, price = desk.clock.time, Decimal(100) + Decimal(net)
    return Trade("alpha", name, "trend", "BTC", Side.LONG, Decimal(1), Decimal(100), price, now, now + 10.0)


async def morning(desk: Night) -> None:
    """A first trade is told, and a base found."""
    await desk.see(trades=(a_trade(desk, "12", "1"),), **FLAT)
    for _ in range(5):
        await desk.see(**FLAT)
    assert desk.desk.reconciliation("alpha").base is not None


def rules(desk: Night) -> list[str]:
    return [alert.rule for alert in desk.desk.alerts()]


async def test_a_deposit_nobody_recorded_is_one_page_over_a_crash_and_its_line_ends_it(tmp_path: Path) -> None:
    async with night(tmp_path, limits=QUICK) as desk:
        await morning(desk)
        for _ in range(6):
            await desk.see(equity=12_500.0, **FLAT)
        (alert,) = desk.desk.alerts()
        assert (alert.rule, len(desk.pages())) == ("unexplained", 1)
        assert "2,500.00 more than is explained" in alert.reason
        await desk.restart()
        await desk.see(equity=12_500.0, **FLAT)
        assert ([each.id for each in desk.desk.alerts()], len(desk.pages())) == ([alert.id], 0)
        question = await desk.say(alert.reason.rpartition("? ")[2])
        await desk.say(question.buttons[0].line)
        await desk.see(equity=12_500.0, **FLAT)
        assert desk.desk.alerts() == ()
        view = desk.desk.view("alpha")
        assert view is not None
        assert (view.drawdown, view.loss) == (0.0, 0.0)


async def test_a_trade_told_late_is_silent_and_one_withheld_is_named_to_a_cent(tmp_path: Path) -> None:
    async with night(tmp_path, limits=QUICK) as desk:
        await morning(desk)
        late, withheld = a_trade(desk, "-50.25", "2"), a_trade(desk, "-31.4", "3")
        await desk.see(equity=9_918.35, **FLAT)
        await desk.restart()
        await desk.see(equity=9_918.35, trades=(late,), **FLAT)
        await desk.see(equity=9_918.35, trades=(late,), **FLAT)  # told again
        assert rules(desk) == []
        await desk.restart()
        for _ in range(4):
            await desk.see(equity=9_918.35, **FLAT)
        (alert,) = desk.desk.alerts()
        assert "alpha has 31.40 less than is explained" in alert.reason
        await desk.see(equity=9_918.35, trades=(withheld,), **FLAT)
        assert rules(desk) == []


async def test_what_is_accepted_stays_so_over_a_crash(tmp_path: Path) -> None:
    async with night(tmp_path, limits=QUICK) as desk:
        await morning(desk)
        for _ in range(6):
            await desk.see(equity=9_900.0, **FLAT)
        assert rules(desk) == ["unexplained"]
        question = await desk.say("/reconcile alpha accept")
        done = await desk.say(question.buttons[0].line)
        assert done.title == "Accepted: -100.00 USD of alpha stays unexplained"
        question = await desk.say("/flow alpha +5 4m")
        await desk.say(question.buttons[0].line)
        await desk.restart()
        await desk.see(equity=9_900.0, **FLAT)
        assert rules(desk) == []
        assert (await desk.say("/reconcile alpha")).title == "alpha · 0.00 USD unexplained"
