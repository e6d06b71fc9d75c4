"""An account whose every cent is known: trades long and short, fees, slippage, funding, and the money people move."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from monitor.model import CashFlow, Position, Sample, Side, Trade

WALL = 1_790_035_200.0
"""A Monday, 00:00 UTC."""
CENT = Decimal("0.01")
FEE = Decimal("0.0005")
"""Share of what is bought or sold."""
EIGHT_HOURS = 28_800.0


@dataclass(frozen=True)
class Told:
    """What one poll brings."""

    sample: Sample
    trades: tuple[Trade, ...] = ()
    flows: tuple[CashFlow, ...] = ()


@dataclass
class Open:
    asset: str
    side: Side
    size: Decimal
    price: Decimal
    time: float
    funding: Decimal = Decimal(0)

    def pnl(self, price: Decimal) -> Decimal:
        move = price - self.price
        return move * self.size if self.side is Side.LONG else -move * self.size


@dataclass
class Venue:
    """Fees are charged as they arise, the funding of what is open every eight hours."""

    dice: random.Random
    cash: Decimal = Decimal(10_000)
    prices: dict[str, Decimal] = field(default_factory=lambda: {"BTC": Decimal(60_000), "ETH": Decimal(3_000)})
    open: dict[str, Open] = field(default_factory=dict)
    closed: int = 0

    def move(self, now: float, step: float) -> None:
        for asset, price in self.prices.items():
            drift = Decimal(str(round(self.dice.gauss(0.0, 0.0001 * step**0.5), 6)))
            self.prices[asset] = max(CENT, (price * (1 + drift)).quantize(CENT))
        if now // EIGHT_HOURS != (now - step) // EIGHT_HOURS:
            for each in self.open.values():
                paid = (each.size * self.prices[each.asset] * Decimal(self.dice.randint(-10, 20)) / 100_000).quantize(
                    CENT
                )
                each.funding += paid
                self.cash -= paid

    def trade(self, now: float) -> Trade | None:
        """Open a position, or close the one there is."""
        asset = self.dice.choice(list(self.prices))
        price = self.prices[asset]
        if asset not in self.open:
            size = (self.cash * Decimal(self.dice.randint(5, 40)) / 100 / price).quantize(Decimal("0.0001"))
            if size > 0:
                self.open[asset] = Open(asset, self.dice.choice(list(Side)), size, price, now)
                self.cash -= FEE * size * price
            return None
        held = self.open.pop(asset)
        fee = FEE * held.size * price
        slippage = (price * Decimal(self.dice.randint(-5, 20)) / 100_000).quantize(CENT)
        self.cash += held.pnl(price) - fee - abs(slippage * held.size)
        self.closed += 1
        return Trade(
            agent="alpha",
            id=str(self.closed),
            strategy="trend",
            asset=asset,
            side=held.side,
            size=held.size,
            entry_price=held.price,
            exit_price=price,
            entry_time=held.time,
            exit_time=now,
            fees=fee + FEE * held.size * held.price,
            slippage=slippage,
            funding=held.funding,
        )

    def sample(self, now: float) -> Sample:
        held = tuple(
            Position(
                each.asset,
                each.side,
                float(each.size),
                float(each.price),
                round(float(each.pnl(self.prices[each.asset])), 2),
            )
            for each in sorted(self.open.values(), key=lambda one: one.asset)
        )
        equity = self.cash + sum(each.pnl(self.prices[each.asset]) for each in self.open.values())
        return Sample(
            "alpha",
            WALL + now,
            status="ok",
            paused=False,
            equity=round(float(equity), 2),
            balance=round(float(self.cash), 2),
            open_positions=len(held),
            positions=held,
        )


def story(
    seed: int, days: float, *, step: float = 30.0, late: float = 0.0, gaps: bool = False, flows: bool = True
) -> Iterator[Told]:
    """Polls of so many days, about 24 trades a day; a trade may be told `late` seconds after it closed.

    With `gaps` some polls fail or are left out; with `flows` people move money now and then and record it in time.
    """
    dice = random.Random(seed)  # noqa: S311 -- a simulation
    venue, waiting, noted = Venue(dice), list[tuple[float, Trade]](), list[tuple[float, CashFlow]]()
    for number in range(round(days * 86_400 / step)):
        now = number * step
        venue.move(now, step)
        if number and dice.random() < step / 1_800.0:
            closed = venue.trade(now - dice.uniform(0.0, step) * 0.9)
            if closed is not None:
                told = replace(closed, entry_time=WALL + closed.entry_time, exit_time=WALL + closed.exit_time)
                waiting.append((now + dice.uniform(0.0, late), told))
        if number and flows and dice.random() < step / 172_800.0:
            amount = Decimal(dice.choice((1_500, -400, 250))) if venue.cash > 2_000 else Decimal(5_000)
            venue.cash += amount
            noted.append((now + dice.uniform(0.0, late), CashFlow("alpha", WALL + now, amount, "ana")))
        if gaps and (dice.random() < 0.01 or 200 < number % 3_000 < 230):
            if dice.random() < 0.5:
                yield Told(Sample("alpha", WALL + now, error="connection refused"))
            continue
        trades = tuple(trade for due, trade in waiting if due <= now)
        moved = tuple(flow for due, flow in noted if due <= now)
        waiting = [each for each in waiting if each[0] > now]
        noted = [each for each in noted if each[0] > now]
        yield Told(venue.sample(now), trades, moved)
