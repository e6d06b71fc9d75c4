"""Sums over trades are kept for every split, by span and for all time: an answer does not grow with the trades."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.attribution import ALWAYS, DAY, DIMENSIONS, SPLITS, STORED, Cell, Sums
from monitor.model import EXACT, Trade

Codes = NDArray[np.int64]

MANY = 300
"""Trades from which on it is quicker to sort them than to take them one by one."""
_WIDE = 1 << 62
_PLACES = [DIMENSIONS[name] for name in STORED]
_NAMED = tuple((",".join(split), tuple(STORED.index(name) for name in split)) for split in SPLITS)
"""(name of a split, its dimensions' positions in STORED)."""


def month_of(day: int) -> int:
    """The month (UTC), since 1970, of a day since 1970."""
    when = datetime.fromtimestamp(day * DAY, UTC)
    return (when.year - 1970) * 12 + when.month - 1


def month_begins(month: int) -> float:
    """When a month since 1970 begins, seconds."""
    return datetime(1970 + month // 12, 1 + month % 12, 1, tzinfo=UTC).timestamp()


def _spans(day: int) -> tuple[int, int]:
    """The spans of a day's trades: of a split by one dimension, and by two."""
    return day, month_of(day)


def rolled(trades: Sequence[Trade]) -> dict[Cell, Sums]:
    """What trades add to every cell, of their spans and of ALWAYS; exact."""
    with localcontext(EXACT):
        return _sorted(trades) if len(trades) >= MANY else _one_by_one(trades)


def _one_by_one(trades: Iterable[Trade]) -> dict[Cell, Sums]:
    found: dict[Cell, Sums] = {}
    for trade in trades:
        sums, places = Sums.of(trade), [place(trade) for place in _PLACES]
        spans = _spans(int(trade.exit_time // DAY))
        for by, at in _NAMED:
            second = places[at[1]] if len(at) > 1 else ""
            for span in (spans[len(at) - 1], ALWAYS):
                cell = Cell(trade.agent, trade.paper, by, span, places[at[0]], second)
                found.setdefault(cell, Sums()).add(sums)
    return found


def _sorted(trades: Sequence[Trade]) -> dict[Cell, Sums]:
    """The same for many: trades of one place brought together by sorting, summed as whole numbers of one unit."""
    every = [Sums.of(each) for each in trades]
    money, places = _whole([[getattr(each, name) for each in every] for name in _MONEY])
    counts = np.array([(1, each.wins) for each in every], dtype=np.int64)
    who = [(each.agent, each.paper) for each in trades]
    owners, owner = _coded(who, lambda each: each)
    days, day = _coded(trades, lambda trade: int(trade.exit_time // DAY))
    spans = [np.array([_spans(each)[at] for each in days], dtype=np.int64)[day] for at in (0, 1)]
    known = [_coded(trades, place) for place in _PLACES]
    found: dict[Cell, Sums] = {}
    for by, at in _NAMED:
        code = known[at[0]][1]
        if len(at) > 1:
            code = code * len(known[at[1]][0]) + known[at[1]][1]
        span = spans[len(at) - 1]
        order = np.lexsort((code, span, owner))
        starts = np.flatnonzero(np.r_[True, np.any(np.diff(np.stack((owner, span, code))[:, order]) != 0, axis=0)])
        summed = [np.add.reduceat(each[order], starts).tolist() for each in money]
        numbers = np.add.reduceat(counts[order], starts).tolist()
        for row, index in enumerate(order[starts].tolist()):
            agent, paper = owners[owner[index]]
            names = [known[each][0][known[each][1][index]] for each in at]
            first, second = names[0], names[1] if len(names) > 1 else ""
            sums = Sums(*numbers[row], *(_decimal(each[row], places) for each in summed))
            found[Cell(agent, paper, by, int(span[index]), first, second)] = sums
            found.setdefault(Cell(agent, paper, by, ALWAYS, first, second), Sums()).add(sums)
    return found


_MONEY = ("gross", "fees", "slippage", "funding", "moved")


def _coded(values: Sequence[Any], place: Callable[[Any], Any]) -> tuple[list[Any], Codes]:
    """The different places, and a number for each value that says which is its."""
    known: dict[Any, int] = {}
    codes = np.fromiter((known.setdefault(place(each), len(known)) for each in values), np.int64, len(values))
    return list(known), codes


def _whole(columns: Sequence[Sequence[Decimal]]) -> tuple[list[NDArray[Any]], int]:
    """Columns of money as whole numbers of 10^-places, in machine words where their sums fit."""
    exponents = (each.as_tuple().exponent for column in columns for each in column)
    places = max(0, *(-each for each in exponents if isinstance(each, int)))
    whole = [[int(each.scaleb(places)) for each in column] for column in columns]
    largest = max((abs(each) for column in whole for each in column), default=0)
    kind = np.int64 if largest * len(columns[0]) < _WIDE else object
    return [np.array(column, dtype=kind) for column in whole], places


def _decimal(whole: int, places: int) -> Decimal:
    return Decimal(whole).scaleb(-places)


def changed(new: Iterable[Trade], old: Iterable[Trade]) -> Mapping[Cell, Sums]:
    """What is added to every cell by trades that come, less those that they replace; exact."""
    found = rolled(list(new))
    with localcontext(EXACT):
        for cell, sums in rolled(list(old)).items():
            found.setdefault(cell, Sums()).add(sums, -1)
    return found
