"""What the change of an account is made of: its parts, the samples it is measured between, and the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.model import Sample, Trade

ZERO, CENT = Decimal(0), Decimal("0.01")
DUST = 1e-18
DIGITS = 1_000
"""Characters of a stored amount that are still read."""


class Parts(NamedTuple):
    """What is known to have changed an account."""

    trades: int = 0
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    slippage: Decimal = ZERO
    funding: Decimal = ZERO
    flows: Decimal = ZERO
    """Money moved in, less money moved out."""

    @property
    def net(self) -> Decimal:
        """What the trades left in the account."""
        return self.gross - self.fees - self.slippage - self.funding

    @property
    def explained(self) -> Decimal:
        """Money that the account has to have more."""
        return self.net + self.flows

    def plus(self, other: Parts, sign: int = 1) -> Parts:
        """The sum, or with -1 the difference."""
        return Parts(
            self.trades + sign * other.trades,
            self.gross + sign * other.gross,
            self.fees + sign * other.fees,
            self.slippage + sign * other.slippage,
            self.funding + sign * other.funding,
            self.flows + sign * other.flows,
        )


class Point(NamedTuple):
    """One sample of an account, and everything told of the time until it."""

    time: float
    equity: Decimal
    unrealised: Decimal
    worth: Decimal
    """Of open positions."""
    parts: Parts

    @property
    def level(self) -> Decimal:
        """Equity without what is open and without what is explained: it stands still."""
        return self.equity - self.unrealised - self.parts.explained


class Step(NamedTuple):
    """The largest change between two samples that the rest is made of."""

    start: float
    end: float
    change: Decimal
    """Of equity without what is open."""
    parts: Parts

    @property
    def rest(self) -> Decimal:
        """What of it is unexplained."""
        return self.change - self.parts.explained


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How far a change of equity is explained; `equity` is `unrealised` + `parts.net` + `parts.flows` + `rest`."""

    since: float
    until: float
    equity: Decimal
    """Change of it."""
    unrealised: Decimal
    """Change of the P&L of what is open."""
    parts: Parts
    rest: Decimal
    limit: Decimal | None
    """Beyond which a rest is worth a word; None: nobody wants to hear of it."""
    beyond: float | None
    """Since when the rest has been beyond the limit, as far back as is known; None: it is not."""
    stands: bool
    """Whether it was beyond for the whole settling time, with everything told since."""
    step: Step | None
    """The one step in which all of the rest came."""

    @property
    def flow(self) -> tuple[str, str] | None:
        """The words that record the rest as a cash flow, after `flow AGENT`; None: no single step without a trade."""
        if self.step is None or self.step.parts.trades:
            return None
        return self.money(self.rest, "+"), f"{datetime.fromtimestamp(self.step.end, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def money(self, amount: Decimal, sign: str = "") -> str:
        """An amount to a cent, or finer where a cent is a lot; nothing has no sign."""
        text = f"{amount:{sign},.{2 if self.limit is None or self.limit >= CENT else 8}f}"
        return text if text.strip("+-0.") else text.lstrip("+-")


NO_TRADES = "it has not told any trade yet"
NO_EQUITY = "it does not say its equity"
NO_POSITIONS = "it does not say whether a position is open"
NO_PNL = "an open position does not say its P&L"
NO_WORTH = "its equity is its balance, as if nothing were open"


def exact(value: float) -> Decimal:
    """A number as it is written, without the digits that only its binary form has; dust is nothing."""
    return Decimal(repr(float(value))) if abs(value) > DUST else ZERO


def parts_of(trade: Trade) -> Parts:
    """What one closed trade changed."""
    return Parts(1, trade.gross, trade.fees, trade.slippage_cost, trade.funding)


def summed(parts: Parts, told: Iterable[Parts]) -> Parts:
    """A sum with what was told since."""
    for each in told:
        parts = parts.plus(each)
    return parts


def point(sample: Sample, parts: Parts) -> Point | str:
    """An answered sample as one to measure between; else why it is none."""
    equity, held = sample.equity, sample.positions
    if equity is None or not math.isfinite(equity):
        return NO_EQUITY
    if sample.open_positions == 0 or held == ():
        return Point(sample.time, exact(equity), ZERO, ZERO, parts)
    if held is None:
        return NO_PNL if sample.open_positions else NO_POSITIONS
    pnl = [each.pnl for each in held if each.pnl is not None and math.isfinite(each.pnl)]
    if len(pnl) < len(held) or sample.open_positions not in (None, len(held)):
        return NO_PNL
    if equity == sample.balance:  # the P&L of what is open is not in it, or it is a balance less what was paid
        return NO_WORTH
    return Point(sample.time, exact(equity), sum(map(exact, pnl), ZERO), exact(_worth(sample, equity)), parts)


def _worth(sample: Sample, equity: float) -> float:
    """Money that is open: as it says, by its entries, or else all it has."""
    prices = [each.entry_price for each in sample.positions or ()]
    worth = sample.exposure
    if worth is None and None not in prices:
        worth = sum(each.size * abs(each.entry_price or 0.0) for each in sample.positions or ())
    return abs(equity if worth is None or not math.isfinite(worth) else worth)


def written(value: Parts | Point | Step) -> list[Any]:
    """A value as JSON."""
    return [
        str(each) if isinstance(each, Decimal) else written(each) if isinstance(each, Parts) else each for each in value
    ]


def read_parts(data: Any) -> Parts:
    """Read `written` back, like those below. Errors: ValueError, TypeError."""
    trades, *money = data
    if isinstance(trades, bool) or not isinstance(trades, int):
        raise ValueError(f"{trades!r:.40} is no number of trades")  # noqa: TRY004 -- every fault of a row is a ValueError
    gross, fees, slippage, funding, flows = map(_amount, money)
    return Parts(trades, gross, fees, slippage, funding, flows)


def read_point(data: Any) -> Point:
    """Read a point."""
    time, equity, unrealised, worth, parts = data
    return Point(read_number(time), _amount(equity), _amount(unrealised), _amount(worth), read_parts(parts))


def read_step(data: Any) -> Step:
    """Read a step."""
    start, end, change, parts = data
    return Step(read_number(start), read_number(end), _amount(change), read_parts(parts))


def read_number(value: Any) -> float:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.40} is not a finite number")
    return float(value)


def _amount(value: Any) -> Decimal:
    if not isinstance(value, str) or len(value) > DIGITS or not (amount := Decimal(value)).is_finite():
        raise ValueError(f"{value!r:.40} is not an amount")
    return amount
