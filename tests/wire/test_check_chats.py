"""`nightdesk check` asks both chats, and names each trap with what to do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.chat import Found
from bot.platforms.slack import examine as slack_module
from bot.platforms.telegram import examine as telegram_module
from bot.settings import Settings
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.wire.chats import ANA
from tests.wire.checking import both, swap, told


async def look(chosen: Settings, *, running: bool = True) -> list[Found]:
    """What Telegram's own module finds; with `running` it looks for no other reader."""
    return await telegram_module.examine(chosen, running=running, patience=2.0, listen=0.2)


# -- Telegram ---------------------------------------------------------------------------------------------------------


async def test_a_telegram_that_is_fine_says_whose_token_it_is_and_where_pages_go(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    found = await look(both(tmp_path, tg, slack), running=False)
    assert told(found, True) == ["the token is that of @desk_bot", "pages go to On call"]
    assert told(found, None) == [
        "reactions reach it only as administrator; buttons and replies work",
        "privacy mode: in groups it hears only commands, replies and mentions, which is enough",
    ]
    assert not told(found, False)
    assert not tg.messages


async def test_an_administrator_hears_everything_and_is_told_nothing_more(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    tg.admin = True
    assert not told(await look(both(tmp_path, tg, slack), running=False), None)


@pytest.mark.parametrize("token", [None, "no-token-at-all", "4242424242:AAnotherTokenThatNobodyGaveOut_0123456789"])
async def test_a_token_that_is_refused_names_botfather(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack, token: str | None
) -> None:
    if token is None:
        tg.revoke()
    (found,) = await look(both(tmp_path, tg, slack, TELEGRAM_TOKEN=token or tg.token))
    assert found.fine is False
    assert "does not accept the token: ask @BotFather" in found.sentence
    assert (token or tg.token) not in found.sentence


async def test_a_telegram_that_is_not_reached_or_does_not_answer_is_told(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)
    tg.hang(method="getMe")
    (found,) = await telegram_module.examine(chosen, running=True, patience=0.2)
    assert (found.fine, found.sentence.partition(":")[0]) == (False, "Telegram did not answer in time")
    tg.release()
    tg.hang(method="getChat")
    several = await telegram_module.examine(chosen, running=True, patience=0.2)
    assert told(several, True) == ["the token is that of @desk_bot"]
    assert told(several, False) == [found.sentence]
    tg.release()
    await tg.away()
    (found,) = await look(chosen)
    assert found.fine is False
    assert "cannot be reached" in found.sentence
    assert "HTTPS_PROXY" in found.sentence


@pytest.mark.parametrize(
    ("status", "extra", "says"),
    [
        ("left", {}, "@desk_bot is not in On call: add it to the group"),
        ("kicked", {"until_date": 0}, "@desk_bot is not in On call: add it to the group"),
        ("restricted", {"is_member": False, "can_send_messages": True}, "is not in On call"),
        ("restricted", {"is_member": True, "can_send_messages": False}, "@desk_bot may not write in On call: Edit"),
    ],
)
async def test_a_bot_that_is_not_in_the_group_or_may_not_write_there_is_told(
    tmp_path: Path,
    tg: FakeTelegram,
    slack: FakeSlack,
    status: str,
    extra: dict[str, object],
    says: str,
) -> None:
    async def member(_params: object, _files: object) -> dict[str, object]:
        rights = dict.fromkeys(_RIGHTS, True) | {"until_date": 0} if status == "restricted" else {}
        return {"user": tg.bot, "status": status, **rights, **extra}

    tg.methods["getchatmember"] = member
    (sentence,) = told(await look(both(tmp_path, tg, slack)), False)
    assert says in sentence


async def test_a_group_where_only_administrators_write_is_told(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    known = tg.methods["getchat"]

    async def closed(params: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> dict[str, object]:
        permissions = dict.fromkeys(_RIGHTS, True) | {"can_send_messages": False}
        return {**await known(params, files), "permissions": permissions}

    tg.methods["getchat"] = closed
    assert "may not write in On call" in told(await look(both(tmp_path, tg, slack)), False)[0]
    tg.admin = True
    assert not told(await look(both(tmp_path, tg, slack)), False)


async def test_each_trap_of_the_chat_is_told_with_what_to_do(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    elsewhere = both(tmp_path, tg, slack, swap(f"chat = {tg.chat}", "chat = -1009999999999"))
    (sentence,) = told(await look(elsewhere), False)
    assert "Chat not found" in sentence
    assert "add @desk_bot to the group: /ids@desk_bot" in sentence
    stranger = both(tmp_path, tg, slack, swap(f"chat = {tg.chat}", f"chat = {ANA[0]}"))
    (sentence,) = told(await look(stranger), False)
    assert sentence.endswith("they must open @desk_bot and press Start")
    tg.start_private(ANA[0])
    assert told(await look(stranger), True)[-1] == "pages go to Person 1001 in private"
    topical = both(tmp_path, tg, slack, swap(f"chat = {tg.chat}", f"chat = {tg.chat}\ntopic = 12"))
    (sentence,) = told(await look(topical), False)
    assert sentence.startswith("topic = 12 is set, but On call has no topics: switch them on")
    tg.topics = {12}
    assert not told(await look(topical), False)
    before = both(tmp_path, tg, slack)
    tg.migrate(-1005555555555)
    (sentence,) = told(await look(before), False)
    assert sentence.endswith("write chat = -1005555555555 under [telegram]")
    after = both(tmp_path, tg, slack)
    tg.kick()
    (sentence,) = told(await look(after), False)
    assert "kicked" in sentence
    assert "add @desk_bot to the group" in sentence


async def test_a_webhook_is_noted_and_left_alone(tmp_path: Path, tg: FakeTelegram, slack: FakeSlack) -> None:
    tg.webhook = "https://elsewhere.example/hook"
    found = await look(both(tmp_path, tg, slack), running=False)
    assert "the desk removes it when it starts" in told(found, None)[0]
    assert any(each.deaf for each in found)
    assert tg.webhook
    assert not tg.count("getUpdates")


async def test_somebody_whose_orders_in_the_group_would_count_for_nobody_is_named(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    known = tg.methods["getchatmember"]
    rights = dict.fromkeys(_CHIEF, True) | {"is_anonymous": True}
    told_of: dict[str, dict[str, object]] = {
        "1001": {"status": "administrator", **rights},
        "1002": {"status": "left"},
    }

    async def member(params: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> dict[str, object]:
        user = params["user_id"]
        return {"user": tg.user_json(int(user)), **told_of[user]} if user in told_of else await known(params, files)

    tg.methods["getchatmember"] = member
    chosen = both(tmp_path, tg, slack)
    anonymous, left = [each for each in told(await look(chosen), None) if each.startswith(("ana ", "ben "))]
    assert anonymous.startswith("ana (1001) is an anonymous administrator, so what they write there counts for nobody")
    assert left == "ben (1002) is not in the group: its pages and buttons do not reach them"


async def test_that_only_a_page_shows_whether_a_topic_is_there_is_said(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    tg.topics = {1}
    chosen = both(tmp_path, tg, slack, swap(f"chat = {tg.chat}", f"chat = {tg.chat}\ntopic = 12"))
    assert "whether topic 12 of On call is there and open shows only a page: nightdesk check --send" in told(
        await look(chosen), None
    )


@contextlib.asynccontextmanager
async def another_reader(tg: FakeTelegram) -> AsyncIterator[list[int]]:
    """A program that polls with the same token, and confirms what it gets; the ids of what that is."""
    got: list[int] = []

    async def read() -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            while True:
                offset = f"&offset={got[-1] + 1}" if got else ""
                answer = (await client.get(f"{tg.url}{tg.token}/getUpdates?timeout=20{offset}")).json()
                got.extend(each["update_id"] for each in answer.get("result", ()))
                if not answer["ok"]:
                    await asyncio.sleep(0.05)

    reader = asyncio.create_task(read())
    try:
        await tg.until(lambda: tg.polling)
        yield got
    finally:
        reader.cancel()
        await asyncio.wait({reader})


async def test_another_reader_of_the_same_token_is_named_and_loses_nothing(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    async with another_reader(tg) as got:
        typed = tg.type(ANA[0], "/status")
        found = await telegram_module.examine(both(tmp_path, tg, slack), running=False, listen=5.0)
        await tg.until(lambda: got)
    (rival,) = [each for each in found if each.fine is False]
    assert rival.sentence.startswith("another program polls with this token: is the desk already running")
    assert "freqtrade" in rival.sentence
    assert rival.deaf
    assert got[0] == typed


async def test_what_waits_for_the_desk_still_waits_after_a_check(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    typed = [tg.type(ANA[0], "/pause alpha"), tg.type(ANA[0], "/status")]
    assert not told(await look(both(tmp_path, tg, slack), running=False), False)
    assert [each["update_id"] for each in tg.updates] == typed


async def test_people_whom_a_chat_would_not_know_are_named(tmp_path: Path, tg: FakeTelegram, slack: FakeSlack) -> None:
    def change(text: str) -> str:
        return swap("telegram = 1002\n", "")(swap('slack = "U0VIC"\n', "")(text))

    chosen = both(tmp_path, tg, slack, change)
    assert told(await look(chosen), None)[-1].startswith("no telegram id, and so no orders there: ben; whoever")
    (note,) = told(await slack_module.examine(chosen, running=False), None)
    assert note == "no slack id, and so no orders there: vic; in Slack: View full profile, ⋮, Copy member ID"


# -- Slack ------------------------------------------------------------------------------------------------------------


async def test_a_slack_that_is_fine_says_whose_token_it_is_and_where_pages_go(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    found = await slack_module.examine(both(tmp_path, tg, slack), running=False)
    assert [(each.fine, each.sentence) for each in found] == [
        (True, "the token is that of @nightdesk in Desk"),
        (True, "pages go to #on-call"),
        (True, "the app may connect by Socket Mode"),
    ]
    assert not slack.messages


def _lose(*scopes: str) -> Callable[[FakeSlack], None]:
    return lambda slack: slack.scopes.difference_update(scopes)


def _room(*, archived: bool = False, member: bool = True) -> Callable[[FakeSlack], None]:
    return lambda slack: slack.channels.update(
        {slack.channel: replace(slack.channels[slack.channel], archived=archived, member=member)}
    )


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        (lambda slack: slack.revoke(), "refuses the token in SLACK_BOT_TOKEN (token_revoked)"),
        (lambda slack: slack.revoke(slack.app_token), "refuses the token in SLACK_APP_TOKEN (token_revoked)"),
        (
            lambda slack: slack.faults.fail("missing_scope", method="apps.connections.open"),
            "SLACK_APP_TOKEN lacks the scope connections:write: at api.slack.com/apps, Basic Information",
        ),
        (lambda slack: setattr(slack, "bot", ""), "SLACK_BOT_TOKEN is a person's token"),
        (_lose("files:write", "groups:read"), "the app lacks the scopes files:write, groups:read: paste the newly"),
        (_lose("channels:read"), "the app lacks the scope channels:read: paste the newly exported manifest"),
        (lambda slack: slack.channels.clear(), "finds no channel C0DESK0001 that the app is in"),
        (_room(archived=True), "the channel #on-call is archived: restore it, or set another"),
        (_room(member=False), "the app is not in #on-call: type /invite @nightdesk there"),
        (lambda slack: slack.faults.reset("before"), "Slack broke the connection off"),
    ],
)
async def test_each_trap_of_slack_is_told_with_what_to_do(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack, breaks: Callable[[FakeSlack], None], says: str
) -> None:
    breaks(slack)
    found = await slack_module.examine(both(tmp_path, tg, slack), running=False)
    (sentence,) = told(found, False)
    assert says in sentence
    assert not any(secret in str(found) for secret in slack.secrets)
    assert not slack.messages


async def test_socket_mode_that_is_switched_off_is_told_and_beside_a_desk_nobody_connects(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    slack.deliveries.greets = False
    chosen = both(tmp_path, tg, slack)
    looking = asyncio.create_task(slack_module.examine(chosen, running=False))
    await slack.until(lambda: bool(slack.deliveries.sockets))
    await slack.deliveries.disconnect("link_disabled")
    (sentence,) = told(await looking, False)
    assert sentence.startswith("Socket Mode is switched off for the app: at api.slack.com/apps, Socket Mode")
    assert not any(secret in sentence for secret in slack.secrets)
    assert not told(await slack_module.examine(chosen, running=True), False)
    assert slack.deliveries.connected == 1


async def test_a_slack_that_hangs_or_is_away_is_told_in_time(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    chosen = both(tmp_path, tg, slack)
    slack.faults.hang()
    (found,) = await slack_module.examine(chosen, running=False, patience=0.2)
    assert (found.fine, found.sentence) == (False, "Slack did not answer in time.")
    slack.faults.clear()
    await slack.away()
    (found,) = await slack_module.examine(chosen, running=False)
    assert (found.fine, found.sentence) == (False, "Slack cannot be reached: look at the desk's network.")


async def test_in_http_mode_the_port_must_be_free_unless_the_desk_has_it(
    tmp_path: Path, tg: FakeTelegram, slack: FakeSlack
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        change = swap("[slack]\n", f'[slack]\nmode = "http"\nlisten = "127.0.0.1:{port}"\n')
        chosen = both(tmp_path, tg, slack, change, SLACK_SIGNING_SECRET="s1gn1ng-s3cr3t")
        (sentence,) = told(await slack_module.examine(chosen, running=False), False)
        assert sentence == (
            f"the desk cannot listen at 127.0.0.1:{port} (Address already in use): mend listen under [slack]"
        )
        assert not told(await slack_module.examine(chosen, running=True), False)
    found = await slack_module.examine(chosen, running=False)
    assert found[-1].sentence.startswith(f"signed requests are taken at 127.0.0.1:{port}")
    assert slack.calls[-1].method != "apps.connections.open"


async def test_a_webhook_is_only_looked_at(tmp_path: Path, tg: FakeTelegram, slack: FakeSlack) -> None:
    change = swap("[slack]\n", '[slack]\nmode = "webhook"\n')
    for address, fine in (("https://hooks.slack.com/services/T0/B0/s3cr3t", True), (slack.webhook, False)):
        (found,) = await slack_module.examine(both(tmp_path, tg, slack, change, SLACK_WEBHOOK=address), running=False)
        assert found.fine is fine
        assert found.deaf == "a webhook hears no press"
        assert "s3cr3t" not in found.sentence
    assert not slack.calls


_RIGHTS = (
    *("can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos"),
    *("can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages"),
    *("can_add_web_page_previews", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics"),
    *("can_edit_tag", "can_react_to_messages"),
)
_CHIEF = (
    *("can_be_edited", "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members"),
    *("can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories"),
    "can_delete_stories",
)
