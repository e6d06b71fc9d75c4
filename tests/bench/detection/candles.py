"""A demo strategy over real candles: what it was worth each minute, and its trades, as files that `replay` reads."""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

FAST, SLOW = 30, 120
"""Minutes of the two averages that it follows."""
BAND = 0.001
"""How far apart they must be, as a share of the price, before it changes sides."""
FEE = Decimal("0.0005")
MONEY = Decimal(10_000)
SHARE = Decimal("0.5")
"""Of its money in one position."""


class Candle(NamedTuple):
    """One minute."""

    time: str
    close: float


@dataclass
class Held:
    """What is open: above 0 is long."""

    since: str
    price: Decimal
    size: Decimal


def candles(file: Path) -> list[Candle]:
    """Read a CSV file with the columns time and close, plain or gzip."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as text:
        return [Candle(each["time"], float(each["close"])) for each in csv.DictReader(text)]


def sides(of: list[Candle]) -> Iterator[int]:
    """1 while the fast average is above the slow one by the band, -1 while it is below; 0 before it has begun."""
    fast = slow = of[0].close
    side = 0
    for at, each in enumerate(of):
        fast += (each.close - fast) * 2 / (FAST + 1)
        slow += (each.close - slow) * 2 / (SLOW + 1)
        apart = fast / slow - 1.0
        side = (1 if apart > BAND else -1 if apart < -BAND else side) if at > SLOW else 0
        yield side


def trade(of: list[Candle]) -> tuple[list[tuple[str, str]], list[dict[str, str]]]:
    """(time, equity) of each minute, and the closed trades."""
    money, held = MONEY, None
    equity, trades = list[tuple[str, str]](), list[dict[str, str]]()
    for each, side in zip(of, sides(of), strict=True):
        price = Decimal(repr(each.close))
        if held is not None and (held.size > 0) != (side > 0):
            fees = (abs(held.size) * (price + held.price) * FEE).quantize(Decimal("1e-8"))
            money += held.size * (price - held.price) - abs(held.size) * price * FEE
            trades.append(_row(len(trades), held, each.time, price, fees))
            held = None
        if held is None and side:
            size = (side * money * SHARE / price).quantize(Decimal("1e-5"))
            held = Held(each.time, price, size)
            money -= abs(size) * price * FEE
        worth = money if held is None else money + held.size * (price - held.price)
        equity.append((each.time, f"{worth:.4f}"))
    return equity, trades


def _row(number: int, held: Held, time: str, price: Decimal, fees: Decimal) -> dict[str, str]:
    return {
        "id": f"d{number}",
        "strategy": f"averages-{FAST}-{SLOW}",
        "asset": "BTC-USD",
        "side": "long" if held.size > 0 else "short",
        "size": str(abs(held.size)),
        "entry_price": str(held.price),
        "exit_price": str(price),
        "entry_time": held.since,
        "exit_time": time,
        "fees": str(fees),
    }


def main(source: Path, folder: Path) -> None:
    """Write equity.csv and trades.csv."""
    equity, trades = trade(candles(source))
    with (folder / "equity.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("time", "equity"), *equity])
    with (folder / "trades.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, trades[0])
        rows.writeheader()
        rows.writerows(trades)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
