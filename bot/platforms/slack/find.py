"""A message of ours carries a key that nobody sees, and is found again by it in what its channel shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from bot.platforms.slack.api import Api, Identity
from bot.platforms.slack.errors import RefusedError

EARLIER = 5.0
"""Seconds by which Slack's clock may be behind the desk's."""
PAGES = 5
"""Answers that are read at most, the newest messages first."""
log = structlog.get_logger()


async def found(api: Api, us: Identity, channel: str, key: str, since: float) -> str | None:
    """The ts of the message that was posted under a key; None when it is not there, or when the app may not look.

    What was said in a thread alone is not seen: a channel's history does not hold it.

    Errors: TransportError (Slack was busy, or not reached: it may be there all the same).
    """
    cursor = ""
    for _ in range(PAGES):
        try:
            answer = await api.history(channel, since - EARLIER, cursor)
        except RefusedError as error:
            if error.busy:
                raise
            log.warning("whether a message was posted cannot be looked up", channel=channel, code=error.code)
            return None
        for each in _messages(answer):
            if _key(each) == key and (us.user in ("", each.get("user")) or us.bot == each.get("bot_id")):
                return str(each.get("ts") or "") or None
        about = answer.get("response_metadata")
        cursor = str(about.get("next_cursor") or "") if isinstance(about, dict) else ""
        if not cursor:
            return None
    log.warning("a message was not found among the newest of a channel", channel=channel)
    return None


def _messages(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    told = answer.get("messages")
    yield from (each for each in (told if isinstance(told, list) else ()) if isinstance(each, dict))


def _key(message: Mapping[str, Any]) -> str | None:
    about = message.get("metadata")
    payload = about.get("event_payload") if isinstance(about, dict) and about.get("event_type") == "nightdesk" else None
    key = payload.get("key") if isinstance(payload, dict) else None
    return key if isinstance(key, str) else None
