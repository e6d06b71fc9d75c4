"""What Slack refuses becomes one sentence that says what to do; no sentence holds a token or an address."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.chat import TransportError
from bot.format import plain

BOT_TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105 -- the name of a variable
APP_TOKEN = "SLACK_APP_TOKEN"  # noqa: S105 -- the name of a variable
UNREADABLE = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "invalid_attachments",
        "attachment_payload_limit_exceeded",
        "too_many_attachments",
        "msg_too_long",
        "invalid_payload",
    }
)
"""Codes by which Slack refuses how a message looks: it is then sent as text alone."""
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "cant_edit_message"})
"""Codes by which Slack says that a message can never be changed."""
NO_THREAD = frozenset({"thread_not_found", "cannot_reply_to_message", "message_not_found", "invalid_thread_ts"})
"""Codes by which Slack says that there is no message to answer."""
NO_METADATA = frozenset(
    {
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "metadata_too_long",
    }
)
"""Codes by which Slack refuses a message's key: it is then sent without one."""
NOT_THERE = frozenset({"channel_not_found", "not_in_channel", "is_archived"})

_TOKENS = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "no_permission",
        "not_allowed_token_type",
    }
)
_BUSY = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_WHERE = {
    "channel_not_found": "finds no channel {channel} that the app is in: invite it there with /invite, or mend its "
    "id in the settings",
    "not_in_channel": "says that the app is not in the channel {channel}: type /invite @nightdesk there",
    "is_archived": "says that the channel {channel} is archived: restore it, or set another in the settings",
    "file_uploads_disabled": "takes no files in this workspace: one of its admins can allow them",
    "channel_is_archived": "says that the webhook's channel is archived: restore it, or make a webhook for another",
}
_WEBHOOK_DEAD = frozenset({"no_service", "no_active_hooks", "invalid_token", "no_team", "action_prohibited"})
_LONGEST_WAIT = 3_600.0
_TOO_MANY = 429
_SERVER = 500
_CODE = re.compile(r"[a-z_]{2,60}")


class RefusedError(TransportError):
    """Slack answered, and the answer was no; `code` is its word for why. `busy`: it has a trouble that passes."""

    def __init__(
        self, code: str, message: str, *, permanent: bool = False, retry_after: float | None = None, busy: bool = False
    ) -> None:
        # Slack says of its own troubles that part of what was asked may have been done.
        super().__init__(message, permanent=permanent, retry_after=retry_after, uncertain=busy and retry_after is None)
        self.code = code
        self.busy = busy


def refused(error: SlackApiError, channel: str = "", variable: str = BOT_TOKEN) -> RefusedError:
    """The refusal of a call, from what Slack answered."""
    response: Any = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    data = getattr(response, "data", None)
    found = data if isinstance(data, dict) else {}
    code = str(found.get("error") or "")
    needed = plain(str(found.get("needed") or ""), 80)
    return explain(
        int(status), code, getattr(response, "headers", None), channel=channel, variable=variable, needed=needed
    )


def explain(
    status: int, code: str, headers: Any = None, *, channel: str = "", variable: str = BOT_TOKEN, needed: str = ""
) -> RefusedError:
    """The refusal that an HTTP status, a code and headers stand for."""
    code = code.strip() if _CODE.fullmatch(code.strip()) else ""
    if status == _TOO_MANY or code in _BUSY or status >= _SERVER:
        wait = _wait(headers) if status == _TOO_MANY or code.startswith("rate") else None
        what = "asked to wait" if wait is not None else f"is in trouble itself ({code or f'HTTP {status}'})"
        return RefusedError(code or "ratelimited", f"Slack {what}; it is tried again.", retry_after=wait, busy=True)
    if code in GONE:
        return RefusedError(code, f"Slack cannot change that message any more ({code}).", permanent=True)
    return RefusedError(code or f"http_{status}", f"Slack {_sentence(status, code, channel, variable, needed)}.")


def _sentence(status: int, code: str, channel: str, variable: str, needed: str) -> str:
    if code in _TOKENS:
        return f"refuses the token in {variable} ({code}): copy it from the app's page at api.slack.com, then restart"
    if code == "missing_scope":
        lacks = f"the scope {needed}" if needed else "a scope"
        return f"says that the app lacks {lacks}: put its manifest in again and reinstall it, then restart"
    if code in _WHERE:
        return _WHERE[code].format(channel=channel or "in the settings")
    if code in _WEBHOOK_DEAD:
        return f"knows the webhook no more ({code}): make a new one, put it into SLACK_WEBHOOK and restart"
    return f"refused it ({code or f'HTTP {status}'})"


def _wait(headers: Any) -> float:
    """Seconds of Retry-After; a second where it says nothing sensible."""
    try:
        seconds = float(headers["Retry-After"])
    except (KeyError, TypeError, ValueError):
        return 1.0
    return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else 1.0  # noqa: PLR0124 -- NaN


def unreached(error: Exception) -> TransportError:
    """The trouble of a call that got no answer; `uncertain` unless it surely never left."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL):
        return TransportError("Slack cannot be reached: look at the desk's network.")
    if isinstance(error, TimeoutError):
        return TransportError("Slack did not answer in time.", uncertain=True)
    if isinstance(error, aiohttp.ClientError | OSError):
        return TransportError("Slack broke the connection off.", uncertain=True)
    return TransportError(f"Slack answered with what nobody understands ({type(error).__name__}).", uncertain=True)
