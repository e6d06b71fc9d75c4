"""Profit and loss of any period is the stored sums of its whole days or months and the trades at its two edges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from decimal import localcontext

from monitor.attribution import ALWAYS, DAY, DIMENSIONS, STORED, Attribution, Sums, assemble, dimensions
from monitor.model import EXACT, Trade
from monitor.ports import Store
from monitor.rollups import month_begins, month_of

_END = 1 << 40
"""A span that no trade is after."""
Part = tuple[tuple[str, ...], Sums]


async def earned(
    store: Store,
    by: str | Sequence[str],
    agent: str | None = None,
    since: float = 0.0,
    until: float | None = None,
    *,
    paper: bool = False,
) -> Attribution:
    """Split what was earned by trades closed in since <= time < until; of every agent if None.

    Errors: ValueError naming the dimensions there are, StoreError.
    """
    names = dimensions(by)
    split = tuple(name for name in STORED if name in names) or STORED[:1]
    spans, edges = _spans(since, until, months=len(split) > 1)
    cells = await store.rolled(",".join(split), spans, agent, paper=paper) if spans[0] < spans[1] else []
    rest = [each for edge in edges for each in await store.trades(agent, *edge) if each.paper is paper]
    return await asyncio.to_thread(assemble, names, _parts(names, split, cells, rest))


def _spans(
    since: float, until: float | None, *, months: bool
) -> tuple[tuple[int, int], list[tuple[float, float | None]]]:
    """Whole days (or months) of a period, first <= span < last, and the times at its edges that are none."""
    if since <= 0 and until is None:
        return (ALWAYS, ALWAYS + 1), []
    begins = month_begins if months else _day_begins
    first = max(_span(since, months=months), 0)
    first += begins(first) < since
    if until is None:
        return (first, _END), [(since, begins(first))] if since < begins(first) else []
    last = _span(until, months=months)
    if first >= last:
        return (0, 0), [(since, until)]
    edges = [(since, begins(first)), (begins(last), until)]
    return (first, last), [edge for edge in edges if edge[0] < edge[1]]


def _span(time: float, *, months: bool) -> int:
    day = int(time // DAY)
    return month_of(day) if months else day


def _day_begins(day: int) -> float:
    return day * DAY


def _parts(
    names: tuple[str, ...],
    split: tuple[str, ...],
    cells: Iterable[tuple[str, str, str, Sums]],
    rest: Iterable[Trade],
) -> Iterator[Part]:
    for agent, first, second, sums in cells:
        place = dict(zip(split, (first, second), strict=False)) | {"agent": agent}
        yield tuple(place[name] for name in names), sums
    places = [DIMENSIONS[name] for name in names]
    with localcontext(EXACT):
        parts = [(tuple(place(each) for place in places), Sums.of(each)) for each in rest]
    yield from parts
