"""How a value of ours stands in a column: times as integers, money and JSON as text, words as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from monitor.alerts.alert import Kind, State
from monitor.model import Check, Position, Severity, Side
from monitor.order import OrderState


class Stored(TypeDecorator[Any]):
    """A value of ours kept as a plain one: `encode` makes it plain, `decode` brings it back, None stays NULL."""

    impl = Text
    cache_ok = True

    def __init__(self, plain: TypeEngine[Any], encode: Callable[[Any], Any], decode: Callable[[Any], Any]) -> None:
        super().__init__()
        self.plain = plain
        self.encode = encode
        self.decode = decode

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the plain type."""
        return dialect.type_descriptor(self.plain)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Encode."""
        return None if value is None else self.encode(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Decode."""
        return None if value is None else self.decode(value)


class Words(TypeDecorator[str]):
    """Text from anywhere: half a surrogate pair, which no database takes, becomes "?" and costs no transaction."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Mend."""
        return value if value is None else mended(value)


def mended(text: str) -> str:
    """Text as it is stored."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def to_micros(seconds: float) -> int:
    """A time as it is stored."""
    return round(seconds * 1e6)


def _seconds(micros: int) -> float:
    return micros / 1e6


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _json_mapping(value: Any) -> str:
    return _json(dict(value))


def _json_checks(checks: tuple[Check, ...]) -> str:
    return _json([(each.name, each.ok, each.detail) for each in checks]) if checks else "[]"


# A healthy agent says the same for hours: one tuple serves all those samples.
@lru_cache(maxsize=4096)
def _checks(text: str) -> tuple[Check, ...]:
    return tuple(Check(*each) for each in json.loads(text))


def _json_positions(positions: tuple[Position, ...]) -> str:
    return _json([(each.asset, each.side, each.size, each.entry_price, each.pnl, each.id) for each in positions])


def _positions(text: str) -> tuple[Position, ...]:
    return tuple(Position(asset, Side(side), *rest) for asset, side, *rest in json.loads(text))


def _latencies(text: str) -> tuple[tuple[str, float], ...]:
    if text == "[]":
        return ()
    return tuple((name, value) for name, value in json.loads(text))


def _words(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))


TEXT = Words()
TIME = Stored(BigInteger(), to_micros, _seconds)
"""Microseconds since the epoch, UTC."""
MONEY = Stored(Text(), str, Decimal)
MAPPING = Stored(Text(), _json_mapping, json.loads)
CHECKS = Stored(Text(), _json_checks, _checks)
PAIRS = Stored(Text(), _json, _pairs)
POSITIONS = Stored(Text(), _json_positions, _positions)
LATENCIES = Stored(Text(), _json, _latencies)
WORDS = Stored(Text(), _json, _words)
SEVERITY = Stored(Integer(), int, Severity)
SIDE = Stored(Text(), str, Side)
STATE = Stored(Text(), str, State)
KIND = Stored(Text(), str, Kind)
ORDER_STATE = Stored(Text(), str, OrderState)
ROW = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database gives; SQLite numbers rows only in a column declared INTEGER."""
