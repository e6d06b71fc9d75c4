"""The app that Slack is asked to make: every scope and command it needs, and none that Slack keeps for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.command import Command, discover
from bot.format import plain

RESERVED = frozenset(
    {
        *("active", "apps", "archive", "away", "call", "close", "collapse", "dm", "dnd", "expand", "feed", "feedback"),
        *("help", "invite", "join", "keys", "leave", "me", "msg", "mute", "open", "part", "prefs", "remind"),
        *("remove", "rename", "s", "search", "shortcuts", "shrug", "star", "status", "topic", "unarchive", "who"),
    }
)
"""Commands that Slack has of its own; a manifest that lists one may be refused whole."""
LOOKING = ("channels:history", "groups:history", "im:history")
"""Scopes by which a message that may have been posted is looked for before it is posted again."""
SHOWING = "files:write"
"""The scope by which an answer comes with its picture."""
SCOPES = ("app_mentions:read", "channels:read", "chat:write", "commands", SHOWING, "groups:read", *LOOKING)
MOST = 50
"""Commands that one app may have."""


def commands(registry: Mapping[str, Command] | None = None) -> Mapping[str, Command]:
    """The commands of the registry that Slack lets an app have under their own name; the others go by /desk."""
    found = discover() if registry is None else registry
    free = [name for name in sorted(found) if name not in RESERVED and name != "desk"]
    return {name: found[name] for name in free[: MOST - 1]}


def manifest(name: str = "nightdesk", mode: str = "socket", url: str | None = None) -> Mapping[str, Any]:
    """The manifest of an app called `name`, as plain values; `url`: where Slack reaches the desk in mode "http".

    Errors: ValueError (what Slack would refuse).
    """
    if not 0 < len(name) <= 35 or not name.isprintable():  # noqa: PLR2004 -- said below
        raise ValueError("the name of a Slack app has 1 to 35 characters")
    if mode == "http" and not (url or "").startswith("https://"):
        raise ValueError("in http mode Slack must be told an https:// address that leads to the desk's /slack/events")
    return {
        "display_information": {
            "name": name,
            "description": "The on-call desk for trading agents",
            "background_color": "#0F172A",
        },
        **(_webhook(name) if mode == "webhook" else _interactive(name, mode, url if mode == "http" else None)),
    }


def _webhook(name: str) -> Mapping[str, Any]:
    return {
        "features": {"bot_user": {"display_name": name, "always_online": True}},
        "oauth_config": {"scopes": {"bot": ["incoming-webhook"]}},
        "settings": {"socket_mode_enabled": False, "org_deploy_enabled": False, "token_rotation_enabled": False},
    }


def _interactive(name: str, mode: str, url: str | None) -> Mapping[str, Any]:
    to = {} if url is None else {"url": url}
    request = {} if url is None else {"request_url": url}
    desk = ("desk", "Any command of the desk: status, pause, ack …", "status | help | any command")
    listed = [desk, *((each.name, each.summary, _hint(each)) for each in commands().values())]
    return {
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,  # without it the app may write to nobody alone
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [
                {
                    "command": f"/{command}",
                    "description": plain(summary, 100),
                    **({"usage_hint": hint} if hint else {}),
                    "should_escape": False,
                    **to,
                }
                for command, summary, hint in listed
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": ["app_mention"], **request},
            "interactivity": {"is_enabled": True, **request},
            "socket_mode_enabled": mode == "socket",
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def _hint(each: Command) -> str:
    """What comes after the command's name."""
    return plain(each.usage.removeprefix(f"/{each.name}"), 200)
