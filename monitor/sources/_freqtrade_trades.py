"""Closed trades are read page by page, and whatever was read before a look's time ran out counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import structlog

from monitor.model import Trade
from monitor.sources._freqtrade_api import Api, GoneError, TooLongError
from monitor.sources._freqtrade_read import Profits, integer, read_trade, trade_id
from monitor.sources._freqtrade_walk import Walk
from monitor.sources._http import FAULT, sentence
from monitor.sources._snapshot import BadAnswerError

PAGE, MOST_PAGES = 500, 10
"""Trades a page, pages a look: a long history is read over several looks."""
SHORTEST_PAGE = 25
"""What a page is halved to at least, where a longer one is more than a look has time or room for; above OVERLAP."""
RECALLED, ENOUGH = 3, 8 * 86_400_000
"""Pages a look of what closed before a start, and how many ms of it are enough."""
MOST_MISSING = 50
"""Trades asked for one by one in a look."""
MOST_OPEN = 1_000
"""Open trades that are believed: their ids are kept in the cursor."""

log = structlog.get_logger()


@dataclass(slots=True)
class Reading:
    """How far one look got."""

    agent: str
    paper: bool
    walk: Walk
    trades: list[Trade] = field(default_factory=list)
    pages: int = 0
    whole: bool = False
    """Whether it got to the newest."""


class TradeReader:
    """Reads the closed trades of one bot, and keeps what was made in the last days."""

    def __init__(self, api: Api) -> None:
        self._profits = Profits()
        self._api = api
        self._size = PAGE
        self._from_first = False
        """Whether this run reads from the first trade on."""
        self._recall: int | None = 0
        """Where to go on among the trades that closed last, to know of the last days; None: they are known."""
        self._complained: set[str] = set()

    async def read(self, look: Reading, open_: Sequence[Any], deadline: float, within: float) -> Profits:
        """Read on until the deadline or a fault; return what was made, unknown where trades were not all read.

        `open_`: the bot's open trades. `within`: seconds of a look, for sentences.
        """
        try:
            async with asyncio.timeout_at(deadline):
                await self._on(look, _ids(open_))
            self._complained.discard("trades")
        except FAULT as error:
            look.whole = False
            if isinstance(error, TimeoutError | TooLongError) and not look.pages:
                self._size = max(SHORTEST_PAGE, self._size // 2)
            self._complain("trades", "trades could not be read", look.agent, sentence(error, within))
        self._profits.add(look.trades)
        return self._profits if look.whole else Profits()

    def forget(self, before: float) -> None:
        """Leave out of mind what was made before a time."""
        self._profits.forget(before)

    async def _on(self, look: Reading, open_: set[int]) -> None:
        self._from_first |= not look.walk.last
        if not self._from_first:
            await self._remember(look)
        await self._pages(look, open_)
        await self._missing(look)

    async def _pages(self, look: Reading, open_: set[int]) -> None:
        offset, horizon = look.walk.offset, max({look.walk.last, *open_})
        for number in range(MOST_PAGES):
            rows = await self._page(offset)
            ids = _opened(rows)
            if number == 0 and look.walk.anew(ids, open_):
                look.walk, offset, self._from_first = Walk(), 0, True
                rows = await self._page(offset)
                ids = _opened(rows)
            news = look.walk.news(ids)
            after = _ids(await self._api.get("status")) if news else set()
            look.trades += self._read(look, (each for each in rows if trade_id(each) in news))
            look.walk = look.walk.page(ids, offset, open_ | after, horizon)
            look.pages += 1
            offset += len(rows)
            if len(rows) < self._size:
                look.whole = True
                if self._from_first:
                    self._profits.whole(0.0)
                return

    async def _page(self, offset: int, *, newest: bool = False) -> list[Any]:
        """Closed trades in the order of their ids, or, in versions that can, from the one that closed last."""
        order = "false" if newest else "true"
        said = await self._api.get("trades", exact=True, limit=self._size, offset=offset, order_by_id=order)
        rows = said.get("trades") if isinstance(said, dict) else None
        if not isinstance(rows, list) or len(rows) > self._size:
            raise BadAnswerError("answered /trades without a page of trades")
        return rows

    async def _missing(self, look: Reading) -> None:
        """Ask for trades one by one that were passed open and are so no longer."""
        missing = look.walk.missing(_ids(await self._api.get("status"))) if look.walk.open else ()
        for each in missing[:MOST_MISSING]:
            try:
                row = await self._api.get(f"trade/{each}", exact=True)
            except GoneError:
                look.walk = look.walk.found(each, closed=False)
                continue
            except BadAnswerError as error:  # one that it cannot tell holds up no other
                self._complain("rows", "trades were skipped", look.agent, str(error))
                continue
            if isinstance(row, dict) and row.get("is_open") is False:
                look.trades += self._read(look, (row,))
                look.walk = look.walk.found(each, closed=True)

    async def _remember(self, look: Reading) -> None:
        """Read the newest closed trades again, after a start: what was made in the last days follows from them.

        Versions of 2024 give trades by id only, and one with a low id may have closed a minute ago: of these, where
        a page does not hold everything, all are read again.
        """
        for _ in range(RECALLED):
            if self._recall is None:
                return
            rows = await self._page(self._recall, newest=True)
            closed = _closed(rows)
            look.pages += 1
            if len(rows) < self._size:
                self._recall = None
            elif all(later >= earlier for later, earlier in pairwise(closed)):
                # Newer ones push these on, never towards the front: none stands between two pages.
                self._recall = None if closed[-1] < closed[0] - ENOUGH else self._recall + len(rows)
            else:
                look.walk, self._from_first, self._recall = Walk(), True, None
                return
            self._profits.add(self._read(look, rows))
            # Others may have closed in the very millisecond of the last one.
            self._profits.whole((closed[-1] + 1) / 1000 if len(rows) == self._size else 0.0)

    def _read(self, look: Reading, rows: Iterable[Any]) -> list[Trade]:
        found = []
        for row in rows:
            try:
                found.append(read_trade(look.agent, row, paper=look.paper))
            except ValueError as error:
                self._complain("rows", "trades were skipped", look.agent, str(error))
        return found

    def _complain(self, about: str, event: str, agent: str, reason: str) -> None:
        if about not in self._complained:
            self._complained.add(about)
            log.warning(event, agent=agent, reason=reason)


def _closed(rows: Sequence[Any]) -> list[int]:
    """When each trade of a page was closed, in ms. Errors: BadAnswerError."""
    try:
        return [integer(each, "close_timestamp") for each in rows]
    except ValueError as error:
        raise BadAnswerError(f"answered /trades with one that is none: {error}") from None


def _opened(rows: Sequence[Any]) -> dict[int, int]:
    """When each trade of a page was opened, in ms, by id. Errors: BadAnswerError."""
    try:
        return {trade_id(each): integer(each, "open_timestamp") for each in rows}
    except ValueError as error:
        raise BadAnswerError(f"answered /trades with one that is none: {error}") from None


def _ids(rows: Any) -> set[int]:
    """The ids of open trades. Errors: BadAnswerError."""
    if not isinstance(rows, list) or len(rows) > MOST_OPEN:
        raise BadAnswerError(f"answered /status without a list of at most {MOST_OPEN:,} trades")
    try:
        return {trade_id(each) for each in rows}
    except ValueError as error:
        raise BadAnswerError(f"answered /status with one that is none: {error}") from None
