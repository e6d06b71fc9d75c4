"""Slack elsewhere than in its own channel, people who are called, and messages that are found again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from bot.chat import Mention, Message, MessageRef, Tone, TransportError
from bot.platforms.slack import build, elsewhere
from bot.platforms.slack.examine import examine
from bot.settings import Settings
from tests.fakes.slack import fake_slack
from tests.wire.slack_desk import CARD, Desk, becomes, slack_desk

OPS, PRIVATE, ALONE = "C0OPS", "C0SECRET", "D0ANA"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with slack_desk(also=frozenset({OPS})) as made:
        made.slack.open(OPS)
        made.slack.open(PRIVATE, private=True)
        made.slack.open(ALONE)
        yield made


# -- another channel -----------------------------------------------------------------------------------------------


async def test_a_page_goes_to_another_channel_and_lives_there(desk: Desk) -> None:
    ref = await desk.platform.send(CARD, to=OPS)
    await desk.platform.edit(ref, Message("resolved"))
    await desk.platform.send(Message("Acknowledged by ana"), ref, to=OPS)
    await desk.platform.send(Message("Acknowledged by ana"), ref)
    found = [(each.channel, each.reading, each.thread_ts) for each in desk.slack.messages]
    home = desk.slack.channel
    assert found == [(OPS, "resolved", None), (OPS, "Acknowledged by ana", ref.id), (home, "Acknowledged by ana", None)]
    assert ref == MessageRef("slack", OPS, ref.id)


async def test_lines_and_presses_count_in_a_channel_that_is_also_listened_to(desk: Desk) -> None:
    ref = await desk.platform.send(CARD, to=OPS)
    await desk.slack.press(ref.id, "Acknowledge", "U0ANA")
    heard = await desk.next()
    assert (heard.about, heard.channel) == (ref, f"slack:{OPS}")
    await desk.slack.slash("U0ANA", "/desk", "status", channel=OPS)
    assert (await desk.next()).chat == OPS
    await desk.slack.mention("U0ANA", "ack", ref.id, channel=OPS)
    assert (await desk.next()).about == ref
    await desk.slack.slash("U0ANA", "/desk", "status", channel=PRIVATE)
    assert PRIVATE in (await desk.slack.wait_for(lambda each: each.only == "U0ANA")).reading


async def test_a_channel_that_refuses_is_named_and_the_page_waits(desk: Desk) -> None:
    for channel, says in ((OPS, f"channel {OPS}: type /invite"), ("C0NOWHERE", "finds no channel C0NOWHERE")):
        if channel in desk.slack.channels:
            desk.slack.channels[channel].member = False
        with pytest.raises(TransportError, match=says) as caught:
            await desk.platform.send(CARD, to=channel)
        assert not caught.value.permanent
    assert desk.platform.trouble is None


async def test_a_card_of_another_channel_waits_to_be_changed_as_at_home(desk: Desk) -> None:
    ref = await desk.platform.send(CARD, to=OPS)
    desk.slack.channels[OPS].member = False
    with pytest.raises(TransportError) as caught:
        await desk.platform.edit(ref, CARD)
    assert not caught.value.permanent


async def test_one_that_asks_to_wait_holds_up_no_other_channel_and_no_other_method(desk: Desk) -> None:
    ref = await desk.platform.send(CARD, to=OPS)
    desk.slack.faults.limit(30.0, method="chat.postMessage")
    with pytest.raises(TransportError) as caught:
        await desk.platform.send(CARD, to=OPS)
    assert (caught.value.retry_after, caught.value.own) == (30.0, False)
    await desk.platform.send(CARD)
    await desk.platform.edit(ref, Message("resolved"))
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            await desk.platform.send(CARD, to=OPS)
        assert caught.value.retry_after is not None
        assert not caught.value.own
    assert desk.slack.faults.early == 0


async def test_a_change_that_slack_wants_later_lets_pages_go_meanwhile(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    desk.slack.faults.limit(30.0, method="chat.update")
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            await desk.platform.edit(ref, Message("resolved"))
        assert caught.value.retry_after == pytest.approx(30.0, abs=1.0)
        assert caught.value.own
    await desk.platform.send(CARD)
    assert desk.slack.faults.early == 0


def test_the_other_channels_are_those_that_the_settings_name() -> None:
    named = SimpleNamespace(channels=("telegram:-100", "slack", "slack:C0999", "slack:D0ANA", "phone"))
    assert elsewhere(cast("Settings", named)) == {"C0999", "D0ANA"}


async def test_a_desk_listens_where_its_settings_let_it_page() -> None:
    async with fake_slack() as slack:
        slack.open(OPS)
        platform = build(cast("Settings", SimpleNamespace(slack=slack.about(), channels=(f"slack:{OPS}",))))
        assert platform is not None
        desk = Desk(slack, platform)  # type: ignore[arg-type] # the port is all that is used of it
        await platform.start(desk.handler)
        await slack.slash("U0ANA", "/desk", "status", channel=OPS)
        assert (await desk.next()).line == "status"
        await platform.stop()


# -- what must be seen ---------------------------------------------------------------------------------------------


async def test_what_is_loud_in_a_thread_is_shown_in_the_channel_too(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    for message in (
        Message("Acknowledged by ana"),
        Message("Nobody has acknowledged", tone=Tone.CRITICAL, loud=True),
        Message("✅ resolved", tone=Tone.GOOD),
    ):
        await desk.platform.send(message, ref)
    assert [each.broadcast for each in desk.slack.messages] == [False, False, True, True]


async def test_people_are_called_by_id_and_nobody_by_what_a_text_says(desk: Desk) -> None:
    called = (Mention("ana", "U0ANA"), Mention("ben"), Mention("eve", "U0EVE> <!channel"))
    ref = await desk.platform.send(replace(CARD, mentions=called, text="<@U0BEN> <!here>"))
    card = desk.slack.at(ref.id)
    assert card.called == ["U0ANA"]
    assert card.reading.splitlines()[:3] == [CARD.title, "<@U0ANA>", "ben, eve"]
    desk.slack.faults.fail("invalid_blocks", method="chat.postMessage")
    bare = desk.slack.at((await desk.platform.send(replace(CARD, mentions=called))).id)
    assert bare.called == ["U0ANA"]


# -- found again ---------------------------------------------------------------------------------------------------


async def test_a_page_that_was_taken_though_the_connection_broke_is_found(desk: Desk) -> None:
    before = time.time()
    for to in (None, OPS, PRIVATE, ALONE):
        desk.slack.faults.reset("after", method="chat.postMessage")
        with pytest.raises(TransportError) as caught:
            await desk.platform.send(CARD, to=to, key=f"page {to}")
        assert caught.value.uncertain
        posted = desk.slack.messages[-1]
        assert posted.key == f"page {to}"
        found = await desk.platform.find(f"page {to}", to=to, since=before)
        assert found == MessageRef("slack", posted.channel, posted.ts)
        await desk.platform.edit(found, Message("resolved"))
        assert await desk.platform.find(f"page {to}", to=to, since=before) == found
    assert len(desk.slack.messages) == 4


async def test_a_key_is_only_ours_and_only_of_the_time_that_is_asked_for(desk: Desk) -> None:
    ref = await desk.platform.send(CARD, key="page 1")
    theirs = desk.slack.say("U0EVE", "page")
    theirs.payload["metadata"] = {"event_type": "nightdesk", "event_payload": {"key": "page 2"}}
    for number, metadata in enumerate(("x", {"event_type": "other", "event_payload": {"key": "page 3"}}, {}, [])):
        desk.slack.say("U0EVE", f"odd {number}").payload["metadata"] = metadata
    now = time.time()
    assert await desk.platform.find("page 2", since=now) is None
    assert await desk.platform.find("page 3", since=now) is None
    assert await desk.platform.find("page 1", since=now + 4) == ref
    assert await desk.platform.find("page 1", since=now + 60) is None


async def test_what_only_a_thread_shows_is_not_found_and_what_the_channel_shows_is(desk: Desk) -> None:
    card = await desk.platform.send(CARD)
    await desk.platform.send(Message("a line"), card, key="line")
    again = await desk.platform.send(Message("once more", loud=True), card, key="again")
    assert await desk.platform.find("line", since=time.time()) is None
    assert await desk.platform.find("again", since=time.time()) == again


async def test_a_thousand_newer_messages_are_looked_through_and_no_more(desk: Desk) -> None:
    ref = await desk.platform.send(CARD, key="page 1")
    for number in range(990):
        desk.slack.say("U0ANA", f"talk {number}")
    assert await desk.platform.find("page 1", since=0.0) == ref
    for number in range(20):
        desk.slack.say("U0ANA", f"more talk {number}")
    assert await desk.platform.find("page 1", since=0.0) is None
    assert [each.method for each in desk.slack.calls].count("conversations.history") == 10


@pytest.mark.parametrize(
    ("scope", "channel"), [("channels:history", OPS), ("groups:history", PRIVATE), ("im:history", ALONE)]
)
async def test_an_app_that_may_not_look_finds_nothing_and_the_page_goes_again(
    desk: Desk, scope: str, channel: str
) -> None:
    await desk.platform.send(CARD, to=channel, key="page 1")
    desk.slack.scopes.discard(scope)
    assert await desk.platform.find("page 1", to=channel, since=time.time()) is None
    desk.slack.channels[channel].member = False
    assert await desk.platform.find("page 1", to=channel, since=time.time()) is None


async def test_a_slack_that_is_busy_or_away_leaves_it_open_whether_the_page_is_there(desk: Desk) -> None:
    async def looked() -> TransportError:
        with pytest.raises(TransportError) as caught:
            await desk.platform.find("page 1", since=time.time())
        return caught.value

    desk.slack.faults.status(503, method="conversations.history")
    await looked()
    desk.slack.faults.fail("internal_error", method="conversations.history")
    await looked()
    desk.slack.faults.reset("before", times=2, method="conversations.history")  # a question is asked twice
    await looked()
    desk.slack.faults.limit(0.2, method="conversations.history")
    assert (await looked()).retry_after == pytest.approx(0.2)
    assert (await looked()).retry_after is not None
    await asyncio.sleep(0.25)
    assert await desk.platform.find("page 1", since=time.time()) is None
    assert desk.slack.faults.early == 0
    await desk.platform.stop()
    await looked()


@pytest.mark.parametrize("code", ["invalid_metadata_format", "metadata_too_large"])
async def test_a_key_that_slack_does_not_take_costs_nobody_the_page(desk: Desk, code: str) -> None:
    desk.slack.faults.fail(code, method="chat.postMessage")
    ref = await desk.platform.send(CARD, key="page 1")
    assert (desk.slack.at(ref.id).key, desk.slack.at(ref.id).reading.splitlines()[0]) == (None, CARD.title)
    long = await desk.platform.send(CARD, key="x" * 10_000)
    assert desk.slack.at(long.id).key is None


async def test_a_page_survives_blocks_thread_and_key_that_are_refused_at_once(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    desk.slack.messages.clear()
    desk.slack.faults.fail("invalid_metadata_schema", method="chat.postMessage")
    desk.slack.faults.fail("invalid_blocks", method="chat.postMessage")
    await desk.platform.send(CARD, ref, key="page 1")
    assert [each.reading.splitlines()[0] for each in desk.slack.messages] == [CARD.title]


async def test_a_webhook_finds_nothing_again() -> None:
    async with slack_desk("webhook") as desk:
        await desk.platform.send(CARD, key="page 1")
        assert await desk.platform.find("page 1", since=0.0) is None
        assert desk.platform.heard is None


# -- check, pace and figures ---------------------------------------------------------------------------------------


async def test_check_looks_at_every_channel_and_notes_what_it_cannot_look_up() -> None:
    async with fake_slack() as slack:
        slack.open(OPS)
        slack.scopes |= {"groups:read"}
        slack.scopes -= {"channels:history", "im:history"}
        named = (f"slack:{OPS}", "slack:C0NOWHERE", f"slack:{ALONE}", f"slack:{slack.channel}")
        chosen = cast("Settings", SimpleNamespace(slack=slack.about(), people=(), channels=named))
        found = await examine(chosen, running=False)
    assert [each.sentence for each in found if each.fine][1:3] == ["pages go to #on-call", "pages go to #c0ops"]
    (sentence,) = [each.sentence for each in found if each.fine is False]
    assert "finds no channel C0NOWHERE" in sentence
    notes = [each.sentence for each in found if each.fine is None]
    assert notes[0].startswith("the app lacks the scopes channels:history, im:history, so an uncertain page may come")
    assert ALONE in notes[1]


async def test_changes_keep_to_their_own_pace_and_hold_up_no_page() -> None:
    async with slack_desk(changes=(6, 15.0), every=0.1) as desk:
        ref = await desk.platform.send(CARD)
        waits: list[float | None] = []
        own = set[bool]()
        for number in range(20):
            try:
                await desk.platform.edit(ref, Message(f"version {number}"))
            except TransportError as error:
                waits.append(error.retry_after)
                own.add(error.own)
        began = time.monotonic()
        await desk.platform.send(CARD)
        assert time.monotonic() - began < 0.5
        assert len(waits) > 10
        assert None not in waits
        assert own == {True}
        assert {each.outcome for each in desk.slack.calls if each.method == "chat.update"} == {"ok"}


@pytest.mark.slow
async def test_it_is_known_how_long_slack_has_been_silent() -> None:
    async with slack_desk(ping=0.2) as desk:
        await asyncio.sleep(0.5)
        assert desk.platform.heard is not None
        assert desk.platform.heard < 0.4  # pings are answered
        desk.slack.deliveries.zombie = True
        await becomes(lambda: (desk.platform.heard or 0.0) > 0.4)
