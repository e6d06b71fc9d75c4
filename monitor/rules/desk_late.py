"""A desk that does not come round in time sees and tells everything late: the machine is too busy or too slow."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals

LATE, LATE_CLEARS = 0.2, 0.1
"""Share of the ticks of a minute."""
LAG, LAG_CLEARS = 10.0, 2.0
"""Seconds that work which was due waited for its turn."""


@desk_rule("desk_late", Severity.WARN, "The desk is late", recovered="keeps its times again")
def desk_late(vitals: Vitals, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: a fifth of the last minute's ticks came late, or nothing at all was done for 10 s."""
    late, lag = vitals.late, vitals.lag
    if lag is not None and lag > (LAG_CLEARS if open_ else LAG):
        reason = f"the desk did nothing at all for {lag:,.0f} s in the last minute: it was stopped, or its machine was"
        yield breach(vitals, desk_late, reason, lag, LAG)
    elif late is not None and late > (LATE_CLEARS if open_ else LATE):
        reason = f"{late:.0%} of the last minute's ticks came late (limit {LATE:.0%}): its machine is too busy"
        yield breach(vitals, desk_late, reason, late, LATE)
    elif late is not None:
        yield clear(vitals, desk_late, "the desk keeps its times", late, LATE)
