"""An agent that sends the same order again and again does not see what became of the first."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule

CLEARS_AT = 0.5
"""Share of the limit below which an open alert clears."""


@rule("repeated_orders", Severity.CRITICAL, "Same order again and again", recovered="repeats no order any more")
def repeated_orders(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: one and the same order was sent as often as the limit within 10 min."""
    limit, many = view.agent.limits.repeated_orders, view.sample.repeated_orders
    if limit is None and open_:
        yield clear(view, repeated_orders, f"{view.agent.id} has no limit for repeated orders any more")
    if limit is None or many is None:
        return
    if many >= (limit * CLEARS_AT if open_ else limit):
        reason = f"{view.agent.id} sent the same order {many} times within 10 min (limit {limit})"
        yield breach(view, repeated_orders, reason, many, limit)
    else:
        yield clear(view, repeated_orders, f"{view.agent.id} repeats no order", many, limit)
