"""A digest is sent once for each time at which it is due: across restarts, changes of the clock, hours of absence."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.chat import Message
from bot.digests import LATE, Digests
from bot.settings import DigestPlan
from bot.settings.schedule import Calendar
from bot.views.report import unpacked
from monitor.alerts.plan import Plan
from monitor.model import Agent
from monitor.ports import StoreError
from tests.flow.night import Night, night
from tests.stores import a_trade

BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
CHATS = ("telegram", "slack")
MINUTE = 60.0
MORNING = DigestPlan(Calendar("0 8 * * *", BERLIN), "telegram", ())


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def away(folder: Path, **more: Any) -> contextlib.AbstractAsyncContextManager[Night]:
    """A desk with chats that nobody delivers to."""
    return night(folder, plan=Plan(CHATS), seen_before=False, **more)


class Post:
    """What a desk's digests put into the outbox; a new one begins like a desk that was just started."""

    def __init__(self, desk: Night, *plans: DigestPlan) -> None:
        self.desk = desk
        self.woken = 0
        self.digests = Digests(desk.desk, desk.store, self._wake, plans or (MORNING,))

    def _wake(self) -> None:
        self.woken += 1

    async def look(self, when: float) -> None:
        self.desk.clock.time = when
        await self.digests.look()

    async def delivered(self, *channels: str) -> list[tuple[str, Message]]:
        """Deliver what waits, and give it, by channel."""
        found: list[tuple[str, Message]] = []
        for name in channels or ("telegram",):
            for row in await self.desk.store.claim(name, self.desk.clock.time, 10):
                body = row.body.get("report")
                found += [(row.platform, unpacked(body))] if isinstance(body, dict) else []
                await self.desk.store.delivered(row, self.desk.clock.time, None)
        return found


async def test_a_digest_comes_once_a_day_though_the_desk_is_restarted_at_every_moment(tmp_path: Path) -> None:
    async with away(tmp_path) as desk:
        titles, woken = list[str](), 0
        for minute in range(-2, 120, 40):
            for _ in range(2):
                post = Post(desk)
                await post.look(at("2026-10-01T08:00") + minute * MINUTE)
                woken += post.woken
            titles += [said.title for _, said in await Post(desk).delivered()]
            await desk.restart()
        assert (titles, woken) == (["Digest 2026-10-01 08:00: no trades, 0 pages"], 1)


@pytest.mark.parametrize(("day", "due"), [("2026-10-25", "02:30"), ("2027-03-28", "03:30")])
async def test_half_past_two_comes_once_in_a_night_in_which_the_clock_changes(
    tmp_path: Path, day: str, due: str
) -> None:
    plan = DigestPlan(Calendar("30 2 * * *", BERLIN), "telegram", ())
    async with away(tmp_path) as desk:
        found = []
        for minute in range(0, 300, 10):
            post = Post(desk, plan)
            await post.look(at(f"{day}T00:00") + minute * MINUTE)
            found += [(desk.clock.time, said.title) for _, said in await post.delivered()]
        ((when, title),) = found
        assert when == at(f"{day}T{due}")
        assert title.startswith(f"Digest {day} {due}")


async def test_days_meet_without_a_gap_and_each_trade_is_told_in_one_of_them(tmp_path: Path) -> None:
    times = [at("2026-10-24T08:00"), at("2026-10-25T07:59:59"), at("2026-10-25T08:00"), at("2026-10-26T07:59:59")]
    trades = tuple(a_trade(f"t{number}", exit_time=time) for number, time in enumerate(times))
    async with away(tmp_path) as desk:
        desk.clock.time = times[0]
        await desk.see("alpha", after=0.0, trades=trades, deliver=False)
        post, rows = Post(desk), []
        for day in ("2026-10-24", "2026-10-25", "2026-10-26"):  # the second has 25 hours
            await post.look(at(f"{day}T08:00"))
            rows += [table.rows for _, said in await post.delivered() for table in said.tables[:1]]
        assert [[row[2] for row in each] for each in rows[-2:]] == [["2", "2"]] * 2


async def test_one_that_a_desk_missed_for_less_than_six_hours_is_sent_late_and_says_so(tmp_path: Path) -> None:
    async with away(tmp_path) as desk:
        post = Post(desk)
        await post.look(at("2026-10-01T08:00") + LATE - 1)
        ((_, said),) = await post.delivered()
        assert said.title.startswith("Digest 2026-10-01 08:00")
        assert said.text.endswith("Late by 5 h 59 m.")
        assert "2026-09-30 08:00 CEST to 2026-10-01 08:00 CEST." in said.text


async def test_older_ones_are_left_out_with_a_word_in_the_next(tmp_path: Path) -> None:
    async with away(tmp_path) as desk:
        await Post(desk).look(at("2026-10-01T08:00"))
        await Post(desk).delivered()
        late = Post(desk)
        await late.look(at("2026-10-03T08:00") + LATE)
        assert await late.delivered() == []
        await late.look(at("2026-10-04T08:00"))
        ((_, said),) = await late.delivered()
        missed = "2026-10-02 08:00 CEST, 2026-10-03 08:00 CEST"
        assert f"2 digests before this never sent: {missed}." in said.text
        await late.look(at("2026-10-05T08:00"))
        ((_, said),) = await late.delivered()
        assert "never sent" not in said.text


async def test_each_chat_has_its_own_in_its_own_time_zone_about_its_own_agents(tmp_path: Path) -> None:
    def labelled(agent: Agent) -> Agent:
        return Agent(agent.id, {"team": "spot" if agent.id == "alpha" else "perps"})

    plans = (
        DigestPlan(Calendar("0 8 * * *", TOKYO), "slack", (("team", "spot"),)),
        DigestPlan(Calendar("0 8 * * *", BERLIN), None, ()),
    )
    async with away(tmp_path, names=("alpha", "beta"), change=labelled) as desk:
        post = Post(desk, *plans)
        await desk.see("alpha")
        await desk.see("beta")
        await post.look(at("2026-10-01T01:00"))
        ((channel, said),) = await post.delivered(*CHATS)
        assert (channel, said.title) == ("slack", "Digest 2026-10-01 08:00, team spot: no trades, 0 pages")
        assert [row[0] for table in said.tables if table.columns[0] == "Equity" for row in table.rows] == ["alpha"]
        await post.look(at("2026-10-01T08:00"))
        assert [channel for channel, _ in await post.delivered(*CHATS)] == ["telegram"]  # where WARN goes


async def test_a_daily_and_a_weekly_one_of_the_same_minute_are_two(tmp_path: Path) -> None:
    weekly = DigestPlan(Calendar("0 8 * * thu", BERLIN), "telegram", ())
    async with away(tmp_path) as desk:
        post = Post(desk, MORNING, weekly)
        await post.look(at("2026-10-01T08:00"))
        texts = [said.text.splitlines()[0] for _, said in await post.delivered()]
        assert texts == [
            "2026-09-30 08:00 CEST to 2026-10-01 08:00 CEST.",
            "2026-09-24 08:00 CEST to 2026-10-01 08:00 CEST.",
        ]


async def test_what_cannot_be_stored_is_tried_again_and_what_cannot_be_reckoned_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with away(tmp_path) as desk:
        post = Post(desk, MORNING, DigestPlan(Calendar("0 8 * * *", BERLIN), None, ()))
        faults: list[Exception] = [StoreError("The database refused."), ZeroDivisionError()]
        real = desk.desk.report

        async def report(*args: object, **more: object) -> object:
            if faults:
                raise faults.pop(0)
            return await real(*args, **more)  # type: ignore[arg-type] # passed on

        monkeypatch.setattr(desk.desk, "report", report)
        with pytest.raises(StoreError):
            await post.look(at("2026-10-01T08:00"))
        await post.look(at("2026-10-01T08:00") + 1)
        assert (len(await post.delivered()), post.woken) == (1, 1)
