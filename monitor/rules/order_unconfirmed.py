"""An order that the agent's own reports contradict is not done, whatever the agent answered to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.obeying import broken
from monitor.order import OrderState
from monitor.rule import Labels, View, breach, clear, rule

KEPT = 5.0
"""Seconds beside `confirm_within` that the desk has to pause an agent again that began anew."""


@rule("order_unconfirmed", Severity.CRITICAL, "Order not obeyed", recovered="does as ordered")
def order_unconfirmed(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: after its time the agent does not report what was ordered, or stops obeying a confirmed pause.

    A resume of an agent that never says whether it is paused cannot be proven and harms nobody: it is no breach. An
    agent that began anew since it was paused is paused again first.
    """
    order, sample, within = view.order, view.sample, view.agent.limits.confirm_within
    if order is None or sample.error is not None:
        return
    how: str | None
    if order.holds:
        how = broken(order, sample, within)
        if how is not None and not open_ and _begins(view, within):
            return
        waits = how is None and order.state is not OrderState.CONFIRMED
    else:
        done = order.state is OrderState.CONFIRMED or order.ended is not None or sample.paused is not True
        waits = not done and view.now - order.requested <= within
        how = None if done or waits else "reports paused"
    if how is not None:
        yield breach(view, order_unconfirmed, f"{view.agent.id} {how}, though {order.by} ordered {order.action}")
    elif not waits:
        yield clear(view, order_unconfirmed, f"{view.agent.id} is {'paused' if sample.paused else 'running'}")


def _begins(view: View, within: float) -> bool:
    """Whether it has only just begun anew since it was paused, so that the desk is about to pause it again."""
    order = view.order
    if order is None or order.confirmed is None or view.began is None:
        return False
    return view.began > order.confirmed and view.now - view.began < within + KEPT
