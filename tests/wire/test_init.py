"""`nightdesk init` at a terminal: from an empty folder to a test page that somebody acknowledged."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import console_user, envfile, load
from monitor.sdk import Probe
from tests.fakes.freqtrade import PASSWORD as FT_PASSWORD
from tests.fakes.freqtrade import fake_freqtrade
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import CHAT, FakeTelegram
from tests.wire.chats import ANA
from tests.wire.checking import TITLE
from tests.wire.probing import KEY, calm
from tests.wire.terminal import ROOT, Terminal, terminal

pytestmark = pytest.mark.slow
# A question for a secret is answered after its last blank: what is typed before the echo is off is thrown away.
FLAGS = ("--wait", "30")


def flags(tg: FakeTelegram, slack: FakeSlack) -> tuple[str, ...]:
    return ("--telegram-base-url", tg.url, "--slack-base-url", f"{slack.origin}/api/", *FLAGS)


async def test_from_nothing_to_an_acknowledged_test_page(tmp_path: Path, tg: FakeTelegram, slack: FakeSlack) -> None:
    folder, state = tmp_path / "desk", tmp_path / "alpha.pause.json"
    folder.mkdir()
    async with (
        fake_freqtrade() as bot,
        Probe("alpha", key=KEY, state=state, machine=calm) as probe,
        terminal(folder, "init", *flags(tg, slack), environ={}) as one,
    ):
        probe.money(balance=10_000)
        probe.decision()
        await one.answer("Which chats are paged", "both")
        await _telegram(one, tg)
        await _slack(one, slack)
        await _agents(one, f"http://127.0.0.1:{probe.port}", bot.url)
        assert not os.listdir(folder)  # noqa: PTH208 - nothing is written before the end
        await one.answer("Write nightdesk.toml", "y")
        await one.expect("Written: nightdesk.toml and nightdesk.env, which only you can read")
        card = await tg.wait_for(lambda entry: TITLE in entry.text, 30)
        tg.press(card, card.lines[0], ANA[0])
        posted = await slack.wait_for(lambda posted: TITLE in posted.reading, 30)
        await slack.press(posted.ts, "Acknowledge", ANA[1])
        await one.expect("Start the desk: nightdesk run", 60)
        assert await one.end() == 0
        for user in ANA:
            assert f"test page sent; pressed by {user}, who is ana (admin), after " in one.text
        _kept(folder, one, (tg.token, slack.bot_token, slack.app_token, KEY, FT_PASSWORD))
        async with terminal(folder, "check", environ={}) as again:
            assert await again.end(60) == 0, again.text


async def _telegram(one: Terminal, tg: FakeTelegram) -> None:
    await one.answer("The bot's token: ", "1:wrong")
    await one.expect("fail  ")
    await one.answer("The bot's token: ", tg.token)
    await one.expect("the token is that of @desk_bot")
    await one.expect("Now write /start@desk_bot")
    tg.type(ANA[0], "good morning")
    tg.type(ANA[0], "/start@desk_bot")
    await one.expect(rf"heard .*\({ANA[0]}\) in .*\({CHAT}\)")
    await one.answer("Is that the chat to page", "y")
    await one.answer("Your name", "ana")


async def _slack(one: Terminal, slack: FakeSlack) -> None:
    await one.expect("socket_mode_enabled: true")
    await one.answer(r"The bot token \(xoxb-\): ", slack.bot_token)
    await one.answer(r"The app-level token \(xapp-\): ", slack.app_token)
    await one.expect("the app may connect by Socket Mode")
    await one.expect("Now write `@nightdesk hello`")
    await slack.until(lambda: slack.deliveries.connected > 0, 20)
    await slack.mention(ANA[1], f"<@{slack.user}> hello")
    await one.expect(rf"heard .*\({ANA[1]}\)")
    await one.answer("Is that the chat to page", "y")
    await one.answer("Your name", "ana")


async def _agents(one: Terminal, sdk: str, freqtrade: str) -> None:
    await one.answer("Address of an agent", sdk)
    await one.answer("Its key: ", KEY)
    await one.expect("an agent with Nightdesk's probe answers, called alpha")
    await one.answer("What the desk calls it", "")
    await one.answer("Address of an agent", freqtrade)
    await one.expect("freqtrade answers there")
    await one.answer("What the desk calls it", "beta")
    await one.answer("Its api_server username", "ana")
    await one.answer("Its api_server password: ", FT_PASSWORD)
    await one.answer("Address of an agent", "")


def _kept(folder: Path, one: Terminal, secrets: tuple[str, ...]) -> None:
    """The settings are whole, and every secret is in one file that only its owner reads."""
    toml, env = (folder / "nightdesk.toml").read_text(), folder / envfile.NAME
    assert not [each for each in secrets if each in one.text or each in toml]
    assert set(secrets) == set(envfile.read(env).values())
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    settings = load(folder / "nightdesk.toml", envfile.read(env))
    assert [(each.agent.id, each.source.kind) for each in settings.fleet] == [("alpha", "http"), ("beta", "freqtrade")]
    assert settings.people[0].ids == {"telegram": str(ANA[0]), "slack": ANA[1], "console": console_user()}


async def test_ctrl_c_and_an_end_of_input_leave_nothing(tmp_path: Path, tg: FakeTelegram, slack: FakeSlack) -> None:
    for key, asked in ((b"\x03", True), (b"\x04", True), (b"\x03", False)):
        async with terminal(tmp_path, "init", *flags(tg, slack), environ={"TELEGRAM_TOKEN": tg.token}) as one:
            await one.answer("Which chats are paged", "telegram")
            await one.expect("Now write /start@desk_bot")
            if asked:
                tg.type(ANA[0], "/start@desk_bot")
                await one.expect("Is that the chat to page")
            else:
                await tg.until(lambda: tg.polling)
            one.key(key)
            assert await one.end() == 130
        assert not os.listdir(tmp_path)  # noqa: PTH208 - a test's own folder
    assert not tg.updates  # what was heard is not given to the desk as an order


async def test_flags_set_a_desk_up_without_a_terminal(tmp_path: Path, tg: FakeTelegram) -> None:
    async with Probe("alpha", machine=calm) as probe:
        probe.money(balance=10_000)
        probe.decision()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "init", "--yes", "--no-test", "--telegram-chat", str(CHAT)),
            *("--person", f"ana:admin:telegram={ANA[0]}", "--agent", f"alpha=http://127.0.0.1:{probe.port}"),
            *("--telegram-base-url", tg.url),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TELEGRAM_TOKEN": tg.token},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert tg.token not in out.decode()
    assert (tmp_path / envfile.NAME).exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Which chats are paged: give it by --telegram or --slack."),
        (
            (
                "--yes",
                "--telegram",
            ),
            "The bot's token: put it into the environment variable TELEGRAM_TOKEN.",
        ),
        (("--yes", "--telegram", "--person", "ana"), "ana is no person: write --person ana:admin:telegram=1001."),
    ],
)
def test_what_no_flag_says_is_one_sentence_that_names_it(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    environ = {name: value for name, value in os.environ.items() if "TOKEN" not in name}
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "init", *words],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": str(ROOT)},
    )
    assert (ran.returncode, says in ran.stderr) == (2, True), ran.stderr
    assert not list(tmp_path.iterdir())


async def test_settings_that_stand_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "nightdesk.toml").write_text("mine")
    async with terminal(tmp_path, "init", environ={}) as one:
        await one.answer("nightdesk.toml exists. Replace it", "n")
        await one.expect("exists and is left alone")
        assert await one.end() == 2
    assert (tmp_path / "nightdesk.toml").read_text() == "mine"
