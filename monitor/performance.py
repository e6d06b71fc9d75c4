"""The guide's seven figures of one agent, each with what it rests on and, where it is undefined, what is lacking."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

import numpy as np

from monitor.model import EXACT, CashFlow, Sample, Trade
from monitor.series import EquityCurve, Floats, grid_returns, growths, moved

YEAR = 365 * 86_400.0
"""Seconds: crypto trades every day."""
MIN_SAMPLES = 2
"""Samples that a drawdown needs."""
MIN_RETURNS = 30
"""Returns that a Sharpe or Calmar ratio needs."""
MIN_SPAN = 86_400.0
"""Seconds of returns before a total is raised to a year (Calmar), and before a Sharpe ratio is judged."""
MIN_TRADES = 20
"""Trades before a win rate or a profit factor is judged."""
STALE_STEPS = 3.0
"""Spacings for which the last equity is carried forward; anything longer is a gap."""
FLAT = 1e-12
"""Spread of growth factors, relative to the largest, below which there is nothing but rounding."""

Value = float | Decimal | int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as it stands; None is undefined, and then `advice` says what is lacking."""

    key: str
    title: str
    value: Value
    n: int
    """Samples, returns or trades it rests on."""
    need: int
    """How many of them it needs."""
    unit: Literal["ratio", "share", "count", "money"]
    mark: Literal["good", "watch", "act"] | None
    """None when there is nothing to judge, or too little to judge it by."""
    advice: str
    """What to do, what good would be, or what is lacking; empty when good."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One agent's figures over the samples and trades that were given."""

    agent: str
    figures: tuple[Figure, ...]
    """In the guide's order, every one of them always."""
    spacing: float | None
    """Seconds between two returns; ratios are annualised by it. None without samples."""
    since: float | None
    """First sample with a known equity."""
    until: float | None
    """Last sample with a known equity."""
    gaps: int
    """Steps without a return, for want of samples."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the figures are reckoned from."""

    returns: Floats
    """Every defined return on the even grid."""
    spacing: float
    risk_free: float
    """A year."""
    samples: int
    """With a known equity."""
    elapsed: float
    """Seconds from the first to the last of them."""
    growth: float | None
    """Time-weighted, over everything; None when the equity was ever at or below zero, or out of all bounds."""
    drawdown: float | None
    nets: tuple[Decimal, ...]
    """Of each trade."""

    @property
    def periods(self) -> float:
        """Returns in a year."""
        return YEAR / self.spacing

    @property
    def long(self) -> int:
        """Returns in MIN_SPAN, at least MIN_RETURNS."""
        return max(MIN_RETURNS, math.ceil(MIN_SPAN / self.spacing))


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure's value with what it rests on; `why` is said when it is None although it rests on enough."""

    value: Value
    n: int
    need: int
    judge: int = 0
    """How many it must rest on to be judged."""
    why: str = ""


def _sharpe(record: Record) -> Reading:
    n = len(record.returns)
    if n < MIN_RETURNS:
        return Reading(None, n, MIN_RETURNS)
    with np.errstate(all="ignore"):
        spread = float(np.std(record.returns, ddof=1))
        excess = float(np.mean(record.returns)) - record.risk_free / record.periods
    if spread < FLAT * (1.0 + float(np.max(np.abs(record.returns)))):
        return Reading(None, n, MIN_RETURNS, why="undefined: the equity does not move, or always by the same share")
    value = excess / spread * math.sqrt(record.periods)
    if not (math.isfinite(spread) and math.isfinite(value)):
        return Reading(None, n, MIN_RETURNS, why="undefined: the returns are out of all bounds")
    return Reading(value, n, MIN_RETURNS, judge=record.long)


def _drawdown(record: Record) -> Reading:
    value = record.drawdown if record.samples >= MIN_SAMPLES else None
    return Reading(value, record.samples, MIN_SAMPLES, why="undefined: the equity was never above zero")


def _win_rate(record: Record) -> Reading:
    n = len(record.nets)
    return Reading(sum(net > 0 for net in record.nets) / n if n else None, n, 1, judge=MIN_TRADES)


def _profit_factor(record: Record) -> Reading:
    n = len(record.nets)
    with localcontext(EXACT):
        profit = sum((net for net in record.nets if net > 0), Decimal(0))
        loss = -sum((net for net in record.nets if net < 0), Decimal(0))
        value = float(profit / loss) if loss else None
    if value is not None and math.isfinite(value):
        return Reading(value, n, 1, judge=MIN_TRADES)
    return Reading(None, n, 1, why="undefined: " + ("out of all bounds" if loss else "no trade has lost money"))


def _calmar(record: Record) -> Reading:
    n, need = len(record.returns), record.long
    if n < need:
        return Reading(None, n, need)
    if record.growth is None:
        return Reading(None, n, need, why="undefined: the equity was at or below zero, or out of all bounds")
    if not record.drawdown or record.drawdown < FLAT:
        return Reading(None, n, need, why="undefined: there was no drawdown")
    try:
        value = (record.growth ** (YEAR / record.elapsed) - 1.0) / record.drawdown
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        return Reading(None, n, need, why="undefined: raised to a year, the growth is out of all bounds")
    return Reading(value, n, need)


def _trades(record: Record) -> Reading:
    return Reading(len(record.nets), len(record.nets), 0)


def _total(record: Record) -> Reading:
    with localcontext(EXACT):
        return Reading(sum(record.nets, Decimal(0)), len(record.nets), 0)


@dataclass(frozen=True, slots=True)
class Description:
    """One figure of the guide: how it is read from the record, and how it is judged."""

    key: str
    title: str
    unit: Literal["ratio", "share", "count", "money"]
    of: str
    """What it rests on: returns, samples or trades."""
    read: Callable[[Record], Reading]
    good: Callable[[float], bool] | None = None
    aim: str = ""
    """What good is, in words."""
    act: Callable[[float], bool] | None = None
    advice: str = ""
    """What to do when it is time to act."""


def _above(bound: float) -> Callable[[float], bool]:
    return lambda value: value > bound


def _below(bound: float) -> Callable[[float], bool]:
    return lambda value: value < bound


def _within(low: float, high: float) -> Callable[[float], bool]:
    return lambda value: low <= value <= high


FIGURES = (
    Description(
        "sharpe", "Sharpe ratio", "ratio", "returns", _sharpe,
        good=_above(1.5), aim="above 1.5", act=_below(0.5), advice="review the strategy",
    ),
    Description(
        "max_drawdown", "Max drawdown", "share", "samples", _drawdown,
        good=_below(0.15), aim="below 15 %", act=_above(0.25), advice="pause the agent",
    ),
    Description(
        "win_rate", "Win rate", "share", "trades", _win_rate,
        good=_within(0.45, 0.65), aim="45 to 65 %", act=_below(0.35), advice="review signals",
    ),
    Description(
        "profit_factor", "Profit factor", "ratio", "trades", _profit_factor,
        good=_above(1.5), aim="above 1.5", act=_below(1.0), advice="losing money",
    ),
    Description(
        "calmar", "Calmar ratio", "ratio", "returns", _calmar,
        good=_above(1.0), aim="above 1.0", act=_below(0.5), advice="poor for its risk",
    ),
    Description("trades", "Trades", "count", "trades", _trades),
    Description("total_pnl", "Total P&L", "money", "trades", _total),
)  # fmt: skip
"""The guide's seven with its thresholds; another figure is another row."""


def _figure(description: Description, record: Record) -> Figure:
    reading = description.read(record)
    mark: Literal["good", "watch", "act"] | None = None
    advice = ""
    if reading.value is None:
        few = f"too few {description.of}: {reading.n} of {reading.need}"
        advice = few if reading.n < reading.need else reading.why
    elif description.good and description.act and reading.n < reading.judge:
        advice = f"too few {description.of} to judge it by: {reading.n} of {reading.judge}"
    elif description.good and description.act:
        value = float(reading.value)
        mark = "act" if description.act(value) else "good" if description.good(value) else "watch"
        advice = {"act": description.advice, "watch": f"good is {description.aim}", "good": ""}[mark]
    return Figure(
        description.key, description.title, reading.value, reading.n, reading.need, description.unit, mark, advice
    )


def _observed(samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    """Times and equities that are known, in order of time, one for each time."""
    known = [sample for sample in samples if sample.equity is not None]
    times = np.fromiter((sample.time for sample in known), np.float64, len(known))
    equity = np.fromiter((sample.equity for sample in known), np.float64, len(known))
    finite = np.isfinite(times) & np.isfinite(equity)
    times, first = np.unique(times[finite], return_index=True)
    return times, equity[finite][first]


def _curve(times: Floats, equity: Floats, moves: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    """Growth and max drawdown of the whole curve, as EquityCurve folds them."""
    if not len(times):
        return None, None
    money = moved(times, moves)
    steps = growths(equity, money)
    with np.errstate(all="ignore"):
        index = np.cumprod(np.concatenate(([1.0], np.where(np.isnan(steps), 1.0, steps))))
    if np.all(equity > 0) and np.all(index > 0) and np.all(np.isfinite(index)):
        return float(index[-1]), float(np.max(1.0 - index / np.maximum.accumulate(index)))
    curve = EquityCurve()
    for time, value, flow in zip(times.tolist(), equity.tolist(), money.tolist(), strict=True):
        curve = curve.fold(time, value, flow)
    return None, curve.max_drawdown


def measure(
    agent: str,
    samples: Sequence[Sample],
    flows: Sequence[CashFlow],
    trades: Sequence[Trade],
    *,
    spacing: float,
    risk_free: float = 0.0,
) -> Performance:
    """Reckon one agent's figures from its samples (any order), cash flows and closed trades.

    `spacing` is the seconds between two samples, `risk_free` a share a year. Returns are net of flows, on an even grid
    of that spacing. Errors: ValueError when the spacing is not positive or far too small for the span.
    """
    times, equity = _observed(samples)
    moves = [(flow.time, float(flow.amount)) for flow in flows]
    returns = grid_returns(times, equity, moves, spacing, STALE_STEPS * spacing)
    defined = returns[np.isfinite(returns)]
    growth, drawdown = _curve(times, equity, moves)
    with localcontext(EXACT):
        nets = tuple(trade.net for trade in trades)
    since, until = (float(times[0]), float(times[-1])) if len(times) else (None, None)
    elapsed = 0.0 if since is None or until is None else until - since
    record = Record(defined, spacing, risk_free, len(times), elapsed, growth, drawdown, nets)
    figures = tuple(_figure(description, record) for description in FIGURES)
    return Performance(agent, figures, None if since is None else spacing, since, until, len(returns) - len(defined))
