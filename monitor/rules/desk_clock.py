"""A clock that was set, or a machine that slept, makes times wrong and leaves hours in which nobody watched."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model import Finding, Severity
from monitor.rule import Labels, breach, clear, desk_rule
from monitor.vitals import Vitals

BACK, BACK_CLEARS = 5.0, 2.0
"""Seconds that the machine's clock is behind the desk's time."""
JUMP = 30.0
"""Seconds that it went forward at one go."""


@desk_rule("desk_clock", Severity.WARN, "The machine's clock was set", recovered="agrees with its clock again")
def desk_clock(vitals: Vitals, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the clock was set back and has not come up again, or it went forward by half a minute just now."""
    if vitals.jump > JUMP:
        reason = (
            f"the machine's clock went forward by {vitals.jump:,.0f} s at one go: "
            "it was set, or the machine slept and nobody watched meanwhile"
        )
        yield breach(vitals, desk_clock, reason, vitals.jump, JUMP)
    elif vitals.drift > (BACK_CLEARS if open_ else BACK):
        reason = f"the machine's clock was set back: the desk's times are {vitals.drift:,.0f} s ahead of it"
        yield breach(vitals, desk_clock, reason, vitals.drift, BACK)
    else:
        yield clear(vitals, desk_clock, "the machine's clock goes steadily", vitals.drift, BACK)
