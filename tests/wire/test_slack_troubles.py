"""A Slack that is away, hangs, refuses or falls silent is told of, and found again."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest
from pydantic import SecretStr
from slack_bolt.response import BoltResponse

from bot import settings
from bot.chat import TransportError
from bot.platforms.slack import build
from bot.platforms.slack.api import Api
from bot.platforms.slack.pace import Pace
from bot.platforms.slack.platform import Slack
from bot.platforms.slack.socket import Socket
from bot.settings import Settings
from tests.fakes.slack import FakeSlack, fake_slack
from tests.wire.slack_desk import CARD, Desk, becomes, slack_desk


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with fake_slack() as made:
        yield made


async def start_fails(slack: FakeSlack, about: settings.Slack) -> tuple[str, Desk]:
    desk = Desk(slack, Slack(about, every=0.0, patience=0.5))
    began = time.monotonic()
    with pytest.raises(TransportError) as caught:
        await desk.start()
    assert time.monotonic() - began < 9
    assert not caught.value.permanent
    assert not any(secret in str(caught.value) for secret in slack.secrets)
    return str(caught.value), desk


async def test_a_wrong_bot_token_is_named(slack: FakeSlack) -> None:
    why, desk = await start_fails(slack, replace(slack.about(), bot_token=SecretStr("xoxb-wrong")))
    assert "SLACK_BOT_TOKEN" in why
    await desk.platform.stop()


async def test_a_wrong_app_token_is_named_and_pages_go_out_all_the_same(slack: FakeSlack) -> None:
    why, desk = await start_fails(slack, replace(slack.about(), app_token=SecretStr("xapp-wrong")))
    assert "SLACK_APP_TOKEN" in why
    await desk.platform.send(CARD)
    assert len(slack.messages) == 1
    await desk.platform.stop()


async def test_a_slack_that_is_away_at_the_start_is_found_by_a_later_start(slack: FakeSlack) -> None:
    await slack.away()
    why, desk = await start_fails(slack, slack.about())
    assert "cannot be reached" in why
    await slack.back()
    await desk.start()
    assert desk.platform.trouble is None
    await slack.slash("U0ANA", "/desk", "status")
    assert (await desk.next()).line == "status"
    await desk.platform.stop()


async def test_a_slack_that_hangs_at_the_start_is_given_up_within_seconds(slack: FakeSlack) -> None:
    slack.faults.hang(method="auth.test")
    why, desk = await start_fails(slack, slack.about())
    assert "did not answer" in why
    await desk.platform.stop()


async def test_a_connection_that_is_never_greeted_is_not_taken_for_one(slack: FakeSlack) -> None:
    slack.deliveries.greets = False
    why, desk = await start_fails(slack, slack.about())
    assert why
    slack.deliveries.greets = True
    await desk.start()
    await desk.platform.stop()


async def test_an_address_that_is_taken_is_named(slack: FakeSlack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        why, desk = await start_fails(slack, replace(slack.about("http"), listen=listen))
    assert listen in why
    await desk.start()
    await desk.platform.stop()


async def test_a_lost_connection_is_built_again_by_itself() -> None:
    async with slack_desk() as desk:
        await desk.slack.drop_socket()
        await becomes(lambda: desk.platform.trouble is not None)
        assert "lost" in str(desk.platform.trouble)
        await becomes(lambda: desk.platform.trouble is None)
        await desk.slack.slash("U0ANA", "/desk", "status")
        assert (await desk.next()).line == "status"


async def test_a_slack_that_goes_away_in_the_middle_is_told_of_and_found_again() -> None:
    async with slack_desk(ping=0.2) as desk:
        await desk.slack.away()
        await becomes(lambda: desk.platform.trouble is not None)
        with pytest.raises(TransportError):
            await desk.platform.send(CARD)
        await desk.slack.back()
        await becomes(lambda: desk.platform.trouble is None)
        await desk.platform.send(CARD)
        await desk.slack.mention("U0ANA", "status")
        assert (await desk.next()).line == "status"


async def test_a_connection_that_answers_no_pings_is_replaced() -> None:
    async with slack_desk(ping=0.1) as desk:
        desk.slack.deliveries.zombie = True
        await becomes(lambda: desk.platform.trouble is not None)
        desk.slack.deliveries.zombie = False
        await becomes(lambda: desk.platform.trouble is None)
        await desk.slack.slash("U0ANA", "/desk", "status")
        assert (await desk.next()).line == "status"


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_a_connection_that_slack_takes_away_is_replaced_before_it_ends(reason: str) -> None:
    async with slack_desk() as desk:
        await asyncio.sleep(0.6)  # one that was up for a moment; a shorter life is taken for trouble
        await desk.slack.deliveries.disconnect(reason, close_after=None)
        await desk.slack.until(lambda: desk.slack.deliveries.connected == 2)
        assert desk.platform.trouble is None
        assert len(desk.slack.deliveries.sockets) == 2
        await desk.slack.slash("U0ANA", "/desk", "status")
        assert (await desk.next()).line == "status"


async def test_connections_that_end_at_once_are_not_built_again_without_a_pause() -> None:
    async with slack_desk() as desk:
        began = time.monotonic()
        await desk.slack.deliveries.disconnect(close_after=0.0)
        await desk.slack.until(lambda: desk.slack.deliveries.connected == 2)
        assert time.monotonic() - began > 0.3


async def test_nonsense_in_the_connection_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    envelope: dict[str, object] = {"envelope_id": "e1", "type": "slash_commands"}
    payloads: list[object] = ["text", [1], {}, {"command": 7}, {"event": "x"}, {"actions": [{}]}]
    nonsense: list[object] = [
        [],
        "text",
        {"type": 7},
        envelope,
        *({**envelope, "payload": each} for each in payloads),
        {**envelope, "envelope_id": ["x"], "payload": {}},
        {**envelope, "type": None, "payload": {"type": "block_actions", "actions": "x", "user": 7}},
    ]
    async with slack_desk() as desk:
        (ws,) = desk.slack.deliveries.sockets
        await ws.send_str("{not json")
        await ws.send_bytes(b"\xff")
        for each in nonsense:
            await ws.send_json(each)
        await desk.slack.slash("U0ANA", "/desk", "status")
        assert (await desk.next()).line == "status"
        assert desk.platform.trouble is None
        assert len(desk.heard) == 1
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_token_that_is_taken_back_is_noticed_without_any_message() -> None:
    async with slack_desk(probe=0.1) as desk:
        desk.slack.revoke()
        await becomes(lambda: desk.platform.trouble is not None)
        assert "SLACK_BOT_TOKEN" in str(desk.platform.trouble)
        desk.slack.revoked.clear()
        await becomes(lambda: desk.platform.trouble is None)


async def test_an_event_that_was_not_acknowledged_comes_again_with_the_same_id() -> None:
    async with slack_desk() as desk:
        desk.slack.deliveries.sockets.clear()  # acknowledgements still arrive, deliveries wait for a new connection
        delivery = await desk.slack.mention("U0ANA", "status", event_id="Ev9")
        assert delivery.envelopes == []
        await desk.platform.start(desk.handler)
        await delivery.acknowledged()
        assert (await desk.next()).event == "Ev9"


async def test_starting_again_leaves_one_connection(slack: FakeSlack) -> None:
    desk = Desk(slack, Slack(slack.about(), every=0.0))
    for _ in range(3):
        await desk.start()
    await slack.until(lambda: len(slack.deliveries.sockets) == 1)
    await slack.slash("U0ANA", "/desk", "status")
    await desk.next()
    await desk.platform.stop()
    assert len(desk.heard) == 1
    await slack.until(lambda: slack.deliveries.sockets == [])


async def test_nothing_runs_after_the_end() -> None:
    async with slack_desk("http") as desk:
        await desk.platform.stop()
        await desk.slack.slash("U0ANA", "/desk", "status")
        assert desk.heard == []


@pytest.mark.slow
async def test_no_log_line_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with slack_desk(ping=0.1) as desk:
        await desk.platform.send(CARD)
        await desk.slack.slash("U0ANA", "/desk", "status")
        await desk.next()
        await desk.slack.drop_socket()
        desk.slack.faults.reset("after", times=2)
        await becomes(lambda: desk.platform.trouble is None and desk.slack.deliveries.connected > 1)
        desk.slack.revoke()
        with pytest.raises(TransportError):
            await desk.platform.send(CARD)
        tickets = [each.arguments.get("token") for each in desk.slack.calls]
        secrets = [*desk.slack.secrets, "/socket/ticket-"]
    assert tickets
    assert not [secret for secret in secrets if secret in caplog.text]


def test_without_settings_there_is_no_platform() -> None:
    assert build(cast("Settings", SimpleNamespace(slack=None))) is None


async def test_with_settings_there_is_one(slack: FakeSlack) -> None:
    platform = build(cast("Settings", SimpleNamespace(slack=slack.about(), channels=())))
    assert platform is not None
    assert (platform.name, platform.threads, platform.trouble) == ("slack", True, None)


async def test_a_connection_that_brings_nothing_is_replaced_though_it_answers_pings(slack: FakeSlack) -> None:
    async def nothing(_mode: str, _body: object, _headers: object) -> tuple[BoltResponse, Callable[[], None]]:
        return BoltResponse(status=200), lambda: None

    async with aiohttp.ClientSession() as session:
        api = Api(session, slack.url, slack.bot_token, Pace())
        connection = Socket(session, lambda: api.socket_url(slack.app_token), nothing, quiet=0.6)
        running = asyncio.create_task(connection.run())
        await slack.until(lambda: slack.deliveries.connected == 2)
        assert connection.trouble is None
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
