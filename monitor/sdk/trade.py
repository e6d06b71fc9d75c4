"""A closed trade is checked when it is told, so that what the agent serves is always whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypedDict, Unpack

Number = int | float | str | Decimal
Moment = int | float | datetime

TEXT_LIMIT = 200
NUMBER_LIMIT = Decimal(10) ** 18
PLACES_LIMIT = 40
NAMES = ("venue", "exit_reason", "tag")
"""What may be said of a trade beside its figures."""
TIME_LIMIT = 1e11
"""Seconds since the epoch; a time in milliseconds is above it."""


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One closed trade; prices and slippage are per unit, size is positive, times are seconds since the epoch."""

    id: str
    strategy: str
    asset: str
    side: str
    size: Decimal
    entry_price: Decimal
    exit_price: Decimal
    entry_time: float
    exit_time: float
    fees: Decimal
    slippage: Decimal
    funding: Decimal = Decimal(0)
    venue: str = ""
    exit_reason: str = ""
    tag: str = ""

    @property
    def net(self) -> Decimal:
        """Profit less fees less |slippage x size| less funding."""
        move = self.exit_price - self.entry_price
        gross = move * self.size if self.side == "long" else -move * self.size
        return gross - self.fees - abs(self.slippage * self.size) - self.funding

    def row(self) -> dict[str, object]:
        """The trade as JSON: decimals as strings, times as numbers."""
        return {
            "id": self.id,
            "strategy": self.strategy,
            "asset": self.asset,
            "side": self.side,
            "size": f"{self.size:f}",
            "entry_price": f"{self.entry_price:f}",
            "exit_price": f"{self.exit_price:f}",
            "entry_time": self.entry_time,
            "exit_time": self.exit_time,
            "fees": f"{self.fees:f}",
            "slippage": f"{self.slippage:f}",
            **({"funding": f"{self.funding:f}"} if self.funding else {}),
            **{name: text for name in NAMES if (text := getattr(self, name))},
        }


class NeededFields(TypedDict):
    """What an agent has to tell of a closed trade."""

    id: str | int
    strategy: str
    asset: str
    side: str
    size: Number
    entry_price: Number
    exit_price: Number
    entry_time: Moment
    exit_time: Moment


class TradeFields(NeededFields, total=False):
    """What an agent tells of a closed trade."""

    fees: Number
    """Money; negative is a rebate."""
    slippage: Number
    """Money per unit."""
    funding: Number
    """Money paid to hold it; negative was received."""
    venue: str
    exit_reason: str
    tag: str
    """The model or signal that opened it."""


def closed_trade(**fields: Unpack[TradeFields]) -> ClosedTrade:
    """Check one trade. Errors: ValueError, one sentence that names the field."""
    _require_names(fields)
    name = fields["id"]
    trade = ClosedTrade(
        _text("id", str(name) if type(name) is int else name),
        _text("strategy", fields["strategy"]),
        _text("asset", fields["asset"]),
        _text("side", fields["side"]),
        figure("size", fields["size"]),
        figure("entry_price", fields["entry_price"]),
        figure("exit_price", fields["exit_price"]),
        moment("entry_time", fields["entry_time"]),
        moment("exit_time", fields["exit_time"]),
        figure("fees", fields.get("fees", 0)),
        figure("slippage", fields.get("slippage", 0)),
        figure("funding", fields.get("funding", 0)),
        *(_maybe(name, fields.get(name, "")) for name in NAMES),
    )
    if trade.side not in ("long", "short"):
        raise ValueError(f"a trade's side must be 'long' or 'short', not {trade.side!r}")
    if trade.size <= 0:
        raise ValueError(f"a trade's size must be above 0, not {trade.size}; a sale is side='short'")
    if trade.exit_time < trade.entry_time:
        raise ValueError("a trade's exit_time must not lie before its entry_time")
    return trade


def _require_names(given: Iterable[str]) -> None:
    known = TradeFields.__required_keys__ | TradeFields.__optional_keys__
    if missing := sorted(TradeFields.__required_keys__ - set(given)):
        raise ValueError(f"a trade needs {', '.join(missing)}")
    if strange := sorted(set(given) - known):
        raise ValueError(f"a trade has no {', '.join(strange)}")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_LIMIT or not value.isprintable():
        raise ValueError(f"a trade's {name} must be 1 to {TEXT_LIMIT} printable characters, not {_shown(value)}")
    return value


def _maybe(name: str, value: object) -> str:
    """Text that may be left out."""
    return "" if value == "" else _text(name, value)


def figure(name: str, value: object) -> Decimal:
    """A figure of a trade. Errors: ValueError, one sentence that names it."""
    wrong = ValueError(f"a trade's {name} must be a finite number below 1e18, not {_shown(value)}")
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise wrong
    try:
        number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, ValueError):
        raise wrong from None
    if not number.is_finite() or number.copy_abs() >= NUMBER_LIMIT:
        raise wrong
    if not number:
        return Decimal(0)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -PLACES_LIMIT:
        raise ValueError(f"a trade's {name} must have at most {PLACES_LIMIT} decimal places, not {_shown(value)}")
    return number


def moment(name: str, value: object) -> float:
    """A time of a trade, seconds since the epoch. Errors: ValueError, one sentence that names it."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"a trade's {name} must have a time zone: datetime.now(UTC), not datetime.now()")
        value = value.astimezone(UTC).timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < TIME_LIMIT:
        raise ValueError(f"a trade's {name} must be seconds since the epoch or a datetime, not {_shown(value)}")
    return round(float(value), 6)


def _shown(value: object) -> str:
    if value is None or isinstance(value, (str, float, Decimal)):
        return repr(value)[:60]
    return f"an object of type {type(value).__name__}"
