"""An order that the agent's own reports contradict is not done, whatever the agent answered to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, OrderState, Severity
from monitor.rule import Labels, View, breach, clear, rule


@rule("order_unconfirmed", Severity.CRITICAL, "Order not obeyed", recovered="does as ordered")
def order_unconfirmed(view: View, _open: Collection[Labels]) -> Iterable[Finding]:
    """Breach: after its time the agent does not report what was ordered, or stops reporting a confirmed pause.

    A resume of an agent that never says whether it is paused cannot be proven and harms nobody: it is no breach.
    """
    order, sample = view.order, view.sample
    if order is None or sample.error is not None:
        return
    wants_pause = order.action == "pause"
    done = order.state is OrderState.CONFIRMED
    if sample.paused is wants_pause or (not wants_pause and (done or sample.paused is None)):
        yield clear(view, order_unconfirmed, f"{view.agent.id} is {'paused' if sample.paused else 'running'}")
    elif done or view.now - order.requested > view.agent.limits.confirm_within:
        says = {None: "does not say whether it is paused", True: "reports paused", False: "reports running"}
        reason = f"{view.agent.id} {says[sample.paused]}, though {order.by} ordered {order.action}"
        yield breach(view, order_unconfirmed, reason)
