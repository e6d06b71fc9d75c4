"""Moves that together are far larger than is typical of the agent: a position of the wrong size, or a wild market."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rare import by_chance, judge, share, span, times
from monitor.rule import Labels, View, rule


@rule("burst", Severity.WARN, "Moves too large", recovered="has moved as usual for an hour", statistical=True)
def burst(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the detector found moves as large, for so long, as the budget of false pages allows."""
    return judge(view, burst, open_, _sentence)


def _sentence(view: View, alarm: Alarm) -> str:
    return (
        f"the last {alarm.n} moves of {view.agent.id} ({span(alarm)}) were {share(alarm.value)} each without the two "
        f"largest, {times(alarm)} what was typical before ({share(alarm.typical)}); expected by chance "
        f"{by_chance(alarm.every)}"
    )
