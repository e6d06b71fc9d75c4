"""What monitoring of trading agents commonly gets wrong about numbers, a test for each."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.exposition import prometheus_text
from monitor.model import Sample, Side, Trade
from monitor.performance import measure
from monitor.ports import Change, Observation
from monitor.sources._snapshot import BadAnswerError, parse, read_sample
from tests.core.test_exposition import FIGURES
from tests.flow.night import Night, night

HOUR = 3_600.0


def a_trade(name: str, leave: float, exit_price: int = 110) -> Trade:
    entry = Decimal(100)
    return Trade("alpha", name, "grid", "BTC", Side.LONG, Decimal(1), entry, Decimal(exit_price), leave - 60, leave)


async def figure(desk: Night, key: str, window: str = "7d") -> float | None:
    (found,) = [each for each in (await desk.desk.performance("alpha", window)).all if each.key == key]
    return None if found.value is None else float(found.value)


async def test_the_detector_is_fed_by_every_sample_and_trades_reach_the_figures(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        for number in range(40):
            await desk.see(equity=10_000.0 + number % 3, deliver=False)
        score = desk.desk.score("alpha")
        assert score is not None
        assert score.z is not None
        await desk.see(trades=(a_trade("1", desk.clock.time), a_trade("2", desk.clock.time, 95)))
        assert [await figure(desk, key) for key in ("win_rate", "trades", "total_pnl")] == [0.5, 2.0, 5.0]
        assert (await desk.desk.attribution("strategy")).total.net == 5


@pytest.mark.parametrize("spacing", [30.0, 300.0, HOUR])
def test_a_sharpe_ratio_is_annualised_by_the_real_spacing(spacing: float) -> None:
    """The same money, looked at more often, is not a better strategy."""
    chance, equity, samples = random.Random(1), 10_000.0, []  # noqa: S311 - a seed for repeatable samples
    for number in range(10 * 24 * 120):
        equity *= 1 + chance.gauss(2e-6, 3e-4)
        if (number * 30.0) % spacing == 0:
            samples.append(Sample("alpha", 1_700_000_000.0 + 30.0 * number, equity=equity))
    found = {each.key: each for each in measure("alpha", samples, (), (), spacing=spacing).figures}["sharpe"]
    true = 2e-6 / 3e-4 * math.sqrt(365 * 24 * 120)
    assert found.low is not None
    assert found.high is not None
    assert found.low < true < found.high
    assert abs(float(found.value or 0.0) - true) < 8, "an hourly factor on 30 s would be off by ten times"


async def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(equity=20_000.0)
        await desk.desk.record_flow("alpha", Decimal(10_000), "ana", None)
        await desk.see(equity=15_000.0)
        await desk.desk.record_flow("alpha", Decimal(-5_000), "ana", None)
        assert desk.desk.status()[0].drawdown == 0.0
        assert await figure(desk, "max_drawdown") == 0.0


async def test_a_drawdown_outlives_a_restart_recovers_and_pages_once(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        await desk.see(equity=8_400.0)
        for _ in range(40):  # twenty minutes of the same
            await desk.see(equity=8_400.0)
        await desk.restart()
        for _ in range(20):
            await desk.see(equity=8_400.0)
        assert desk.desk.status()[0].drawdown == pytest.approx(0.16)
        await desk.see(equity=9_900.0)
        assert desk.desk.status()[0].drawdown == pytest.approx(0.01)
        titles = [each.message.title for each in desk.heard]
        assert [sum(word in title for title in titles) for word in ("CRITICAL", "is back within")] == [1, 1]


@pytest.mark.slow
async def test_fat_tails_and_trades_among_zeros_page_nobody(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        chance, equity, loud = random.Random(7), 10_000.0, 0  # noqa: S311 - a seed for repeatable returns
        for number in range(600):
            tail = chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 2 / 3))  # Student's t with 3 degrees
            equity *= 1 + (2e-5 * tail if number % 4 == 0 else 0.0)
            await desk.see(equity=equity, deliver=False)
            score = desk.desk.score("alpha")
            loud += score is not None and score.anomaly is not None
        assert loud > 3, "the guide's z-score is beside itself"
        assert desk.pages() == []
        assert desk.desk.alerts() == ()


async def test_what_is_no_number_never_becomes_one(tmp_path: Path) -> None:
    evil = 'a"b\\c\nd'
    async with night(tmp_path) as desk:
        now = desk.clock.time + 1
        desk.clock.time = now
        odd = Sample("alpha", now, equity=math.nan, balance=math.inf, latencies=((evil, 0.25),), venue_latency=0.5)
        await desk.desk.observe([Observation(odd)])
        text = prometheus_text(FIGURES, desk.desk.status()).decode()
        families = {each.name: each for each in text_string_to_metric_families(text)}
        assert [each.value for each in families["balance_usd"].samples] == [math.inf], "what it said, and readable"
        assert evil in {each.labels.get("endpoint") for each in families["api_latency_seconds"].samples}
        assert all(each.documentation and each.type for each in families.values())
        await desk.store.commit(Change(trades=[a_trade("1", now)]))
        assert await figure(desk, "profit_factor") is None, "no loss is no infinite profit factor"
        assert await figure(desk, "sharpe") is None
        with pytest.raises(BadAnswerError, match="equity is"):
            read_sample("alpha", parse(b'{"equity": NaN}'), {}, now, None)
        with pytest.raises(BadAnswerError, match="balance is"):
            read_sample("alpha", parse(b'{"balance": 1e999}'), {}, now, None)
