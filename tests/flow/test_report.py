"""A day is recorded by a whole desk, and every figure of its digest is reckoned again from the rows of the file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.alerts.plan import Plan
from monitor.digest import Digest, Profit
from monitor.model import PAPER, Agent, Limits, Side, Trade
from tests.flow.night import Night, night

HOUR, STEP = 3_600.0, 5_400.0
NAMES = ("alpha", "beta", "gamma")
LIMITS = Limits(drawdown=0.08, min_balance=100.0, frozen=None, feed=None, decision=None, heartbeat=HOUR * 48)
Row = dict[str, Any]


def agent(of: Agent) -> Agent:
    return Agent(of.id, {"mode": PAPER} if of.id == "beta" else {"venue": "sim"}, limits=of.limits)


class Market:
    """Equities and trades that nobody can foresee, the same in every run."""

    def __init__(self) -> None:
        self.dice = np.random.default_rng(6)
        self.equity = dict.fromkeys(NAMES, 10_000.0)
        self.sold = 0

    def move(self, name: str, down: float = 0.0) -> float:
        """The next equity of an agent, fallen by a share."""
        self.equity[name] = round(self.equity[name] * (1 + self.dice.normal(0, 0.004) - down), 2)
        return self.equity[name]

    def trade(self, agent: str, at: float) -> Trade:
        self.sold += 1
        entry, move, size, fees = (Decimal(int(each)) / 1_000 for each in self.dice.integers(1, 90_000, 4))
        return Trade(
            agent,
            f"t{self.sold}",
            "trend" if self.dice.random() < 0.6 else "mean",
            str(self.dice.choice(["BTC", "ETH", "SOL"])),
            Side.LONG if self.dice.random() < 0.5 else Side.SHORT,
            size,
            entry,
            abs(entry + move - 40),
            at - 60.0,
            at,
            fees=fees / 10 - 1,
            slippage=fees / 1_000,
        )


class Day:
    """A day of three agents: pages that are taken in hand, that end by themselves, that flap, and one that stays."""

    def __init__(self, desk: Night) -> None:
        self.desk = desk
        self.market = Market()
        self.since = self.until = 0.0

    async def steps(self, many: int, *, trade: bool = True) -> None:
        for _ in range(many):
            for name in NAMES:
                sold = (self.market.trade(name, self.desk.clock.time + 1.0),) if trade and name != "gamma" else ()
                await self.see(name, STEP / len(NAMES), trades=sold, equity=self.market.move(name))

    async def see(self, name: str, after: float = 30.0, **says: Any) -> None:
        await self.desk.see(name, after=after, deliver=False, **says)

    async def dark(self, seconds: float = 30.0) -> None:
        """Gamma does not answer twice, and answers again after a while."""
        for _ in range(2):
            await self.see("gamma", error="timed out")
        await self.see("gamma", seconds)

    async def run(self) -> None:
        desk = self.desk
        await self.steps(2)
        await self.dark(900.0)
        await self.see("gamma", 30.0)
        self.since = desk.clock.time + 10.0
        await self.steps(3)
        for _ in range(2):
            await self.see("gamma", error="timed out")
        desk.clock.time += 41.5
        await desk.say("/ack " + desk.desk.incidents()[0].incident.id, "ben")
        await self.see("gamma", 700.0)
        await self.steps(2)
        await self.dark()
        await self.steps(2)
        self.market.equity["alpha"] += 500.0
        await self.see("alpha", equity=self.market.equity["alpha"])
        await desk.desk.record_flow("alpha", Decimal(500), "ana", None, "a deposit")
        for _ in range(6):
            await self.see("gamma", error="timed out")
            await self.see("gamma")
        await self.steps(1)
        await self.see("alpha", equity=self.market.move("alpha", down=0.11))
        desk.clock.time += 200.25
        await desk.say("/ack " + desk.desk.incidents()[0].incident.id, "ana")
        await desk.desk.unacknowledge(desk.desk.incidents()[0].incident.id, "ana")
        await self.see("beta", equity=self.market.move("beta", down=0.05))
        await self.steps(2)
        self.until = desk.clock.time + 5.0
        await desk.say("/ack " + desk.desk.incidents()[0].incident.id, "ana")
        await self.see("alpha", trades=(self.market.trade("alpha", self.until + 1),), equity=12_345.0)


@contextlib.asynccontextmanager
async def recorded(folder: Path) -> AsyncIterator[tuple[Night, Day]]:
    plan = Plan(("console",), hold=0.0)
    async with night(folder, names=NAMES, limits=LIMITS, plan=plan, change=agent) as desk:
        day = Day(desk)
        await day.run()
        yield desk, day


class Rows:
    """The rows of a database file, times in seconds; nothing of the desk's own code reads them."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, table: str) -> list[Row]:
        with contextlib.closing(sqlite3.connect(self._file)) as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - the tests' own words
        times = {"time", "opened", "fired", "paged", "resolved", "exit_time"}
        return [
            {key: row[key] / 1e6 if key in times and row[key] is not None else row[key] for key in row.keys()}  # noqa: SIM118 - a Row is no mapping
            for row in found
        ]


def net(row: Row) -> Decimal:
    size, bought, sold, fees, slip = (
        Decimal(row[key]) for key in ("size", "entry_price", "exit_price", "fees", "slippage")
    )
    gross = (sold - bought if row["side"] == "long" else bought - sold) * size
    return gross - fees - abs(slip * size) - Decimal(row.get("funding", "0"))


def same_money(found: Profit, rows: list[Row]) -> None:
    nets = [net(row) for row in rows]
    assert (found.total.net, found.total.trades, found.total.wins) == (
        sum(nets),
        len(rows),
        sum(each > 0 for each in nets),
    )
    for key, places in (("strategy", found.strategies), ("asset", found.assets)):
        wanted: defaultdict[str, list[Decimal]] = defaultdict(list)
        for row in rows:
            wanted[row[key]].append(net(row))
        told = {each.key: (each.net, each.trades, each.win_rate) for each in places}
        assert told == {
            name: (sum(each), len(each), sum(one > 0 for one in each) / len(each)) for name, each in wanted.items()
        }
        assert [each.net for each in places] == sorted((each.net for each in places), reverse=True)
    ends = (found.best and found.best.net, found.worst and found.worst.net)
    assert ends == ((max(nets), min(nets)) if nets else (None, None))


def same_equity(found: Digest, rows: Rows) -> None:
    for gain, name in zip(found.gains, NAMES, strict=True):
        curve = [(each["time"], each["equity"]) for each in rows("samples") if each["agent"] == name]
        curve = sorted(each for each in curve if each[1] is not None and each[0] < found.until)
        flows = [(each["time"], Decimal(each["amount"])) for each in rows("flows") if each["agent"] == name]
        first = next(each for each in reversed(curve) if each[0] < found.since)
        moved = sum((money for at, money in flows if first[0] < at <= curve[-1][0]), Decimal(0))
        change = Decimal(str(curve[-1][1])) - Decimal(str(first[1])) - moved
        assert (gain.agent, gain.equity, gain.flows, gain.change) == (name, curve[-1][1], moved, change)
        steps = [
            (after - sum(float(money) for at, money in flows if since < at <= until)) / before
            for (since, before), (until, after) in pairwise(curve)
        ]
        index = np.cumprod([1.0, *steps])
        depths = 1 - index / np.maximum.accumulate(index)
        within = [depth for depth, (at, _) in zip(depths, curve, strict=True) if at >= found.since]
        depth = next(each for each in found.depths if each.agent == name)
        assert [depth.last, depth.worst] == pytest.approx([depths[-1], max(within)], abs=1e-9)
        assert depth.near is bool(max(within) >= 0.6 * 0.08)


def during(rows: list[Row], key: str, found: Digest) -> list[Row]:
    return [each for each in rows if each[key] is not None and found.since <= each[key] < found.until]


def same_alerts(found: Digest, rows: Rows) -> None:
    alerts = {each["id"]: each for each in rows("alerts")}
    pages, events = during(rows("incidents"), "paged", found), during(rows("alert_events"), "time", found)
    flapping = {alerts[each["alert"]]["fingerprint"] for each in events if each["kind"] == "flapping"}
    acks, ends = dict[str, float](), dict[str, float]()
    noisy = set()
    for page in pages:
        mine = [each for each in alerts.values() if each["incident"] == page["id"]]
        taken = [e["time"] for e in events if e["kind"] == "acknowledged" and e["alert"] in [a["id"] for a in mine]]
        over = page["resolved"] if page["resolved"] and page["resolved"] < found.until else None
        acks |= {page["id"]: min(taken) - page["paged"]} if taken else {}
        ends |= {page["id"]: over - page["paged"]} if over else {}
        if flapping & {each["fingerprint"] for each in mine} or (not taken and over and over - page["paged"] <= 300):
            noisy.add(page["id"])
    for rule in {each["rule"] for each in (*pages, *during([*alerts.values()], "fired", found))}:
        told = next(each for each in found.rules if each.rule == rule)
        ours = [each["id"] for each in pages if each["rule"] == rule]
        assert told.fired == sum(each["rule"] == rule for each in during([*alerts.values()], "fired", found))
        assert (told.pages, told.acknowledged) == (len(ours), sum(of in acks for of in ours))
        assert told.score == (sum(of in noisy for of in ours) / len(ours) if ours else None)
    for spans, took in ((found.acknowledge, acks), (found.recover, ends)):
        assert (spans.of, spans.n, spans.within) == (len(pages), len(took), sum(each <= 300 for each in took.values()))
        assert [spans.median, spans.p90] == pytest.approx(np.percentile([*took.values()], (50, 90)), abs=1e-5)
    stands = [i for i in rows("incidents") if i["opened"] < found.until and not (i["resolved"] or 9e99) < found.until]
    assert {each.incident.id for each in found.standing} == {each["id"] for each in stands}


async def test_every_figure_of_a_recorded_day_is_what_its_stored_rows_say(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (desk, day):
        found = await desk.desk.report(day.since, day.until)
    rows = Rows(tmp_path / "nightdesk.db")
    trades = during(rows("trades"), "exit_time", found)
    assert len(trades) not in (0, len(rows("trades")))
    same_money(found.live, [each for each in trades if not each["paper"]])
    same_money(found.paper, [each for each in trades if each["paper"]])
    assert {each.agent for each in (found.paper.best, found.paper.worst) if each} == {"beta"}
    same_equity(found, rows)
    same_alerts(found, rows)
    unreachable = next(each for each in found.rules if each.rule == "agent_unreachable")
    assert (unreachable.acknowledged, unreachable.flapping) == (1, 1)
    assert found.acknowledge.n == 2
    assert [each.incident.rule for each in found.standing] == ["drawdown"]


@pytest.mark.slow
async def test_a_restart_gives_the_same_digest_and_one_of_an_agent_holds_nothing_of_the_others(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (desk, day):
        before = await desk.desk.report(day.since, day.until)
        await desk.restart()
        whole, part = [await desk.desk.report(day.since, day.until, each) for each in (None, ("alpha",))]
    assert whole == before
    assert (part.live, part.paper.total.trades) == (whole.live, 0)
    assert [each.agent for each in part.gains] == ["alpha"]
    assert [each.rule for each in part.rules] == ["drawdown"]
    assert part.acknowledge.n == 1
