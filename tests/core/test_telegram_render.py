"""What a message looks like in Telegram: within its limits, whole where it can be, and always parsable."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Button, Field, Mention, Message, Table, Tone
from bot.format import block, plain
from bot.platforms.telegram.render import CALLED, ENTITIES, LIMIT, PAGES, alert, card, keys, told, units
from tests.fakes.telegram_html import parse

WORDS = st.text(st.one_of(st.characters(), st.sampled_from("<>&\"'_*`[](){}~# \n\t😀é")), max_size=300)
LONG = st.integers(1, 6_000).flatmap(
    lambda size: st.sampled_from(["x", "word ", "<&>", "😀", "a\n"]).map(lambda w: w * size)
)
TEXTS = st.one_of(WORDS, LONG)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(1, 6))
    cells = st.one_of(st.text(max_size=20), st.just("12,345.67"))
    row = st.tuples(*[cells] * width)
    rows = draw(st.lists(row, max_size=3)) * draw(st.integers(1, 60))
    return Table(draw(row), tuple(rows))


IDS = st.none() | st.integers(1, 10**15).map(str) | st.sampled_from(["", "U0ANA", "-5", "007", "1 x=y", "٣", "9" * 40])
MESSAGES = st.builds(
    Message,
    title=WORDS,
    text=TEXTS,
    fields=st.lists(st.builds(Field, WORDS, TEXTS), max_size=4).map(tuple),
    tables=st.lists(tables(), max_size=2).map(tuple),
    footer=WORDS,
    tone=st.sampled_from(Tone),
    mentions=st.lists(st.builds(Mention, WORDS, IDS), max_size=25).map(tuple),
)


@given(MESSAGES)
def test_every_page_of_any_message_is_one_that_telegram_takes(message: Message) -> None:
    for page in (card(message), *told(message).pages):
        text, entities = parse(page.html)
        assert text == page.plain
        assert 0 < units(text) <= LIMIT
        assert text.strip()
        assert len(entities) <= ENTITIES
    assert len(told(message).pages) <= PAGES


@given(MESSAGES)
def test_a_message_calls_those_it_names_and_nobody_else(message: Message) -> None:
    ids = [each.id or "" for each in message.mentions[:CALLED]]
    called = [each for each in ids if re.fullmatch("[1-9][0-9]{0,18}", each)]
    for page in (card(message), told(message).pages[0]):
        assert [each.to for each in parse(page.html)[1] if each.type == "text_mention"] == called
    assert not any("<a " in page.html for page in told(message).pages[1:])


@given(MESSAGES)
def test_nothing_of_an_answer_is_lost(message: Message) -> None:
    answer = told(message)
    shown = answer.file if answer.file is not None else "".join(page.plain for page in answer.pages)
    kept = re.sub(r"\s|⚠️|🚨|✅", "", shown)
    for text in (message.text, *(field.value for field in message.fields)):
        assert re.sub(r"\s|⚠️|🚨|✅", "", block(text)) in kept


@given(MESSAGES)
def test_a_card_begins_with_its_title_and_ends_with_its_footer(message: Message) -> None:
    page = card(message)
    footer = plain(message.footer)
    assert page.plain.endswith(footer)
    assert plain(message.title) in page.plain.splitlines()[0]


def test_what_does_not_fit_on_a_card_is_counted() -> None:
    fields = tuple(Field(f"trouble {number}", "x" * 300) for number in range(20))
    page = card(Message("20 troubles", "text", fields, footer="alert abc"))
    shown = page.plain.count("trouble ")
    assert 10 <= shown < 20
    assert page.plain.endswith(f"… +{20 - shown} more\n\nalert abc")


def test_a_long_reason_on_a_card_is_cut_at_a_word_and_the_rest_still_stands() -> None:
    page = card(Message("title", "word " * 2_000, footer="alert abc"))
    assert re.search(r"word…\n\nalert abc$", page.plain)
    assert units(page.plain) > LIMIT - 300


def test_a_narrow_table_stands_in_columns_with_figures_to_the_right() -> None:
    table = Table(("Agent", "Equity"), (("alpha", "1.00"), ("b", "12,345.00")))
    (page,) = told(Message("two", tables=(table,))).pages
    assert page.html == "<b>two</b>\n\n<pre>Agent     Equity\nalpha       1.00\nb      12,345.00</pre>"


def test_a_wide_table_becomes_a_line_for_each_row() -> None:
    columns = ("Agent", "State", "Equity USD", "P&L 24h", "", "z")
    row = ("alpha", "paused by ana since 12:03 UTC", "12,345.67", "+31.50", "ACT", "")
    (page,) = told(Message("one", tables=(Table(columns, (row,)),))).pages
    assert page.plain == (
        "one\n\nAgent\nalpha: State paused by ana since 12:03 UTC · Equity USD 12,345.67 · P&L 24h +31.50 · ACT"
    )
    assert "<b>alpha</b>" in page.html


def test_a_table_over_two_messages_is_cut_between_rows_and_repeats_its_heading() -> None:
    rows = tuple((f"agent{number}", "x" * 20) for number in range(200))
    pages = told(Message("long", tables=(Table(("Agent", "Equity"), rows),))).pages
    assert len(pages) == 2
    for page in pages:
        assert page.plain.count("Agent  ") == 1
        assert page.html.count("<pre>") == page.html.count("</pre>") == 1
    cells = " ".join(page.plain for page in pages).split()
    assert [cell for cell in cells if cell.startswith("agent")] == [name for name, _ in rows]


def test_what_needs_more_than_three_messages_comes_as_one_with_a_file() -> None:
    rows = tuple((f"agent{number}", "ok", "12,345.67 USD", "+12.34 USD", "1.0%", "0") for number in range(200))
    answer = told(Message("200 agents", tables=(Table(("Agent", "State", "Equity", "P&L", "Drawdown", "z"), rows),)))
    assert len(answer.pages) == 1
    assert re.search(r"… \+\d+ more, all of it in the file$", answer.pages[0].plain)
    assert answer.file is not None
    assert [line.split()[0] for line in answer.file.splitlines() if line.startswith("agent")] == [n for n, *_ in rows]


@pytest.mark.parametrize(
    ("tone", "title", "shown"),
    [
        (Tone.WARN, "slow", "⚠️ slow"),
        (Tone.WARN, "⚠️ WARN · alpha", "⚠️ WARN · alpha"),
        (Tone.CRITICAL, "down", "🚨 down"),
        (Tone.GOOD, "no alerts", "✅ no alerts"),
        (Tone.OVER, "✅ resolved", "✅ resolved"),
        (Tone.PLAIN, "plain", "plain"),
    ],
)
def test_a_tone_is_a_mark_before_the_title(tone: Tone, title: str, shown: str) -> None:
    assert card(Message(title, tone=tone)).plain == shown


def test_an_error_text_full_of_markup_is_shown_as_it_is() -> None:
    text = "<b>_*[](~` & " * 385
    pages = told(Message("failed", text.strip())).pages
    assert len(text) > 5_000
    assert len(pages) == 2
    joined = " ".join(parse(page.html)[0] for page in pages)
    assert html.escape("<b>_*[](~` &", quote=False) in pages[0].html
    assert joined == f"failed {text.strip()}".replace("failed ", "failed\n")


def test_buttons_stand_side_by_side_as_far_as_a_phone_shows_their_labels() -> None:
    labels = ("Acknowledge", "Runbook", "Pause alpha", "Silence 1h", "a label that is long enough to stand alone")
    rows = keys([Button(label, label) for label in labels])
    assert [[each.label for each in row] for row in rows] == [list(labels[:3]), [labels[3]], [labels[4]]]


def test_a_button_that_telegram_would_refuse_is_left_out_and_never_the_message() -> None:
    rows = keys([Button("long", "ä" * 33), Button("empty", ""), Button("", "whoami"), Button("fits", "ä" * 32)])
    assert [[(each.label, each.line) for each in row] for row in rows] == [[("whoami", "whoami"), ("fits", "ä" * 32)]]


def test_an_alert_is_at_most_two_hundred_characters() -> None:
    assert alert(Message("title", "a\nb")) == "a b"
    assert alert(Message("title")) == "title"
    assert len(alert(Message("title", "x" * 500))) == 200


def test_whoever_is_called_stands_below_the_title() -> None:
    message = Message("down", "text", mentions=(Mention("a<b>na", "1001"), Mention("ben"), Mention("", "1002")))
    page = card(message)
    assert page.plain == "down\na<b>na, ben, somebody\ntext"
    assert page.html == (
        '<b>down</b>\n<a href="tg://user?id=1001">a&lt;b&gt;na</a>, ben, <a href="tg://user?id=1002">somebody</a>\ntext'
    )


def test_people_beyond_the_twentieth_are_counted() -> None:
    mentions = tuple(Mention(f"p{number}", str(number)) for number in range(1, 24))
    assert card(Message("down", mentions=mentions)).plain.splitlines()[-1] == "and 3 more"
