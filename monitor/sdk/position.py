"""An open position as an agent tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from monitor.sdk.numbers import finite

MOST = 200
TEXT_LIMIT = 64


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """One open position: `side` is long or short, `size` above 0 in units of the asset, `pnl` money not realised."""

    asset: str
    side: str
    size: float | Decimal
    entry_price: float | Decimal | None = None
    pnl: float | Decimal | None = None
    id: str = ""


def rows(positions: Iterable[object]) -> list[Mapping[str, object]] | None:
    """Positions as JSON rows, sorted; None when one of them is none, or there are too many."""
    found: list[Mapping[str, object]] = []
    for each in positions:
        row = _row(each)
        if row is None or len(found) == MOST:
            return None
        found.append(row)
    return sorted(found, key=lambda row: (str(row["asset"]), str(row["side"]), str(row["id"])))


def _row(of: object) -> Mapping[str, object] | None:
    if not isinstance(of, OpenPosition):
        return None
    texts = [of.asset, of.side, of.id]
    if not all(isinstance(each, str) and len(each) <= TEXT_LIMIT and each.isprintable() for each in texts):
        return None
    size, entry, pnl = (finite(each) for each in (of.size, of.entry_price, of.pnl))
    if not of.asset or of.side not in ("long", "short") or size is None or size <= 0:
        return None
    if (entry is None) is not (of.entry_price is None) or (pnl is None) is not (of.pnl is None):
        return None
    return {"asset": of.asset, "side": of.side, "size": size, "entry_price": entry, "pnl": pnl, "id": of.id}
