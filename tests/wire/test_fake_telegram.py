"""The fake Bot API refuses what the real one refuses: each refusal is provoked by raw HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fakes.telegram import CHAT, TOKEN, FakeTelegram, fake_telegram
from tests.fakes.telegram_limits import Limits

ANA, STRANGER = 1001, 6666
TRUSTED = ssl.create_default_context()


@pytest.fixture
async def tg() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram() as fake:
        yield fake


class Api:
    """Raw calls; `code` and `said` are of the last answer."""

    def __init__(self, tg: FakeTelegram, client: httpx.AsyncClient) -> None:
        self._tg = tg
        self._client = client
        self.code = 0
        self.said = ""
        self.parameters: dict[str, int] = {}

    async def __call__(self, method: str, token: str = TOKEN, **params: Any) -> Any:
        form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
        files = {"document": ("a.txt", form.pop("file").encode())} if "file" in form else None
        response = await self._client.post(f"{self._tg.url}{token}/{method}", data=form, files=files)
        body = response.json()
        assert body["ok"] is (response.status_code == 200)
        self.code, self.said = response.status_code, body.get("description", "")
        self.parameters = body.get("parameters", {})
        return body.get("result")

    async def send(self, text: str, chat: int = CHAT, **params: Any) -> Any:
        return await self("sendMessage", chat_id=chat, text=text, **params)


@pytest.fixture
async def api(tg: FakeTelegram) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(verify=TRUSTED, trust_env=False, timeout=10) as client:
        yield Api(tg, client)


def keyboard(line: str, label: str = "a label") -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": label, "callback_data": line}]]}


async def test_a_call_needs_the_right_token_and_a_method_that_exists(tg: FakeTelegram, api: Api) -> None:
    assert (await api("getMe"))["username"] == "desk_bot"
    await api("getMe", token="nonsense")
    assert (api.code, api.said) == (404, "Not Found")
    await api("getMe", token=TOKEN.replace("4242", "4343"))
    assert (api.code, api.said) == (401, "Unauthorized")
    await api("getNothing")
    assert api.code == 404
    tg.revoke()
    await api("getMe")
    assert api.code == 401


@pytest.mark.parametrize(
    "text", ["<b>x", "x</b>", "<b><i>x</b></i>", "<font>x</font>", "a < b", "a & b", "&nbsp;", "<b", "&#xyz;"]
)
async def test_html_that_does_not_parse_is_refused(tg: FakeTelegram, api: Api, text: str) -> None:
    await api.send(text, parse_mode="HTML")
    assert api.code == 400
    assert api.said.startswith("Bad Request: can't parse entities: ")
    assert tg.messages == []
    await api.send(text)
    assert tg.seen.text == text


async def test_html_is_read_as_people_see_it(tg: FakeTelegram, api: Api) -> None:
    await api.send("<b>🚨 alpha</b> &lt;b&gt; &amp;amp; <pre>a  b\nc</pre>", parse_mode="HTML")
    assert tg.seen.text == "🚨 alpha <b> &amp; a  b\nc"
    assert tg.seen.marked("bold") == ["🚨 alpha"]
    assert tg.seen.marked("pre") == ["a  b\nc"]


async def test_the_length_counts_after_parsing_and_in_utf_16(tg: FakeTelegram, api: Api) -> None:
    await api.send(f"<b>{'&amp;' * 4_096}</b>", parse_mode="HTML")
    assert api.code == 200
    await api.send("😀" * 2_049)
    assert (api.code, api.said) == (400, "Bad Request: message is too long")
    for empty in ("", " \n ", "<b></b>"):
        await api.send(empty, parse_mode="HTML")
        assert (api.code, api.said) == (400, "Bad Request: message text is empty")
    assert len(tg.messages) == 1


@pytest.mark.parametrize(
    ("written", "called", "links"),
    [
        ('<a href="tg://user?id=1001">ana &lt;</a> <b>x</b>', [ANA], 0),
        ("<a href='tg://user?id=1001'>ana</a>", [ANA], 0),
        ('<a href="tg://user?id=ana">ana</a>', [], 1),
        ('<a href="tg://user?id=01">ana</a>', [], 1),
        ('<a href="tg://user?id=1001"></a>ana', [], 0),
        ('<a href="https://example.org">ana</a>', [], 1),
        ("<a>ana</a>", [], 0),
        ("tg://user?id=1001 @person1001", [], 0),
    ],
)
async def test_a_person_is_called_by_a_link_with_an_id(
    tg: FakeTelegram, api: Api, written: str, called: list[int], links: int
) -> None:
    sent = await api.send(f"{written} !", parse_mode="HTML")
    assert (tg.seen.called, len(tg.seen.marked("text_link"))) == (called, links)
    assert [each["user"]["id"] for each in sent["entities"] if each["type"] == "text_mention"] == called


async def test_reactions_are_told_to_an_administrator_who_asked_for_them(tg: FakeTelegram, api: Api) -> None:
    sent = await api.send("x")
    tg.admin = True
    tg.react(sent["message_id"], "👍", ANA)
    await api("getUpdates", allowed_updates=["message_reaction"])
    tg.react(sent["message_id"], "👍", ANA)
    tg.react(sent["message_id"], "", ANA, before="👍")
    tg.react(sent["message_id"], "👍", ANA, anonymous=True)
    tg.admin = False
    tg.react(sent["message_id"], "👍", ANA)
    told = [each["message_reaction"] for each in await api("getUpdates")]
    assert [(len(each["old_reaction"]), len(each["new_reaction"])) for each in told] == [(0, 1), (1, 0), (0, 1)]
    assert [("user" in each, "actor_chat" in each) for each in told] == [(True, False), (True, False), (False, True)]


async def test_more_than_a_chat_takes_is_refused_edits_included(tg: FakeTelegram, api: Api) -> None:
    tg.limits = Limits(burst=2, every=0.5, group=5)
    first = await api.send("x")
    await api("editMessageText", chat_id=CHAT, message_id=first["message_id"], text="y")
    await api.send("x")
    assert (api.code, api.parameters, tg.limits.refused) == (429, {"retry_after": 1}, 1)
    await api.send("x")
    assert (api.code, tg.early) == (429, 1)


async def test_more_than_twenty_a_minute_in_a_group_or_thirty_a_second_are_refused() -> None:
    limits = Limits(burst=100)
    assert [limits.wait(-1, 1.0) for _ in range(21)] == [0.0] * 20 + [60.0]
    assert limits.wait(-1, 61.1) == 0.0
    limits = Limits(burst=100)
    assert sum(limits.wait(chat, 1.0) == 0.0 for chat in range(1, 40)) == 30
    assert limits.wait(50, 2.1) == 0.0


async def test_entities_beyond_a_hundred_are_ignored(tg: FakeTelegram, api: Api) -> None:
    await api.send("<b>x</b> " * 120, parse_mode="HTML")
    assert len(tg.seen.entities) == 100


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        (keyboard("x" * 65), "BUTTON_DATA_INVALID"),
        (keyboard("ä" * 33), "BUTTON_DATA_INVALID"),
        (keyboard(""), "BUTTON_DATA_INVALID"),
        (keyboard("ack", ""), "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"inline_keyboard": [{"text": "x"}]}, "can't parse reply keyboard markup JSON object"),
        ("{", "can't parse reply keyboard markup JSON object"),
        ({"inline_keyboard": [[keyboard("a")["inline_keyboard"][0][0]] * 101]}, "reply markup is too long"),
    ],
)
async def test_buttons_must_be_as_the_real_one_wants_them(api: Api, markup: Any, said: str) -> None:
    await api.send("x", reply_markup=markup)
    assert (api.code, api.said) == (400, f"Bad Request: {said}")


async def test_a_button_of_64_bytes_is_taken(tg: FakeTelegram, api: Api) -> None:
    await api.send("x", reply_markup=keyboard("ä" * 32))
    assert tg.seen.lines == ["ä" * 32]


async def test_a_chat_must_be_one_that_the_bot_may_write_to(tg: FakeTelegram, api: Api) -> None:
    await api.send("x", -100555)
    assert (api.code, api.said) == (400, "Bad Request: chat not found")
    tg.type(ANA, "/status")
    await api.send("x", ANA)
    assert (api.code, api.said) == (403, "Forbidden: bot can't initiate conversation with a user")
    tg.type(ANA, "/start", chat=ANA)
    await api.send("x", ANA)
    assert api.code == 200
    tg.block(ANA)
    await api.send("x", ANA)
    assert (api.code, api.said) == (403, "Forbidden: bot was blocked by the user")
    tg.kick()
    await api.send("x")
    assert (api.code, api.said) == (403, "Forbidden: bot was kicked from the supergroup chat")
    assert len(tg.messages) == 1


async def test_a_topic_must_be_there(tg: FakeTelegram, api: Api) -> None:
    for topic in (1, 12):
        await api.send("x", message_thread_id=topic)
        assert (api.code, api.said) == (400, "Bad Request: message thread not found")
    tg.topics.add(12)
    await api.send("x", message_thread_id=12)
    assert tg.seen.thread == 12


async def test_an_answer_needs_its_question_unless_it_says_otherwise(tg: FakeTelegram, api: Api) -> None:
    await api.send("x", reply_parameters={"message_id": 999})
    assert (api.code, api.said) == (400, "Bad Request: message to be replied not found")
    await api.send("x", reply_parameters={"message_id": 999, "allow_sending_without_reply": True})
    assert tg.seen.reply_to == 999


async def test_an_edit_must_change_something_that_is_there(tg: FakeTelegram, api: Api) -> None:
    first = await api.send("firing", reply_markup=keyboard("ack 1"))
    edit = {"chat_id": CHAT, "message_id": first["message_id"]}
    await api("editMessageText", text="firing", reply_markup=keyboard("ack 1"), **edit)
    assert api.code == 400
    assert api.said.startswith("Bad Request: message is not modified")
    await api("editMessageText", text="firing", **edit)
    assert (api.code, tg.seen.lines) == (200, [])
    await api("editMessageText", text="resolved", **edit)
    assert (tg.seen.text, tg.seen.history) == ("resolved", ["firing", "firing"])
    tg.delete(tg.seen)
    await api("editMessageText", text="x", **edit)
    assert (api.code, api.said) == (400, "Bad Request: message to edit not found")


async def test_a_group_that_moved_tells_its_new_id(tg: FakeTelegram, api: Api) -> None:
    tg.migrate(-100777)
    await api.send("x")
    assert (api.code, api.parameters) == (400, {"migrate_to_chat_id": -100777})
    await api.send("x", -100777)
    assert tg.seen.chat == -100777


async def test_a_press_is_answered_once_and_in_time(tg: FakeTelegram, api: Api) -> None:
    sent = await api.send("x", reply_markup=keyboard("ack 1"))
    fresh, old = (tg.press(sent["message_id"], "ack 1", ANA, old=old) for old in (False, True))
    await api("answerCallbackQuery", callback_query_id=fresh, text="x" * 201)
    assert (api.code, api.said) == (400, "Bad Request: MESSAGE_TOO_LONG")
    await api("answerCallbackQuery", callback_query_id=fresh, text="x" * 200, show_alert=True)
    assert [(each.query, each.alert) for each in tg.answers] == [(fresh, True)]
    for query in (fresh, old, "nonsense"):
        await api("answerCallbackQuery", callback_query_id=query)
        assert api.code == 400
        assert api.said.startswith("Bad Request: query is too old")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"command": "Status", "description": "x"}, "BOT_COMMAND_INVALID"),
        ({"command": "x" * 33, "description": "x"}, "BOT_COMMAND_INVALID"),
        ({"command": "status", "description": ""}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"command": "status", "description": "x" * 257}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ("status", "can't parse commands JSON object"),
    ],
)
async def test_a_menu_must_be_as_the_real_one_wants_it(api: Api, command: Any, said: str) -> None:
    await api("setMyCommands", commands=[command])
    assert (api.code, api.said) == (400, f"Bad Request: {said}")


async def test_a_menu_holds_a_hundred_commands(tg: FakeTelegram, api: Api) -> None:
    menu = [{"command": f"c{number}", "description": "x"} for number in range(101)]
    await api("setMyCommands", commands=menu)
    assert (api.code, api.said) == (400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
    await api("setMyCommands", commands=menu[:100])
    assert len(tg.commands) == 100


async def test_a_file_is_kept_and_its_caption_is_bounded(tg: FakeTelegram, api: Api) -> None:
    await api("sendDocument", chat_id=CHAT, caption="x" * 1_025, file="all of it")
    assert (api.code, api.said) == (400, "Bad Request: message caption is too long")
    await api("sendDocument", chat_id=CHAT, file="all of it")
    assert tg.seen.file is not None
    assert tg.seen.file.data == b"all of it"
    await api("sendDocument", chat_id=CHAT)
    assert api.code == 400


async def test_updates_wait_until_they_are_confirmed(tg: FakeTelegram, api: Api) -> None:
    first, second = tg.type(ANA, "one"), tg.type(ANA, "two")
    for _ in range(2):
        assert [each["update_id"] for each in await api("getUpdates")] == [first, second]
    assert [each["update_id"] for each in await api("getUpdates", offset=first + 1)] == [second]
    assert await api("getUpdates", offset=second + 1) == []


async def test_a_long_poll_ends_when_something_comes(tg: FakeTelegram, api: Api) -> None:
    poll = asyncio.create_task(api("getUpdates", timeout=10))
    await tg.until(lambda: tg.count("getUpdates"))
    tg.type(ANA, "hello")
    assert [each["message"]["text"] for each in await poll] == ["hello"]


async def test_kinds_that_were_not_asked_for_do_not_come(tg: FakeTelegram, api: Api) -> None:
    tg.type(ANA, "before", edited=True)
    await api("getUpdates", allowed_updates=["message"])
    tg.type(ANA, "after", edited=True)
    assert [each["edited_message"]["text"] for each in await api("getUpdates")] == ["before"]


async def test_a_second_reader_ends_the_first(tg: FakeTelegram, api: Api) -> None:
    first = asyncio.create_task(api("getUpdates", timeout=10))
    await tg.until(lambda: tg.count("getUpdates") == 1)
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{tg.url}{TOKEN}/getUpdates")).json()["ok"]
    await first
    assert (api.code, api.said.partition(":")[0]) == (409, "Conflict")


async def test_nothing_is_read_while_a_webhook_is_set(tg: FakeTelegram, api: Api) -> None:
    tg.webhook = "https://elsewhere.example/hook"
    await api("getUpdates")
    assert (api.code, "webhook" in api.said) == (409, True)
    await api("deleteWebhook")
    assert await api("getUpdates") == []


@pytest.mark.slow
async def test_calls_before_the_time_that_was_asked_for_are_counted(tg: FakeTelegram, api: Api) -> None:
    tg.fail(429, "Too Many Requests: retry after 1", method="sendMessage", retry_after=1)
    for early in (0, 1):
        await api.send("x")
        assert (api.code, api.parameters, tg.early) == (429, {"retry_after": 1}, early)
    await api.send("x", -100555)
    assert api.said == "Bad Request: chat not found"
    await asyncio.sleep(1.01)
    await api.send("x")
    assert (api.code, tg.early) == (200, 1)


async def test_a_reset_comes_before_or_after_the_message_was_taken(tg: FakeTelegram, api: Api) -> None:
    tg.reset(method="sendMessage")
    with pytest.raises(httpx.TransportError):
        await api.send("lost")
    tg.reset(method="sendMessage", after=True)
    with pytest.raises(httpx.TransportError):
        await api.send("taken")
    assert [each.text for each in tg.messages] == ["taken"]


async def test_it_goes_away_and_comes_back_at_the_same_address(tg: FakeTelegram, api: Api) -> None:
    await api("getMe")
    await tg.away()
    with pytest.raises(httpx.TransportError):
        await api("getMe")
    await tg.back()
    assert await api("getMe")


async def test_it_hangs_until_it_is_released(tg: FakeTelegram, api: Api) -> None:
    tg.hang(method="getMe")
    call = asyncio.create_task(api("getMe"))
    await tg.until(lambda: tg.count("getMe"))
    assert not (await asyncio.wait({call}, timeout=0.05))[0]
    tg.release()
    assert await call


async def test_a_person_and_a_chat_can_be_looked_up(tg: FakeTelegram, api: Api) -> None:
    assert (await api("getChat", chat_id=CHAT))["title"] == "On call"
    assert (await api("getChatMember", chat_id=CHAT, user_id=tg.bot["id"]))["status"] == "member"
    tg.admin = True
    assert (await api("getChatMember", chat_id=CHAT, user_id=tg.bot["id"]))["status"] == "administrator"
    await api("getChatMember", chat_id=CHAT, user_id=STRANGER)
    assert api.code == 400
