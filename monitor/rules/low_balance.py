"""A balance under its minimum cannot trade."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule

CLEARS_AT = 1.02
"""Multiple of the minimum that an open alert must reach to clear."""


@rule("low_balance", Severity.WARN, "Balance low", recovered="has enough balance again")
def low_balance(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the balance is below the minimum set here, or the agent's own wallet check fails."""
    sample, floor = view.sample, view.agent.limits.min_balance
    check = next((each for each in sample.checks if each.name == "wallet"), None)
    judged = sample.balance is not None and floor is not None
    if sample.error is None and floor is None and check is None and open_:
        yield clear(view, low_balance, f"{view.agent.id} has no minimum balance any more")
    if sample.error is not None or not (judged or check):
        return
    if sample.balance is not None and floor is not None and sample.balance < (floor * CLEARS_AT if open_ else floor):
        reason = f"{view.agent.id} has a balance of {sample.balance:,.2f} (minimum {floor:,.2f})"
        yield breach(view, low_balance, reason, sample.balance, floor)
    elif check is not None and not check.ok:
        detail = f": {check.detail}" if check.detail else ""
        yield breach(view, low_balance, f"{view.agent.id} says its wallet is low{detail}")
    else:
        yield clear(view, low_balance, f"{view.agent.id} has enough balance", sample.balance, floor)
