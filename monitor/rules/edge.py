"""Fewer trades win than used to: the edge erodes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rare import judge, once_in, span
from monitor.rule import Labels, View, rule


@rule(
    "edge", Severity.WARN, "Edge erodes", recovered="has not been found losing its edge for an hour", statistical=True
)
def edge(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the detector's bets on fewer wins are worth as much as the budget of false pages allows."""
    return judge(view, edge, open_, _sentence)


def _sentence(view: View, alarm: Alarm) -> str:
    return (
        f"{view.agent.id} won {alarm.value:.0%} of its last {alarm.n:,} trades ({span(alarm)}), usually "
        f"{alarm.typical:.0%}; expected by chance less often than {once_in(alarm.every)}"
    )
