"""A rotation without anybody on duty escalates to nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals


@desk_rule("duty_empty", Severity.WARN, "Nobody is on duty", recovered="has somebody on duty again")
def duty_empty(vitals: Vitals, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach, by rotation: nobody is on duty now."""
    for name in sorted({*vitals.unstaffed, *(dict(labels)["rotation"] for labels in open_)}):
        labels = (("rotation", name),)
        if name in vitals.unstaffed:
            reason = f"nobody is on duty in the rotation {name}: whoever can, takes it by /oncall take"
            yield breach(vitals, duty_empty, reason, labels=labels)
        else:
            yield clear(vitals, duty_empty, f"somebody is on duty in the rotation {name}", labels=labels)
