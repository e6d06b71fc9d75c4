"""A loss that the next sample, or the one before, undoes is a price spike: written down, and nobody is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rare import judge, share, span, times
from monitor.rule import Labels, View, rule


@rule("spike", Severity.INFO, "Price spike, reverted", recovered="has had no other for an hour")
def spike(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the detector of sudden losses found one of which hardly anything is left."""
    return judge(view, spike, open_, _sentence)


def _sentence(view: View, alarm: Alarm) -> str:
    return (
        f"the equity of {view.agent.id} fell by {share(alarm.value)} in {span(alarm)}, {times(alarm)} its typical "
        "move, and the step before or after it undid that: price spike, reverted"
    )
