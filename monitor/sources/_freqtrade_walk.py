"""Closed trades are read in the order of their ids, none is missed, though one with a low id may close late."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

OVERLAP = 20
"""Trades that are read again before the first that is new: some may have been deleted meanwhile."""
YOUNG = 50
"""Ids before the newest that may belong to trades which were opened while trades were read."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far trades have been read: every closed one with an id up to `last`, except those in `open`."""

    last: int = 0
    count: int = 0
    """Where the next one stands in freqtrade's list of closed trades, which is sorted by id."""
    born: int = 0
    """When the last one was opened, in ms: with a new database the ids begin again."""
    open: frozenset[int] = frozenset()
    """Ids up to `last` that were open when they were passed, or that nobody has seen yet."""

    @property
    def offset(self) -> int:
        """Where to go on in the list."""
        return max(0, self.count - OVERLAP)

    def anew(self, ids: Mapping[int, int], open_: Collection[int]) -> bool:
        """Whether the page at `offset` shows another database, or one in which ids were given again.

        Then the last trade that was read is not there or another one, or one is open that was read closed. `ids`: when
        each was opened, in ms.
        """
        if not self.last:
            return False
        other = max(ids, default=0) < self.last or ids.get(self.last, self.born) != self.born
        return other or any(each <= self.last and each not in self.open for each in open_)

    def news(self, ids: Collection[int]) -> set[int]:
        """Those on a page that have not been read: the new ones, and the ones that closed late."""
        return {each for each in ids if each > self.last or each in self.open}

    def page(self, ids: Mapping[int, int], offset: int, open_: Collection[int], horizon: int) -> Self:
        """A page of closed trades was read at an offset; `ids`: when each was opened, in ms.

        `open_`: ids that were open before or after it. `horizon`: the highest id that was known before it; what is
        higher, on no page and not open may have been opened and closed in between.
        """
        last = max(ids, default=0)
        if last <= self.last:
            return replace(self, count=offset + len(ids) if ids else self.count, open=self.open - set(ids))
        seen = {*ids, *open_}
        passed = {each for each in open_ if self.last < each <= last} - set(ids)
        young = {each for each in range(max(horizon, self.last, last - YOUNG) + 1, last) if each not in seen}
        still = (self.open - set(ids)) | passed | young
        return replace(self, last=last, count=offset + len(ids), born=ids[last], open=still)

    def missing(self, open_now: Collection[int]) -> tuple[int, ...]:
        """Ids that were passed and are not open now: each is to be asked for by itself."""
        return tuple(sorted(self.open - set(open_now)))

    def found(self, id_: int, *, closed: bool) -> Self:
        """One of these was read, closed, or is gone."""
        return replace(self, open=self.open - {id_}, count=self.count + closed)

    def pack(self) -> str:
        """The walk as a cursor."""
        return f"{self.last}:{self.count}:{self.born}:{','.join(map(str, sorted(self.open)))}"

    @classmethod
    def unpack(cls, cursor: str | None) -> Self:
        """A walk out of a cursor; one that makes no sense begins anew: reading a trade twice changes nothing."""
        try:
            last, count, born, open_ = (cursor or "").split(":")
            return cls(int(last), int(count), int(born), frozenset(int(each) for each in open_.split(",") if each))
        except ValueError:
            return cls()
