"""A loss in the last 24 hours beyond what a person allowed, in money or as a share of equity, wakes people."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule

CLEARS_AT = 0.8
"""Share of the limit below which an open alert clears."""


@rule("hard_loss", Severity.CRITICAL, "Hard loss limit", recovered="is back within its loss limit")
def hard_loss(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the worse of what the desk measured and what the agent reports is above the limit.

    The desk's own figure is net of cash flows; the agent's counts for the hours before the desk looked.
    """
    limit, sample = view.agent.limits.hard_loss, view.sample
    reported = None if sample.pnl_24h is None else -sample.pnl_24h
    if limit is None and open_:
        yield clear(view, hard_loss, f"{view.agent.id} has no loss limit any more")
    losses = [loss for loss in (view.loss, reported) if loss is not None]
    if limit is None or not losses or sample.equity is None:
        return
    loss = max(losses)
    base = view.loss_base if view.loss_base is not None and loss == view.loss else sample.equity + loss
    allowed = limit.amount if limit.amount is not None else (limit.share or 0.0) * max(base, 0.0)
    share = f" ({loss / base:.1%} of equity)" if base > 0 else ""
    if loss > (allowed * CLEARS_AT if open_ else allowed):
        reason = f"{view.agent.id} lost {loss:,.2f}{share} in {_span(view)}, limit {allowed:,.2f}"
        yield breach(view, hard_loss, reason, loss, allowed)
    else:
        yield clear(view, hard_loss, f"{view.agent.id} is within its loss limit", loss, allowed)


def _span(view: View) -> str:
    hours = view.agent.limits.loss_window / 3600
    return f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"
