"""An observation that was lost is a look at an agent of which nobody will ever know."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals


@desk_rule("desk_dropped", Severity.WARN, "Observations were lost", recovered="has lost nothing for 5 min")
def desk_dropped(vitals: Vitals, _open: Collection[Labels]) -> Iterable[Finding]:
    """Breach: some were lost in the last 5 min, because too many waited or because they could not be digested."""
    lost = vitals.dropped
    if lost:
        what = "1 observation was" if lost == 1 else f"{lost:,} observations were"
        reason = (
            f"{what} lost in the last 5 min: too many waited, or they could not be taken at all; the log says which"
        )
        yield breach(vitals, desk_dropped, reason, lost, 0.0)
    else:
        yield clear(vitals, desk_dropped, "nothing was lost", 0.0, 0.0)
