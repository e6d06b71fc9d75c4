"""An agent whose market data has grown old trades on prices that are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule

CLEARS_AT = 0.5
"""Share of the limit below which an open alert clears."""


@rule("stale_feed", Severity.WARN, "Data feed stale", recovered="has fresh market data again", fire_after=2)
def stale_feed(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: its newest market data is older than the limit, paused or not: exits need prices too."""
    limit, age = view.agent.limits.feed, view.sample.feed_age
    if limit is None and open_:
        yield clear(view, stale_feed, f"{view.agent.id} has no limit for its data feed any more")
    if limit is None or age is None:
        return
    if age > (limit * CLEARS_AT if open_ else limit):
        reason = f"the newest market data of {view.agent.id} is {age:,.0f} s old (limit {limit:,.0f} s)"
        yield breach(view, stale_feed, reason, age, limit)
    else:
        yield clear(view, stale_feed, f"{view.agent.id} has fresh market data", age, limit)
