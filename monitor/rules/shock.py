"""A loss in one step far beyond what is typical of the agent: a bug, a mis-sized position, bad data, or the market."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rare import by_chance, judge, share, span, times
from monitor.rule import Labels, View, rule


@rule("shock", Severity.WARN, "Sudden loss", recovered="has had no other for an hour", statistical=True)
def shock(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the detector found a loss as rare as the budget of false pages allows."""
    return judge(view, shock, open_, _sentence)


def _sentence(view: View, alarm: Alarm) -> str:
    return (
        f"{view.agent.id} lost {share(alarm.value)} in {span(alarm)}, {times(alarm)} its typical move "
        f"({share(alarm.typical)}); expected by chance {by_chance(alarm.every)}"
    )
