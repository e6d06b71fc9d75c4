"""`nightdesk init` asks in order, says what is wrong at once, and is done only when its page was acknowledged."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from bot.settings import envfile, load
from bot.setup.asking import Console, SetupError
from bot.setup.options import Options
from bot.setup.wizard import run
from monitor.sdk import Probe
from monitor.storage.lock import locked
from tests.fakes.freqtrade import PASSWORD as FT_PASSWORD
from tests.fakes.freqtrade import fake_freqtrade
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.wire.chats import ANA, STRANGER
from tests.wire.checking import TITLE
from tests.wire.probing import KEY, calm
from tests.wire.test_prometheus_source import GUIDE, serving


class Script(Console):
    """Somebody who answers each question with the next line of a script, and fails where the script says otherwise."""

    def __init__(self, *lines: tuple[str, str | bool], interactive: bool = True) -> None:
        self.said: list[str] = []
        super().__init__(interactive=interactive, out=self.said.append)
        self.left = deque(lines)

    def _next(self, question: str) -> str | bool:
        assert self.left, f"nobody answers {question!r}: {self.said[-5:]}"
        expected, answer = self.left.popleft()
        assert expected in question, (question, expected, self.said[-5:])
        return answer

    def ask(self, question: str, flag: str, default: str | None = None) -> str:
        return str(self._next(question)) or default or "" if self.interactive else super().ask(question, flag, default)

    def secret(self, question: str, variable: str) -> str:
        return str(self._next(question)) if self.interactive else super().secret(question, variable)

    def sure(self, question: str, *, default: bool = True) -> bool:
        return bool(self._next(question)) if self.interactive else default


def options(folder: Path, fake: FakeSlack, *agents: str, **more: object) -> Options:
    known: dict[str, object] = {"agents": list(agents), "slack_url": fake.url, "wait": 5.0, **more}
    return Options(folder / "nightdesk.toml", **known)  # type: ignore[arg-type]


def slack_environ(slack: FakeSlack) -> dict[str, str]:
    return {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}


HEARD = (("chats are paged", "slack"), ("chat to page", True), ("Your name", "ana"), ("Write nightdesk.toml", True))


async def spoken(slack: FakeSlack) -> None:
    """Mention the app until it listens and looks at the channel."""

    def looked() -> int:
        return sum(each.method == "conversations.info" for each in slack.calls)

    before = looked()
    while looked() == before:
        slack.type(ANA[1], f"<@{slack.user}> hello")
        await asyncio.sleep(0.05)


async def speak(slack: FakeSlack, *users: str) -> None:
    """Mention the app, and press the button of each test page that comes."""
    await spoken(slack)

    def pages() -> list[str]:
        return [each.ts for each in slack.messages if TITLE in each.reading]

    for number, user in enumerate(users, 1):
        await slack.until(lambda number=number: len(pages()) == number)  # type: ignore[misc]
        if user:
            await slack.press(pages()[-1], "Acknowledge", user)


async def test_slack_is_set_up_from_nothing_to_an_acknowledged_page(tmp_path: Path, slack: FakeSlack) -> None:
    script = Script(*HEARD)
    async with Probe("alpha", machine=calm) as probe:
        probe.money(balance=10_000)
        probe.decision()
        chosen = options(tmp_path, slack, f"alpha=http://127.0.0.1:{probe.port}")
        code, _ = await asyncio.gather(run(chosen, script, slack_environ(slack)), speak(slack, ANA[1]))
    assert code == 0, script.said
    assert not script.left
    (pressed,) = [each for each in script.said if "pressed by U0ANA, who is ana (admin), after " in each]
    assert pressed.startswith("ok    slack      test page sent; ")
    settings = load(tmp_path / "nightdesk.toml", envfile.read(tmp_path / envfile.NAME))
    assert settings.slack is not None
    assert settings.slack.channel == slack.channel
    assert not any(secret in "\n".join(script.said) for secret in slack.secrets)


@pytest.mark.parametrize(
    ("again", "users", "says"),
    [
        (False, ("",), "not pressed within 0.3 s"),
        (True, ("", STRANGER[1]), "pressed by U0EVIL"),
    ],
)
async def test_a_page_that_nobody_who_may_presses_is_sent_again_and_else_something_is_left_to_mend(
    tmp_path: Path, slack: FakeSlack, again: bool, users: tuple[str, ...], says: str
) -> None:
    script = Script(*HEARD, ("Send it again", again))
    async with Probe("alpha", machine=calm) as probe:
        probe.money(balance=10_000)
        probe.decision()
        chosen = options(tmp_path, slack, f"alpha=http://127.0.0.1:{probe.port}", wait=0.3)
        code, _ = await asyncio.gather(run(chosen, script, slack_environ(slack)), speak(slack, *users))
    assert (code, sum(TITLE in each.reading for each in slack.messages)) == (1, len(users))
    assert any(says in each for each in script.said)
    assert "something is left to mend" in script.said[-1]


async def test_a_channel_that_the_app_is_not_in_is_named_before_anything_else_is_asked(
    tmp_path: Path, slack: FakeSlack
) -> None:
    script = Script(HEARD[0], ("chat to page", True), ("Your name", "ana"), ("Write nightdesk.toml", False))
    slack.channels[slack.channel] = replace(slack.channels[slack.channel], member=False)

    async def invite() -> None:
        await spoken(slack)
        slack.channels[slack.channel] = replace(slack.channels[slack.channel], member=True)
        await spoken(slack)

    async with asyncio.timeout(10), Probe("alpha", machine=calm) as probe:
        chosen = options(tmp_path, slack, f"alpha=http://127.0.0.1:{probe.port}")
        inviting = asyncio.create_task(invite())
        with pytest.raises(SetupError, match=r"Nothing was written\."):
            await run(chosen, script, slack_environ(slack))
        await inviting
    told = script.said.index("  fail  the app is not in #on-call: type /invite @nightdesk there")
    assert "  ok    pages go to #on-call" in script.said[told:]
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a test's own folder


@pytest.mark.parametrize(
    ("chat", "says"),
    [
        ("slack", "Which channel is paged in Slack: give it by --slack-channel"),
        pytest.param("telegram", "Which chat is paged in Telegram: give it by --telegram-chat", marks=pytest.mark.slow),
    ],
)
async def test_where_nobody_can_say_no_whoever_writes_first_becomes_no_admin(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack, chat: str, says: str
) -> None:
    tg.type(STRANGER[0], "/start", chat=STRANGER[0])
    chosen = options(tmp_path, slack, telegram_url=tg.url, **{chat: True})
    with pytest.raises(SetupError, match=says):
        await run(chosen, Script(interactive=False), {**slack_environ(slack), "TELEGRAM_TOKEN": tg.token})
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a test's own folder


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"telegram_chat": "0\n[desk]"}, "is no id: write --telegram-chat -1001234567890"),
        ({"slack_channel": "#on-call"}, "#on-call is no id: write --slack-channel C0123456789"),
        ({"slack": True, "people": ["ana:admin:telegram=U0ANA"]}, "is no person: write --person"),
        ({"slack": True, "people": ["ana:chief"]}, "ana:chief is no person: write --person"),
    ],
)
async def test_a_flag_that_is_wrong_is_named(
    tmp_path: Path, slack: FakeSlack, more: dict[str, object], says: str
) -> None:
    with pytest.raises(SetupError, match=says):
        await run(options(tmp_path, slack, **more), Script(interactive=False), slack_environ(slack))


async def test_freqtrade_is_asked_at_once_whether_it_takes_the_password(tmp_path: Path, slack: FakeSlack) -> None:
    async with fake_freqtrade() as bot:
        address = bot.url.replace("http://", "beta=http://ana@")
        given = {"slack_channel": slack.channel, "people": ["ana:admin:slack=U0ANA"], "test": False}
        with pytest.raises(SetupError, match=r"it does not take that user name and password.* \(BETA_PASSWORD\)"):
            await run(
                options(tmp_path, slack, address, **given),
                Script(interactive=False),
                {**slack_environ(slack), "BETA_PASSWORD": "wrong"},
            )
        script = Script(
            ("api_server password", "wrong"),
            ("api_server username", "ana"),
            ("api_server password", FT_PASSWORD),
            ("Write nightdesk.toml", True),
        )
        await run(options(tmp_path, slack, address, **given), script, slack_environ(slack))
    assert envfile.read(tmp_path / envfile.NAME)["BETA_PASSWORD"] == FT_PASSWORD
    assert not script.left


async def test_an_agent_with_a_wrong_key_is_asked_again_and_one_that_is_down_may_be_watched(
    tmp_path: Path, slack: FakeSlack
) -> None:
    async with Probe("alpha", key=KEY, state=tmp_path / "pause.json", machine=calm) as probe:
        script = Script(
            ("Address of an agent", f"127.0.0.1:{probe.port}"),
            ("Its key", "wrong"),
            ("Address of an agent", "http://[::1"),
            ("Address of an agent", f"127.0.0.1:{probe.port}"),
            ("Its key", KEY),
            ("the desk calls it", ""),
            ("Address of an agent", "http://127.0.0.1:1"),
            ("all the same", True),
            ("the desk calls it", "all"),
            ("the desk calls it", "beta"),
            ("Address of an agent", ""),
            ("Write nightdesk.toml", True),
        )
        given = {"slack_channel": slack.channel, "people": ["ana:admin:slack=U0ANA"], "test": False}
        folder = tmp_path / "desk"
        folder.mkdir()
        code = await run(options(folder, slack, **given), script, slack_environ(slack))
    assert code == 1  # beta is still down
    assert "  it does not take that key" in script.said
    settings = load(folder / "nightdesk.toml", envfile.read(folder / envfile.NAME))
    assert [each.agent.id for each in settings.fleet] == ["alpha", "beta"]
    assert [len(each.controls) for each in settings.fleet] == [1, 0]


async def test_json_of_its_own_and_prometheus_text_become_agents_that_are_read(
    tmp_path: Path, slack: FakeSlack
) -> None:
    given = {"slack_channel": slack.channel, "people": ["ana:admin:slack=U0ANA"], "test": False}
    own = '{"wallet": {"balance": 9731.2, "huge": 1e999}, "profit": 31.5}'
    async with serving(own) as json, serving(GUIDE) as text:
        chosen = options(tmp_path, slack, f"alpha={json}/stats", **given)
        with pytest.raises(SetupError, match=r"only a person knows: start nightdesk init at a terminal"):
            await run(chosen, Script(interactive=False), slack_environ(slack))
        script = Script(
            ("Address of an agent", f"{json}/stats"),
            ("the desk calls it", "alpha"),
            ("balance", ""),
            ("profit of 24 h", ""),
            ("Address of an agent", text),
            ("the desk calls it", "beta"),
            ("Address of an agent", ""),
            ("Write nightdesk.toml", True),
        )
        code = await run(options(tmp_path, slack, **given), script, slack_environ(slack))
    assert code == 0, script.said
    alpha, beta = load(tmp_path / "nightdesk.toml", envfile.read(tmp_path / envfile.NAME)).fleet
    assert alpha.source.options["fields"] == {"balance": "wallet.balance", "pnl_24h": "profit"}
    assert (beta.source.kind, beta.source.options["url"]) == ("prometheus", text)
    assert "  its figures: wallet.balance (9731.2), profit (31.5)" in script.said


@pytest.mark.parametrize("secret", ["plain-1:AA_b", "two words", 'a"b$c`d`', "#x;y", "!&|<>(){}*?~"])
def test_a_shell_reads_the_secrets_as_the_desk_does(tmp_path: Path, secret: str) -> None:
    file = tmp_path / envfile.NAME
    file.write_text(envfile.written({"TOKEN": secret}))
    script = ["sh", "-c", f'. {file}; printf %s "$TOKEN"']
    ran = subprocess.run(script, check=True, capture_output=True, text=True)
    assert ran.stdout == secret


async def test_where_a_desk_runs_or_other_secrets_stand_nothing_is_touched(tmp_path: Path, slack: FakeSlack) -> None:
    (tmp_path / "nightdesk.toml").write_text('[desk]\ndatabase = "other.db"\n')
    with locked(tmp_path / "other.db"), pytest.raises(SetupError, match=r"A desk runs here \(pid "):
        await run(options(tmp_path, slack), Script(), {})
    (tmp_path / envfile.NAME).write_text("A=1\n")
    with pytest.raises(SetupError, match=r"nightdesk.env exists and is left alone"):
        await run(Options(tmp_path / "second.toml"), Script(("nightdesk.env exists. Replace it", False)), {})
    with pytest.raises(SetupError, match=r"Nothing can be written into .*: create it"):
        await run(Options(tmp_path / "none" / "nightdesk.toml"), Script(), {})


async def test_what_a_desk_would_not_take_is_not_written(tmp_path: Path, slack: FakeSlack) -> None:
    async with Probe("alpha", machine=calm) as probe:
        given = {"slack_channel": slack.channel, "people": ["ana:admin:slack=U0ANA", "ben:admin:slack=U0ANA"]}
        chosen = options(tmp_path, slack, f"alpha=http://127.0.0.1:{probe.port}", **given)
        with pytest.raises(SetupError, match=r"Nothing was written, for the desk would not take it: .*U0ANA"):
            await run(chosen, Script(interactive=False), slack_environ(slack))
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a test's own folder
