"""A strategy that has not acted for longer than its limit is stalled, unless it is paused: an order is no news."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule


@rule("strategy_stalled", Severity.WARN, "Strategy stalled", recovered="acts again")
def strategy_stalled(view: View, _open: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the heartbeat is older than the limit, or the agent's own strategy check fails."""
    sample, limit = view.sample, view.agent.limits.heartbeat
    check = next((each for each in sample.checks if each.name == "strategy"), None)
    if sample.error is not None or (sample.heartbeat_age is None and check is None):
        return
    if sample.paused or view.pause is not None:
        yield clear(view, strategy_stalled, f"{view.agent.id} is paused")
    elif sample.heartbeat_age is not None and sample.heartbeat_age > limit:
        reason = f"{view.agent.id} has not acted for {sample.heartbeat_age:,.0f} s (limit {limit:,.0f} s)"
        yield breach(view, strategy_stalled, reason, sample.heartbeat_age, limit)
    elif check is not None and not check.ok:
        detail = f": {check.detail}" if check.detail else ""
        yield breach(view, strategy_stalled, f"{view.agent.id} says its strategy is stale{detail}")
    else:
        yield clear(view, strategy_stalled, f"{view.agent.id} acts")
