"""Equity net of cash flows, too far below its peak, is a drawdown until it has climbed well back."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule

CLEARS_AT = 0.8
"""Share of the limit below which an open alert clears (15 % opens it, 12 % closes it)."""


@rule("drawdown", Severity.CRITICAL, "Drawdown over the limit", recovered="is back within its drawdown limit")
def drawdown(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the share lost since the peak is above the agent's limit."""
    limit = view.agent.limits.drawdown
    if limit is None and open_:
        yield clear(view, drawdown, f"{view.agent.id} has no drawdown limit any more")
    if limit is None or view.drawdown is None or view.sample.equity is None:
        return
    bar = limit * CLEARS_AT if open_ else limit
    if view.drawdown > bar:
        reason = (
            f"{view.agent.id} is {view.drawdown:.1%} below its peak (limit {limit:.1%}), "
            f"equity {view.sample.equity:,.2f}"
        )
        yield breach(view, drawdown, reason, view.drawdown, limit)
    else:
        yield clear(view, drawdown, f"{view.agent.id} is {view.drawdown:.1%} below its peak", view.drawdown, limit)
