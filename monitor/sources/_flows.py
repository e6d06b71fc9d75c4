"""Money that an agent says was moved in or out of its account; a row that makes no sense is left out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from monitor.model import CashFlow
from monitor.outside import line
from monitor.sources._trades import LATEST, LONGEST, MOST_DIGITS, MOST_PLACES

MOST = 100
"""Rows that are read of one answer."""


def read_flows(agent: str, document: Mapping[str, Any]) -> tuple[CashFlow, ...]:
    """Read `"flows": [{"time": seconds, "amount": "+1000", "note": "..."}, ...]`, in order of time."""
    rows = document.get("flows")
    known = (_flow(agent, row) for row in rows[-MOST:]) if isinstance(rows, list) else ()
    return tuple(sorted({each for each in known if each is not None}, key=lambda each: (each.time, each.amount)))


def _flow(agent: str, row: Any) -> CashFlow | None:
    if not isinstance(row, dict):
        return None
    time, amount, note = row.get("time"), row.get("amount"), row.get("note", "")
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < LATEST:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | float | str) or len(str(amount)) > LONGEST:
        return None
    try:
        money = Decimal(str(amount))
    except InvalidOperation:
        return None
    exponent = money.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MOST_PLACES or not money or money.adjusted() >= MOST_DIGITS:
        return None
    return CashFlow(agent, round(float(time), 6), money, agent, line(note) if isinstance(note, str) else "")
