"""A simulated account: one holding that is kept, small trades by one of five strategies, costs on each of them."""

from __future__ import annotations

import random
import statistics
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict

from bot.demo.market import ANCHORS, student

START = 10_000.0
HOLDING = 0.45
"""Share of the equity in the holding."""
STAKE = 0.02
"""Share of the equity in one trade."""
SLIPPAGE = 0.00005
"""Usual slippage as a share of the price."""
WINDOW = 24
"""Ticks of history that a strategy is shown."""
DAY = 86_400.0

Decide = Callable[[Sequence[float], int, int], int]
"""(recent prices, the newest last; side of the open position, 1, 0 or -1; its age in ticks) -> the side it wants."""


class TradeRow(TypedDict):
    """A closed trade as the probe takes it."""

    id: str
    strategy: str
    asset: str
    side: str
    size: str
    entry_price: str
    exit_price: str
    entry_time: float
    exit_time: float
    fees: str
    slippage: str
    exit_reason: str


@dataclass(frozen=True, slots=True)
class Style:
    """How one strategy trades."""

    decide: Decide
    assets: tuple[str, ...]
    """The first one is the holding too."""
    fee: float
    """Share of the amount, each way; negative is a rebate."""


def momentum(prices: Sequence[float], side: int, age: int) -> int:
    """Go with the last moves, for at least 30 ticks."""
    move = prices[-1] / prices[-12] - 1
    return side if side and age < 30 else (move > 0.002) - (move < -0.002)  # noqa: PLR2004 - the strategy is its figures


def reversion(prices: Sequence[float], side: int, age: int) -> int:
    """Bet against a price far from its mean until it is back."""
    spread = statistics.pstdev(prices)
    score = (prices[-1] - statistics.fmean(prices)) / spread if spread else 0.0
    if side and abs(score) > 0.3 and age < 60:  # noqa: PLR2004 - the strategy is its figures
        return side
    return (score < -1.5) - (score > 1.5)  # noqa: PLR2004 - the strategy is its figures


def maker(prices: Sequence[float], side: int, age: int) -> int:
    """Take the other side of the last move, and hand it on 35 ticks later."""
    if side:
        return side if age < 35 else 0  # noqa: PLR2004 - the strategy is its figures
    return 1 if prices[-1] < prices[-2] else -1


def carry(_prices: Sequence[float], side: int, age: int) -> int:
    """Stay long, and roll the position every 50 ticks."""
    return 0 if side and age >= 50 else 1  # noqa: PLR2004 - the strategy is its figures


def breakout(prices: Sequence[float], side: int, age: int) -> int:
    """Follow a price that leaves its recent range, for 40 ticks."""
    if side:
        return side if age < 40 else 0  # noqa: PLR2004 - the strategy is its figures
    return (prices[-1] > max(prices[:-1])) - (prices[-1] < min(prices[:-1]))


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "momentum": Style(momentum, ("BTC", "ETH", "SOL"), 0.0001),
        "reversion": Style(reversion, ("ETH", "SOL", "XRP"), 0.0001),
        "maker": Style(maker, ("SOL", "BTC"), -0.00002),
        "carry": Style(carry, ("BTC", "XRP"), 0.0001),
        "breakout": Style(breakout, ("DOGE", "ETH", "BTC"), 0.0002),
    }
)


@dataclass(frozen=True, slots=True)
class Position:
    """An open position; side is 1 or -1."""

    strategy: str
    asset: str
    side: int
    size: float
    price: float
    time: float
    tick: int

    def profit(self, price: float) -> float:
        """Profit at a price, before costs."""
        return self.side * self.size * (price - self.price)


class Trader:
    """An account that trades by one style. `boot` makes its trades' ids unique among its runs."""

    def __init__(self, strategy: str, seed: int, boot: str) -> None:
        self.style = STYLES[strategy]
        self.cash = START
        self.locked = 0.0
        """Money that cannot be used: less balance, the same equity."""
        self.holding: Position | None = None
        self._open: dict[str, Position] = {}
        self._strategy = strategy
        self._draw = random.Random(seed)
        self._boot = boot
        self._closed = 0
        self._ticks = 0
        self._seen = {asset: deque[float](maxlen=WINDOW) for asset in self.style.assets}

    @property
    def positions(self) -> tuple[Position, ...]:
        """Everything that is open."""
        return (*self._open.values(), *(() if self.holding is None else (self.holding,)))

    @property
    def balance(self) -> float:
        """Money that can be used."""
        return self.cash - self.locked

    def equity(self, prices: Mapping[str, float]) -> float:
        """Money plus open positions at market."""
        return self.cash + sum(position.profit(prices[position.asset]) for position in self.positions)

    def exposure(self, prices: Mapping[str, float]) -> float:
        """Money that a fall of the holding's asset to nothing would cost."""
        asset = self.style.assets[0]
        return sum(each.side * each.size * prices[asset] for each in self.positions if each.asset == asset)

    def act(
        self, prices: Mapping[str, float], now: float, *, may_open: bool, halted: Collection[str] = ()
    ) -> list[TradeRow]:
        """Decide once on every asset that is not halted; return the trades that this closed."""
        self._ticks += 1
        if self.holding is None and may_open and self.style.assets[0] not in halted:
            self.holding = self._position("holding", self.style.assets[0], 1, HOLDING, prices, now)
        closed = []
        for asset, seen in self._seen.items():
            if asset in halted:
                seen.clear()
                continue
            seen.append(prices[asset])
            position = self._open.get(asset)
            if len(seen) < WINDOW or not may_open:
                continue
            age = self._ticks - position.tick if position else 0
            wanted = self.style.decide(tuple(seen), position.side if position else 0, age)
            if position and wanted != position.side:
                closed.append(self._close(self._open.pop(asset), prices, now, "signal"))
            if wanted and asset not in self._open:
                self._open[asset] = self._position(self._strategy, asset, wanted, STAKE, prices, now)
        return closed

    def close_all(self, prices: Mapping[str, float], now: float) -> list[TradeRow]:
        """Close everything at market."""
        closed = [self._close(position, prices, now, "order") for position in self.positions]
        self._open.clear()
        self.holding = None
        return closed

    def past(self, name: str, now: float, count: int = 40) -> list[TradeRow]:
        """Trades of the last 24 h, as an agent that has been at it for a day would tell; the account has them in it."""
        rows = []
        for number in range(count):
            asset = self._draw.choice(self.style.assets)
            entered = now - DAY + (number + self._draw.random()) * (DAY - 4000) / count
            price = ANCHORS[asset] * (1 + self._draw.gauss(0, 0.005))
            side = 1 if self._strategy == "carry" else self._draw.choice((1, -1))
            position = Position(self._strategy, asset, side, 0.1 * START / price, price, entered, 0)
            left = price * (1 + side * 0.0008 + 0.004 * max(-8.0, min(8.0, student(self._draw))))
            rows.append(self._row(f"{name}-past-{number}", position, left, entered + self._draw.uniform(300, 2400)))
        return rows

    def _position(
        self, strategy: str, asset: str, side: int, share: float, prices: Mapping[str, float], now: float
    ) -> Position:
        size = share * self.equity(prices) / prices[asset]
        return Position(strategy, asset, side, size, prices[asset], now, self._ticks)

    def _close(self, position: Position, prices: Mapping[str, float], now: float, why: str) -> TradeRow:
        self._closed += 1
        row = self._row(f"{self._boot}-{self._closed}", position, prices[position.asset], now, why)
        costs = float(row["fees"]) + float(row["slippage"]) * position.size
        self.cash += position.profit(prices[position.asset]) - costs
        return row

    def _row(self, name: str, position: Position, price: float, now: float, why: str = "signal") -> TradeRow:
        return {
            "id": name,
            "strategy": position.strategy,
            "asset": position.asset,
            "side": "long" if position.side > 0 else "short",
            "size": f"{position.size:.8f}",
            "entry_price": f"{position.price:.8f}",
            "exit_price": f"{price:.8f}",
            "entry_time": position.time,
            "exit_time": now,
            "fees": f"{self.style.fee * position.size * (position.price + price):.8f}",
            "slippage": f"{price * SLIPPAGE * abs(self._draw.gauss(0, 1)):.8f}",
            "exit_reason": why,
        }
