"""A drill is a page that somebody asked for, to see that it arrives: it is opened by a command, never found."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, desk_rule
from monitor.vitals import Vitals


@desk_rule("drill", Severity.CRITICAL, "Drill: acknowledge this page", recovered="has ended its drill")
def drill(_vitals: Vitals, _open: Collection[Labels]) -> Iterable[Finding]:
    """Nothing is ever found."""
    return ()
