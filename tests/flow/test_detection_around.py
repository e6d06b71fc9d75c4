"""What a statistical page says of what happened around it, each number and time against the rows that are stored."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from statistics import median

import pytest

from monitor.alerts.alert import Alert
from monitor.ports import Observation
from tests.flow import detected
from tests.flow.detected import BALANCE, a_trade, budgeted
from tests.flow.night import Night, night

pytestmark = pytest.mark.slow
NAMES = ("alpha", "beta", "gamma")


def clauses(alert: Alert) -> list[str]:
    """What happened around, part by part."""
    return alert.reason.partition(". ")[2].split("; ")


async def test_an_oversized_trade_is_named_with_its_money_its_share_and_how_many_times_its_usual(
    tmp_path: Path,
) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        usual = (a_trade(number, desk.clock.time + 30.0 * number, 1.0, size=2) for number in range(1, 12))
        equity = await detected.known(desk, lambda *_: list(islice(usual, 1)))
        lost = round(equity * 0.03, 2)
        planted = a_trade(981, desk.clock.time + 20.0, -0.9 * lost, size=24)
        alert = await detected.found(
            desk, (equity - lost, equity - lost + 2.0), lambda _, number: () if number else [planted]
        )
        trades = {each.id: each for each in await desk.store.trades("alpha", 0.0)}
        big = trades.pop("t981")
        times = big.size / median(each.size for each in trades.values())
        samples = [each.equity or 0.0 for each in await desk.store.samples("alpha", alert.opened - 70.0)]
        change = samples[1] - samples[0]
        (money,) = clauses(alert)
        assert money == (
            f"equity {change:+,.2f}, most of it: trend on BTC {big.net:+,.2f} ({float(big.net) / change:.0%}), "
            f"trade t981 of size 24, {times:.0f}x its usual, "
            f"{float(big.net) - change:,.2f} of it in no known trade or position"
        )
        assert times == 12


async def test_a_deploy_and_a_restart_before_are_told_with_their_times(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        equity = await detected.lived(desk, islice(detected.moving(10_000.0), 220), uptime=90_000.0)
        await desk.say("/deploy alpha 5m version 2")
        announced = desk.clock.time
        equity = await detected.lived(desk, islice(detected.moving(equity, seed=9), 10), uptime=100_000.0)
        began = desk.clock.time + 28.0
        for number, left in enumerate((1.0001, 1.0, 0.97, 0.9701)):
            await desk.see(equity=equity * left, balance=BALANCE, uptime=2.0 + 30.0 * number)
        (alert,) = desk.desk.alerts()
        loss = alert.opened - 30.0
        assert (
            clauses(alert)[1]
            == f"restarted {(loss - began) / 60:.0f} min before, deploy (ana) {(loss - announced) / 60:.0f} min before"
        )


async def together(desk: Night) -> Alert:
    """All three lose three percent in the same minute."""
    walks = {name: detected.moving(10_000.0, seed=number) for number, name in enumerate(NAMES)}
    newest: dict[str, float] = {}
    for _ in range(detected.KNOWN):
        desk.clock.time += 30.0
        newest = {name: next(walk) for name, walk in walks.items()}
        batch = [Observation(desk.calm(name, equity=newest[name], balance=BALANCE)) for name in NAMES]
        await desk.desk.observe(batch)
    for left in (0.97, 0.9701):
        for name in ("beta", "gamma", "alpha"):
            await desk.see(name, after=10.0, equity=newest[name] * left, balance=BALANCE)
    return next(each for each in desk.desk.alerts() if each.agent == "alpha")


async def test_others_that_moved_too_are_counted(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted, names=NAMES) as desk:
        alert = await together(desk)
        moved = 0
        for name in NAMES[1:]:
            last = [each.equity or 0.0 for each in (await desk.store.samples(name, alert.opened - 100.0))[-3:]]
            moved += last[1] / last[0] - 1.0 < -3 * 2 * detected.TYPICAL
        assert clauses(alert)[1] == (
            f"{moved} of 2 other agents moved by more than 3x their typical move too, all of them down"
        )
        assert moved == 2
