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
    won = f"{alarm.value * alarm.n:,.0f} of its last {alarm.n:,} trades ({100 * alarm.value:.0f} %) in {span(alarm)}"
    return (
        f"{view.agent.id} won {won}, {100 * alarm.typical:.0f} % before; expected by chance less often than "
        f"{once_in(alarm.every)}"
    )
