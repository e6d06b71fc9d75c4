"""When everything beyond this machine is gone at once, it is the desk that is off the network."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals

SHARE = 0.5
"""Of the agents elsewhere, where every chat is gone too."""
FEWEST, FEWEST_ALONE = 2, 3
"""Agents elsewhere; without a chat that could tell, there must be more."""
TOGETHER = 120.0
"""Seconds within which they were lost: what went one by one has reasons of its own."""


@desk_rule(
    "desk_offline", Severity.CRITICAL, "The desk is off the network", recovered="is on the network", fire_after=2
)
def desk_offline(vitals: Vitals, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: all chats are in trouble and half of the agents elsewhere silent; without a chat, all were lost together.

    Once open it stands until a chat, or more than half of these agents, can be reached again.
    """
    troubles, lost = vitals.chats.values(), len(vitals.lost)
    together = lost > 0 and max(vitals.lost) - min(vitals.lost) <= TOGETHER
    if troubles:
        cut = all(troubles) and vitals.remote >= FEWEST and lost >= SHARE * vitals.remote
    elif open_:
        cut = lost > 0 and lost >= SHARE * vitals.remote
    else:
        cut = vitals.remote >= FEWEST_ALONE and lost == vitals.remote and together
    if cut:
        chats = "no chat and " if troubles else ""
        reason = f"{chats}{vitals.remote - lost} of {vitals.remote} agents elsewhere answer: the network here is down"
        yield breach(vitals, desk_offline, reason, lost)
    else:
        yield clear(vitals, desk_offline, "the desk is on the network", lost)
