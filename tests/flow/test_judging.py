"""People say whether a statistical page was real, at once or the next morning, and it arrives without a sound."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat import Message
from monitor import rule
from monitor.alerts.plan import Plan, Policy, Route, Step
from monitor.model import Agent, Finding, Severity
from monitor.rule import Labels, View, breach, clear
from tests.flow.night import Night, night
from tests.flow.test_incidents import PLAN

CHATS = ("telegram", "slack")
QUIET = replace(PLAN, routes=(Route(CHATS),), spread=0)
WEEK = 7 * 86_400.0


@rule.rule("shock", Severity.WARN, "Sudden loss", recovered="is quiet again", statistical=True)
def shock(view: View, _open: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the equity is below 9,500."""
    equity = view.sample.equity
    if equity is not None:
        say = breach if equity < 9_500.0 else clear
        yield say(view, shock, f"{view.agent.id} lost more in one step than chance explains", equity)


def budgeted(agent: Agent) -> Agent:
    return replace(agent, false_pages=1.5, labels={"venue": "sim"})


@contextlib.asynccontextmanager
async def watched(
    folder: Path, patch: pytest.MonkeyPatch, plan: Plan = QUIET, names: tuple[str, ...] = ("alpha", "beta")
) -> AsyncIterator[Night]:
    """Calm agents with a budget, told of in two chats, watched by one statistical rule more."""
    rules = {**rule.discover(), "shock": shock}
    patch.setattr(rule, "discover", lambda: rules)
    async with night(folder, names=names, plan=plan, chats=CHATS, change=budgeted) as desk:
        yield desk


async def paged(desk: Night, name: str = "alpha") -> str:
    """A page about an agent: the id of its incident."""
    await desk.see(name, equity=9_000.0)
    return next(each.incident.id for each in desk.desk.incidents() if each.alerts[0].agent == name)


def cards(desk: Night) -> list[Message]:
    """What the newest edit made of a card, in each chat."""
    return [chat.edits[-1][1] for chat in desk.chats.values()]


def lines(message: Message) -> list[str]:
    return [each.line.partition(" ")[0] for each in message.buttons]


def values(message: Message) -> dict[str, str]:
    return {each.label: each.value for each in message.fields}


async def test_an_answer_edits_both_cards_and_a_restart_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(tmp_path, monkeypatch) as desk:
        of = await paged(desk)
        (page,) = [each.message for each in desk.heard if each.chat == "slack"]
        assert lines(page) == ["ack", "runbook", "silence", "real", "false"]
        answer = await desk.say(f"/real {of}", "ben", "slack")
        assert answer.title == "Called real by ben: alpha · Sudden loss"
        await desk.restart()
        answer = await desk.say(f"/false {of} the feed was broken", chat="telegram")
        assert answer.title == "Called a false alarm by ana (until now: real, by ben): alpha · Sudden loss"
        for card in cards(desk):
            assert values(card)["Verdict"] == "false alarm, ana, 14:15: the feed was broken"
            assert lines(card) == ["ack", "runbook", "silence"]
        assert len(desk.heard) == 2, "an answer is no new message"


async def test_the_same_answer_twice_says_so_and_stores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(tmp_path, monkeypatch) as desk:
        of = await paged(desk)
        await desk.say(f"/false {of} a known spike")
        events = await desk.store.events(of)
        desk.clock.time += 600
        for line in (f"/false {of}", f"/false {of} a known spike"):
            answer = await desk.say(line, "ben")
            assert answer.title == "Already called a false alarm by ana, 14:15 UTC: alpha · Sudden loss"
        assert await desk.store.events(of) == events
        assert (await desk.say(f"/false {of} the feed, in truth")).title.startswith("Called a false alarm by ana")


@pytest.mark.slow
async def test_what_is_over_is_answered_the_next_morning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(tmp_path, monkeypatch) as desk:
        of = await paged(desk)
        await desk.see()
        for card in cards(desk):
            assert card.title == "✅ resolved · alpha · Sudden loss"
            assert lines(card) == ["real", "false"]
        evening, many = desk.clock.time, len(desk.heard)
        await desk.stop()
        desk.clock.time += 8 * 3_600.0
        await desk.start()
        assert (await desk.say(f"false {of}")).title == "Called a false alarm by ana: alpha · Sudden loss"
        for card in cards(desk):
            assert (card.title, card.buttons) == ("✅ resolved · alpha · Sudden loss", ())
            assert values(card)["Verdict"] == "false alarm, ana, 22:15"
        assert len(desk.heard) == many
        told = await desk.desk.report(evening - 3_600.0, evening + 3_600.0)
        assert [(each.pages, each.false, each.score) for each in told.rules] == [(1, 1, 1.0)]
        ledger = desk.desk._ledger
        known = (ledger.incidents, ledger.members, ledger.due, ledger.shown, ledger.stale)
        assert not any(known), "what is over stays out of mind"


@pytest.mark.slow
async def test_a_channel_that_is_gone_is_not_told_of_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(tmp_path, monkeypatch) as desk:
        of = await paged(desk)
        await desk.see()
        await desk.stop()
        desk.platforms = ("telegram",)
        await desk.start()
        await desk.say(f"/real {of}")
        assert values(desk.chat.edits[-1][1])["Verdict"].startswith("real, ana")
        assert desk.chats["slack"].edits == []


async def test_only_a_statistical_page_is_called_real_or_false(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(tmp_path, monkeypatch) as desk:
        await desk.see(balance=5.0)
        (poor,) = desk.desk.incidents()
        answer = await desk.say(f"/false {poor.incident.id}")
        assert answer.text.endswith("is not statistical: only such pages are called real or false.")
        assert "real" not in lines(desk.chat.sent[-1][1])
        await desk.say("/silence agent=beta 1h known")
        await desk.see("beta", equity=9_000.0)
        (hidden,) = (each for each, _ in desk.desk.hidden())
        assert "Nobody was paged" in (await desk.say(f"/real {hidden.id}")).text
        assert (await desk.say("/real 0badbeef")).title == "Not done"
        assert desk.desk.hidden() != ()


async def test_neither_its_page_nor_what_is_told_again_makes_a_sound_or_calls_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(tmp_path, monkeypatch, replace(QUIET, more_after=30.0)) as desk:
        await paged(desk)
        await desk.see("beta", equity=9_000.0)
        await desk.wait(60)
        await desk.say("/silence rule=shock 10m a look")
        await desk.say(f"/unsilence {desk.desk.silences()[0].id}")
        await desk.wait(3_600.0, step=600)
        told = [each for each in desk.heard if "Sudden loss" in each.message.title and each.chat == "slack"]
        assert [each.message.title for each in told] == [
            "⚠️ WARN · alpha · Sudden loss",
            "⚠️ 1 more agent: 2 agents on sim · Sudden loss",
            "⚠️ The silence of ana has ended and it still stands: 2 agents on sim · Sudden loss",
        ]
        assert [(each.message.loud, each.called) for each in desk.heard] == [(False, [])] * len(desk.heard)


@pytest.mark.slow
async def test_a_policy_that_somebody_wrote_for_it_applies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Policy("mine", (Step(0.0), Step(300.0)), severity=Severity.WARN, match=(("rule", "shock"),))
    async with watched(tmp_path, monkeypatch, replace(QUIET, policies=(mine,))) as desk:
        await paged(desk)
        await desk.wait(300, step=60)
        told = [(each.message.loud, each.called) for each in desk.heard if each.chat == "telegram"]
        assert told == [(False, ["ana"]), (False, ["ana"])]


@pytest.mark.slow
async def test_the_report_counts_answers_beside_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(tmp_path, monkeypatch) as desk:
        for kind in ("real", "false", ""):
            of = await paged(desk)
            if kind:
                await desk.say(f"/{kind} {of}")
            await desk.see(after=400.0)
        shown = await desk.say("/report 7d")
        assert values(shown)["Statistical pages"] == "3 in 7 d, budget 3, answered: 1 real, 1 false alarm"
        assert shown.tables[-1].rows == (("Sudden loss", "3", "3", "0", "0", "33%, 1 real, 1 false"),)
        alone = values(await desk.say("/report 24h beta"))["Statistical pages"]
        assert alone == "0 in 1 d, budget 0.214, answered: none"
        await desk.say(f"/real {of}", "ben")
        before = await desk.desk.report(desk.clock.time - WEEK, desk.clock.time + 1.0)
        assert (before.statistical.real, before.statistical.false, before.rules[0].noisy) == (2, 1, 1)
        await desk.restart()
        assert (await desk.desk.report(desk.clock.time - WEEK, desk.clock.time + 1.0)).rules == before.rules
        why = await desk.say(f"/why {of}")
        assert "called real by ben" in why.text
