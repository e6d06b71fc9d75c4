"""A strategy that acts and decides nothing is alive and does no work."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule


@rule("no_decisions", Severity.WARN, "Ticks without deciding", recovered="decides again", fire_after=2)
def no_decisions(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: its last decision is older than the limit though it acts; a new process has the limit to decide first.

    A strategy that does not even act is strategy_stalled's.
    """
    limit, sample = view.agent.limits.decision, view.sample
    if limit is None and open_:
        yield clear(view, no_decisions, f"{view.agent.id} has no limit for its decisions any more")
    if limit is None or sample.error is not None or view.decided is None:
        return
    if sample.paused or view.pause is not None:
        yield clear(view, no_decisions, f"{view.agent.id} is paused")
        return
    if sample.heartbeat_age is not None and sample.heartbeat_age > view.agent.limits.heartbeat:
        return
    age = view.now - max(view.decided, view.restarted or 0.0)
    if age > limit:
        reason = f"{view.agent.id} ticks and has not decided anything for {age:,.0f} s (limit {limit:,.0f} s)"
        yield breach(view, no_decisions, reason, age, limit)
    else:
        yield clear(view, no_decisions, f"{view.agent.id} decides", age, limit)
