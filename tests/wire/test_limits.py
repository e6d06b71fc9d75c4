"""Each limit of a chat that can lose a page, and the tests that hold it; what no other module tests is tested here."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from bot.chat import Button, Field, Mention, Message, Table, Tone
from bot.platforms.telegram.pace import Pace
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import Limits
from tests.wire.slack_desk import CARD, slack_desk
from tests.wire.slack_desk import Desk as SlackDesk
from tests.wire.telegram_desk import ANA, PAGE, Desk, a_platform, refused, started

CONTRACT, TG, TG_CHATS = "contract.test_platforms", "wire.test_telegram", "wire.test_telegram_chats"
SLACK, SLACK_CHATS = "wire.test_slack", "wire.test_slack_chats"
ORDERS, TROUBLES = "wire.test_slack_orders", "wire.test_slack_troubles"
HERE = "wire.test_limits"

TELEGRAM_LIMITS: dict[str, tuple[str, ...]] = {
    "one message a second in a chat, with a short burst": (
        "core.test_telegram_pace::test_three_hundred_pages_in_a_private_chat_go_one_a_second_and_none_is_too_many",
        f"{TG_CHATS}::test_no_call_is_too_many_for_telegrams_own_limits",
    ),
    "twenty a minute in a group, thirty a second in all": (
        "core.test_telegram_pace::test_no_minute_ever_holds_more_than_twenty",
        "core.test_telegram_pace::test_no_message_of_any_kind_is_too_many_for_a_group_or_for_all_chats_together",
        "core.test_telegram_pace::test_all_chats_together_take_thirty_a_second_of_which_four_are_kept_for_pages",
        f"{HERE}::test_a_group_that_has_had_its_minute_takes_the_page_later_and_refuses_nothing",
    ),
    "edits count as messages do, and must not take a page's place": (
        "core.test_telegram_pace::test_edits_leave_room_for_a_page_and_for_whatever_is_new",
        f"{TG_CHATS}::test_edits_take_the_room_of_no_page",
        f"{TG}::test_an_edit_that_must_wait_long_is_handed_back_and_a_page_still_goes",
    ),
    "429 names the seconds to wait, for one chat": (
        f"{TG}::test_telegram_is_not_asked_again_before_the_time_it_named",
        f"{TG_CHATS}::test_a_chat_that_asks_to_wait_holds_up_no_other",
        f"{HERE}::test_a_429_is_waited_for_half_a_second_longer_than_it_says",
    ),
    "a text has 4,096 units, a message about a hundred entities": (
        "core.test_telegram_render::test_every_page_of_any_message_is_one_that_telegram_takes",
        f"{HERE}::test_the_largest_message_there_is_arrives_in_telegram",
    ),
    "a button carries 64 bytes": (
        "core.test_telegram_render::test_a_button_that_telegram_would_refuse_is_left_out_and_never_the_message",
        f"{TG}::test_buttons_that_telegram_refuses_cost_nobody_the_page",
    ),
    "one stray character of markup refuses the whole message": (
        f"{CONTRACT}::test_markup_in_a_text_is_shown_as_it_is",
        f"{TG}::test_markup_that_telegram_refuses_is_said_plainly",
    ),
    "what is refused for good and what passes look alike to the library": (
        f"{TG}::test_only_what_is_about_the_one_message_is_for_good",
        f"{TG}::test_pages_wait_for_a_chat_or_token_that_people_can_mend",
        f"{TG}::test_a_server_error_leaves_open_whether_it_was_taken",
    ),
    "a message whose answer was lost may have been taken": (
        f"{TG}::test_a_reset_leaves_open_whether_it_was_taken",
        f"{TG}::test_a_hanging_telegram_holds_up_nobody_for_long",
        f"{TG}::test_what_was_never_sent_is_certain",
    ),
    "a change that changes nothing is refused": (f"{TG}::test_a_card_is_changed_and_its_buttons_go",),
    "a message that was deleted can never be changed": (f"{TG}::test_a_message_that_is_gone_can_never_be_changed",),
    "one reader a token": (
        f"{TG}::test_another_reader_of_the_token_is_named_and_outlived",
        f"{TG}::test_a_webhook_is_removed_and_what_waited_is_kept",
    ),
    "what people gave waits for the bot, and comes again until it is confirmed": (
        f"{TG}::test_a_line_is_confirmed_only_once_it_is_in_the_handler_s_hands",
        f"{TG}::test_a_line_that_was_not_confirmed_comes_again_with_the_same_event",
    ),
    "polls may hang for ever without a word": (
        f"{TG}::test_a_telegram_that_no_longer_answers_polls_is_noticed",
        f"{TG_CHATS}::test_it_is_known_how_long_telegram_has_been_silent",
    ),
    "a group that grows has another id": (
        f"{TG}::test_a_group_that_becomes_a_supergroup_is_followed_and_told_of",
        f"{TG}::test_a_group_that_says_it_moves_is_followed_at_once",
        f"{TG_CHATS}::test_another_chat_that_becomes_a_supergroup_is_followed_and_told_of",
    ),
    "a topic is deleted or closed": (f"{TG}::test_a_topic_that_is_gone_costs_nobody_the_page",),
    "the bot is blocked, removed, or never was in the chat": (
        f"{TG}::test_pages_wait_for_a_chat_or_token_that_people_can_mend",
        f"{TG}::test_a_bot_that_is_removed_from_the_chat_says_so_at_once",
        f"{TG_CHATS}::test_a_chat_that_refuses_is_named_and_is_no_trouble_of_the_home_chat",
        f"{HERE}::test_a_person_who_blocks_the_bot_is_named_and_their_page_waits",
    ),
    "an edit makes no sound": (f"{TG_CHATS}::test_a_loud_answer_to_a_card_makes_a_sound",),
    "a press is answered within seconds or not at all": (
        f"{TG}::test_a_press_is_answered_before_the_order_is_handed_on",
        f"{TG}::test_a_press_that_telegram_calls_too_old_has_no_time",
    ),
    "an acknowledgement without a person behind it is nobody's": (
        f"{TG}::test_an_order_without_a_person_behind_it_is_nobody_s",
        f"{TG_CHATS}::test_a_reaction_without_a_person_behind_it_is_nobody_s",
        f"{TG_CHATS}::test_a_bot_that_is_no_administrator_sees_no_reaction",
    ),
    "a menu that is refused": (f"{TG}::test_a_menu_that_is_refused_keeps_nobody_from_listening",),
}

SLACK_LIMITS: dict[str, tuple[str, ...]] = {
    "one post a second in each channel": (
        "core.test_slack_pace::test_each_channel_has_a_burst_of_its_own_and_then_one_a_second",
        f"{SLACK}::test_messages_keep_to_a_channels_pace_and_none_is_refused",
        f"{HERE}::test_two_channels_of_slack_are_paged_side_by_side_and_none_is_refused",
    ),
    "fifty changes a minute": (
        "core.test_slack_pace::test_no_minute_ever_holds_more_than_fifty_changes",
        f"{SLACK_CHATS}::test_changes_keep_to_their_own_pace_and_hold_up_no_page",
    ),
    "429 and Retry-After, for a method and a channel": (
        f"{SLACK}::test_nobody_calls_again_before_the_time_that_slack_asked_for",
        f"{SLACK_CHATS}::test_one_that_asks_to_wait_holds_up_no_other_channel_and_no_other_method",
        "core.test_slack_errors::test_the_time_to_wait_is_bounded_and_never_nonsense",
    ),
    "50 blocks, 3,000 characters of a section, 10 fields, 25 buttons, 13,200 characters in all, 40,000 of text": (
        "core.test_slack_render::test_slack_takes_any_message_with_blocks_and_without",
        f"{HERE}::test_the_largest_message_there_is_arrives_in_slack",
    ),
    "blocks that are refused": (
        f"{SLACK}::test_a_card_whose_blocks_are_refused_arrives_as_text",
        f"{SLACK}::test_what_is_refused_as_text_too_will_never_be_taken",
    ),
    "metadata that is refused": (f"{SLACK_CHATS}::test_a_key_that_slack_does_not_take_costs_nobody_the_page",),
    "three characters are markup, and a text may call everybody": (
        "core.test_slack_render::test_a_message_calls_those_it_names_by_id_and_nobody_else",
        f"{SLACK}::test_an_error_text_of_5000_characters_is_readable_and_pings_nobody",
    ),
    "the app is not in the channel, or the channel is archived or gone": (
        f"{SLACK}::test_what_people_can_mend_is_told_in_a_sentence_and_the_page_waits",
        f"{SLACK_CHATS}::test_a_channel_that_refuses_is_named_and_the_page_waits",
    ),
    "the thread is gone": (f"{SLACK}::test_a_recovery_whose_card_was_deleted_arrives_all_the_same",),
    "the card is gone, or somebody else's": (f"{SLACK}::test_a_card_that_is_gone_can_never_be_changed",),
    "an answer in a thread is not seen in the channel": (
        f"{SLACK_CHATS}::test_what_is_loud_in_a_thread_is_shown_in_the_channel_too",
    ),
    "a message whose answer was lost may have been taken": (
        f"{SLACK}::test_a_connection_that_breaks_leaves_doubt_and_one_that_never_was_does_not",
        f"{SLACK_CHATS}::test_a_page_that_was_taken_though_the_connection_broke_is_found",
        f"{SLACK_CHATS}::test_an_app_that_may_not_look_finds_nothing_and_the_page_goes_again",
        f"{SLACK_CHATS}::test_a_slack_that_is_busy_or_away_leaves_it_open_whether_the_page_is_there",
    ),
    "three seconds to acknowledge": (
        f"{ORDERS}::test_slack_has_its_answer_before_the_work_begins_and_lines_do_not_wait_for_each_other",
    ),
    "five uses of an address to answer at": (f"{ORDERS}::test_answers_beyond_the_fifth_go_into_the_channel",),
    "an event that was not acknowledged comes again in another envelope": (
        f"{TROUBLES}::test_an_event_that_was_not_acknowledged_comes_again_with_the_same_id",
        f"{ORDERS}::test_an_event_that_comes_again_has_the_same_id",
    ),
    "a connection dies without a word, or is taken away": (
        f"{TROUBLES}::test_a_connection_that_answers_no_pings_is_replaced",
        f"{TROUBLES}::test_a_connection_that_slack_takes_away_is_replaced_before_it_ends",
        f"{SLACK_CHATS}::test_it_is_known_how_long_slack_has_been_silent",
    ),
    "a token is taken back": (f"{TROUBLES}::test_a_token_that_is_taken_back_is_noticed_without_any_message",),
    "requests that Slack did not sign": (f"{ORDERS}::test_a_wrong_signature_is_refused_and_nothing_runs",),
    "commands that Slack keeps for itself": (
        "core.test_slack_manifest::test_every_command_that_slack_does_not_keep_for_itself_is_listed_beside_desk",
    ),
}

LARGEST = Message(
    "🚨 " + "alpha & <b>" * 60,
    "😀 <!channel> & _*[](~`" * 900,
    tuple(Field(f"label {number} <>", "wert ü" * 400) for number in range(60)),
    (Table(tuple(f"column {number}" for number in range(8)), tuple(("cell " * 20,) * 8 for _ in range(300))),),
    tuple(Button(f"a long label {number} " * 9, f"ack {number:08x} " + "ü" * (number % 40)) for number in range(120)),
    "footer " * 400,
    Tone.CRITICAL,
    loud=True,
    mentions=tuple(Mention("a long name " * 9, str(number)) for number in range(1, 200)),
)


def rows() -> Iterator[tuple[str, str]]:
    for chat in (TELEGRAM_LIMITS, SLACK_LIMITS):
        for limit, tests in chat.items():
            yield from ((limit, each) for each in tests)


@pytest.mark.parametrize("module", sorted({test.partition("::")[0] for _, test in rows()}))
def test_every_limit_has_its_tests(module: str) -> None:
    found = importlib.import_module(f"tests.{module}")
    named = [name for _, test in rows() for where, _, name in [test.partition("::")] if where == module]
    assert [name for name in named if not (name.startswith("test_") and callable(getattr(found, name, None)))] == []


@pytest.fixture
async def desk(tg: FakeTelegram) -> AsyncIterator[Desk]:
    async with started(a_platform(tg), tg) as desk:
        yield desk


@pytest.fixture
async def slack_side() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as made:
        yield made


# -- Telegram ------------------------------------------------------------------------------------------------------


async def test_the_largest_message_there_is_arrives_in_telegram(desk: Desk) -> None:
    ref = await desk.platform.send(LARGEST)
    (card,) = desk.tg.messages
    assert desk.tg.count("sendMessage") == 1, "it was taken at once, with its markup"
    assert len(card.called) == 20
    assert card.lines[0].startswith("ack 00000000")
    await desk.platform.edit(ref, replace(LARGEST, title="smaller"))
    assert card.text.startswith("🚨 smaller")
    await desk.platform.send(replace(LARGEST, buttons=()))
    assert desk.tg.seen.file is not None


async def test_a_group_that_has_had_its_minute_takes_the_page_later_and_refuses_nothing(tg: FakeTelegram) -> None:
    """The minute is as long as in life, so the page is handed back with the seconds it has to wait."""
    tg.limits = Limits(every=0.001, second=0.001)
    async with started(a_platform(tg, pace=Pace(burst=100, every=0.001)), tg) as desk:
        for number in range(20):
            await desk.platform.send(replace(PAGE, title=f"page {number}"))
        error = await refused(asyncio.wait_for(desk.platform.send(PAGE), 2))
        assert error.retry_after is not None
        assert 50 < error.retry_after <= 61
        assert not error.uncertain
        assert (len(tg.messages), tg.limits.refused, tg.early) == (20, 0, 0)


@pytest.mark.slow
async def test_a_429_is_waited_for_half_a_second_longer_than_it_says(desk: Desk) -> None:
    desk.tg.fail(429, "Too Many Requests: retry after 1", method="sendMessage", retry_after=1)
    began = asyncio.get_running_loop().time()
    assert (await refused(desk.platform.send(PAGE))).retry_after == 1
    await desk.platform.send(PAGE)
    assert asyncio.get_running_loop().time() - began >= 1.5
    assert desk.tg.early == 0


async def test_a_person_who_blocks_the_bot_is_named_and_their_page_waits(desk: Desk) -> None:
    desk.tg.start_private(ANA)
    desk.tg.block(ANA)
    error = await refused(desk.platform.send(PAGE, to=str(ANA)))
    assert (error.permanent, str(ANA) in str(error), "press Start" in str(error)) == (False, True, True)
    desk.tg.start_private(ANA)
    assert (await desk.platform.send(PAGE, to=str(ANA))).chat == str(ANA)


# -- Slack ---------------------------------------------------------------------------------------------------------


async def test_the_largest_message_there_is_arrives_in_slack(slack_side: SlackDesk) -> None:
    called = tuple(Mention("a long name " * 9, f"U0{number:05}") for number in range(200))
    message = replace(LARGEST, mentions=called)
    ref = await slack_side.platform.send(message, key="page 1")
    card = slack_side.slack.at(ref.id)
    assert outcomes(slack_side.slack) == ["ok"], "it was taken at once, with its blocks"
    assert (len(card.called), card.key) == (20, "page 1")
    slack_side.slack.faults.fail("msg_blocks_too_long", method="chat.postMessage")
    bare = slack_side.slack.at((await slack_side.platform.send(message)).id)
    assert len(bare.called) == 20
    assert "Acknowledge" not in bare.buttons


async def test_two_channels_of_slack_are_paged_side_by_side_and_none_is_refused() -> None:
    async with slack_desk(rate=(6, 12.5), every=0.1, also=frozenset({"C0OPS"})) as made:
        made.slack.open("C0OPS")
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(made.platform.send(CARD, to=to) for to in (None, "C0OPS") for _ in range(10)))
        assert asyncio.get_running_loop().time() - began < 1.5
        assert set(outcomes(made.slack)) == {"ok"}
        assert len(made.slack.messages) == 20


def outcomes(slack: FakeSlack) -> list[str]:
    return [each.outcome for each in slack.calls if each.method == "chat.postMessage"]
