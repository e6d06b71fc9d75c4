"""Messages to one channel go about one a second, pages first; changes keep to fifty a minute and wait nowhere."""

from __future__ import annotations

import asyncio
import itertools

from bot.platforms.slack.pace import BURST, KEPT, LATEST, Pace


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def at_once(pace: Pace, channel: str, *, page: bool = True) -> bool:
    """Whether a message may go now; if so it goes."""
    turn = asyncio.create_task(pace.turn(channel, page=page))
    await asyncio.sleep(0)
    went = turn.done()
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    return went


async def test_each_channel_has_a_burst_of_its_own_and_then_one_a_second() -> None:
    watch = Watch()
    pace = Pace(clock=watch)
    for channel in ("C0HOME", "C0OPS"):
        assert [await at_once(pace, channel) for _ in range(BURST + 1)] == [True] * BURST + [False]
    watch.now += 1.0
    assert [await at_once(pace, "C0OPS") for _ in range(2)] == [True, False]
    assert [await at_once(pace, "C0HOME") for _ in range(2)] == [True, False]


async def test_answers_leave_room_for_pages_in_their_channel() -> None:
    pace = Pace(clock=Watch())
    answers = [await at_once(pace, "C0HOME", page=False) for _ in range(BURST)]
    assert answers == [True] * (BURST - KEPT) + [False] * KEPT
    assert [await at_once(pace, "C0HOME") for _ in range(KEPT + 1)] == [True] * KEPT + [False]


async def test_a_page_that_waits_in_one_channel_holds_up_no_answer_in_another() -> None:
    pace = Pace(clock=Watch())
    for _ in range(BURST):
        await pace.turn("C0HOME", page=True)
    waiting = asyncio.create_task(pace.turn("C0HOME", page=True))
    await asyncio.sleep(0)
    assert await at_once(pace, "C0OPS", page=False)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


def test_no_minute_ever_holds_more_than_fifty_changes() -> None:
    watch = Watch()
    pace, went = Pace(clock=watch), list[float]()
    for _ in range(3_000):
        if pace.change() == 0.0:
            went.append(watch.now)
        watch.now += 0.1
    assert max(sum(each <= other < each + 60 for other in went) for each in went) <= 50
    assert len(went) > 220


def test_changes_that_are_handed_back_come_again_one_after_another() -> None:
    pace = Pace(clock=Watch())
    waits = [pace.change() for _ in range(100)]
    assert waits[:BURST] == [0.0] * BURST
    later = waits[BURST:]
    assert all(0 < earlier <= after for earlier, after in itertools.pairwise(later))
    assert len(set(later[:40])) == 40
    assert max(later) == LATEST


def test_what_slack_asked_to_wait_for_waits_and_nothing_else() -> None:
    watch = Watch()
    pace = Pace(clock=watch)
    pace.hold("chat.postMessage", "C0HOME", 30.0)
    pace.hold("chat.postMessage", "C0HOME", 10.0)
    assert pace.held("chat.postMessage", "C0HOME") == 30.0
    assert pace.held("chat.postMessage", "C0OPS") == pace.held("chat.update", "C0HOME") == 0.0
    watch.now += 30.0
    assert pace.held("chat.postMessage", "C0HOME") == 0.0


def test_without_a_pace_nothing_waits() -> None:
    pace = Pace(0.0, Watch())
    assert {pace.change() for _ in range(100)} == {0.0}
