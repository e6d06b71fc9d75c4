"""Messages to one chat go no faster than Telegram allows, and pages first."""

from __future__ import annotations

import asyncio

from bot.platforms.telegram.pace import Lane, Pace, Urgency


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
    watch.now = began + 61
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
        for name, urgency in (("answer", Urgency.ANSWER), ("news", Urgency.NEWS), ("page", Urgency.PAGE)):
            group.create_task(go(name, urgency))
            await asyncio.sleep(0)
    assert order == ["page", "news", "answer"]


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
