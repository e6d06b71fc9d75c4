"""The fake refuses what Slack refuses: each refusal is provoked here by raw HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from tests.fakes.slack import FakeSlack, fake_slack

HEADER = {"type": "header", "text": {"type": "plain_text", "text": "x"}}


def button(number: int = 0, **other: Any) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": f"a{number}",
        "text": {"type": "plain_text", "text": "x"},
        "value": "v",
    } | other


def section(text: str = "x", kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with fake_slack(ack_within=0.2) as made:
        yield made


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Raw:
    """Calls methods by hand."""

    def __init__(self, slack: FakeSlack, web: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.web = web

    async def call(self, method: str, token: str | None = "", **arguments: Any) -> dict[str, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token or self.slack.bot_token}"}
        async with self.web.post(f"{self.slack.url}{method}", json=arguments, headers=headers) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def post(self, **arguments: Any) -> dict[str, Any]:
        return await self.call("chat.postMessage", channel=self.slack.channel, **arguments)

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        opened = await self.call("apps.connections.open", token=self.slack.app_token)
        return await self.web.ws_connect(opened["url"], autoping=False)


@pytest.fixture
def raw(slack: FakeSlack, web: aiohttp.ClientSession) -> Raw:
    return Raw(slack, web)


async def texts(ws: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next message, pings left aside."""
    while True:
        frame = await asyncio.wait_for(ws.receive(), 5)
        if frame.type is aiohttp.WSMsgType.TEXT:
            found: dict[str, Any] = json.loads(frame.data)
            return found
        assert frame.type is aiohttp.WSMsgType.PING, frame


async def test_a_call_without_a_token_or_with_a_wrong_or_revoked_one_is_refused(raw: Raw) -> None:
    assert (await raw.call("auth.test", token=None))["error"] == "not_authed"
    assert (await raw.call("auth.test", token="xoxb-wrong"))["error"] == "invalid_auth"
    assert (await raw.call("auth.test", token=raw.slack.app_token))["error"] == "not_allowed_token_type"
    assert (await raw.call("apps.connections.open"))["error"] == "not_allowed_token_type"
    assert (await raw.call("auth.test"))["team_id"] == raw.slack.team
    raw.slack.revoke()
    assert (await raw.call("auth.test"))["error"] == "token_revoked"


async def test_a_scope_that_the_app_lacks_is_named(raw: Raw) -> None:
    raw.slack.scopes.discard("chat:write")
    found = await raw.post(text="x")
    assert (found["error"], found["needed"]) == ("missing_scope", "chat:write")


async def test_the_scopes_of_the_token_are_told_with_every_answer(raw: Raw) -> None:
    headers = {"Authorization": f"Bearer {raw.slack.bot_token}"}
    async with raw.web.post(f"{raw.slack.url}auth.test", headers=headers) as answer:
        assert "chat:write" in answer.headers["X-OAuth-Scopes"].split(",")


async def test_a_message_goes_only_into_a_channel_that_the_app_is_in(raw: Raw) -> None:
    assert (await raw.call("chat.postMessage", channel="C0NOWHERE", text="x"))["error"] == "channel_not_found"
    raw.slack.channels[raw.slack.channel].member = False
    assert (await raw.post(text="x"))["error"] == "not_in_channel"
    assert (await raw.call("conversations.info", channel=raw.slack.channel))["channel"]["is_member"] is False
    raw.slack.channels[raw.slack.channel].archived = True
    assert (await raw.post(text="x"))["error"] == "is_archived"
    assert raw.slack.messages == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "no_text"),
        ({"text": "  "}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "unheard_of"}]}, "invalid_blocks"),
        ({"blocks": ["text"]}, "invalid_blocks"),
        ({"blocks": {"type": "divider"}}, "invalid_blocks"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        (
            {"blocks": [{"type": "divider"}] * 26, "attachments": [{"blocks": [{"type": "divider"}] * 25}]},
            "invalid_blocks",
        ),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}, "invalid_blocks"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [section("x" * 3_001)]}, "invalid_blocks"),
        ({"blocks": [section() | {"extra": 1}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "fields": [section()["text"]] * 11}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "fields": [section("x" * 2_001)["text"]]}]}, "invalid_blocks"),
        ({"blocks": [{"type": "context", "elements": []}]}, "invalid_blocks"),
        ({"blocks": [{"type": "context", "elements": [section()["text"]] * 11}]}, "invalid_blocks"),
        ({"blocks": [actions()]}, "invalid_blocks"),
        ({"blocks": [actions(*(button(n) for n in range(26)))]}, "invalid_blocks"),
        ({"blocks": [actions(button(1), button(1))]}, "invalid_blocks"),
        ({"blocks": [actions(button(1))], "attachments": [{"blocks": [actions(button(1))]}]}, "invalid_blocks"),
        ({"blocks": [actions(button(value="v" * 2_001))]}, "invalid_blocks"),
        ({"blocks": [actions(button(action_id=""))]}, "invalid_blocks"),
        ({"blocks": [actions(button(text={"type": "plain_text", "text": "x" * 76}))]}, "invalid_blocks"),
        ({"blocks": [actions(button(style="loud"))]}, "invalid_blocks"),
        ({"blocks": [section("x" * 2_900)] * 5}, "msg_blocks_too_long"),
        ({"attachments": [{"color": "amber", "text": "x"}]}, "invalid_attachments"),
        ({"attachments": [{"color": "#EAB308"}]}, "no_text"),
        ({"attachments": "x"}, "invalid_attachments"),
        ({"text": "x", "metadata": "x"}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a b", "event_payload": {}}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a", "event_payload": "x"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a", "event_payload": {"k": "x" * 8_000}}}, "metadata_too_large"),
    ],
)
async def test_a_message_beyond_a_limit_is_refused_whole(raw: Raw, arguments: Mapping[str, Any], code: str) -> None:
    assert (await raw.post(**arguments))["error"] == code
    assert raw.slack.messages == []


async def test_a_message_at_the_limits_is_taken(raw: Raw) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 150}},
        section("x" * 3_000),
        {"type": "section", "fields": [section("x" * 200)["text"]] * 10},
        actions(*(button(n) for n in range(25))),
    ]
    assert (await raw.post(text="x", blocks=blocks, attachments=[{"color": "#EF4444", "blocks": [section()]}]))["ok"]
    assert [each.colour for each in raw.slack.messages] == ["#EF4444"]


async def test_a_form_with_blocks_as_json_is_read_too(raw: Raw) -> None:
    form = {"channel": raw.slack.channel, "blocks": json.dumps([section("seen")]), "token": raw.slack.bot_token}
    async with raw.web.post(f"{raw.slack.url}chat.postMessage", data=form) as answer:
        assert (await answer.json())["ok"]
    assert raw.slack.messages[0].reading == "seen"


async def test_only_a_thread_that_exists_can_be_answered(raw: Raw) -> None:
    assert (await raw.post(text="x", thread_ts="1.000001"))["error"] == "thread_not_found"
    card = await raw.post(text="card")
    await raw.post(text="line", thread_ts=card["ts"], reply_broadcast=True)
    assert [(each.thread_ts, each.broadcast) for each in raw.slack.messages] == [(None, False), (card["ts"], True)]


async def test_a_change_replaces_what_it_names_and_keeps_the_rest(raw: Raw) -> None:
    posted = await raw.post(text="before", blocks=[section("before")])
    assert (await raw.call("chat.update", channel=raw.slack.channel, ts=posted["ts"], text="after"))["ok"]
    assert raw.slack.messages[0].payload == {"text": "after", "blocks": [section("before")]}
    await raw.call("chat.update", channel=raw.slack.channel, ts=posted["ts"], blocks=[])
    assert raw.slack.messages[0].reading == "after"
    assert len(raw.slack.messages[0].versions) == 2


async def test_what_is_not_there_or_not_ours_cannot_be_changed(raw: Raw) -> None:
    change = {"channel": raw.slack.channel, "text": "x"}
    assert (await raw.call("chat.update", ts="1.000001", **change))["error"] == "message_not_found"
    theirs = raw.slack.say("U0ANA", "hello")
    assert (await raw.call("chat.update", ts=theirs.ts, **change))["error"] == "cant_update_message"


async def test_only_one_person_sees_a_whisper(raw: Raw) -> None:
    assert (await raw.call("chat.postEphemeral", channel=raw.slack.channel, user="U0ANA", text="psst"))["ok"]
    assert (await raw.call("chat.postEphemeral", channel=raw.slack.channel, text="x"))["error"] == "user_not_in_channel"
    assert [each.only for each in raw.slack.whispers] == ["U0ANA"]
    assert raw.slack.messages == []


async def test_history_is_newest_first_and_tells_metadata_when_asked(raw: Raw) -> None:
    metadata = {"event_type": "nightdesk", "event_payload": {"key": "1"}}
    first = await raw.post(text="one", metadata=metadata)
    await raw.post(text="two")
    await raw.post(text="in the thread", thread_ts=first["ts"])
    found = await raw.call("conversations.history", channel=raw.slack.channel, include_all_metadata=True)
    assert [each["text"] for each in found["messages"]] == ["two", "one"]
    assert found["messages"][1]["metadata"] == metadata
    shorter = await raw.call("conversations.history", channel=raw.slack.channel, limit=1, oldest=first["ts"])
    assert [("metadata" in each, each["text"]) for each in shorter["messages"]] == [(False, "two")]


async def test_history_is_told_page_by_page_and_needs_the_scope_of_its_channel(raw: Raw) -> None:
    for number in range(5):
        await raw.post(text=f"{number}")
    told, cursor = list[str](), ""
    while True:
        found = await raw.call("conversations.history", channel=raw.slack.channel, limit=2, cursor=cursor)
        told += [each["text"] for each in found["messages"]]
        cursor = found.get("response_metadata", {}).get("next_cursor", "")
        assert bool(cursor) is found["has_more"]
        if not cursor:
            break
    assert told == ["4", "3", "2", "1", "0"]
    odd = {"channel": raw.slack.channel}
    assert (await raw.call("conversations.history", cursor="x", **odd))["error"] == "invalid_cursor"
    assert (await raw.call("conversations.history", limit=1_000, **odd))["error"] == "invalid_limit"
    raw.slack.open("C0SECRET", private=True)
    raw.slack.open("D0ANA")
    raw.slack.scopes -= {"channels:history", "groups:history", "im:history"}
    for channel, scope in ((raw.slack.channel, "channels"), ("C0SECRET", "groups"), ("D0ANA", "im")):
        answer = await raw.call("conversations.history", channel=channel)
        assert (answer["error"], answer["needed"]) == ("missing_scope", f"{scope}:history")


async def test_a_change_keeps_the_metadata_unless_it_takes_it_away(raw: Raw) -> None:
    metadata = {"event_type": "nightdesk", "event_payload": {"key": "1"}}
    posted = await raw.post(text="one", metadata=metadata)
    where = {"channel": raw.slack.channel, "ts": posted["ts"]}
    await raw.call("chat.update", text="two", **where)
    assert raw.slack.at(posted["ts"]).key == "1"
    await raw.call("chat.update", text="three", metadata={}, **where)
    assert raw.slack.at(posted["ts"]).key is None


async def test_a_file_goes_up_in_three_steps(raw: Raw) -> None:
    assert (await raw.call("files.getUploadURLExternal", filename="x"))["error"] == "invalid_arguments"
    found = await raw.call("files.getUploadURLExternal", filename="x.png", length=3)
    done: dict[str, Any] = {"channel_id": raw.slack.channel, "files": [{"id": found["file_id"], "title": "equity"}]}
    assert (await raw.call("files.completeUploadExternal", **done))["error"] == "file_not_found"
    async with raw.web.post(found["upload_url"], data=b"png") as answer:
        assert answer.status == 200
    assert (await raw.call("files.completeUploadExternal", **done))["ok"]
    assert raw.slack.messages[0].reading == "equity"


async def test_a_method_nobody_knows_is_refused(raw: Raw) -> None:
    assert (await raw.call("chat.shout"))["error"] == "unknown_method"


async def test_a_429_says_how_long_to_wait_and_who_comes_earlier_is_counted(raw: Raw) -> None:
    raw.slack.faults.limit(0.3)
    headers = {"Authorization": f"Bearer {raw.slack.bot_token}"}
    for _ in range(2):
        async with raw.web.post(f"{raw.slack.url}auth.test", headers=headers) as answer:
            assert answer.status == 429
            assert 0 < float(answer.headers["Retry-After"]) <= 0.3
    assert raw.slack.faults.early == 1
    await asyncio.sleep(0.35)
    assert (await raw.call("auth.test"))["ok"]


async def test_a_channel_takes_no_more_than_its_rate(web: aiohttp.ClientSession) -> None:
    async with fake_slack(rate=(2, 1.0)) as slack:
        raw = Raw(slack, web)
        assert [(await raw.post(text="x"))["ok"] for _ in range(3)] == [True, True, False]


async def test_a_429_is_about_one_method_and_one_channel(raw: Raw) -> None:
    raw.slack.open("C0OPS")
    raw.slack.faults.limit(30, method="chat.postMessage")
    assert [(await raw.post(text="x"))["ok"] for _ in range(2)] == [False, False]
    posted = await raw.call("chat.postMessage", channel="C0OPS", text="x")
    assert (await raw.call("chat.update", channel="C0OPS", ts=posted["ts"], text="y"))["ok"]
    assert raw.slack.faults.early == 1


async def test_changes_have_a_rate_of_their_own_in_all_channels(web: aiohttp.ClientSession) -> None:
    async with fake_slack(changes=(2, 1.0)) as slack:
        raw = Raw(slack, web)
        posted = await raw.post(text="x")
        where = {"channel": slack.channel, "ts": posted["ts"]}
        assert [(await raw.call("chat.update", text="x", **where))["ok"] for _ in range(3)] == [True, True, False]
        assert (await raw.post(text="x"))["ok"]


async def test_it_fails_hangs_and_breaks_off_as_told(raw: Raw) -> None:
    raw.slack.faults.fail("internal_error", times=2, method="chat.postMessage")
    assert [(await raw.post(text="x")).get("error") for _ in range(3)] == ["internal_error", "internal_error", None]
    raw.slack.faults.status(503)
    async with raw.web.get(f"{raw.slack.url}auth.test") as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")
    raw.slack.faults.hang(times=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(raw.post(text="hangs"), 0.1)
    for when in ("before", "after"):
        raw.slack.faults.reset(when)
        with pytest.raises(aiohttp.ClientError):
            await raw.post(text=f"reset {when}")
    assert [each.reading for each in raw.slack.messages] == ["x", "reset after"]
    assert [each.outcome for each in raw.slack.calls][-3:] == ["hang", "reset before", "ok, reset after"]


async def test_it_goes_away_and_comes_back_at_the_same_address(raw: Raw) -> None:
    before = raw.slack.url
    await raw.slack.away()
    with pytest.raises(aiohttp.ClientConnectorError):
        await raw.call("auth.test")
    await raw.slack.back()
    assert raw.slack.url == before
    assert (await raw.call("auth.test"))["ok"]


async def test_a_webhook_takes_messages_and_refuses_in_words(raw: Raw) -> None:
    async def hook(url: str, body: str) -> tuple[int, str]:
        async with raw.web.post(url, data=body) as answer:
            return answer.status, await answer.text()

    assert await hook(raw.slack.webhook, '{"text": "x"}') == (200, "ok")
    assert await hook(raw.slack.webhook, "text=x") == (400, "invalid_payload")
    assert await hook(raw.slack.webhook, '{"blocks": [{"type": "x"}]}') == (400, "invalid_blocks")
    assert await hook(raw.slack.webhook + "x", '{"text": "x"}') == (404, "no_service")
    raw.slack.channels[raw.slack.channel].archived = True
    assert await hook(raw.slack.webhook, '{"text": "x"}') == (410, "channel_is_archived")
    assert [each.via for each in raw.slack.messages] == ["webhook"]


async def test_a_connection_needs_its_ticket_and_each_ticket_is_good_once(raw: Raw) -> None:
    opened = await raw.call("apps.connections.open", token=raw.slack.app_token)
    ws = await raw.web.ws_connect(opened["url"])
    assert (await texts(ws))["type"] == "hello"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await raw.web.ws_connect(opened["url"])
    await ws.close()


async def test_a_slash_command_comes_in_an_envelope_and_its_acknowledgement_is_timed(raw: Raw) -> None:
    ws = await raw.connect()
    delivery = await raw.slack.slash("U0ANA", "/desk", "status <now>")
    assert (await texts(ws))["type"] == "hello"
    envelope = await texts(ws)
    assert (envelope["type"], envelope["payload"]["text"]) == ("slash_commands", "status &lt;now&gt;")
    await ws.send_json({"envelope_id": envelope["envelope_id"]})
    assert await delivery.acknowledged() >= 0
    await ws.close()


async def test_a_response_url_is_good_for_five_uses_and_half_an_hour(raw: Raw) -> None:
    ws = await raw.connect()
    delivery = await raw.slack.slash("U0ANA", "/desk", "status")
    url = delivery.payload["response_url"]
    answers = []
    for kind in ("in_channel", "ephemeral", "ephemeral", "ephemeral", "ephemeral", "ephemeral"):
        async with raw.web.post(url, json={"text": "x", "response_type": kind}) as answer:
            answers.append(await answer.text())
    assert answers == ["ok"] * 5 + ['{"ok": false, "error": "used_url"}']
    assert (len(raw.slack.messages), [each.only for each in raw.slack.whispers]) == (1, ["U0ANA"] * 4)
    late = (await raw.slack.slash("U0ANA", "/desk", "x")).payload["response_url"]
    raw.slack.hooks[late.rpartition("/")[2]].made -= 1_801
    async with raw.web.post(late, json={"text": "x"}) as answer:
        assert (await answer.json())["error"] == "expired_url"
    await ws.close()


async def test_an_event_that_is_not_acknowledged_comes_again_in_a_new_envelope(raw: Raw) -> None:
    ws = await raw.connect()
    delivery = await raw.slack.mention("U0ANA", "status")
    assert (await texts(ws))["type"] == "hello"
    first, second = await texts(ws), await texts(ws)
    assert first["envelope_id"] != second["envelope_id"]
    assert first["payload"]["event_id"] == second["payload"]["event_id"]
    assert (first["retry_attempt"], second["retry_attempt"]) == (0, 1)
    await ws.send_json({"envelope_id": second["envelope_id"]})
    await delivery.acknowledged()
    assert len(delivery.envelopes) == 2
    await ws.close()


async def test_a_press_tells_the_button_its_message_and_its_thread(raw: Raw) -> None:
    ws = await raw.connect()
    card = await raw.post(text="card", blocks=[actions(button(value="ack 1"))])
    await raw.slack.press(card["ts"], "ack 1", "U0ANA")
    assert (await texts(ws))["type"] == "hello"
    payload = (await texts(ws))["payload"]
    assert payload["container"]["message_ts"] == card["ts"]
    assert (payload["actions"][0]["value"], payload["user"]["id"]) == ("ack 1", "U0ANA")
    await ws.close()


async def test_pings_are_answered_except_by_a_zombie(raw: Raw) -> None:
    ws = await raw.connect()
    assert (await texts(ws))["type"] == "hello"
    frame = await asyncio.wait_for(ws.receive(), 5)
    assert frame.type is aiohttp.WSMsgType.PING
    await ws.pong(frame.data)
    await raw.slack.until(lambda: raw.slack.deliveries.pongs == 1)
    await ws.ping(b"1")
    assert (await asyncio.wait_for(ws.receive(), 5)).type is aiohttp.WSMsgType.PONG
    raw.slack.deliveries.zombie = True
    await ws.ping(b"2")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ws.receive(), 0.2)
    await ws.close()


async def test_a_connection_is_told_to_make_place_and_then_closed(raw: Raw) -> None:
    ws = await raw.connect()
    assert (await texts(ws))["type"] == "hello"
    await raw.slack.until(lambda: len(raw.slack.deliveries.sockets) == 1)
    await raw.slack.deliveries.disconnect("warning", close_after=0.05)
    told = await texts(ws)
    assert (told["type"], told["reason"]) == ("disconnect", "warning")
    assert (await asyncio.wait_for(ws.receive(), 5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_dropped_connection_is_gone_without_a_word(raw: Raw) -> None:
    ws = await raw.connect()
    assert (await texts(ws))["type"] == "hello"
    await raw.slack.until(lambda: len(raw.slack.deliveries.sockets) == 1)
    await raw.slack.drop_socket()
    while (frame := await asyncio.wait_for(ws.receive(), 5)).type is aiohttp.WSMsgType.PING:
        pass
    assert frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_signed_requests_carry_slacks_headers(slack: FakeSlack) -> None:
    headers = slack.deliveries.signed(b"body")
    assert abs(int(headers["X-Slack-Request-Timestamp"]) - time.time()) < 5
    assert headers["X-Slack-Signature"].startswith("v0=")
    assert slack.deliveries.signed(b"body", secret="other")["X-Slack-Signature"] != headers["X-Slack-Signature"]
