"""Ten thousand alerts open at once: what a tick and a sample cost, how soon `/alerts` and `/ack` are answered."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from bot import command
from bot.access import Access
from bot.chat import Invocation, Message
from bot.router import Router
from monitor import rule
from monitor.alerts import lifecycle, runbooks
from monitor.alerts.plan import Plan
from monitor.desk import Desk
from monitor.model import Agent, Sample, Verdict
from monitor.ports import AuditEntry, Change, Observation
from monitor.situation import Setup
from monitor.storage import Database
from tests.core.core import CHATS, Core, quick
from tests.flow.night import PEOPLE, Hand
from tests.stores import new_store

MANY, TURN = 10_000, 500
pytestmark = pytest.mark.bench


def best(of: Callable[[], object], times: int = 20) -> float:
    """The median of some runs, seconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        of()
        took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]


def full(group_by: tuple[str, ...]) -> Core:
    core = Core(quick(group_by=group_by, spread=0, hold=300.0, flap_openings=4))
    board = core.board()
    for number in range(MANY):
        board.find(core.finding(f"agent-{number}", "drawdown"), lifecycle.Policy())
    core.end(board)
    return core


@pytest.mark.parametrize("group_by", [("agent",), ()], ids=["10,000 incidents", "one incident"])
def test_ten_thousand_open_alerts(group_by: tuple[str, ...]) -> None:
    core = full(group_by)

    def tick() -> None:
        core.now += 1.0
        core.tick()

    def sample() -> None:
        core.now += 0.001
        core.find("agent-77", "drawdown")

    def news() -> None:
        core.now += 0.001
        core.find("agent-78", "strategy_stalled")
        core.now += 0.001
        core.find("agent-78", "strategy_stalled", Verdict.CLEAR)

    ticks, samples, change = best(tick), best(sample), best(news)
    print(  # noqa: T201 - a figure for people
        f"\n{len(core.ledger.incidents):,} incidents: a tick {ticks * 1e3:.1f} ms ({ticks:.1%} of a tick of 1 s), "
        f"a turn with a sample {samples * 1e3:.1f} ms, one with an alert that opens or ends {change / 2 * 1e3:.1f} ms"
    )
    assert ticks < 0.1


class Crowd:
    """A desk over a real database with ten thousand agents, which answer or do not."""

    def __init__(self, store: Database, plan: Plan) -> None:
        self.names = [f"agent-{number:05}" for number in range(MANY)]
        self.clock = Hand()
        self._store = store
        agents = {name: Agent(name, labels={"venue": f"v{name[-1]}"}) for name in self.names}
        self.desk = Desk(
            Setup(agents, rule.discover(), plan),
            store=store,
            controls={},
            runbooks=runbooks.load(),
            clock=self.clock,
        )
        self.router = Router(command.discover(), Access(PEOPLE), self.desk, self._audit, mail=store)

    async def poll(self, *, down: bool) -> float:
        """Everybody is looked at once; the median of the turns of 500, seconds."""
        return await median([self._turn(self.names[at : at + TURN], down) for at in range(0, MANY, TURN)])

    async def tick(self) -> None:
        self.clock.time += 1.0
        await self.desk.tick()

    async def say(self, line: str) -> Message:
        """Give a line as ana; returns the answer."""
        answers: list[Message] = []

        async def reply(message: Message) -> None:
            answers.append(message)

        await self.router.handle(Invocation(line, "telegram", "ana", "ana", "telegram", self.clock.now()), reply)
        return answers[-1]

    def _turn(self, names: Sequence[str], down: bool) -> Callable[[], Awaitable[object]]:
        async def observe() -> None:
            self.clock.time += 0.01
            await self.desk.observe([Observation(self._sample(name, down)) for name in names])

        return observe

    def _sample(self, name: str, down: bool) -> Sample:
        if down:
            return Sample(name, self.clock.time, error="connection refused")
        return Sample(name, self.clock.time, status="ok", paused=False, equity=10_000.0, heartbeat_age=1.0)

    async def _audit(self, entry: AuditEntry) -> None:
        await self._store.commit(Change(audit=(entry,)))


async def median(of: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """How long each took, in the middle, seconds."""
    took = []
    for each in of:
        began = time.perf_counter()
        await each()
        took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]


@contextlib.asynccontextmanager
async def crowd(folder: Path, group_by: tuple[str, ...]) -> AsyncIterator[Crowd]:
    """Such a desk, whose alerts are grouped by nothing but these labels."""
    people = {each.name: each.role for each in PEOPLE}
    async with new_store(folder) as store:
        yield Crowd(store, Plan(CHATS, group_by=group_by, spread=0, people=people))


@pytest.mark.parametrize("group_by", [("agent",), ()], ids=["10,000 incidents", "one incident"])
async def test_a_desk_with_ten_thousand_open_alerts_answers_and_keeps_its_pace(
    group_by: tuple[str, ...], tmp_path: Path
) -> None:
    async with crowd(tmp_path, group_by) as one:
        await one.poll(down=False)
        calm = await one.poll(down=False)
        for _ in range(2):
            await one.poll(down=True)
        assert len(one.desk.alerts()) == MANY
        one.clock.time += 60.0
        await one.tick()  # by now people were told of all of them
        assert all(alert.paged is not None for alert in one.desk.alerts())
        firing = await one.poll(down=True)
        tick = await median([one.tick] * 9)
        answered = {line: await median([partial(one.say, line)] * 5) for line in ("/alerts", "/status")}
        of = one.desk.incidents()[-1]
        for line in ("/ack", "/why", "/incident", "/unack"):
            began = time.perf_counter()
            assert (await one.say(f"{line} {of.incident.id}")).title != "Not done"
            answered[line] = time.perf_counter() - began
        one.clock.time += 300.0
        steps = await median([one.desk.tick])
        back = await one.poll(down=False)
        assert one.desk.alerts() == ()
        figures = ", ".join(f"{line} {took * 1e3:.0f} ms" for line, took in answered.items())
        print(  # noqa: T201 - a figure for people
            f"\n{MANY:,} alerts, {len(of.alerts):,} in an incident: a tick {tick * 1e3:.1f} ms ({tick:.1%} of it), one "
            f"in which every escalation is due {steps * 1e3:.0f} ms; a turn of {TURN} samples {firing * 1e3:.0f} ms, "
            f"with nothing open {calm * 1e3:.0f} ms ({firing / calm:.2f} times), with {TURN} recoveries "
            f"{back * 1e3:.0f} ms; {figures}"
        )
        assert tick < 0.1
        assert answered["/alerts"] < 0.3
        assert answered["/ack"] < 1.0
        assert firing < 3 * calm
