"""A statistical finding from the sample to the card: a page without a sound, asked about, over in an hour."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from monitor.alerts.alert import Alert, Kind, State
from monitor.model import Agent, Severity
from monitor.ports import Observation
from monitor.storage import schema
from tests.flow import detected
from tests.flow.detected import BALANCE, budgeted, judged_by
from tests.flow.night import Night, Obedient, night

Story = Callable[[Night], Awaitable[Alert]]
BUTTONS = ["ack", "runbook", "pause", "silence", "real", "false"]
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("rule", "story", "change", "begins"),
    [
        ("shock", detected.shock, budgeted, "alpha lost 3 % in 30 s, "),
        ("burst", detected.burst, budgeted, "the last 16 moves of alpha (8 min) were "),
        pytest.param("bleed", detected.bleed, budgeted, "alpha has been losing for ", marks=SLOW),
        pytest.param("edge", detected.edge, budgeted, "alpha won ", marks=SLOW),
        pytest.param("anomaly", detected.anomaly, judged_by("zscore"), "alpha lost 1 % in 30 s, ", marks=SLOW),
        pytest.param("anomaly", detected.anomaly, judged_by("iqr"), "alpha lost 1 % in 30 s, ", marks=SLOW),
        pytest.param("anomaly", detected.anomaly, judged_by("percentile"), "alpha lost 1 % in 30 s, ", marks=SLOW),
    ],
)
async def test_a_finding_is_one_silent_page_that_outlives_a_restart_and_is_over_after_an_hour(
    rule: str, story: Story, change: Callable[[Agent], Agent], begins: str, tmp_path: Path
) -> None:
    async with night(tmp_path, change=change, controls={"alpha": Obedient()}) as desk:
        alert = await story(desk)
        assert (alert.rule, alert.severity) == (rule, Severity.WARN)
        assert alert.reason.startswith(begins)
        (page,) = desk.heard
        assert (page.message.loud, page.called, page.message.text) == (False, [], alert.reason)
        assert [each.line.partition(" ")[0] for each in page.message.buttons] == BUTTONS
        assert await _told(desk) == [Kind.PAGE, Kind.PICTURE]
        assert alert.reason in (await desk.say(f"/why {alert.id}")).text

        await desk.restart()
        await desk.see(equity=_equity(desk), balance=BALANCE)
        await desk.wait(1_800.0, step=600.0)
        assert [each.id for each in desk.desk.alerts()] == [alert.id]
        assert len([each for each in desk.heard if (alert.incident or "") in each.message.footer]) == 1
        await _ends_an_hour_after_the_newest(desk, alert)


def _equity(desk: Night) -> float:
    answered = desk.desk.agent("alpha").answered
    assert answered is not None
    assert answered.equity is not None
    return answered.equity


async def _told(desk: Night) -> list[str]:
    """The kinds of everything that was to be told so far."""
    rows = schema.notifications.c
    return [str(kind) for (kind,) in await desk.store._file.read(select(rows.kind).order_by(rows.created, rows.key))]


async def _ends_an_hour_after_the_newest(desk: Night, alert: Alert) -> None:
    view = desk.desk.view("alpha")
    assert view is not None
    over = max(each.told for each in view.alarms) + 3_600.0
    await desk.see(after=over - 10.0 - desk.clock.time, equity=_equity(desk), balance=BALANCE)
    assert [each.id for each in desk.desk.alerts()] == [alert.id]
    await desk.see(after=20.0, equity=_equity(desk), balance=BALANCE)
    ended = await desk.store.alert(alert.id)
    assert ended is not None
    assert ended.state is State.RESOLVED


async def test_a_finding_is_told_though_nobody_can_say_what_happened_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> dict[str, str]:
        raise ZeroDivisionError

    monkeypatch.setattr("monitor.desk.around", broken)
    async with night(tmp_path, change=budgeted) as desk:
        alert = await detected.shock(desk)
        assert (alert.rule, alert.reason.partition(". ")[2]) == ("shock", "")


async def test_a_loss_that_is_undone_is_a_spike_and_no_page(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        equity = await detected.known(desk)
        await desk.see(equity=equity * 0.97, balance=BALANCE)
        assert desk.desk.alerts() == (), "it may yet be undone"
        await desk.see(equity=equity * 0.9999, balance=BALANCE)
        assert [(each.rule, each.severity) for each in desk.desk.alerts()] == [("spike", Severity.INFO)]
        assert desk.pages() == []


async def test_until_an_agent_is_known_only_hard_limits_page(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        equities = detected.moving(10_000.0)
        equity = await detected.lived(desk, (next(equities) for _ in range(97)))
        for left in (0.65, 0.6501, 0.6499):
            await desk.see(equity=equity * left, balance=BALANCE)
        assert {each.rule: each.severity for each in desk.desk.alerts()} == {
            "hard_loss": Severity.CRITICAL,
            "drawdown": Severity.CRITICAL,
        }
        assert "learning, 100 of 200 active samples; hard limits on" in (await desk.say("/status alpha")).text
        (table,) = (await desk.say("/status")).tables
        assert "learning 100/200" in table.rows[0]


@SLOW
@pytest.mark.parametrize("story", [detected.shock, detected.burst, detected.bleed, detected.edge])
async def test_its_picture_follows_its_card(story: Story, tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted, chats=("telegram",)) as desk:
        alert = await story(desk)
        await desk.until(lambda: any(each.message.picture for each in desk.heard))
        page, picture = desk.heard
        assert (page.message.picture, picture.message.loud) == (None, False)
        assert picture.message.picture is not None
        assert picture.message.picture.name == f"alpha-{alert.rule}.png"


async def test_a_trade_that_comes_twice_in_one_batch_is_one_trade(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        trade = detected.a_trade(1, desk.clock.time + 5.0, -5.0)
        seen = []
        for _ in range(2):
            desk.clock.time += 30.0
            seen.append(Observation(desk.calm("alpha"), (trade,)))
        await desk.desk.observe(seen)
        assert desk.desk.reconciliation("alpha").total.trades == 1


@SLOW
async def test_a_flow_recorded_just_after_an_upgrade_does_not_make_the_desk_forget_what_is_usual(
    tmp_path: Path,
) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        await detected.known(desk)
        await _upgraded(desk, tmp_path)
        before = desk.desk.agent("alpha").moves
        assert before == detected.KNOWN
        await desk.see(equity=_equity(desk) + 1_000.0, balance=BALANCE)
        await desk.desk.record_flow("alpha", Decimal(1_000), "ana", None)
        assert desk.desk.agent("alpha").moves >= before


@SLOW
async def test_an_upgrade_after_days_that_nobody_watched_learns_from_the_day_before_them(tmp_path: Path) -> None:
    async with night(tmp_path, change=budgeted) as desk:
        await detected.known(desk)
        await _upgraded(desk, tmp_path, away=2 * 86_400.0)
        assert desk.desk.agent("alpha").moves == detected.KNOWN


async def _upgraded(desk: Night, folder: Path, away: float = 0.0) -> None:
    """End the desk, leave its snapshots as one kept them that knew no detectors, and start it again."""
    await desk.desk.stop()
    await desk.stop()
    with contextlib.closing(sqlite3.connect(folder / "nightdesk.db")) as file, file:
        file.execute("UPDATE snapshots SET state = json_remove(state, '$.baseline', '$.alarms')")
    desk.clock.time += away
    await desk.start()
