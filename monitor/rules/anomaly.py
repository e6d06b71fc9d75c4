"""An odd return by one of the guide's detectors, where the settings choose it: it knows no budget."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from monitor.detector import Alarm
from monitor.model import Finding, Severity
from monitor.rare import judge, once_in, share, span
from monitor.rule import Labels, View, rule

_OF = {
    "zscore": "more than 3 standard deviations of {typical} from the mean of the returns before",
    "iqr": "more than 3 times {typical} outside the middle half of the returns before, which is so wide",
    "percentile": "beyond the largest or smallest percent of the returns before (up to {typical})",
}
_SPACING = 30.0
"""Seconds a sample by which it is reckoned how often the detectors are wrong."""


@rule("anomaly", Severity.WARN, "Anomaly in the returns", recovered="has had no other for an hour", statistical=True)
def anomaly(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the chosen detector calls the newest return an anomaly, a gain or a loss."""
    mine = [replace(each, detector="anomaly") for each in view.alarms if each.detector == view.agent.detector]
    chosen = replace(view, alarms=tuple(mine) if view.agent.detector in _OF else ())
    return judge(chosen, anomaly, open_, _sentence)


def _sentence(view: View, alarm: Alarm) -> str:
    what = _OF[view.agent.detector].format(typical=share(alarm.typical))
    made = "gained" if alarm.value > 0 else "lost"
    often = once_in(alarm.every * view.agent.interval / _SPACING)
    return f"{view.agent.id} {made} {share(alarm.value)} in {span(alarm)}, {what}; by chance {often} or more often"
