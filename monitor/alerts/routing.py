"""Which channels hear of an alert: those of the first route that fits, else the guide's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.alerts.plan import Plan
from monitor.alerts.silence import matches
from monitor.model import Severity


def channels(severity: Severity, known: Mapping[str, str], plan: Plan) -> tuple[str, ...]:
    """Channels for an alert of which `known` is known (`silence.names`); INFO is sent only by a route that says so.

    A drill goes to every channel.
    """
    if known.get("rule") == "drill":
        return plan.channels
    for route in plan.routes:
        if severity >= route.severity and (not route.match or matches(route.match, known)):
            named = tuple(each for each in dict.fromkeys(route.to) if each in plan.channels)
            if named:  # a route that leads nowhere is no reason to tell nobody
                return named
    return usual(severity, plan.channels)


def usual(severity: Severity, names: Sequence[str]) -> tuple[str, ...]:
    """The guide's: INFO none, WARN all but Slack where Telegram is there too, CRITICAL all.

    Only the platforms' own chats: another chat or a further channel is there for routes and steps that name it.
    """
    own = tuple(each for each in names if each in OWN)
    if severity is Severity.INFO:
        return ()
    if severity is Severity.WARN and "telegram" in own:
        return tuple(each for each in own if each != "slack")
    return own or tuple(names)


def together(channels: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """These channels and those that are not among them, in order."""
    return tuple(dict.fromkeys((*channels, *more)))


TERMINAL = "console"
"""The channel that takes everything, whether or not anybody sits before it."""
OWN = (TERMINAL, "memory", "telegram", "slack")
"""Channels that are a platform's own chat."""
