"""Closed trades are read in the order of their ids, once each, though one with a low id may close late."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Self

OVERLAP = 20
"""Trades that are read again before the first that is new: some may have been deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far trades have been read: every closed one with an id up to `last`, except those in `open`."""

    last: int = 0
    count: int = 0
    """How many closed trades that were, which is where the next one stands in freqtrade's list."""
    open: frozenset[int] = frozenset()
    """Ids up to `last` that were open when they were passed."""

    @property
    def offset(self) -> int:
        """Where to go on in the list of closed trades."""
        return max(0, self.count - OVERLAP)

    def closed(self, open_now: Collection[int]) -> tuple[int, ...]:
        """Ids that were passed open and are so no longer: each is to be asked for by itself."""
        return tuple(sorted(self.open - set(open_now)))

    def late(self, id_: int, *, found: bool) -> Self:
        """One of these was read (or is gone)."""
        return replace(self, open=self.open - {id_}, count=self.count + found)

    def page(self, ids: Iterable[int], open_now: Collection[int], opened: int) -> Self:
        """A page was read that began at `offset` or behind what was read.

        `opened`: the highest id that was open when the page was asked for; one that is higher may still be unseen.
        """
        new = [each for each in ids if each > self.last]
        if not new:
            return self
        last = max(new)
        passed = {each for each in open_now if self.last < each <= last}
        # What was open before the page was asked for and closed while it was read stands on it, or is asked for later.
        return replace(
            self,
            last=last,
            count=self.count + len(new),
            open=(self.open | passed) - set(new) | self._unseen(new, opened),
        )

    def _unseen(self, new: Iterable[int], opened: int) -> frozenset[int]:
        return frozenset()

    def pack(self) -> str:
        """The walk as a cursor."""
        return f"{self.last}:{self.count}:{','.join(map(str, sorted(self.open)))}"

    @classmethod
    def unpack(cls, cursor: str | None) -> Self:
        """A walk out of a cursor; one that makes no sense begins anew, which reads nothing twice that matters."""
        try:
            last, count, open_ = (cursor or "").split(":")
            return cls(int(last), int(count), frozenset(int(each) for each in open_.split(",") if each))
        except ValueError:
            return cls()
