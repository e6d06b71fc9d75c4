"""A chat that cannot be relied on holds its pages back: whoever looks only there must be told elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.outside import line
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals

DEAF = 180.0
"""Seconds without an answer of its server after which a chat that says nothing is in trouble too."""


@desk_rule("chat_down", Severity.WARN, "Chat in trouble", recovered="is back", fire_after=3)
def chat_down(vitals: Vitals, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach, by platform: three looks in a row (10 s) found it in trouble, or its server no longer answers."""
    for name in sorted(vitals.chats.keys() | {dict(labels)["platform"] for labels in open_}):
        labels, why = (("platform", name),), vitals.chats.get(name)
        silent = vitals.heard.get(name)
        if why is None and silent is not None and silent > DEAF:
            why = f"its server has not answered for {silent:,.0f} s"
        if why is not None:
            yield breach(
                vitals, chat_down, f"{name} is in trouble: pages wait for it ({line(why, 300)})", labels=labels
            )
        else:
            yield clear(vitals, chat_down, f"{name} is back", labels=labels)
