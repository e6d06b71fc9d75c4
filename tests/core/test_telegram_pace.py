"""Messages to one chat go no faster than Telegram allows, and pages first."""

from __future__ import annotations

import asyncio
import itertools

from bot.platforms.telegram.pace import Lane, Pace, Urgency, Window
from tests.fakes.telegram_limits import Limits


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def a_lane(pace: Pace | None = None, *, group: bool = True) -> tuple[Lane, Watch]:
    watch = Watch()
    return Lane(pace or Pace(), group=group, clock=watch), watch


async def spend(lane: Lane, watch: Watch, urgency: Urgency, many: int) -> None:
    """Send `many` messages as fast as the lane lets them go."""
    for _ in range(many):
        watch.now += lane.wait(urgency) + 1e-6
        await asyncio.wait_for(lane.turn(urgency), 5)


async def test_a_few_go_at_once_and_then_one_a_second() -> None:
    lane, watch = a_lane(group=False)
    for _ in range(5):
        assert lane.wait(Urgency.NEWS) == 0
        await lane.turn(Urgency.NEWS)
    assert 0.9 < lane.wait(Urgency.NEWS) <= 1
    watch.now += 2.5
    await lane.turn(Urgency.NEWS)
    await lane.turn(Urgency.NEWS)
    assert 0.4 < lane.wait(Urgency.NEWS) <= 0.5


async def test_a_group_takes_twenty_a_minute_of_which_four_are_kept_for_pages() -> None:
    lane, watch = a_lane()
    began = watch.now
    await spend(lane, watch, Urgency.NEWS, 16)
    assert watch.now - began < 15
    assert lane.wait(Urgency.ANSWER) > 45
    await spend(lane, watch, Urgency.PAGE, 4)
    assert watch.now - began < 20
    assert lane.wait(Urgency.PAGE) > 40
    watch.now = began + 62
    assert lane.wait(Urgency.PAGE) == 0


async def test_no_minute_ever_holds_more_than_twenty() -> None:
    lane, watch = a_lane()
    times = []
    for _ in range(100):
        await spend(lane, watch, Urgency.PAGE, 1)
        times.append(watch.now)
    assert max(sum(each <= other < each + 60 for other in times) for each in times) == 20


async def test_a_private_chat_has_no_such_minute() -> None:
    lane, watch = a_lane(group=False)
    await spend(lane, watch, Urgency.ANSWER, 60)
    assert watch.now < 1_060


async def test_a_page_that_comes_later_goes_first() -> None:
    lane = Lane(Pace(burst=1, every=0.03), group=True)
    await lane.turn(Urgency.NEWS)
    order: list[str] = []

    async def go(name: str, urgency: Urgency) -> None:
        await lane.turn(urgency)
        order.append(name)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for name, urgency in (
            ("edit", Urgency.EDIT),
            ("answer", Urgency.ANSWER),
            ("news", Urgency.NEWS),
            ("page", Urgency.PAGE),
        ):
            group.create_task(go(name, urgency))
            await asyncio.sleep(0)
    assert order == ["page", "news", "answer", "edit"]


async def test_nothing_goes_while_telegram_asks_to_wait() -> None:
    lane, watch = a_lane()
    lane.block(7)
    lane.block(3)
    assert lane.wait(Urgency.PAGE) == lane.blocked == 7
    watch.now += 7
    assert lane.wait(Urgency.PAGE) == lane.blocked == 0


async def test_one_that_gives_up_waiting_holds_up_nobody() -> None:
    lane = Lane(Pace(burst=1, every=0.05), group=True)
    await lane.turn(Urgency.NEWS)
    waiting = asyncio.create_task(lane.turn(Urgency.PAGE))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait_for(lane.turn(Urgency.ANSWER), 5)
    assert waiting.cancelled()


async def test_three_hundred_pages_in_a_private_chat_go_one_a_second_and_none_is_too_many() -> None:
    lane, watch = a_lane(group=False)
    limits, began = Limits(), watch.now
    for _ in range(300):
        await spend(lane, watch, Urgency.PAGE, 1)
        assert limits.wait(1001, watch.now) == 0.0
    assert 290 < watch.now - began < 300


async def test_no_message_of_any_kind_is_too_many_for_a_group_or_for_all_chats_together() -> None:
    watch, pace, limits = Watch(), Pace(), Limits()
    road = Window(pace.every)
    lanes = {chat: Lane(pace, group=chat < 0, clock=watch, road=road) for chat in (-1, *range(1, 40))}
    for number in range(400):
        chat = list(lanes)[number % len(lanes)]
        await spend(lanes[chat], watch, Urgency(number % len(Urgency)), 1)
        assert limits.wait(chat, watch.now) == 0.0


async def test_all_chats_together_take_thirty_a_second_of_which_four_are_kept_for_pages() -> None:
    watch, pace = Watch(), Pace()
    road = Window(pace.every)
    lanes = [Lane(pace, group=False, clock=watch, road=road) for _ in range(40)]
    for lane in lanes[:26]:
        assert lane.wait(Urgency.NEWS) == 0
        await lane.turn(Urgency.NEWS)
    assert lanes[30].wait(Urgency.NEWS) == 1.0
    for lane in lanes[26:30]:
        assert lane.wait(Urgency.PAGE) == 0
        await lane.turn(Urgency.PAGE)
    assert lanes[30].wait(Urgency.PAGE) == 1.0
    watch.now += 1.001
    assert lanes[30].wait(Urgency.NEWS) == 0


async def test_edits_leave_room_for_a_page_and_for_whatever_is_new() -> None:
    lane, watch = a_lane()
    while lane.wait(Urgency.EDIT) == 0:
        await lane.turn(Urgency.EDIT)
    assert lane.wait(Urgency.PAGE) == 0
    await spend(lane, watch, Urgency.EDIT, 8)
    assert lane.wait(Urgency.EDIT) > 40
    assert lane.wait(Urgency.ANSWER) < 1


async def test_edits_that_are_handed_back_come_again_one_after_another() -> None:
    lane, watch = a_lane(group=False)
    await spend(lane, watch, Urgency.PAGE, 5)
    waits = [lane.later() for _ in range(100)]
    assert {round(later - earlier, 6) for earlier, later in itertools.pairwise(waits[:50])} == {1.0}
    assert max(waits) <= 61
