"""With a position open the market moves the equity: one that stands still is not looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Samples, Severity
from monitor.rule import Labels, View, breach, clear, rule


@rule("stale", Severity.WARN, "Equity stale", recovered="has an equity that moves again")
def stale(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the equity has not moved at all for the limit while a position was open.

    Nothing is said where the equity is no more than the balance, which moves only when a trade ends.
    """
    limit, sample = view.agent.frozen, view.sample
    if limit is None and open_:
        yield clear(view, stale, f"{view.agent.id} has no limit for a stale equity any more")
    if limit is None or sample.error is not None or sample.equity is None or sample.open_positions is None:
        return
    if view.still is None and sample.open_positions and sample.equity == sample.balance:
        return
    if view.still is None:
        yield clear(view, stale, f"the equity of {view.agent.id} moves, or nothing is open", 0.0, limit)
        return
    age = view.now - view.still
    if age < limit:
        yield clear(view, stale, f"the equity of {view.agent.id} stands still, not for long", age, limit)
        return
    reason = (
        f"the equity of {view.agent.id} has stood at {sample.equity:,.2f} for {_span(age)} with "
        f"{sample.open_positions} open (limit {_limit(view, limit)})"
    )
    yield breach(view, stale, reason, age, limit)


def _limit(view: View, seconds: float) -> str:
    of = view.agent.limits.frozen
    return f"{of.many:,} samples, {_span(seconds)}" if isinstance(of, Samples) else _span(seconds)


def _span(seconds: float) -> str:
    minutes = f"{seconds / 60:,.1f}".removesuffix(".0")
    return f"{minutes} min" if seconds >= 60 else f"{seconds:.3g} s"  # noqa: PLR2004 -- a minute
