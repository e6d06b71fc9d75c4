"""`nightdesk check --send`: a test page in each chat tells who pressed its button, and disturbs no desk that runs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bot import drill
from bot.access import Access
from bot.chat import ChatPlatform, Found
from bot.platforms.telegram import examine as telegram_module
from bot.settings import Settings
from bot.wiring import discover_platforms
from monitor.storage.lock import locked
from tests import hostile
from tests.fakes.slack import FakeSlack, Posted
from tests.fakes.telegram import FakeTelegram, fake_telegram
from tests.fakes.telegram_values import Entry
from tests.wire.chats import ANA, STRANGER, Puppet, settings
from tests.wire.checking import TITLE, both, checked, secrets_of, swap

pytestmark = pytest.mark.slow


async def test_a_check_names_both_chats_and_a_press_in_each_is_told(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)

    async def press() -> None:
        card = await tg.wait_for(lambda entry: TITLE in entry.text, 20)
        tg.press(card, card.lines[0], ANA[0])
        posted = await slack.wait_for(lambda posted: TITLE in posted.reading, 20)
        await slack.press(posted.ts, "Acknowledge", ANA[1])

    (code, said), _ = await asyncio.gather(checked(chosen, send=True, wait=20.0), press())
    assert code == 0
    assert all(each[:4] in ("ok  ", "note") for each in said)
    for sentence in (
        "ok    telegram   the token is that of @desk_bot",
        "ok    slack      pages go to #on-call",
        "note  telegram   test page sent: press its button within 20 s",
        "ok    telegram   test page sent; pressed by 1001, who is ana (admin)",
        "ok    slack      test page sent; pressed by U0ANA, who is ana (admin)",
    ):
        assert sentence in said
    assert "Pressed by ana (admin)." in tg.shown()
    assert "Pressed by ana (admin)." in slack.shown()
    assert not tg.seen.keys
    assert not tg.updates  # the press was confirmed, and comes to no desk that starts now
    assert not any(secret in "\n".join(said) for secret in secrets_of(tg, slack))


async def test_chats_that_hang_hold_nobody_up_and_are_told(tmp_path: Path, tg: FakeTelegram, slack: FakeSlack) -> None:
    tg.hang()
    slack.faults.hang()
    async with asyncio.timeout(10):
        code, said = await checked(both(tmp_path, tg, slack), patience=0.3)
    assert code == 1
    for name in ("telegram ", "slack    "):
        assert f"fail  {name}  no answer within 0.3 s: look at this machine's network" in said
    assert said[-1].startswith("ok    alpha")
    slack.faults.clear()


async def test_beside_the_desk_that_runs_a_check_takes_no_update_and_sends_its_page_all_the_same(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)
    with locked(Path(chosen.database)):
        code, said = await checked(chosen, send=True)
    assert code == 0
    database = next(each for each in said if each.split()[1] == "database")
    assert "is in use by the desk that runs now (pid " in database
    assert not tg.count("getUpdates")
    assert not slack.deliveries.connected
    for name in ("telegram ", "slack    "):
        assert f"ok    {name}  test page sent; the desk that runs now answers whoever presses its button" in said
    assert tg.seen.lines == ["whoami"]
    assert not tg.seen.silent
    assert slack.messages[0].buttons == {"Acknowledge": "whoami"}


async def test_where_a_press_cannot_be_heard_the_page_is_sent_and_nobody_waits(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    tg.webhook = "https://elsewhere.example/hook"
    change = swap("[slack]\n", '[slack]\nmode = "webhook"\n')
    chosen = both(tmp_path, tg, slack, change, SLACK_WEBHOOK=slack.webhook)
    code, said = await checked(chosen, send=True, wait=600.0)
    assert code == 1  # this webhook is no https:// address
    assert "ok    telegram   test page sent; the webhook takes its press" in said
    assert "ok    slack      test page sent; a webhook hears no press" in said
    assert TITLE in tg.shown()
    assert TITLE in slack.shown()
    assert not slack.messages[0].buttons
    assert tg.webhook
    assert "s3cr3t" not in "\n".join(said)
    with locked(Path(chosen.database)):
        _, said = await checked(chosen, send=True)
    assert "ok    slack      test page sent; a webhook hears no press" in said


async def test_without_a_chat_there_is_nothing_to_send(tmp_path: Path, tg: FakeTelegram, slack: FakeSlack) -> None:
    def change(text: str) -> str:
        sections = text[text.index("[telegram]") : text.index("[[people]]")]
        return text.replace(sections, "")

    code, said = await checked(both(tmp_path, tg, slack, change), send=True)
    assert code == 1
    assert said[-1].endswith("no chat is set up that a test page could go to: add [telegram] or [slack]")


async def test_a_page_that_is_not_taken_is_told_once_by_each_chat(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)
    tg.revoke()
    slack.channels.clear()
    code, said = await checked(chosen, send=True)
    assert code == 1
    unsent = [each for each in said if "test page not sent" in each]
    assert "does not accept the token" in next(each for each in unsent if "telegram" in each)
    assert "finds no channel C0DESK0001" in next(each for each in unsent if "slack" in each)
    assert not any(secret in "\n".join(said) for secret in secrets_of(tg, slack))


# -- The test page ----------------------------------------------------------------------------------------------------


async def drilled(chosen: Settings, name: str, wait: float) -> list[Found]:
    """What comes of a test page in one chat."""
    platform: ChatPlatform = next(each for each in discover_platforms(chosen) if each.name == name)
    said: list[Found] = []
    await drill.press(platform, Access(chosen.people), wait, said.append)
    return said[1:] if said[0].fine is None else said


async def test_a_stranger_who_presses_is_told_their_id_and_so_is_the_console(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)

    async def press() -> None:
        card: Entry = await tg.wait_for(lambda entry: TITLE in entry.text)
        tg.press(card, card.lines[0], STRANGER[0])
        posted: Posted = await slack.wait_for(lambda posted: TITLE in posted.reading)
        await slack.press(posted.ts, "Acknowledge", STRANGER[1])

    (in_telegram,), (in_slack,), _ = await asyncio.gather(
        drilled(chosen, "telegram", 20.0), drilled(chosen, "slack", 20.0), press()
    )
    assert (in_telegram.fine, in_slack.fine) == (False, False)
    assert "pressed by 6666 (" in in_telegram.sentence
    assert "write telegram = 6666 under their name in [[people]]" in in_telegram.sentence
    assert 'write slack = "U0EVIL" under their name in [[people]]' in in_slack.sentence
    assert "telegram = 6666" in tg.answers[-1].text
    (whisper,) = slack.whispers
    assert (whisper.only, 'slack = "U0EVIL"' in whisper.reading) == (STRANGER[1], True)
    for shown in (tg.shown(), slack.messages[0].reading):
        assert "A stranger pressed its button." in shown
        assert "6666" not in shown


async def test_a_page_that_nobody_presses_is_a_note_and_loses_its_button(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)
    found = await asyncio.gather(drilled(chosen, "telegram", 0.1), drilled(chosen, "slack", 0.1))
    assert [str(each[0].sentence) for each in found] == ["test page sent; not pressed within 0.1 s"] * 2
    assert [each[0].fine for each in found] == [None, None]
    assert not tg.seen.keys
    assert not slack.messages[0].buttons


async def test_an_order_that_comes_meanwhile_is_answered_that_nobody_did_it(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)

    async def order() -> None:
        card = await tg.wait_for(lambda entry: TITLE in entry.text)
        tg.start_private(ANA[0])
        tg.type(ANA[0], "/pause alpha")
        await tg.wait_for(lambda entry: "listens here in place of the desk" in entry.text)
        tg.press(card, "pause alpha", ANA[0])

    (found,), _ = await asyncio.gather(drilled(chosen, "telegram", 20.0), order())
    assert found.sentence == "test page sent; pressed by 1001, who is ana (admin)"


async def test_a_topic_that_is_gone_is_told_though_the_page_was_sent_elsewhere(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    tg.topics = {1}
    chosen = both(tmp_path, tg, slack, swap(f"chat = {tg.chat}", f"chat = {tg.chat}\ntopic = 12"))
    (found,) = await drilled(chosen, "telegram", 0.1)
    assert found.fine is False
    assert "not pressed within 0.1 s; Telegram refuses the topic" in found.sentence
    amiss = await telegram_module.say(chosen, drill.PAGE)
    assert amiss is not None
    assert "refuses the topic" in amiss


# -- The command ------------------------------------------------------------------------------------------------------


async def test_the_command_sends_and_exits_0_when_all_is_fine(tmp_path: Path, slack: FakeSlack) -> None:
    puppet = Puppet()
    async with hostile.serve(puppet.answer) as server, fake_telegram() as tg:
        file, environ = settings(tmp_path, tg, slack, {"alpha": server.url})
        text = file.read_text()
        section = text[text.index("[telegram]") : text.index("[slack]")]
        file.write_text(text.replace(section, ""))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "check", "--settings", str(file), "--send", "--wait", "0"),
            env={**environ, "NO_PROXY": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
    said = output.decode()
    assert process.returncode == 0, said
    assert "ok    slack      test page sent; a press is not waited for\n" in said
    assert "console" not in said.partition("test page")[2]
    assert slack.messages[0].buttons == {"Acknowledge": "whoami"}
    assert not any(secret in said for secret in slack.secrets)
