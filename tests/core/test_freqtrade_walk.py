"""However trades open, close and are deleted while they are read, none that closed is missed."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.sources._freqtrade_walk import OVERLAP, Walk


@dataclass
class Bot:
    """Trades by id, with when each was opened: open, or closed."""

    open: dict[int, int] = field(default_factory=dict)
    closed: dict[int, int] = field(default_factory=dict)
    time: int = 0
    ever: set[tuple[int, int]] = field(default_factory=set)
    """Every trade that ever closed."""

    def enter(self) -> int:
        self.time += 1
        number = max({0, *self.open, *self.closed}) + 1  # SQLite gives the id of a newest one that was deleted again
        self.open[number] = self.time
        return number

    def leave(self, number: int) -> None:
        self.closed[number] = self.open.pop(number)
        self.ever.add((number, self.closed[number]))

    def page(self, offset: int, limit: int) -> dict[int, int]:
        return {each: self.closed[each] for each in sorted(self.closed)[offset : offset + limit]}


class Reading(RuleBasedStateMachine):
    """A desk that reads page by page, interrupted anywhere, while the bot trades on."""

    def __init__(self) -> None:
        super().__init__()
        self.bot = Bot()
        self.walk = Walk()
        self.read: set[tuple[int, int]] = set()

    @rule(many=st.integers(1, 25))
    def opens(self, many: int) -> None:
        for _ in range(many):
            self.bot.enter()

    @rule(many=st.integers(1, 6))
    def closes(self, many: int) -> None:
        for number in sorted(self.bot.open)[::many]:
            self.bot.leave(number)

    @rule()
    def cancels_its_newest(self) -> None:
        self.bot.open.pop(max(self.bot.open, default=0), None)

    @rule()
    def its_owner_deletes_the_newest(self) -> None:
        self.bot.closed.pop(max(self.bot.closed, default=0), None)

    @rule()
    def its_database_is_begun_anew(self) -> None:
        self.bot = Bot(time=self.bot.time, ever=self.bot.ever)

    @rule(pages=st.integers(1, 3), limit=st.integers(OVERLAP + 1, 40), between=st.integers(0, 3), whole=st.booleans())
    def looks(self, pages: int, limit: int, between: int, whole: bool) -> None:
        """One look: some pages, things happening between the calls, and perhaps no time for what closed late."""
        before = set(self.bot.open)
        walk, offset, horizon = self.walk, self.walk.offset, max({self.walk.last, *before})
        for number in range(pages):
            ids = self.bot.page(offset, limit)
            if number == 0 and walk.anew(ids, before):
                walk, offset = Walk(), 0
                ids = self.bot.page(offset, limit)
            self._happens(between)
            self.read |= {(each, ids[each]) for each in walk.news(ids)}
            walk = walk.page(ids, offset, before | set(self.bot.open), horizon)
            offset += len(ids)
            if len(ids) < limit:
                break
        if whole:
            for each in walk.missing(set(self.bot.open)):
                self._happens(between)
                if each in self.bot.closed:
                    self.read.add((each, self.bot.closed[each]))
                    walk = walk.found(each, closed=True)
                elif each not in self.bot.open:
                    walk = walk.found(each, closed=False)
        self.walk = Walk.unpack(walk.pack())

    def _happens(self, many: int) -> None:
        """Somebody trades while the desk reads: a trade may open and close between two calls."""
        for number in range(many):
            fresh = self.bot.enter()
            if number % 2:
                self.bot.leave(fresh)
            for each in sorted(self.bot.open)[:1]:
                self.bot.leave(each)

    @rule()
    def reads_to_the_end(self) -> None:
        """Whatever is closed now is read, however it came to be."""
        for _ in range(200):
            self.looks(pages=3, limit=OVERLAP + 1, between=0, whole=True)
            if self.read >= set(self.bot.closed.items()):
                break
        assert self.read >= set(self.bot.closed.items())

    @invariant()
    def nothing_is_read_that_never_closed(self) -> None:
        assert self.read <= self.bot.ever


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_another_database_is_noticed_and_a_cursor_that_makes_no_sense_begins_anew() -> None:
    walk = Walk().page({1: 10, 2: 20, 5: 50}, 0, {3}, 3)
    assert (walk.last, walk.count, walk.born, walk.open) == (5, 3, 50, frozenset({3, 4}))
    assert walk.anew({1: 10, 2: 20}, {3})
    assert walk.anew({}, ())
    assert walk.anew({1: 10, 2: 20, 5: 51, 6: 60}, {3})
    assert walk.anew({1: 10, 2: 20, 5: 50}, {2})
    assert not walk.anew({1: 10, 2: 20, 5: 50}, {3, 6})
    assert Walk.unpack(walk.pack()) == walk
    assert [Walk.unpack(wrong) for wrong in (None, "", "x:y:z:", "1:2", "9f:1:1:")] == [Walk()] * 5
