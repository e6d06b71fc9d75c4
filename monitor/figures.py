"""Every figure of performance is one frozen description: how it is read from a record, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

import numpy as np

from monitor import statistics, trade_statistics
from monitor.model import EXACT
from monitor.record import MIN_RETURNS, MIN_SAMPLES, MIN_TRADES, Fall, Record
from monitor.series import Floats
from monitor.statistics import Estimate

Value = float | Decimal | int | None
Unit = Literal["ratio", "share", "count", "money", "seconds", "time"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure's value with what it rests on; `why` is said when it is None although it rests on enough."""

    value: Value
    n: int
    need: int
    judge: int = 0
    """How many it must rest on to be judged."""
    low: float | None = None
    high: float | None = None
    why: str = ""


Read = Callable[[Record], Reading]


@dataclass(frozen=True, slots=True)
class Description:
    """One figure: how it is read from the record, and how it is judged."""

    key: str
    title: str
    unit: Unit
    of: str
    """What it rests on: returns, samples or trades."""
    read: Read
    good: Callable[[float], bool] | None = None
    aim: str = ""
    """What good is, in words."""
    act: Callable[[float], bool] | None = None
    advice: str = ""
    """What to do when it is time to act."""
    fact: bool = False
    """Whether it is what happened, not an estimate: judged without an interval."""


def _read(estimate: Estimate, n: int, need: int, judge: int = 0) -> Reading:
    return Reading(estimate.value, n, need, judge, estimate.low, estimate.high, estimate.why)


def _returns(reckon: Callable[[Record], Estimate], *, raised: bool = False, judged: bool = False) -> Read:
    """Reckon a figure of returns; `raised` to a year it needs a minimum span, `judged` only to be judged."""

    def read(record: Record) -> Reading:
        n, need = len(record.returns), record.long if raised else MIN_RETURNS
        if n < need:
            return Reading(None, n, need)
        return _read(reckon(record), n, need, record.long if judged else 0)

    return read


def _trades(reckon: Callable[[Floats], Estimate], judge: int = 0) -> Read:
    def read(record: Record) -> Reading:
        n = len(record.nets)
        return _read(reckon(record.made), n, 1, judge) if n else Reading(None, 0, 1)

    return read


def _fall(reckon: Callable[[Fall], float | None], why: str = "") -> Read:
    def read(record: Record) -> Reading:
        value = reckon(record.fall) if record.fall is not None and record.samples >= MIN_SAMPLES else None
        never = "undefined: the equity was never above zero" if record.fall is None else why
        return Reading(value, record.samples, MIN_SAMPLES, why=never)

    return read


def _profit_factor(record: Record) -> Reading:
    n = len(record.nets)
    with localcontext(EXACT):
        profit = sum((net for net in record.nets if net > 0), Decimal(0))
        loss = -sum((net for net in record.nets if net < 0), Decimal(0))
        value = float(profit / loss) if loss else None
    if value is None or not math.isfinite(value):
        return Reading(None, n, 1, why=trade_statistics.BOUNDS if loss else trade_statistics.NO_LOSER)
    around = trade_statistics.profit_factor(record.made)
    return Reading(value, n, 1, MIN_TRADES, around.low, around.high)


def _growth_rate(record: Record) -> Estimate:
    return statistics.growth_rate(record.moments, record.growth, record.years)


def _calmar(record: Record) -> Estimate:
    return statistics.calmar(_growth_rate(record), record.fall.max_drawdown if record.fall else None)


def _count(record: Record) -> Reading:
    return Reading(len(record.nets), len(record.nets), 0)


def _total(record: Record) -> Reading:
    with localcontext(EXACT):
        return Reading(sum(record.nets, Decimal(0)), len(record.nets), 0)


def _win_rate(made: Floats) -> Estimate:
    return trade_statistics.share(int(np.count_nonzero(made > 0)), len(made))


def _recovery(record: Record) -> Reading:
    n, fall = record.samples, record.fall
    if record.growth is None or fall is None:
        return Reading(None, n, MIN_SAMPLES, why=statistics.WIPED)
    if fall.max_drawdown < statistics.FLAT:
        return Reading(None, n, MIN_SAMPLES, why=statistics.NO_DRAWDOWN)
    value = (record.growth - 1.0) / fall.max_drawdown
    return Reading(value if math.isfinite(value) else None, n, MIN_SAMPLES, why=statistics.BOUNDS)


def _turnover(record: Record) -> Reading:
    n = len(record.nets)
    if not record.equity or record.equity <= 0 or record.years <= 0:
        return Reading(None, n, 1, why="undefined: no equity is known over a span of time")
    value = record.traded / record.equity / record.years
    return Reading(value if n and math.isfinite(value) else None, n, 1, why=trade_statistics.BOUNDS)


def _exposure(record: Record) -> Reading:
    share = record.exposed / record.looks if record.looks >= MIN_SAMPLES else None
    return Reading(share, record.looks, MIN_SAMPLES)


def _fee_drag(record: Record) -> Reading:
    n = len(record.nets)
    with localcontext(EXACT):
        drag = float(record.fees / record.gross) if record.gross else math.nan
    return Reading(drag if n and math.isfinite(drag) else None, n, 1, why="undefined: no trade has moved")


def _above(bound: float) -> Callable[[float], bool]:
    return lambda value: value > bound


def _below(bound: float) -> Callable[[float], bool]:
    return lambda value: value < bound


def _within(low: float, high: float) -> Callable[[float], bool]:
    return lambda value: low <= value <= high


FIGURES = (
    Description(
        "sharpe", "Sharpe ratio", "ratio", "returns",
        _returns(lambda record: statistics.sharpe(record.moments, record.periods, record.free), judged=True),
        good=_above(1.5), aim="above 1.5", act=_below(0.5), advice="review the strategy",
    ),
    Description(
        "max_drawdown", "Max drawdown", "share", "samples", _fall(lambda fall: fall.max_drawdown), fact=True,
        good=_below(0.15), aim="below 15 %", act=_above(0.25), advice="pause the agent",
    ),
    Description(
        "win_rate", "Win rate", "share", "trades", _trades(_win_rate, MIN_TRADES),
        good=_within(0.45, 0.65), aim="45 to 65 %", act=_below(0.35), advice="review signals",
    ),
    Description(
        "profit_factor", "Profit factor", "ratio", "trades", _profit_factor,
        good=_above(1.5), aim="above 1.5", act=_below(1.0), advice="losing money",
    ),
    Description(
        "calmar", "Calmar ratio", "ratio", "returns", _returns(_calmar, raised=True),
        good=_above(1.0), aim="above 1.0", act=_below(0.5), advice="poor for its risk",
    ),
    Description("trades", "Trades", "count", "trades", _count),
    Description("total_pnl", "Total P&L", "money", "trades", _total),
)  # fmt: skip
"""The guide's seven with its thresholds."""

FURTHER = (
    Description(
        "probabilistic_sharpe", "Probabilistic Sharpe", "share", "returns",
        _returns(lambda record: statistics.probabilistic_sharpe(record.moments, record.free)),
    ),
    Description(
        "sortino", "Sortino ratio", "ratio", "returns",
        _returns(lambda record: statistics.sortino(record.moments, record.periods, record.free)),
    ),
    Description("cagr", "CAGR", "share", "returns", _returns(_growth_rate, raised=True)),
    Description(
        "volatility", "Volatility a year", "share", "returns",
        _returns(lambda record: statistics.volatility(record.moments, record.periods)),
    ),
    Description("drawdown", "Drawdown now", "share", "samples", _fall(lambda fall: fall.drawdown)),
    Description(
        "drawdown_start", "Drawdown start", "time", "samples",
        _fall(lambda fall: fall.start, statistics.NO_DRAWDOWN),
    ),
    Description(
        "drawdown_trough", "Drawdown trough", "time", "samples",
        _fall(lambda fall: fall.trough, statistics.NO_DRAWDOWN),
    ),
    Description(
        "drawdown_recovery", "Drawdown recovery", "time", "samples",
        _fall(lambda fall: fall.recovery, "undefined: there was no drawdown, or it lasts"),
    ),
    Description("drawdown_duration", "Drawdown duration", "seconds", "samples", _fall(lambda fall: fall.duration)),
    Description(
        "under_water", "Time under water", "share", "samples",
        _fall(lambda fall: fall.under_water, "undefined: no time has passed"),
    ),
    Description("recovery_factor", "Recovery factor", "ratio", "samples", _recovery),
    Description(
        "var", "VaR 95 % a step", "share", "returns",
        _returns(lambda record: statistics.value_at_risk(record.returns)),
    ),
    Description(
        "cvar", "CVaR 95 % a step", "share", "returns",
        _returns(lambda record: statistics.shortfall(record.returns)),
    ),
    Description("skew", "Skew", "ratio", "returns", _returns(lambda record: statistics.skew(record.moments))),
    Description(
        "kurtosis", "Excess kurtosis", "ratio", "returns",
        _returns(lambda record: statistics.kurtosis(record.moments)),
    ),
    Description("expectancy", "Expectancy a trade", "money", "trades", _trades(trade_statistics.expectancy)),
    Description("payoff", "Payoff ratio", "ratio", "trades", _trades(trade_statistics.payoff)),
    Description("turnover", "Turnover a year", "ratio", "trades", _turnover),
    Description("exposure", "Time exposed", "share", "samples", _exposure),
    Description("fee_drag", "Fee drag", "share", "trades", _fee_drag),
)  # fmt: skip
"""What the guide does not have; another figure is another row."""
