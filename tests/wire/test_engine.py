from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import apscheduler.schedulers.base
import pytest
from structlog.testing import capture_logs

from monitor.engine.clock import SteadyClock
from monitor.engine.intake import Intake
from monitor.engine.local import Chore, Engine
from monitor.model import Agent, Sample, Side, Trade
from monitor.ports import Observation, StoreError

CLOCK = SteadyClock()


def answer(agent: str, balance: float | None = None) -> Observation:
    return Observation(Sample(agent, CLOCK.now(), balance=balance))


@dataclass
class Talker:
    """A source that answers at once and counts how often it was asked."""

    asked: int = 0
    cursors: list[str | None] = field(default_factory=list)

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        self.asked += 1
        self.cursors.append(cursor)
        return answer(agent.id, self.asked)


@dataclass
class Hanger:
    """A source that never answers."""

    asked: int = 0
    cancelled: int = 0

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        self.asked += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled += 1
        return answer(f"{agent.id}{cursor}")


class Raiser:
    """A source with a fault in it."""

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        raise KeyError(f"Bearer s3cret {agent.id} {cursor}")


@dataclass
class Desk:
    """Takes observations; fails while `fault` says so."""

    taken: list[Observation] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    fault: Callable[[Sequence[Observation]], Exception | None] = lambda _batch: None
    failures: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def observe(self, batch: Sequence[Observation]) -> None:
        error = self.fault(batch)
        if error is None:
            self.taken += batch
            self.batches.append(len(batch))
        else:
            self.failures += 1
        async with self.changed:
            self.changed.notify_all()
        if error is not None:
            raise error

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(condition)

    def count(self) -> Counter[str]:
        return Counter(each.sample.agent for each in self.taken)

    def balances(self, agent: str) -> list[float | None]:
        return [each.sample.balance for each in self.taken if each.sample.agent == agent]


@contextlib.asynccontextmanager
async def running(desk: Desk, sources: dict[str, Any], interval: float = 0.1, **more: Any) -> AsyncIterator[Engine]:
    agents = [Agent(each, interval=interval) for each in sources]
    defaults: dict[str, Any] = {"cursors": lambda _agent: None, "clock": CLOCK, "retry_after": 0.05}
    engine = Engine(agents, sources, desk.observe, **(defaults | more))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def test_every_agent_is_polled_again_and_again() -> None:
    desk = Desk()
    async with running(
        desk, {"alpha": Talker(), "beta": Talker()}, cursors={"alpha": "c1", "beta": None}.get
    ) as engine:
        await desk.until(lambda: min(desk.count()["alpha"], desk.count()["beta"]) >= 5)
    assert desk.balances("alpha") == sorted(desk.balances("alpha"), key=lambda each: each or 0)
    assert (engine.waiting, engine.dropped, dict(engine.skipped)) == (0, 0, {})


async def test_the_stored_cursor_is_handed_to_the_source() -> None:
    desk, source = Desk(), Talker()
    async with running(desk, {"alpha": source}, cursors={"alpha": "c7"}.get):
        await desk.until(lambda: len(desk.taken) >= 1)
    assert set(source.cursors) == {"c7"}


async def test_what_arrives_together_is_taken_together() -> None:
    desk = Desk()
    async with running(desk, {f"agent-{number}": Talker() for number in range(100)}, tick=0.1):
        await desk.until(lambda: len(desk.taken) >= 300)
    assert max(desk.batches) > 10


async def test_an_agent_that_hangs_costs_only_itself_and_its_skips_are_counted() -> None:
    desk, hanger = Desk(), Hanger()
    async with running(desk, {"alpha": Talker(), "beta": hanger}) as engine:
        await desk.until(lambda: desk.count()["alpha"] >= 8)
    assert hanger.asked == 1
    assert engine.skipped["beta"] >= 5
    assert "alpha" not in engine.skipped


async def test_a_source_that_never_ends_is_given_up_as_an_error() -> None:
    desk, hanger = Desk(), Hanger()
    async with running(desk, {"alpha": hanger}, patience=0.15):
        await desk.until(lambda: len(desk.taken) >= 2)
    assert desk.taken[0].sample.error == "its source failed with TimeoutError: Nightdesk's log says where"
    assert hanger.cancelled >= 2


async def test_a_source_that_raises_is_an_error_sample_logged_once_without_secrets() -> None:
    desk = Desk()
    with capture_logs() as logs:
        async with running(desk, {"alpha": Raiser(), "beta": Talker()}):
            await desk.until(lambda: desk.count()["alpha"] >= 3 and desk.count()["beta"] >= 3)
    assert {each.sample.error for each in desk.taken} == {
        "its source failed with KeyError: Nightdesk's log says where",
        None,
    }
    (entry,) = logs
    assert (entry["event"], entry["agent"], entry["error"]) == ("a source failed", "alpha", "KeyError")
    assert "test_engine.py" in entry["frames"]
    assert "Bearer s3cret alpha" not in str(logs)


async def test_nothing_is_lost_while_the_store_fails() -> None:
    desk = Desk(fault=lambda _batch: StoreError("the database is locked"))
    source = Talker()
    with capture_logs() as logs:
        async with running(desk, {"alpha": source}) as engine:
            await desk.until(lambda: desk.failures >= 4)
            assert engine.waiting >= 2
            desk.fault = lambda _batch: None
            await desk.until(lambda: len(desk.taken) >= 6)
    assert desk.balances("alpha") == list(range(1, source.asked + 1))
    assert [entry["event"] for entry in logs] == [
        "observations could not be stored, they are kept and tried again",
        "observations are stored again",
    ]
    assert logs[0]["error"] == "the database is locked"


async def test_one_observation_that_nobody_can_digest_does_not_blind_the_desk() -> None:
    def fault(batch: Sequence[Observation]) -> Exception | None:
        return ValueError("nonsense") if any(each.sample.balance == 2 for each in batch) else None

    desk, source = Desk(fault=fault), Talker()
    with capture_logs() as logs:
        async with running(desk, {"alpha": source}) as engine:
            await desk.until(lambda: len(desk.taken) >= 5)
    assert desk.balances("alpha") == [1, *range(3, source.asked + 1)]
    assert engine.dropped == 1
    assert "an observation was dropped" in [entry["event"] for entry in logs]


async def test_what_waits_is_bounded_and_the_oldest_goes_first() -> None:
    desk = Desk(fault=lambda _batch: StoreError("the disk is full"))
    intake = Intake(desk.observe, capacity=10, retry_after=0.01)
    task = asyncio.create_task(intake.run())
    with capture_logs():
        intake.put(answer("alpha", 0))
        await desk.until(lambda: desk.failures >= 1)
        for number in range(1, 25):
            intake.put(answer("alpha", number))
        desk.fault = lambda _batch: None
        intake.close()
        await asyncio.wait_for(task, 5)
    assert desk.balances("alpha") == list(range(15, 25))
    assert intake.dropped == 15


async def test_trades_that_wait_are_held_once_by_the_newest_observation() -> None:
    def with_trades(number: int) -> Observation:
        one = Decimal(1)
        trades = tuple(
            Trade("alpha", str(each), "s", "BTC", Side.LONG, one, one, one, 1.0, 2.0) for each in range(number)
        )
        return Observation(Sample("alpha", number), trades, f"c{number}")

    desk = Desk()
    intake = Intake(desk.observe)
    for each in (with_trades(1), answer("beta"), with_trades(2), answer("alpha")):
        intake.put(each)
    intake.close()
    await asyncio.wait_for(intake.run(), 5)
    assert [len(each.trades) for each in desk.taken] == [0, 0, 2, 0]
    assert [each.cursor for each in desk.taken] == [None, None, "c2", None]


async def test_it_stops_at_once_with_agents_that_hang() -> None:
    desk = Desk()
    hangers = {f"agent-{number}": Hanger() for number in range(50)}
    async with running(desk, hangers) as engine:
        async with asyncio.timeout(10):
            while sum(each.asked for each in hangers.values()) < 50:  # noqa: ASYNC110 - nobody announces it
                await asyncio.sleep(0.02)
        start = asyncio.get_running_loop().time()
        await engine.stop()
        assert asyncio.get_running_loop().time() - start < 2
    assert sum(each.cancelled for each in hangers.values()) == 50
    await engine.stop()


@pytest.mark.slow
async def test_it_stops_in_time_with_a_source_that_will_not_end_and_a_desk_that_hangs() -> None:
    let_go = asyncio.Event()
    begun = asyncio.Event()

    class Stubborn:
        async def fetch(self, agent: Agent, _cursor: str | None) -> Observation:
            begun.set()
            while not let_go.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await let_go.wait()
            return answer(agent.id)

    async def observe(_batch: Sequence[Observation]) -> None:
        await asyncio.Event().wait()

    sources: dict[str, Any] = {"alpha": Stubborn(), "beta": Talker()}
    agents = [Agent(each, interval=0.1) for each in sources]
    engine = Engine(agents, sources, observe, cursors=lambda _agent: None, clock=CLOCK)
    await engine.start()
    await asyncio.wait_for(begun.wait(), 5)
    start = asyncio.get_running_loop().time()
    await engine.stop()
    assert asyncio.get_running_loop().time() - start < 2
    let_go.set()
    await asyncio.sleep(0)


async def test_what_has_arrived_is_stored_before_it_stops() -> None:
    desk, source = Desk(), Talker()
    async with running(desk, {"alpha": source}):
        await desk.until(lambda: len(desk.taken) >= 1)
    assert len(desk.taken) == source.asked


@pytest.mark.slow
async def test_an_urgent_agent_is_looked_at_out_of_turn() -> None:
    desk = Desk()
    urgent: list[str] = []
    async with running(desk, {"alpha": Talker(), "beta": Talker()}, 600.0, urgent=lambda: urgent, tick=0.05):
        urgent.append("alpha")
        await desk.until(lambda: desk.count()["alpha"] >= 2)
        urgent.clear()
    assert desk.count()["beta"] <= 1


async def test_chores_are_done_and_one_that_fails_harms_nobody() -> None:
    done = asyncio.Event()
    tries = 0

    async def fails() -> None:
        nonlocal tries
        tries += 1
        raise OSError("the disk is full of s3cret")

    async def works() -> None:
        if tries >= 2:
            done.set()

    desk = Desk()
    with capture_logs() as logs:
        chores = [Chore("fails", 0.05, fails), Chore("works", 0.05, works), Chore("hangs", 0.05, asyncio.Event().wait)]
        async with running(desk, {"alpha": Talker()}, chores=chores):
            await asyncio.wait_for(done.wait(), 10)
            await desk.until(lambda: len(desk.taken) >= 1)
    assert {(entry["event"], entry["chore"], entry["error"]) for entry in logs} == {
        ("a chore failed", "fails", "OSError")
    }


@pytest.mark.parametrize("hours", [-1, 24 * 365 * 50])
@pytest.mark.slow
async def test_a_wall_clock_that_is_set_does_not_blind_the_desk(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    class Set(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override] # a plain datetime, shifted
            return datetime.now(tz) + timedelta(hours=hours)

    desk = Desk()
    with capture_logs() as logs:
        async with running(desk, {"alpha": Talker()}) as engine:
            await desk.until(lambda: len(desk.taken) >= 2)
            # The scheduler takes no clock as an argument; this is what it sees when somebody sets the machine's.
            monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Set)
            before = len(desk.taken)
            await desk.until(lambda: len(desk.taken) >= before + 5)
            assert engine.rearmed >= (1 if hours < 0 else 0)
            monkeypatch.undo()
            await desk.until(lambda: len(desk.taken) >= before + 10)
    assert {entry["event"] for entry in logs} <= {"no tick came, the schedule is set up again"}


async def test_ticks_that_did_not_come_in_time_are_counted() -> None:
    desk = Desk()
    now = 0.0
    async with running(desk, {"alpha": Talker()}, tick=0.05, time=lambda: now) as engine:
        now = 0.5
        assert engine.silent == pytest.approx(0.45)
        await desk.until(lambda: len(desk.taken) >= 1)
        assert engine.overruns >= 9
        assert engine.ticks >= 1
        assert engine.silent == 0.0
