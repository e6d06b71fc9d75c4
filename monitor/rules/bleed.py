"""Small moves that lose on the whole, more steadily than chance lets happen."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rare import judge, once_in, share, span
from monitor.rule import Labels, View, rule


@rule("bleed", Severity.WARN, "Steady loss", recovered="has not been found losing again for an hour", statistical=True)
def bleed(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the detector's bets on a loss are worth as much as the budget of false pages allows."""
    return judge(view, bleed, open_, _sentence)


def _sentence(view: View, alarm: Alarm) -> str:
    part = abs(alarm.value) / alarm.typical if alarm.typical > 0 else 0.0
    return (
        f"{view.agent.id} has been losing for {span(alarm)}: {share(alarm.value)} a move on average over "
        f"{alarm.n:,} moves ({share(alarm.value * alarm.n)} added up), {part:.2f}x its typical move "
        f"({share(alarm.typical)}); expected by chance less often than {once_in(alarm.every)}"
    )
