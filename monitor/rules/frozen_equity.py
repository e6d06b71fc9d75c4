"""With a position open the market moves the equity: one that stands still is not looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule


@rule("frozen_equity", Severity.WARN, "Equity frozen", recovered="has an equity that moves again")
def frozen_equity(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the equity has not moved at all for the limit while a position was open.

    Nothing is said where the equity is no more than the balance, which moves only when a trade ends.
    """
    limit, sample = view.agent.limits.frozen, view.sample
    if limit is None and open_:
        yield clear(view, frozen_equity, f"{view.agent.id} has no limit for a frozen equity any more")
    if limit is None or sample.error is not None or sample.equity is None or sample.open_positions is None:
        return
    if view.still is None and sample.open_positions and sample.equity == sample.balance:
        return
    if view.still is None:
        yield clear(view, frozen_equity, f"the equity of {view.agent.id} moves, or nothing is open", 0.0, limit)
        return
    age = view.now - view.still
    if age > limit:
        reason = (
            f"the equity of {view.agent.id} has stood at {sample.equity:,.2f} for {age / 60:,.0f} min "
            f"with {sample.open_positions} open (limit {limit / 60:,.3g} min)"
        )
        yield breach(view, frozen_equity, reason, age, limit)
    else:
        yield clear(view, frozen_equity, f"the equity of {view.agent.id} stands still, not for long", age, limit)
