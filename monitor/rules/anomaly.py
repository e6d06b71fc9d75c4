"""An odd return by one of the guide's detectors, where the settings choose it: it knows no budget."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rare import judge, share, span
from monitor.rule import Labels, View, rule

_OF = {
    "zscore": "more than 3 standard deviations ({typical}) from the mean of the 99 before",
    "iqr": "more than 3 interquartile ranges ({typical}) outside the quartiles of the 99 before",
    "percentile": "outside the 1st to 99th percentile of the 99 before (up to {typical})",
}


@rule("anomaly", Severity.WARN, "Anomaly in the returns", recovered="has had no other for an hour", statistical=True)
def anomaly(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the chosen detector calls the newest return an anomaly, a gain or a loss."""
    mine = [replace(each, detector="anomaly") for each in view.alarms if each.detector == view.agent.detector]
    chosen = replace(view, alarms=tuple(mine) if view.agent.detector in _OF else ())
    return judge(chosen, anomaly, open_, _sentence)


def _sentence(view: View, alarm: Alarm) -> str:
    what = _OF[view.agent.detector].format(typical=share(alarm.typical))
    return f"{view.agent.id} {'gained' if alarm.value > 0 else 'lost'} {share(alarm.value)} in {span(alarm)}, {what}"
