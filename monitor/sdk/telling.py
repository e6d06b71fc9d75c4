"""What an agent tells of itself, a call each; a figure that is none is counted as an error and never raises."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Unpack

from monitor.sdk.book import Book
from monitor.sdk.meter import HOUR, Meter
from monitor.sdk.position import OpenPosition
from monitor.sdk.trade import TradeFields, closed_trade

ERRORS_KEPT = 10_000
Number = float | Decimal


class Telling:
    """The calls; use them from the agent's own loop only."""

    def __init__(self, boot: str) -> None:
        self._book = Book(boot)
        self._meter = Meter()
        self._errors: deque[float] = deque(maxlen=ERRORS_KEPT)
        self._acted = time.monotonic()

    def beat(self) -> None:
        """Say that the strategy's loop turned: that it looked at the market. Deciding is `decision`."""
        self._acted = time.monotonic()

    def decision(self) -> None:
        """Say that the strategy decided, if only to do nothing; it is a beat too."""
        self.beat()
        self._meter.decision(self._acted)

    def order(self, asset: str, side: str, size: Number, price: Number | None = None) -> None:
        """Say that an order was sent; the same one again and again is noticed."""
        self._wrong(self._meter.order(time.monotonic(), asset, side, size, price))

    def reject(self) -> None:
        """Say that the venue refused an order."""
        self._meter.reject(time.monotonic())

    def feed(self, at: float | None = None) -> None:
        """Say that market data came; `at`: the time of the data in seconds since the epoch, now unless it is given."""
        self._wrong(not self._meter.feed(at, time.time()))

    def venue_call(
        self,
        endpoint: str,
        seconds: float,
        *,
        ok: bool = True,
        rate_limit: float | None = None,
        server_time: float | None = None,
    ) -> None:
        """Say that a call to the venue has ended, and how long it took.

        `rate_limit`: the share of it in use, 0..1. `server_time`: the venue's clock, seconds since the epoch.
        """
        now, wall = time.monotonic(), time.time()
        self._wrong(self._meter.venue_call(now, endpoint, seconds, wall, rate_limit, server_time, ok=ok))

    def model_call(self, seconds: float, *, tokens: int = 0, cost: Number = 0.0, ok: bool = True) -> None:
        """Say that a call to the model has ended; `cost` in money."""
        self._wrong(self._meter.model_call(time.monotonic(), seconds, tokens, cost, ok=ok))

    def error(self) -> None:
        """Count one error; errors are shown for one hour, at most 10,000 of them."""
        self._errors.append(time.monotonic())

    def money(
        self,
        balance: Number | None = None,
        equity: Number | None = None,
        open_positions: int | None = None,
        *,
        available: Number | None = None,
        exposure: Number | None = None,
        leverage: Number | None = None,
        positions: Iterable[OpenPosition] | None = None,
    ) -> None:
        """Tell what the account holds now: what is left out is unknown, and so is what is no figure (an error).

        `available`: money free to trade with. `exposure`: what all positions are worth, each counted as positive.
        `positions`: each that is open; their number follows from them.
        """
        told = self._book.tell_money(
            balance, equity, open_positions, available=available, exposure=exposure, leverage=leverage
        )
        self._wrong(told + self._book.tell_positions(positions))

    def flow(self, amount: Number | str, *, at: float | None = None, note: str = "") -> None:
        """Say that money was moved in (+) or out (-) of the account: no profit and no loss; what is no amount is none.

        `at`: when it was in the account, seconds since the epoch; now unless it is given.
        """
        self._wrong(not self._book.tell_flow(time.time() if at is None else at, amount, note))

    def trade(self, **fields: Unpack[TradeFields]) -> None:
        """Tell one closed trade; telling its id again changes nothing. Errors: ValueError, one sentence."""
        self._book.tell_trade(closed_trade(**fields))

    def _wrong(self, many: int) -> None:
        for _ in range(many):
            self.error()

    def _errors_1h(self, now: float) -> int:
        return sum(1 for each in self._errors if now - each < HOUR)
