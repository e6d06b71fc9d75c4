"""What the desk says arrives in Slack: cards, changes, threads, and the same once more when Slack did not take it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bot.chat import Button, Message, MessageRef, Table, Tone, TransportError
from bot.platforms.slack.platform import Slack
from tests.fakes.slack import fake_slack
from tests.wire.slack_desk import CARD, Desk, slack_desk

RECOVERY = Message("✅ alpha is back under its limit after 4 m", "Acknowledged by ana.", tone=Tone.GOOD)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with slack_desk() as made:
        yield made


async def refused(desk: Desk, message: Message = CARD) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await desk.platform.send(message)
    assert not any(secret in str(caught.value) for secret in desk.slack.secrets)
    return caught.value


async def test_a_card_stands_in_the_channel_with_its_colour_and_buttons(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    card = desk.slack.at(ref.id)
    assert ref == MessageRef("slack", desk.slack.channel, card.ts)
    assert card.reading.splitlines()[0] == CARD.title
    assert (card.colour, card.buttons) == ("#EF4444", {"Acknowledge": "ack 3f9c1a", "Pause alpha": "pause alpha"})
    assert card.payload["text"].startswith(CARD.title)


async def test_a_card_is_changed_where_it_stands_and_its_old_buttons_go(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    await desk.platform.edit(ref, Message("✅ resolved · alpha", "Was: 23.1% below its peak", tone=Tone.OVER))
    await desk.platform.edit(ref, Message("one line"))
    card = desk.slack.at(ref.id)
    assert len(desk.slack.messages) == 1
    assert (card.reading, card.buttons, card.colour) == ("one line", {}, None)
    assert len(card.versions) == 2


async def test_the_time_line_is_the_cards_thread_and_the_end_is_seen_in_the_channel_too(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    await desk.platform.send(Message("Acknowledged by ana, 12:03 UTC"), ref)
    await desk.platform.send(RECOVERY, ref)
    found = [(each.thread_ts, each.broadcast) for each in desk.slack.messages]
    assert found == [(None, False), (ref.id, False), (ref.id, True)]


async def test_a_recovery_whose_card_was_deleted_arrives_all_the_same(desk: Desk) -> None:
    ref = await desk.platform.send(CARD)
    desk.slack.messages.clear()
    await desk.platform.send(RECOVERY, ref)
    assert [(each.thread_ts, each.reading.splitlines()[0]) for each in desk.slack.messages] == [(None, RECOVERY.title)]


async def test_a_card_that_is_gone_can_never_be_changed(desk: Desk) -> None:
    theirs = desk.slack.say("U0ANA", "hello")
    for ts in ("1.000001", theirs.ts):
        with pytest.raises(TransportError) as caught:
            await desk.platform.edit(MessageRef("slack", desk.slack.channel, ts), CARD)
        assert caught.value.permanent


async def test_a_card_in_a_channel_that_is_not_the_desks_any_more_is_given_up(desk: Desk) -> None:
    with pytest.raises(TransportError) as caught:
        await desk.platform.edit(MessageRef("slack", "C0FORMER", "1.000001"), CARD)
    assert caught.value.permanent


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "invalid_attachments"])
async def test_a_card_whose_blocks_are_refused_arrives_as_text(desk: Desk, code: str) -> None:
    desk.slack.faults.fail(code, method="chat.postMessage")
    ref = await desk.platform.send(CARD)
    card = desk.slack.at(ref.id)
    assert card.reading.splitlines()[:2] == [CARD.title, CARD.text]
    assert "Acknowledge: /desk ack 3f9c1a" in card.reading
    desk.slack.faults.fail(code, method="chat.update")
    await desk.platform.edit(ref, RECOVERY)
    assert desk.slack.at(ref.id).reading.splitlines()[0] == RECOVERY.title


async def test_what_is_refused_as_text_too_will_never_be_taken(desk: Desk) -> None:
    desk.slack.faults.fail("invalid_blocks", method="chat.postMessage")
    desk.slack.faults.fail("msg_too_long", method="chat.postMessage")
    assert (await refused(desk)).permanent
    desk.slack.faults.fail("invalid_blocks", method="chat.postMessage")
    desk.slack.faults.fail("not_in_channel", method="chat.postMessage")
    assert not (await refused(desk)).permanent


async def test_an_error_text_of_5000_characters_is_readable_and_pings_nobody(desk: Desk) -> None:
    text = " ".join(["<b>_*[](~` <!channel> & <@U0ANA>"] * 160)
    assert len(text) > 5_000
    ref = await desk.platform.send(Message("failed", text, tables=(Table(("why",), ((text[:200],),)),), tone=Tone.WARN))
    assert text in " ".join(desk.slack.at(ref.id).reading.split())


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("account_inactive", "SLACK_BOT_TOKEN"),
        ("channel_not_found", "invite it there"),
        ("not_in_channel", "/invite @nightdesk"),
        ("is_archived", "archived"),
        ("missing_scope", "chat:write"),
        ("some_new_code", "some_new_code"),
    ],
)
async def test_what_people_can_mend_is_told_in_a_sentence_and_the_page_waits(desk: Desk, code: str, says: str) -> None:
    desk.slack.faults.fail(code, needed="chat:write")
    error = await refused(desk)
    assert (error.permanent, error.uncertain, error.retry_after) == (False, False, None)
    assert says in str(error)
    await desk.platform.send(CARD)
    assert len(desk.slack.messages) == 1


async def test_the_fakes_own_refusals_are_told_the_same_way(desk: Desk) -> None:
    channel = desk.slack.channels[desk.slack.channel]
    channel.member = False
    assert "/invite" in str(await refused(desk))
    channel.member, channel.archived = True, True
    assert "archived" in str(await refused(desk))
    channel.archived = False
    desk.slack.scopes.discard("chat:write")
    assert "chat:write" in str(await refused(desk))
    desk.slack.revoke()
    assert "token_revoked" in str(await refused(desk))


async def test_nobody_calls_again_before_the_time_that_slack_asked_for(desk: Desk) -> None:
    desk.slack.faults.limit(0.4, method="chat.postMessage")
    first = await refused(desk)
    assert first.retry_after == pytest.approx(0.4)
    again = await refused(desk)
    assert again.retry_after is not None
    assert 0 < again.retry_after <= 0.4
    await asyncio.sleep(0.45)
    await desk.platform.send(CARD)
    assert (desk.slack.faults.early, len(desk.slack.messages)) == (0, 1)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_slack_in_trouble_is_tried_again(desk: Desk, status: int) -> None:
    desk.slack.faults.status(status)
    error = await refused(desk)
    assert not error.permanent
    assert "trouble" in str(error)


async def test_a_connection_that_breaks_leaves_doubt_and_one_that_never_was_does_not(desk: Desk) -> None:
    for when in ("before", "after"):
        desk.slack.faults.reset(when)
        assert (await refused(desk)).uncertain
    assert len(desk.slack.messages) == 1  # nothing resends behind the outbox's back
    await desk.slack.away()
    assert not (await refused(desk)).uncertain
    await desk.slack.back()
    await desk.platform.send(CARD)


async def test_messages_keep_to_a_channels_pace_and_none_is_refused() -> None:
    async with slack_desk(rate=(6, 12.5), every=0.1) as desk:
        await asyncio.gather(*(desk.platform.send(Message(f"page {number}")) for number in range(10)))
        assert {each.outcome for each in desk.slack.calls if each.method == "chat.postMessage"} == {"ok"}
        assert len(desk.slack.messages) == 10


@pytest.mark.slow
async def test_pages_go_before_answers_that_wait() -> None:
    async with slack_desk(every=0.15) as desk:
        await asyncio.gather(*(desk.platform.send(Message(f"first {number}")) for number in range(4)))
        card = desk.slack.messages[0]
        for _ in range(3):
            await desk.slack.mention("U0ANA", "status", card.ts)
        for _ in range(3):
            await desk.next()
        await asyncio.gather(*(desk.platform.send(Message("page")) for _ in range(3)))
        said = [each.reading for each in desk.slack.messages]
        assert "you said status" not in said[: said.index("page")]
        await desk.slack.until(lambda: sum(each.reading == "you said status" for each in desk.slack.messages) == 3)


async def test_a_webhook_says_everything_and_changes_nothing() -> None:
    async with fake_slack() as slack:
        platform = Slack(slack.about("webhook"))
        assert not platform.threads
        with pytest.raises(TransportError, match="not started"):
            await platform.send(CARD)
        await platform.start(Desk(slack, platform).handler)
        refs = [await platform.send(CARD), await platform.send(RECOVERY, MessageRef("slack", "webhook", "1"))]
        assert [each.via for each in slack.messages] == ["webhook", "webhook"]
        assert len({*refs}) == 2
        with pytest.raises(TransportError, match="A webhook cannot edit") as caught:
            await platform.edit(refs[0], CARD)
        assert caught.value.permanent
        await platform.stop()


async def test_a_webhook_in_trouble_says_so_and_a_page_waits() -> None:
    async with fake_slack() as slack:
        platform = Slack(slack.about("webhook"), every=0.0)
        await platform.start(Desk(slack, platform).handler)
        desk = Desk(slack, platform)
        slack.faults.fail("invalid_blocks", method="webhook")
        await platform.send(CARD)
        assert "Acknowledge: /desk ack 3f9c1a" in slack.messages[0].reading
        slack.faults.limit(0.2, method="webhook")
        assert (await refused(desk)).retry_after == pytest.approx(0.2)
        assert (await refused(desk)).retry_after is not None
        await asyncio.sleep(0.25)
        slack.faults.reset("before", method="webhook")
        assert (await refused(desk)).uncertain
        slack.faults.fail("no_service", method="webhook")
        assert "SLACK_WEBHOOK" in str(await refused(desk))
        slack.channels[slack.channel].archived = True
        assert "archived" in str(await refused(desk))
        assert slack.faults.early == 0
        await platform.stop()


async def test_a_card_that_a_webhook_posted_is_left_alone_by_the_app(desk: Desk) -> None:
    with pytest.raises(TransportError) as caught:
        await desk.platform.edit(MessageRef("slack", "webhook", "1"), CARD)
    assert caught.value.permanent
    await desk.platform.send(RECOVERY, MessageRef("slack", "webhook", "1"))
    assert desk.slack.messages[0].thread_ts is None


async def test_nothing_is_said_before_the_start_and_after_the_end(desk: Desk) -> None:
    await desk.platform.stop()
    assert "not started" in str(await refused(desk))
    await desk.platform.start(desk.handler)
    ref = await desk.platform.send(CARD)
    await desk.platform.stop()
    assert not (await refused(desk)).permanent
    with pytest.raises(TransportError):
        await desk.platform.edit(ref, RECOVERY)


async def test_it_stops_quickly_while_slack_hangs(desk: Desk) -> None:
    desk.slack.faults.hang()
    desk.slack.deliveries.zombie = True
    sending = asyncio.create_task(desk.platform.send(CARD))
    await desk.slack.until(lambda: any(each.outcome == "hang" for each in desk.slack.calls))
    began = time.monotonic()
    await desk.platform.stop()
    assert time.monotonic() - began < 3
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_no_representation_holds_a_token(desk: Desk) -> None:
    about = desk.slack.about()
    written = repr(about) + repr(desk.platform) + repr(vars(desk.platform))
    assert not any(secret in written for secret in desk.slack.secrets)


async def test_a_button_of_a_line_too_long_for_slack_is_left_out(desk: Desk) -> None:
    ref = await desk.platform.send(Message("t", "x", buttons=(Button("long", "x" * 2_001), Button("short", "ack"))))
    assert desk.slack.at(ref.id).buttons == {"short": "ack"}
