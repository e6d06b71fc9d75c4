"""What Slack delivers becomes a line somebody gave, or nothing: bots, edits and nonsense give no orders."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.line import LONGEST

_USER = re.compile(r"[UW][A-Z0-9]{2,30}")
_TAGS = re.compile(r"<(?P<kind>[@#!]?)(?P<to>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")


@dataclass(frozen=True, slots=True)
class Order:
    """A line somebody gave, before channel, workspace and person are looked at."""

    line: str
    user: str
    display: str
    chat: str
    teams: frozenset[str]
    """Every workspace that it has to do with."""
    event: str
    time: float | None
    """Seconds since the epoch; None where Slack does not say."""
    button: bool = False
    card: str | None = None
    """The ts of the message that it answers."""
    thread: str | None = None
    """The ts of the thread in which it is answered."""
    response_url: str | None = None
    aside: bool = False
    """A mention in the middle of a sentence: it is no order."""


def slash(body: Mapping[str, Any]) -> Order | None:
    """A slash command: `/desk LINE`, or `/NAME REST` for the line `NAME REST`."""
    name, rest = _text(body.get("command")), _unescaped(_text(body.get("text"))).strip()
    line = rest if name == "/desk" else f"{name} {rest}".strip()
    return _order(
        Order(
            line=line or "help",
            user=_text(body.get("user_id")),
            display=_text(body.get("user_name")),
            chat=_text(body.get("channel_id")),
            teams=_teams(body.get("team_id"), body.get("user_team_id")),
            event=_text(body.get("trigger_id")),
            time=None,
            response_url=_text(body.get("response_url")) or None,
        )
    )


def press(body: Mapping[str, Any]) -> Order | None:
    """A pressed button, whose value is the line."""
    actions, user = body.get("actions"), _table(body.get("user"))
    action = _table(actions[0]) if isinstance(actions, list) and actions else {}
    container, message = _table(body.get("container")), _table(body.get("message"))
    hidden = container.get("is_ephemeral") is True
    root = _text(message.get("thread_ts")) or _text(container.get("thread_ts")) or _text(container.get("message_ts"))
    when, line = _text(action.get("action_ts")), _text(action.get("value"))
    if not line or action.get("type") != "button":
        return None
    return _order(
        Order(
            line=line,
            user=_text(user.get("id")),
            display=_text(user.get("username")) or _text(user.get("name")),
            chat=_text(container.get("channel_id")) or _text(_table(body.get("channel")).get("id")),
            teams=_teams(_table(body.get("team")).get("id"), user.get("team_id")),
            event=f"{when}:{_text(body.get('trigger_id'))}",
            time=_time(when) or 0.0,
            button=True,
            card=None if hidden or not root else root,
            thread=None if hidden or not root else root,
            response_url=_text(body.get("response_url")) or None,
        )
    )


def mention(body: Mapping[str, Any], bot: str) -> Order | None:
    """A message that begins with a mention of `bot`; None for what a bot wrote or somebody edited."""
    event = _table(body.get("event"))
    edited = any(name in event for name in ("edited", "bot_id", "bot_profile", "subtype", "hidden"))
    user, ts = _text(event.get("user")), _text(event.get("ts"))
    if event.get("type") != "app_mention" or edited or user == bot or not ts:
        return None
    text = _text(event.get("text")).strip()
    called, _, rest = text.partition(">")
    card = _text(event.get("thread_ts"))
    return _order(
        Order(
            line=_unescaped(_TAGS.sub(_written, rest)).strip() or "help",
            user=user,
            display=user,
            chat=_text(event.get("channel")),
            teams=_teams(body.get("team_id"), *(event.get(name) for name in ("team", "user_team", "source_team"))),
            event=_text(body.get("event_id")),
            time=_time(ts) or 0.0,
            card=card or None,
            thread=card or ts,
            aside=called.partition("|")[0] != f"<@{bot}",
        )
    )


def _order(order: Order) -> Order | None:
    """An order that says who gave it and where."""
    return order if _USER.fullmatch(order.user) and order.chat else None


def _text(value: object) -> str:
    return value[: 4 * LONGEST] if isinstance(value, str) else ""


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _teams(*values: object) -> frozenset[str]:
    return frozenset(value for value in values if isinstance(value, str) and value)


def _time(ts: str) -> float | None:
    try:
        seconds = float(ts)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _unescaped(text: str) -> str:
    """Slack escapes three characters and no other."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _written(tag: re.Match[str]) -> str:
    """What somebody typed before Slack made a link of it."""
    kind, to, label = tag["kind"], tag["to"], tag["label"]
    if kind:
        return f"{kind}{label or to}"
    return label or to.removeprefix("mailto:")
