"""Exposure or leverage beyond what a person declared is a position that nobody meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Sample, Severity
from monitor.rule import Labels, View, breach, clear, rule

CLEARS_AT = 0.95
"""Share of the bound below which an open alert clears."""
EXPOSURE, LEVERAGE = (("kind", "exposure"),), (("kind", "leverage"),)


@rule("over_exposed", Severity.CRITICAL, "Exposed beyond what was declared", recovered="is within what was declared")
def over_exposed(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach, by kind: the worth of its positions, or its leverage, is above the bound. Nothing unless declared."""
    limits, sample, name = view.agent.limits, view.sample, view.agent.id
    worth, bound = exposure(sample), _allowed(view)
    if limits.exposure is None and EXPOSURE in open_:
        yield clear(view, over_exposed, f"{name} has no bound of its exposure any more", labels=EXPOSURE)
    if worth is not None and bound is not None:
        over = worth > bound * (CLEARS_AT if EXPOSURE in open_ else 1.0)
        reason = f"{name} has positions worth {worth:,.2f} (declared {bound:,.2f})"
        yield (breach if over else clear)(view, over_exposed, reason, worth, bound, EXPOSURE)
    if limits.leverage is None and LEVERAGE in open_:
        yield clear(view, over_exposed, f"{name} has no bound of its leverage any more", labels=LEVERAGE)
    if sample.leverage is not None and limits.leverage is not None:
        over = sample.leverage > limits.leverage * (CLEARS_AT if LEVERAGE in open_ else 1.0)
        reason = f"{name} has a leverage of {sample.leverage:.2f} (declared {limits.leverage:g})"
        yield (breach if over else clear)(view, over_exposed, reason, sample.leverage, limits.leverage, LEVERAGE)


def exposure(sample: Sample) -> float | None:
    """What all open positions are worth, each counted as positive, at market or else at their entry; None: unknown."""
    if sample.exposure is not None:
        return sample.exposure
    if sample.positions is None or any(each.entry_price is None for each in sample.positions):
        return None
    return sum(each.size * abs(each.entry_price or 0.0) for each in sample.positions)


def _allowed(view: View) -> float | None:
    bound, equity = view.agent.limits.exposure, view.sample.equity
    if bound is None or bound.amount is not None:
        return None if bound is None else bound.amount
    return None if equity is None else (bound.share or 0.0) * max(equity, 0.0)
