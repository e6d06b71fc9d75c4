"""A desk that could not store what it saw was blind for as long."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.outside import line
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals

REFUSED = 5.0
"""Seconds of the last 5 min; a lock that is gone in a moment is no news."""


@desk_rule("desk_store", Severity.WARN, "Nothing could be stored", recovered="has stored everything for 5 min")
def desk_store(vitals: Vitals, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: for 5 s of the last 5 min. It can be said only once that is over: this is stored too."""
    refused = vitals.unstored
    if refused > (0.0 if open_ else REFUSED):
        why = f": {line(vitals.store, 300)}" if vitals.store else ""
        reason = f"for {refused:,.0f} s of the last 5 min nothing could be stored, now it is stored again{why}"
        yield breach(vitals, desk_store, reason, refused, REFUSED)
    else:
        yield clear(vitals, desk_store, "everything is stored", refused, REFUSED)
