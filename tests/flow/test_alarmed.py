"""What a statistical page is drawn from, out of a real database, and how its picture reaches the chats."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot import cards
from bot.charts.values import Judged, Shown
from bot.format import clock
from monitor.alerts.alert import Kind
from monitor.alerts.lifecycle import Policy
from monitor.alerts.plan import Plan, Route
from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule
from tests.flow.night import Night, night

FALLEN = 9_700.0


@rule("shock", Severity.WARN, "Sudden loss", recovered="is quiet again", statistical=True)
def shock(view: View, _open: Collection[Labels]) -> Iterable[Finding]:
    """Breach: little is left."""
    fell = (view.sample.equity or 0.0) <= FALLEN
    yield (breach if fell else clear)(view, shock, f"{view.agent.id} lost 3.0% in one step", -0.03, 0.0004)


POLICY = Policy(1, 1)


def fallen(desk: Night) -> View:
    """What the rules are shown when little is left."""
    return View(desk.agents[0], replace(desk.calm("alpha"), equity=FALLEN))


def noticed(desk: Night, *alarms: Alarm) -> None:
    """Let the desk know of what a detector found."""
    book = desk.desk._book
    states = dict(book.situation.states)
    states["alpha"] = replace(states["alpha"], alarms=alarms)
    book.situation = replace(book.situation, states=states)


async def test_a_picture_needs_what_was_judged_and_what_is_known_around_it(tmp_path: Path) -> None:
    async with night(tmp_path, rules=(shock,)) as desk:
        await desk.desk.record_flow("alpha", Decimal(50), "ana", desk.clock.time)
        await desk.see(equity=FALLEN)
        then = desk.clock.time
        (status,) = desk.desk.incidents()
        found = await desk.desk.alarmed(status.incident.id)
        assert (found.alert.agent, found.others, found.time, found.since) == ("alpha", 0, then, then - 30.0)
        assert (found.value, found.typical, found.n, found.every) == (-0.03, 0.0004, None, None)
        assert [money for _, money in found.equity] == [10_000.0] * 3 + [FALLEN]
        assert [flow.amount for flow in found.flows] == [50]
        alarm = Alarm("shock", then, then - 60.0, -0.031, 0.0005, 2, 1e6)
        noticed(desk, replace(alarm, detector="bleed"), alarm)
        assert desk.desk.view("alpha") is not None
        found = await desk.desk.alarmed(status.incident.id)
        assert (found.since, found.value, found.typical, found.n, found.every) == (then - 60.0, -0.031, 0.0005, 2, 1e6)
        await desk.see()
        noticed(desk, replace(alarm, time=desk.clock.time + 1.0))
        assert (await desk.desk.alarmed(status.incident.id)).value == -0.03


async def test_the_chats_that_show_pictures_get_one_after_the_page_and_the_others_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def quickly(shown: Shown) -> bytes:
        assert isinstance(shown, Judged)
        return b"png"

    monkeypatch.setattr(cards, "drawn", quickly)
    chats = ("console", "telegram", "slack")
    plan = Plan(chats, hold=0.0, routes=(Route(chats),))
    async with night(tmp_path, rules=(shock,), chats=chats, plan=plan) as desk:
        await desk.see(equity=FALLEN)
        told = [each for each in desk.heard if "Sudden loss" in each.message.title]
        assert sorted(each.chat for each in told if each.message.picture is None) == sorted(chats)
        await desk.until(lambda: sum(each.message.picture is not None for each in desk.heard) == 2)
        shown = {each.chat: each.message for each in desk.heard if each.message.picture is not None}
        assert sorted(shown) == ["slack", "telegram"]
        message = shown["telegram"]
        assert message.title == "alpha · Sudden loss: -3.0%"
        assert not message.loud
        assert message.picture is not None
        assert (message.picture.png, message.picture.name) == (b"png", "alpha-shock.png")
        assert clock(desk.clock.time, desk.clock.time) in message.text
        await desk.see(balance=5.0)  # low, and no statistical finding
        assert len([each for each in desk.heard if each.message.picture is not None]) == 2


async def test_a_page_and_its_picture_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    async with night(tmp_path, rules=(shock,)) as desk, desk.desk.turn() as turn:
        turn.board.find(next(iter(shock.evaluate(fallen(desk), ()))), POLICY)
        _, change = turn.finish()
        page, picture = change.notifications
        assert (page.kind, picture.kind) == (Kind.PAGE, Kind.PICTURE)
        assert (page.alert, page.platform, page.severity) == (picture.alert, picture.platform, picture.severity)
        assert (page.key != picture.key, picture.body) == (True, {})
