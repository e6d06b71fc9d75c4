"""A message becomes blocks that Slack takes, whatever is in it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.chat import Button, Field, Mention, Message, Table, Tone
from bot.platforms.slack.blocks import escape
from bot.platforms.slack.mentions import CALLED
from bot.platforms.slack.render import BUDGET, Rendered, render
from tests.fakes.slack_blocks import buttons, every_block, judge, pings, reading

NASTY = "<!channel> <@U0ANA> <https://evil.example|click> & *b* _i_ ~s~ `c` ```end``` :smile: &lt;"
WORDS = st.text(max_size=400) | st.sampled_from([NASTY, "", " ", "\n\n", "```", "x" * 9_000, "word " * 1_500, "\u200b"])
TABLES = st.integers(1, 6).flatmap(
    lambda width: st.builds(
        Table,
        st.tuples(*[WORDS] * width),
        st.lists(st.tuples(*[WORDS] * width), max_size=30).map(tuple),
    )
)
IDS = st.none() | st.from_regex(r"\A[UW][A-Z0-9]{2,30}\Z") | st.sampled_from(["", "U", "1001", "U0ANA>", "!channel"])
MESSAGES = st.builds(
    Message,
    title=WORDS,
    text=WORDS,
    fields=st.lists(st.builds(Field, WORDS, WORDS), max_size=40).map(tuple),
    tables=st.lists(TABLES, max_size=3).map(tuple),
    buttons=st.lists(st.builds(Button, WORDS, WORDS), max_size=70).map(tuple),
    footer=WORDS,
    tone=st.sampled_from(Tone),
    mentions=st.lists(st.builds(Mention, WORDS, IDS), max_size=25).map(tuple),
)


def seen(message: Message) -> str:
    return reading(render(message).whole)


def cost(rendered: Rendered) -> int:
    return len(json.dumps(every_block(rendered.whole), ensure_ascii=False))


@given(MESSAGES)
@example(Message("", buttons=tuple(Button("B" * 80, f"ack {number}" + "x" * 2_000) for number in range(70))))
@example(Message("t" * 5_000, "\n" * 9_000, footer="f" * 5_000))
def test_slack_takes_any_message_with_blocks_and_without(message: Message) -> None:
    rendered = render(message)
    judge(rendered.whole)
    judge(rendered.plainly)


@given(MESSAGES)
def test_a_message_calls_those_it_names_by_id_and_nobody_else(message: Message) -> None:
    rendered = render(message)
    ids = [each.id or "" for each in message.mentions[:CALLED]]
    called = [f"<@{each}>" for each in ids if re.fullmatch("[UW][A-Z0-9]{2,30}", each)]
    assert pings({"blocks": every_block(rendered.whole)}) == called
    assert pings({"text": rendered.text}) == pings(rendered.plainly) == called


@given(MESSAGES)
@example(Message("", buttons=tuple(Button("Acknowledge it", f"ack {number:08x}") for number in range(70))))
def test_the_first_buttons_that_slack_can_carry_are_there_with_their_lines(message: Message) -> None:
    fitting = [each.line for each in message.buttons if each.line.strip() and len(each.line) <= 2_000]
    found = [each["value"] for each in buttons(render(message).whole)]
    assert found == fitting[: len(found)]
    short = all(len(each.encode()) <= 64 for each in fitting)
    assert len(found) >= min(len(fitting), 15 if short else 1)


@given(st.lists(st.tuples(st.text("abc123", min_size=1, max_size=30), st.integers(-999, 999)), max_size=400))
def test_a_table_is_cut_only_between_rows_and_what_is_left_out_is_counted(rows: list[tuple[str, int]]) -> None:
    table = Table(
        ("Agent", "P&L"), tuple((f"{name}-{index}", f"{figure}") for index, (name, figure) in enumerate(rows))
    )
    lines = seen(Message("figures", tables=(table,))).splitlines()
    found = [tuple(line.split()) for line in lines[2:] if not line.startswith("+")]
    assert found == list(table.rows[: len(found)])
    left = len(rows) - len(found)
    assert [line for line in lines if line.startswith("+")] == ([f"+{left:,} more"] if left else [])


def test_200_agents_fit_and_most_of_them_are_shown() -> None:
    rows = tuple((f"agent-{n}", "ok", "10,000.00", "+12.50", "1.2%", "0", "+0.42") for n in range(200))
    message = Message(
        "200 agents", tables=(Table(("Agent", "State", "Equity", "P&L", "Drawdown", "Alerts", "z"), rows),)
    )
    rendered = render(message)
    judge(rendered.whole)
    shown = [line for line in seen(message).splitlines() if line.startswith("agent-")]
    assert len(shown) > 100
    assert seen(message).endswith(f"+{200 - len(shown)} more")


def test_columns_stand_below_each_other() -> None:
    table = Table(("Agent", "Equity"), (("alpha", "8,380.00"), ("b", "1.00")))
    assert seen(Message("x", tables=(table,))).splitlines()[1:] == [
        "Agent    Equity",
        "alpha  8,380.00",
        "b          1.00",
    ]


@pytest.mark.parametrize(
    ("tone", "colour"),
    [(Tone.WARN, "#EAB308"), (Tone.CRITICAL, "#EF4444"), (Tone.GOOD, "#22C55E"), (Tone.OVER, "#94A3B8")],
)
def test_a_card_has_the_colour_of_its_severity_and_the_emoji_of_its_title(tone: Tone, colour: str) -> None:
    rendered = render(Message("🚨 CRITICAL · alpha", "a reason", tone=tone))
    assert [each["color"] for each in rendered.attachments] == [colour]
    assert rendered.blocks[0]["text"]["text"] == "🚨 CRITICAL · alpha"
    assert rendered.text.startswith("🚨 CRITICAL · alpha")


def test_a_line_of_a_time_line_is_one_quiet_line() -> None:
    rendered = render(Message("Acknowledged by ana, 12:03 UTC"))
    assert [each["type"] for each in rendered.blocks] == ["section"]
    assert rendered.attachments == []


def test_a_title_too_long_for_a_headline_is_told_whole_beneath_it() -> None:
    title = "alpha " * 60
    assert title.strip() in seen(Message(title, tone=Tone.WARN)).splitlines()


def test_a_long_text_is_whole_and_read_in_order() -> None:
    words = " ".join(f"word{number}" for number in range(700))
    assert words in " ".join(seen(Message("long", words)).split())


def test_a_text_beyond_the_budget_says_how_much_is_left_out_and_leaves_room_for_the_rest() -> None:
    message = Message(
        "long", "x" * 20_000, (Field("State", "firing"),), buttons=(Button("Ack", "ack 1"),), footer="end"
    )
    lines = seen(message).splitlines()
    assert any("characters more)" in line for line in lines)
    assert lines[-4:] == ["State", "firing", "end", "Ack"]


def test_fields_beyond_the_budget_are_counted() -> None:
    fields = tuple(Field(f"label {number}", "v" * 100) for number in range(200))
    lines = seen(Message("many", fields=fields)).splitlines()
    shown = sum(line.startswith("label ") for line in lines)
    assert lines[-1] == f"+{200 - shown} more"


def test_a_short_label_is_bold_and_one_with_markup_is_plain() -> None:
    fields = (Field("Since", "12:03"), Field("*alpha*", "x"))
    cells = [
        cell for block in every_block(render(Message("t", fields=fields)).whole) for cell in block.get("fields", [])
    ]
    assert [cell["type"] for cell in cells] == ["mrkdwn", "plain_text", "plain_text", "plain_text"]
    assert cells[0]["text"] == "*Since*"


def test_code_cannot_be_ended_from_inside() -> None:
    table = Table(("a",), (("``` <!channel>",),))
    code = next(
        block["text"]["text"]
        for block in every_block(render(Message("t", tables=(table,))).whole)
        if block["type"] == "section"
    )
    assert code.count("```") == 2
    assert "<!" not in code
    assert "``` <!channel>" in seen(Message("t", tables=(table,)))


def test_without_blocks_everything_is_said_and_every_button_can_be_typed() -> None:
    message = Message(
        "a title",
        "a text",
        (Field("State", "firing"),),
        (Table(("Agent",), (("alpha",),)),),
        (Button("Ack", "ack 3f"),),
        "end",
    )
    lines = reading(render(message).plainly).splitlines()
    assert lines == ["a title", "a text", "State: firing", "Agent", "alpha", "end", "Ack: /desk ack 3f"]


def test_a_full_message_stays_under_the_budget() -> None:
    rows = tuple((f"agent{n}", "x" * 100) for n in range(500))
    message = Message("t", "word " * 3_000, tuple(Field("l", "v" * 300) for _ in range(50)), (Table(("a", "b"), rows),))
    assert cost(render(message)) < BUDGET + 500


def test_the_three_characters_of_markup_are_escaped() -> None:
    assert escape("<!channel> & co") == "&lt;!channel&gt; &amp; co"


def test_whoever_is_called_stands_below_the_title_and_in_the_text_beside_the_blocks() -> None:
    called = (Mention("ana", "U0ANA"), Mention("ben *b* <!here>"), Mention("eve", "W0EVE"))
    message = Message("🚨 CRITICAL · alpha", "a text", mentions=called, tone=Tone.CRITICAL)
    rendered = render(message)
    assert seen(message).splitlines() == [message.title, "<@U0ANA> <@W0EVE>", "ben *b* <!here>", "a text"]
    assert [each["type"] for each in rendered.blocks] == ["header", "section", "section"]
    assert rendered.text.splitlines()[:3] == [message.title, "<@U0ANA> <@W0EVE>", "ben *b* &lt;!here&gt;"]
    assert rendered.bare.splitlines()[1] == "<@U0ANA> <@W0EVE>"


def test_people_beyond_the_twentieth_are_counted() -> None:
    mentions = tuple(Mention(f"p{number}", f"U0{number:03}") for number in range(23))
    assert seen(Message("down", mentions=mentions)).splitlines()[-1] == "+3 more"
