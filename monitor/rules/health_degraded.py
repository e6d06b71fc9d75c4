"""A health check that the agent itself reports as failing is a trouble of its own, named by the check."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Check, Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule

ELSEWHERE = frozenset({"strategy", "wallet"})
"""Checks that strategy_stalled and low_balance judge: one trouble, one page."""

UNWELL = frozenset({"degraded", "error", "unhealthy"})
"""What an agent may call itself when it is not well; with no failing check to name, that is the trouble."""


@rule("health_degraded", Severity.WARN, "Health degraded", recovered="passes the check again", clear_after=2)
def health_degraded(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: a check of the newest answer is not ok. A check that is no longer reported is no longer failing."""
    if view.sample.error is not None:
        return
    checks = {check.name: check for check in view.sample.checks if check.name not in ELSEWHERE}
    if view.sample.status in UNWELL and all(check.ok for check in view.sample.checks):
        checks["status"] = Check("status", ok=False, detail=f"it calls itself {view.sample.status}")
    for name in sorted(checks.keys() | {dict(labels)["check"] for labels in open_}):
        labels = (("check", name),)
        check = checks.get(name)
        if check is None or check.ok:
            state = "is ok" if check else "is no longer reported"
            yield clear(view, health_degraded, f"{view.agent.id}: {name} {state}", labels=labels)
        else:
            detail = f": {check.detail}" if check.detail else ""
            yield breach(view, health_degraded, f"{view.agent.id} fails its {name} check{detail}", labels=labels)
