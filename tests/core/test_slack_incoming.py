"""Whatever Slack delivers is read as an order or as nothing, never with an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.slack.incoming import Order, mention, press, slash

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("U0ANA")
KEYS = st.sampled_from(
    (
        *("actions", "user", "container", "message", "event", "team", "channel", "id"),
        *("ts", "thread_ts", "text", "value", "action_ts", "type", "command", "user_id"),
        *("channel_id", "team_id", "message_ts", "is_ephemeral", "trigger_id", "event_id", "response_url"),
    )
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6))
BODIES = st.dictionaries(KEYS, JSON, max_size=12)


def body(**event: Any) -> dict[str, Any]:
    told = {"type": "app_mention", "user": "U0ANA", "ts": "1764072180.5", "channel": "C0", "text": "<@U0BOT> status"}
    return {"team_id": "T0", "event_id": "Ev1", "event": told | event}


@given(BODIES)
def test_any_json_is_an_order_or_nothing(found: dict[str, Any]) -> None:
    for order in (slash(found), press(found), mention(found, "U0BOT")):
        if order is not None:
            assert order.user
            assert order.chat
            assert order.line


def test_a_mention_is_read_whole() -> None:
    assert mention(body(thread_ts="1764072000.1", user_team="T1"), "U0BOT") == Order(
        line="status",
        user="U0ANA",
        display="U0ANA",
        chat="C0",
        teams=frozenset({"T0", "T1"}),
        event="Ev1",
        time=1764072180.5,
        card="1764072000.1",
        thread="1764072000.1",
    )


@pytest.mark.parametrize(
    ("text", "aside"),
    [
        ("<@U0BOT> pause alpha", False),
        ("  <@U0BOT|nightdesk> pause alpha", False),
        ("please <@U0BOT> pause alpha", True),
        ("<@U0ANA> <@U0BOT> pause alpha", True),
        ("pause alpha", True),
    ],
)
def test_only_what_begins_with_the_mention_is_an_order(text: str, aside: bool) -> None:
    order = mention(body(text=text), "U0BOT")
    assert order is not None
    assert order.aside is aside


@pytest.mark.parametrize("when", ["", "soon", "nan", "inf"])
def test_a_press_without_a_time_is_so_old_that_it_is_asked_about(when: str) -> None:
    found = press(
        {
            "actions": [{"type": "button", "value": "pause alpha", "action_ts": when}],
            "user": {"id": "U0ANA"},
            "container": {"channel_id": "C0", "message_ts": "1.2"},
        }
    )
    assert found is not None
    assert (found.time, found.card) == (0.0, "1.2")


@pytest.mark.parametrize("user", ["", "ana", "B0BOT", "U", "<@U0ANA>", "U0ANA\n"])
def test_who_is_no_person_gives_no_order(user: str) -> None:
    assert slash({"command": "/desk", "text": "status", "user_id": user, "channel_id": "C0"}) is None


def test_a_line_is_bounded() -> None:
    order = slash({"command": "/desk", "text": "x" * 100_000, "user_id": "U0ANA", "channel_id": "C0"})
    assert order is not None
    assert len(order.line) <= 4_000
