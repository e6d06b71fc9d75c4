"""A model whose calls fail, or that suddenly costs many times its usual, decides badly or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Sample, Severity
from monitor.rule import Labels, View, breach, clear, rule

CLEARS_AT = 0.8
"""Share of a limit below which an open alert clears."""
SPIKE = 5.0
"""Times its usual hour that an hour may cost where nothing is declared."""
LEAST = 1.0
"""Money in an hour below which no cost is worth a word."""
HOUR, LONG_ENOUGH = 3_600.0, 6 * 3_600.0
"""Seconds; how long a process must run before its usual hour is known."""
ERRORS, COST = (("kind", "errors"),), (("kind", "cost"),)


@rule("model_trouble", Severity.WARN, "Model fails or costs too much", recovered="has a sound model again")
def model_trouble(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach, by kind: so many calls of its model fail, or the last hour cost more than declared, or than usual.

    While its usual is not known, small change ends what is open, and so does an agent of which it can never be known.
    """
    limits, sample, name = view.agent.limits, view.sample, view.agent.id
    if limits.model_errors is None and ERRORS in open_:
        yield clear(view, model_trouble, f"{name} has no limit for errors of its model any more", labels=ERRORS)
    if sample.model_errors is not None and limits.model_errors is not None:
        share, limit = sample.model_errors, limits.model_errors
        bad = share >= limit * (CLEARS_AT if ERRORS in open_ else 1.0)
        reason = f"{share:.0%} of the last calls of the model of {name} failed (limit {limit:.0%})"
        yield (breach if bad else clear)(view, model_trouble, reason, share, limit, ERRORS)
    cost, bound = sample.cost_1h, _bound(view)
    if cost is not None and bound is not None:
        bad = cost > max(LEAST if limits.model_cost is None else 0.0, bound * (CLEARS_AT if COST in open_ else 1.0))
        what = "limit" if limits.model_cost is not None else f"{SPIKE:g} times its usual is"
        reason = f"the model of {name} cost {cost:,.2f} in the last hour ({what} {bound:,.2f})"
        yield (breach if bad else clear)(view, model_trouble, reason, cost, bound, COST)
    elif cost is not None and COST in open_ and (cost <= LEAST or sample.cost_24h is None or sample.uptime is None):
        yield clear(view, model_trouble, f"the model of {name} cost {cost:,.2f} in the last hour", cost, labels=COST)


def _bound(view: View) -> float | None:
    if view.agent.limits.model_cost is not None:
        return view.agent.limits.model_cost
    usual = usual_hour(view.sample)
    return None if usual is None else SPIKE * usual


def usual_hour(sample: Sample) -> float | None:
    """What an hour before the last one cost on average; None where the process has not run for long enough."""
    if sample.cost_1h is None or sample.cost_24h is None or sample.uptime is None or sample.uptime < LONG_ENOUGH:
        return None
    hours = min(23.0, sample.uptime / HOUR - 1.0)
    return max(0.0, sample.cost_24h - sample.cost_1h) / hours
