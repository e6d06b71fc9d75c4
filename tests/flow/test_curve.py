"""What a chart is drawn from, out of a real database."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.flow.night import EVENING, night


async def test_a_curve_has_every_look_at_the_agent_its_flows_and_the_alerts_that_stood_since_then(
    tmp_path: Path,
) -> None:
    async with night(tmp_path, names=("alpha", "beta")) as desk:
        await desk.see(balance=5.0)
        await desk.see(balance=500.0)
        began = desk.clock.time
        await desk.see(equity=8_000.0)
        await desk.see("beta", balance=5.0)
        await desk.see(error="connection refused")
        await desk.see(equity=13_000.0)
        await desk.desk.record_flow("alpha", Decimal(5_000), "ana", desk.clock.time)
        curve = await desk.desk.curve("al", began + 1.0)
        assert curve.agent == "alpha"
        assert [money for _, money in curve.equity] == [8_000.0, None, 13_000.0]
        assert [flow.amount for flow in curve.flows] == [5_000]
        assert [(alert.rule, alert.resolved) for alert in curve.alerts] == [("drawdown", desk.clock.time)]
        whole = await desk.desk.curve("alpha", EVENING)
        assert [alert.rule for alert in whole.alerts] == ["low_balance", "drawdown"]
        assert (await desk.desk.curve("beta", began)).flows == ()


async def test_a_chart_of_a_night_tells_its_story(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see()
        await desk.see(equity=8_000.0)
        answer = await desk.say("/chart alpha 1h")
        assert "20.0% below its peak at the deepest, 20.0% now." in answer.text
        assert "1 alert: drawdown." in answer.text
        assert answer.picture is not None
