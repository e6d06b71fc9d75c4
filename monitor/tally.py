"""What closed trades made, kept up to date trade by trade and exact."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any, Literal, Self

from monitor.model import EXACT


class Tally:
    """What closed trades made, exact: all of them, or those of the last `span` seconds. O(1) a trade."""

    __slots__ = ("_kept", "loss", "n", "profit", "span", "wins")

    def __init__(self, span: float | None = None) -> None:
        self.span = span
        self.n = self.wins = 0
        self.profit = self.loss = Decimal(0)
        self._kept: deque[tuple[float, Decimal]] = deque()

    def push(self, time: float, net: Decimal) -> None:
        """Take one trade that was closed at a time; times ascend."""
        self._count(net, 1)
        if self.span is not None:
            self._kept.append((time, net))
            self.pass_to(time)

    def pass_to(self, now: float) -> None:
        """Let trades go that were closed `span` seconds ago or longer."""
        while self._kept and self.span is not None and self._kept[0][0] <= now - self.span:
            self._count(self._kept.popleft()[1], -1)

    def _count(self, net: Decimal, sign: Literal[1, -1]) -> None:
        self.n += sign
        with localcontext(EXACT):
            if net > 0:
                self.wins += sign
                self.profit += sign * net
            else:
                self.loss -= sign * net

    @property
    def net(self) -> Decimal:
        """Profit less loss, exact."""
        with localcontext(EXACT):
            return self.profit - self.loss

    def win_rate(self) -> float | None:
        """Share of trades that made money; None without any."""
        return self.wins / self.n if self.n else None

    def profit_factor(self) -> float | None:
        """Gross profit / gross loss; None without a loss."""
        if not self.loss:
            return None
        with localcontext(EXACT):
            value = float(self.profit / self.loss)
        return value if math.isfinite(value) else None

    def to_json(self) -> dict[str, Any]:
        """The state as JSON; money is text, exact."""
        return {
            "span": self.span,
            "n": self.n,
            "wins": self.wins,
            "profit": str(self.profit),
            "loss": str(self.loss),
            "kept": [[time, str(net)] for time, net in self._kept],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        try:
            made = cls(None if data["span"] is None else float(data["span"]))
            made.n, made.wins = int(data["n"]), int(data["wins"])
            made.profit, made.loss = Decimal(data["profit"]), Decimal(data["loss"])
            made._kept.extend((float(time), Decimal(net)) for time, net in data["kept"])
        except (TypeError, KeyError, ValueError, ArithmeticError) as error:
            raise ValueError(f"these are not stored trades: {error}") from None
        if not (0 <= made.wins <= made.n and made.profit >= 0 and made.loss >= 0):
            raise ValueError("these are not stored trades: their counts do not fit together")
        return made
