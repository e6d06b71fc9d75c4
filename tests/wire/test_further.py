"""A further channel says a message plainly to a real server, by apprise, and never lets its address out."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.chat import Button, Field, Invocation, Mention, Message, MessageRef, Reply, Table, Tone, TransportError
from bot.platforms.further.channel import TEXT, Channel, amiss, written
from bot.settings import Further, SettingsError, load
from bot.wiring import discover_platforms

SECRET = "s3cret-path-nobody-may-see"
PAGE = Message(
    "🚨 CRITICAL · alpha · Drawdown over the limit",
    "alpha is 16.2% below its peak",
    (Field("Since", "12:03 UTC"), Field("State", "firing")),
    (Table(("Agent", "Equity"), (("alpha", "8,380.00"),)),),
    (Button("Acknowledge", "ack 3f9c"),),
    "alert 3f9c1a2b",
    Tone.CRITICAL,
    mentions=(Mention("ana", "1001"), Mention("ben")),
)


@dataclass
class Receiver:
    """What a service was sent, and what it answers."""

    port: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def about(self, more: str = "") -> Further:
        url = SecretStr(f"json://ana:pass-{SECRET}@127.0.0.1:{self.port}/{SECRET}{more}")
        return Further("phone", url, "PHONE_URL", ("channels", 0))

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(await request.json())
        await self.hold.wait()
        return web.Response(status=self.status)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    made.hold.set()
    app = web.Application()
    app.router.add_post(f"/{SECRET}", made.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    yield made
    made.hold.set()
    await runner.cleanup()


async def nothing(_invocation: Invocation, _reply: Reply) -> None:
    raise AssertionError


async def started(about: Further, patience: float = 10.0) -> Channel:
    channel = Channel(about, patience=patience)
    await channel.start(nothing)
    return channel


async def refused(channel: Channel, message: Message = PAGE) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await channel.send(message)
    assert SECRET not in str(caught.value)
    return caught.value


async def test_a_page_arrives_as_title_and_text_with_who_is_called_first(receiver: Receiver) -> None:
    channel = await started(receiver.about())
    ref = await channel.send(PAGE)
    (got,) = receiver.got
    assert (got["title"], got["type"]) == (PAGE.title, "failure")
    assert got["message"].splitlines() == [
        "For ana, ben",
        "alpha is 16.2% below its peak",
        "Since: 12:03 UTC",
        "State: firing",
        "Agent · Equity",
        "alpha · 8,380.00",
        "alert 3f9c1a2b",
    ]
    again = await channel.send(Message("✅ alpha answers again", tone=Tone.GOOD))
    assert (receiver.got[1]["message"], receiver.got[1]["type"]) == ("✅ alpha answers again", "success")
    assert ref != again
    assert {ref.platform, again.platform} == {channel.name} == {"phone"}


async def test_what_a_service_refuses_is_tried_again_and_what_may_have_arrived_is_uncertain(
    receiver: Receiver,
) -> None:
    channel = await started(receiver.about())
    for status in (401, 500, 429):
        receiver.status = status
        error = await refused(channel)
        assert f"(HTTP {status})" in str(error)
        assert (error.permanent, error.uncertain) == (False, False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = Receiver(free.getsockname()[1])
        assert (await refused(await started(dead.about()))).uncertain
    receiver.status = 200
    await channel.send(PAGE)


async def test_a_service_that_hangs_holds_up_one_message_and_no_process(receiver: Receiver) -> None:
    receiver.hold.clear()
    channel = await started(receiver.about("?rto=30"), patience=0.3)
    error = await refused(channel)
    assert error.uncertain
    assert "took nothing for 0.3 s" in str(error)
    busy = await refused(channel)
    assert (busy.uncertain, busy.permanent) == (False, False)
    (hung,) = (each for each in threading.enumerate() if each.name == "channel phone")
    assert hung.daemon
    receiver.hold.set()
    await asyncio.to_thread(hung.join, 10)
    await channel.send(Message("through again"))
    assert [each["message"] for each in receiver.got[1:]] == ["through again"]


async def test_nothing_that_was_sent_is_changed_found_or_said_elsewhere(receiver: Receiver) -> None:
    channel = await started(receiver.about())
    ref = await channel.send(PAGE)
    for lost in (ref, MessageRef("telegram", "1", "2")):
        with pytest.raises(TransportError) as caught:
            await channel.edit(lost, PAGE)
        assert caught.value.permanent
    with pytest.raises(TransportError, match="no other chats"):
        await channel.send(PAGE, to="-100")
    assert await channel.find("key", since=0.0) is None
    assert (channel.threads, channel.trouble, channel.heard) == (False, None, None)
    await channel.stop()
    assert not (await refused(channel)).permanent
    assert len(receiver.got) == 1


async def test_neither_errors_nor_logs_hold_the_address(receiver: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    handler = logging.StreamHandler()
    logging.getLogger().addHandler(handler)
    try:
        channel = await started(receiver.about())
        await channel.send(PAGE)
        receiver.status = 500
        await refused(channel)
        await refused(await started(Receiver(1).about()))
        assert SECRET not in repr(receiver.about())
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    out, err = capfd.readouterr()
    assert SECRET not in out + err


@pytest.mark.parametrize("call", ["@everyone", "@here", "@Channel", "<!channel>", "<@U123>", "@all"])
def test_no_text_calls_anybody(call: str) -> None:
    title, text = written(Message(f"alpha says {call}", f"{call} look", (Field(call, call),)))
    assert call not in title + text
    assert call in (title + text).replace("\u200b", "")
    assert written(Message("to ana@example.org")) == ("", "to ana@example.org")


def test_a_long_text_is_cut_and_a_message_always_says_something() -> None:
    title, text = written(Message("t" * 1_000, "x" * 10_000))
    assert (len(title), len(text), text[-1]) == (250, TEXT, "…")
    assert written(Message("")) == ("", "Nightdesk")


SETTINGS = """
[[people]]
name = "ana"
role = "admin"
console = "ana"
[[agents]]
id = "alpha"
source = { kind = "http", url = "http://127.0.0.1:9001" }
[[channels]]
name = "phone"
url_env = "PHONE_URL"
[[channels]]
name = "mail"
url_env = "MAIL_URL"
"""


def test_each_channel_of_the_settings_is_a_platform(tmp_path: Path) -> None:
    path = tmp_path / "nightdesk.toml"
    path.write_text(SETTINGS)
    environ = {"PHONE_URL": "json://127.0.0.1:1/x", "MAIL_URL": "ntfy://nightdesk-of-ana"}
    settings = load(path, environ)
    assert [each.name for each in discover_platforms(settings)] == ["console", "phone", "mail"]
    assert [amiss(each) for each in settings.further] == [None, None]


@pytest.mark.parametrize(
    "url", ["", "nonsense", f"nosuch://{SECRET}", "json://", "file:///etc/passwd", "https://x.y/z"]
)
def test_an_address_that_apprise_does_not_know_is_refused_with_its_variable_unseen(tmp_path: Path, url: str) -> None:
    path = tmp_path / "nightdesk.toml"
    path.write_text(SETTINGS)
    with pytest.raises(SettingsError) as caught:
        discover_platforms(load(path, {"PHONE_URL": url, "MAIL_URL": "json://127.0.0.1/"}))
    (told,) = str(caught.value).splitlines()
    assert told.startswith("nightdesk.toml:11: channels[0].url_env: the environment variable PHONE_URL ")
    assert SECRET not in told
