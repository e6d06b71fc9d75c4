"""A message that waits for a chat which seems well is a page that does not arrive."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals

OLDEST, CLEARS = 60.0, 30.0
"""Age in seconds of the oldest message that waits."""


@desk_rule("desk_outbox", Severity.WARN, "Messages wait", recovered="delivers again", fire_after=2)
def desk_outbox(vitals: Vitals, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach, by channel: its oldest message is older than a minute. A chat in known trouble has its own alert."""
    for channel in sorted(vitals.undelivered.keys() | {dict(labels)["channel"] for labels in open_}):
        if vitals.chats.get(channel.partition(":")[0]) is not None:
            continue
        labels, age = (("channel", channel),), vitals.undelivered.get(channel, 0.0)
        if age > (CLEARS if labels in open_ else OLDEST):
            reason = f"the oldest message for {channel} has waited for {age:,.0f} s (limit {OLDEST:g} s)"
            yield breach(vitals, desk_outbox, reason, age, OLDEST, labels)
        else:
            yield clear(vitals, desk_outbox, f"nothing waits long for {channel}", age, OLDEST, labels)
