"""Figures that are kept up to date sample by sample are those of the whole day, and begin anew with a new past."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from monitor.live import STEP, Streams
from monitor.model import Agent, CashFlow, Sample
from monitor.series import grid_returns
from tests.stores import T0, a_trade

ALPHA = Agent("alpha")
HOUR = 3_600.0


def course(hours: float, seed: int = 1, deposit: int | None = None) -> list[Sample]:
    """Samples each 30 s of an account that wanders; with a deposit of 5,000 before one of them."""
    chance, equity, made = random.Random(seed), 10_000.0, []  # noqa: S311 - a seed for repeatable samples
    for number in range(int(hours * 120)):
        equity *= 1 + chance.gauss(0, 0.0005)
        equity += 5_000.0 if number == deposit else 0.0
        made.append(Sample("alpha", T0 + 30.0 * number, equity=equity))
    return made


def at_once(samples: list[Sample], flows: list[tuple[float, float]]) -> tuple[float, float]:
    """Sharpe ratio and drawdown of the last 24 h of a curve, reckoned at once."""
    times = np.array([each.time for each in samples])
    equity = np.array([each.equity for each in samples], dtype=np.float64)
    returns = grid_returns(times, equity, flows, STEP, 3 * STEP)[-288:]
    index = np.cumprod(np.r_[1.0, 1 + returns])
    fall = float(np.max(1 - index / np.maximum.accumulate(index)))
    return float(np.mean(returns) / np.std(returns, ddof=1) * np.sqrt(365 * 288)), fall


@pytest.mark.parametrize("seeded", [1, 10 * 120, 36 * 120])
def test_however_much_was_there_at_the_start_it_is_the_whole_day(seeded: int) -> None:
    samples, streams = course(36), Streams()
    streams.seed(ALPHA, samples[:seeded], (), ())
    for sample in samples[seeded:]:
        streams.push(sample, ())
    found = streams.of("alpha", samples[-1].time)
    assert found is not None
    sharpe, fall = at_once(samples, [])
    assert found.sharpe == pytest.approx(sharpe, rel=1e-9)
    assert found.max_drawdown == pytest.approx(fall, rel=1e-9)


def test_a_deposit_is_no_return() -> None:
    samples, streams = course(24, deposit=1_000), Streams()
    flow = CashFlow("alpha", samples[1_000].time - 1.0, Decimal(5_000), "ana")
    streams.seed(ALPHA, samples, (flow,), ())
    found, without = streams.of("alpha", samples[-1].time), at_once(samples, [(flow.time, 5_000.0)])
    assert found is not None
    assert found.sharpe == pytest.approx(without[0])
    assert found.max_drawdown == pytest.approx(without[1])


def test_trades_count_for_a_day() -> None:
    streams = Streams()
    streams.seed(ALPHA, course(1), (), [a_trade("1", exit_time=T0), a_trade("2", exit_time=T0 + HOUR)])
    lost = replace(a_trade("3", exit_time=T0 + 2 * HOUR), exit_price=Decimal(29999))
    streams.push(Sample("alpha", T0 + 3 * HOUR, equity=1.0), [lost])
    found = streams.of("alpha", T0 + 3 * HOUR)
    assert found is not None
    assert found.win_rate == pytest.approx(2 / 3)
    later = streams.of("alpha", T0 + 24.5 * HOUR)
    assert later is not None
    assert later.win_rate == pytest.approx(1 / 2)


def test_a_sample_out_of_order_makes_it_begin_anew() -> None:
    samples, streams = course(2), Streams()
    streams.seed(ALPHA, samples, (), ())
    streams.push(samples[5], ())
    assert streams.of("alpha", T0) is None
    streams.push(samples[-1], ())
    assert streams.of("alpha", T0) is None
