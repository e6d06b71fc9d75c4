"""One desk, two chats: one state, the same answers, and a chat in trouble takes nothing with it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot import command
from monitor import rule
from monitor.alerts.alert import Kind, Notification, State
from monitor.model import Severity
from monitor.ports import Change
from tests.fakes.slack import Posted
from tests.fakes.telegram_values import Entry
from tests.wire.chats import ANA, BEN, STRANGER, VIC, Chats, two_chats

ACKED = re.compile(r"acknowledged by ana, \d\d:\d\d UTC", re.IGNORECASE)


def button(card: Entry, label: str) -> str:
    """The line of a card's button in Telegram."""
    return next(key.line for row in card.keys for key in row if key.text.startswith(label))


async def test_a_page_acknowledged_in_telegram_shows_in_slack_who_and_when(tmp_path: Path) -> None:
    async with two_chats(tmp_path) as chats:
        card, twin = await chats.crash()
        chats.telegram.press(card, button(card, "Acknowledge"), ANA[0])
        await chats.slack.until(lambda: ACKED.search(chats.slack.at(twin.ts).reading) is not None)
        await chats.telegram.wait_for(lambda entry: entry.id == card.id and ACKED.search(entry.text) is not None)
        assert "Acknowledge" not in chats.slack.at(twin.ts).buttons
        await chats.slack.slash(BEN[1], "/ack", chats.app.desk.alerts()[0].id)
        await chats.slack.wait_for(lambda posted: "Already acknowledged by ana" in posted.reading)


async def test_a_page_acknowledged_in_slack_shows_in_telegram_who_and_when(tmp_path: Path) -> None:
    async with two_chats(tmp_path) as chats:
        card, twin = await chats.crash()
        pressed = await chats.slack.press(twin.ts, "Acknowledge", ANA[1])
        await pressed.acknowledged()
        await chats.telegram.wait_for(lambda entry: entry.id == card.id and ACKED.search(entry.text) is not None)
        await chats.slack.wait_for(
            lambda posted: posted.thread_ts == twin.ts and ACKED.search(posted.reading) is not None
        )
        chats.telegram.press(card, "ack " + chats.app.desk.alerts()[0].id, BEN[0])
        await chats.telegram.wait_for(lambda entry: "Already acknowledged by ana" in entry.text)


@pytest.mark.slow
async def test_a_page_called_false_in_one_chat_says_so_in_both_and_is_asked_about_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = rule.discover()
    rules = {**rules, "drawdown": replace(rules["drawdown"], statistical=True)}
    monkeypatch.setattr(rule, "discover", lambda: rules)
    async with two_chats(tmp_path) as chats:
        card, twin = await chats.crash()
        chats.puppet.says["equity"] = 10_000.0
        await chats.slack.until(lambda: [*chats.slack.at(twin.ts).buttons] == ["Real", "False alarm"])
        card = await chats.telegram.wait_for(lambda entry: entry.id == card.id and "resolved" in entry.text)
        chats.telegram.press(card, button(card, "False alarm"), ANA[0])
        said = re.compile(r"Verdict\W+false alarm, ana, \d\d:\d\d")
        await chats.slack.until(lambda: said.search(chats.slack.at(twin.ts).reading) is not None)
        edited = await chats.telegram.wait_for(
            lambda entry: entry.id == card.id and said.search(entry.text) is not None
        )
        assert ([*chats.slack.at(twin.ts).buttons], edited.keys) == ([], ())


@pytest.mark.parametrize("way", ["telegram typed", "telegram reply", "slack slash", "slack desk", "slack mention"])
async def test_every_way_of_acknowledging_gives_the_same_answer(way: str, tmp_path: Path) -> None:
    async with two_chats(tmp_path) as chats:
        card, twin = await chats.crash()
        name = chats.app.desk.alerts()[0].id
        match way:
            case "telegram typed":
                chats.telegram.type(ANA[0], f"/ack {name}")
            case "telegram reply":
                chats.telegram.type(ANA[0], "ack", reply_to=card.id)
            case "slack slash":
                await chats.slack.slash(ANA[1], "/ack", name)
            case "slack desk":
                await chats.slack.slash(ANA[1], "/desk", f"ack {name}")
            case _:
                await chats.slack.mention(ANA[1], "ack", thread_ts=twin.ts)
        answer = re.compile(
            r"Acknowledged by ana, \d\d:\d\d UTC \(holds until \d\d:\d\d\): alpha · Drawdown over the limit"
        )
        if way.startswith("telegram"):
            await chats.telegram.wait_for(lambda entry: answer.search(entry.text) is not None)
        else:
            await chats.slack.wait_for(lambda posted: answer.search(posted.reading) is not None)
        await chats.settled(lambda: chats.app.desk.alerts()[0].state is State.ACKNOWLEDGED)


LINES = {
    "ack": "ack ALERT",
    "alerts": "alerts all",
    "chart": "chart alpha 24h",
    "close": "close alpha",
    "deploy": "deploy alpha 5m version 2.1",
    "drill": "drill now",
    "false": "false ALERT",
    "flow": "flow alpha +10 now",
    "handover": "handover ALERT vic",
    "help": "help",
    "ids": "ids",
    "incident": "incident ALERT",
    "logs": "logs alpha 5",
    "oncall": "oncall",
    "outbox": "outbox",
    "pause": "pause alpha",
    "performance": "performance alpha",
    "pnl": "pnl by asset",
    "real": "real ALERT",
    "reconcile": "reconcile alpha",
    "reset": "reset alpha a new model",
    "restart": "restart alpha",
    "resume": "resume alpha",
    "replay": "replay alpha 1d",
    "report": "report 7d alpha",
    "runbook": "runbook drawdown alpha",
    "silence": "silence ALERT 1h testing",
    "silences": "silences",
    "standing": "standing",
    "status": "status alpha",
    "stop": "stop alpha",
    "unack": "unack 0badbeef",
    "unsilence": "unsilence 0badbeef",
    "whoami": "whoami",
    "why": "why ALERT",
}


def told(text: str, lines: list[str]) -> tuple[set[str], set[str], bool]:
    """What must be equal on both: figures with decimals, buttons without their one-time codes, agents."""
    figures = set(re.findall(r"[+-]?\d[\d,]*\.\d{2}\b", text))
    buttons = {re.sub(r"\b[0-9a-f]{8}\b", "CODE", line) for line in lines}
    return figures, buttons, "alpha" in text


def test_every_command_has_its_line() -> None:
    assert set(LINES) == set(command.discover())


@pytest.mark.slow
async def test_every_command_says_the_same_in_both_chats(tmp_path: Path) -> None:
    async with two_chats(tmp_path) as chats:
        await chats.crash()
        alert = chats.app.desk.alerts()[0].id
        await chats.app.desk.acknowledge(alert, "ben")
        await chats.slack.until(lambda: any("acknowledged by ben" in each.reading for each in chats.slack.messages))
        proven = ("pause", "resume")
        for name in (*proven, *sorted(LINES.keys() - set(proven))):
            if name not in proven:
                await chats.app.engine.stop()
            await chats.delivered()
            line = LINES[name].replace("ALERT", alert)
            typed = len(chats.telegram.messages)
            chats.telegram.type(ANA[0], f"/{line}")
            first = await answer(partial(in_telegram, chats, typed), name)
            await chats.delivered()
            known = {each.ts for each in posts(chats)}
            await chats.slack.slash(ANA[1], "/desk", line)
            assert first == await answer(partial(in_slack, chats, known), name), name


def in_telegram(chats: Chats, start: int) -> list[tuple[str, list[str]]]:
    """What was posted in Telegram since."""
    return [(each.text, each.lines) for each in chats.telegram.messages[start:]]


def posts(chats: Chats) -> list[Posted]:
    """Everything that stands in Slack."""
    return [*chats.slack.messages, *chats.slack.whispers]


def in_slack(chats: Chats, known: set[str]) -> list[tuple[str, list[str]]]:
    """What was posted in Slack since; a picture stands below its card, as a file."""
    new = [each for each in posts(chats) if each.ts not in known and not each.files]
    return [(each.reading, list(each.buttons.values())) for each in new]


async def answer(answers: Callable[[], list[tuple[str, list[str]]]], name: str) -> tuple[set[str], set[str], bool]:
    """What was answered last, once it is there."""
    final = {"pause": "confirmed by alpha", "standing": "Nothing waits"}.get(name, "")
    async with asyncio.timeout(20):
        while not any(final in text for text, _ in answers()):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    return told(*[each for each in answers() if final in each[0]][-1])


async def test_strangers_forgers_and_viewers_change_nothing_and_are_in_the_audit(tmp_path: Path) -> None:
    async with two_chats(tmp_path) as chats:
        card, twin = await chats.crash()
        chats.telegram.press(card, button(card, "Acknowledge"), STRANGER[0])
        chats.telegram.press(card, "pause alpha", STRANGER[0])
        chats.telegram.type(STRANGER[0], "/pause alpha")
        chats.telegram.type(ANA[0], "/pause@freqtrade_bot alpha")
        chats.telegram.type(ANA[0], "/pause alpha", edited=True)
        chats.telegram.type(ANA[0], "/pause alpha", anonymous=True)
        chats.telegram.type(ANA[0], "/pause alpha", date=time.time() - 600)
        chats.telegram.type(VIC[0], "/pause alpha")
        await chats.slack.press(twin.ts, "Acknowledge", STRANGER[1])
        await chats.slack.slash(STRANGER[1], "/desk", "pause alpha")
        await chats.slack.slash(ANA[1], "/desk", "pause alpha", team="T0OTHER")
        await chats.slack.mention(VIC[1], "pause alpha")
        await chats.telegram.wait_for(lambda entry: "came so late" in entry.text)
        await chats.slack.wait_for(lambda posted: "needs the role operator" in posted.reading)
        await chats.slack.wait_for(lambda posted: posted.only == STRANGER[1])
        audit = await chats.app.store.audit()
        assert {entry.outcome for entry in audit} <= {"denied", "refused"}
        assert len([entry for entry in audit if entry.person is None]) >= 4
        assert chats.puppet.orders == []
        assert chats.app.desk.alerts()[0].state is State.FIRING


NASTY = "<b>_*[](~`& " + "y" * 5_000


async def test_a_nasty_text_reaches_both_chats_readable(tmp_path: Path) -> None:
    async with two_chats(tmp_path) as chats:
        body = {"title": NASTY[:20], "text": NASTY}
        rows = [
            Notification(f"n:{name}", name, Kind.NOTICE, Severity.CRITICAL, 0.0, body=body)
            for name in ("telegram", "slack")
        ]
        await chats.app.store.commit(Change(notifications=rows))
        chats.app.outbox.wake()
        await chats.telegram.wait_for(lambda entry: "<b>_*[](~`& yyyy" in entry.text)
        await chats.slack.wait_for(lambda posted: "<b>_*[](~" in posted.reading and "& yyyy" in posted.reading)


@pytest.mark.slow
async def test_a_fleet_of_two_hundred_fits_both_chats(tmp_path: Path) -> None:
    async with two_chats(tmp_path, agents=200) as chats:
        await chats.app.engine.stop()
        chats.telegram.type(ANA[0], "/status")
        await chats.slack.slash(ANA[1], "/desk", "status")
        await chats.telegram.wait_for(lambda entry: "200 agents" in entry.text)
        await chats.slack.wait_for(lambda posted: "200 agents" in posted.reading)
        assert [call.outcome for call in chats.slack.calls if call.outcome != "ok"] == []


@pytest.mark.slow
async def test_tokens_are_nowhere_to_be_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with two_chats(tmp_path) as chats:
        secrets = [chats.telegram.token, *chats.slack.secrets]
        await chats.crash()
        chats.telegram.fail(500, times=2)
        chats.slack.revoke()
        chats.puppet.says["equity"] = 10_000.0
        await chats.settled(lambda: chats.app.desk.alerts() == ())
        await asyncio.sleep(0.3)
        read = repr(chats.app.settings) + str(chats.app.states()) + repr(vars(chats.app))
    captured = capfd.readouterr()
    read += captured.out + captured.err + stored(tmp_path)
    assert [secret for secret in secrets if secret in read] == []


def stored(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.glob("nightdesk.db*"))


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["telegram", "slack"])
@pytest.mark.parametrize("how", ["refused", "hanging", "unauthorised"])
@pytest.mark.parametrize("when", ["at the start", "in the middle"])
async def test_a_chat_in_trouble_takes_nothing_with_it_and_its_page_arrives_afterwards(
    broken: str, how: str, when: str, tmp_path: Path
) -> None:
    async with two_chats(tmp_path, start=False) as chats:
        if when == "at the start":
            await harm(chats, broken, how)
        await chats.app.start()
        await chats.seen()
        if when == "in the middle":
            await chats.settled(lambda: "starting" not in chats.app.states().values(), within=10)
            await harm(chats, broken, how)
        chats.puppet.says["equity"] = 8_000.0
        well = chats.slack if broken == "telegram" else chats.telegram
        if broken == "telegram":
            await chats.slack.wait_for(lambda posted: "Drawdown over the limit" in posted.reading)
        else:
            await chats.telegram.wait_for(lambda entry: "Drawdown over the limit" in entry.text)
        assert well is not None
        await chats.settled(lambda: chats.app.states()[broken] != "up", within=15)
        await heal(chats, broken, how)
        await chats.cards()
        await chats.settled(lambda: chats.app.states()[broken] == "up", within=30)


async def harm(chats: Chats, broken: str, how: str) -> None:
    if broken == "telegram":
        match how:
            case "refused":
                await chats.telegram.away()
            case "hanging":
                chats.telegram.hang()
            case _:
                chats.telegram.revoke()
    else:
        match how:
            case "refused":
                await chats.slack.away()
            case "hanging":
                chats.slack.faults.hang()
            case _:
                chats.slack.revoke()


async def heal(chats: Chats, broken: str, how: str) -> None:
    if broken == "telegram":
        match how:
            case "refused":
                await chats.telegram.back()
            case "hanging":
                chats.telegram.release()
            case _:
                chats.telegram.restore()
    else:
        match how:
            case "refused":
                await chats.slack.back()
            case "hanging":
                chats.slack.faults.clear()
            case _:
                chats.slack.revoked.clear()


@pytest.mark.slow
async def test_a_chat_that_is_away_at_the_start_is_told_in_the_other_and_comes_later(tmp_path: Path) -> None:
    async with two_chats(tmp_path, start=False) as chats:
        await chats.telegram.away()
        await chats.app.start()
        await chats.slack.wait_for(lambda posted: "telegram is in trouble" in posted.reading, timeout=20)
        assert chats.app.states()["telegram"] != "up"
        await chats.telegram.back()
        await chats.slack.wait_for(lambda posted: "telegram is back" in posted.reading, timeout=20)
        await chats.crash()
