"""An agent that does not answer twice in a row is down until it answers again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.order import HOLDS
from monitor.rule import Labels, View, breach, clear, rule


@rule(
    "agent_unreachable",
    Severity.CRITICAL,
    "Agent unreachable",
    fire_after=lambda limits: limits.missed_polls,
    recovered="answers again",
)
def agent_unreachable(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the newest poll brought no answer, and its process was not ended by an order."""
    stop = view.order if view.order is not None and view.order.action in HOLDS else None
    if view.sample.error is not None and stop is not None and stop.silent and stop.confirmed is not None:
        if open_:
            yield clear(view, agent_unreachable, f"{view.agent.id} is stopped, as {stop.by} ordered")
    elif view.sample.error is not None:
        yield breach(view, agent_unreachable, f"{view.agent.id} does not answer: {view.sample.error}")
    else:
        yield clear(view, agent_unreachable, f"{view.agent.id} answers")
