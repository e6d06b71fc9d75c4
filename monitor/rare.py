"""A statistical finding is told when it is found, stands for an hour after the newest, and says how rare it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from monitor.detector import Alarm
from monitor.model import Finding
from monitor.outside import line
from monitor.rule import Labels, Rule, View, breach, clear
from monitor.volatility import WARM

STANDS = 3_600.0
"""Seconds: findings closer together are one incident."""
RAREST = 91 * 86_400.0
"""Seconds: two weeks of data cannot tell what is rarer than once in three months."""
CARD = 500
"""Characters of a reason that a card shows."""
LONGEST = 225
"""Of these, of the sentence without what happened around."""
SHORT = (110, 60, 98)
"""Characters that each clause of what happened around keeps where all together would be too long."""
_UNITS = ((7 * 86_400.0, "weeks"), (86_400.0, "days"), (3_600.0, "h"), (60.0, "min"))


def judge(
    view: View, rule: Rule, open_: Collection[Labels], sentence: Callable[[View, Alarm], str]
) -> Iterator[Finding]:
    """The findings of a rule that tells of one detector: breach with a new alarm, clear an hour after the last.

    Until WARM moves of the agent are known nothing is new: who sees a detector learn must not be paged by it.
    """
    alarm = next((each for each in view.alarms if each.detector == rule.key), None)
    if alarm is not None and alarm.told == view.now and view.moves >= WARM:
        reason = sentence(view, alarm)[:LONGEST]
        if alarm.around:
            reason = f"{reason}. {fitted(alarm.around.split('; '), CARD - len(reason) - 2)}"
        yield breach(view, rule, reason, alarm.value, alarm.typical)
    elif open_ and (alarm is None or view.now - alarm.told >= STANDS):
        yield clear(view, rule, f"{view.agent.id}: nothing like it for an hour")


def fitted(clauses: Sequence[str], room: int) -> str:
    """The clauses as one text of at most `room` characters, 272 or more; the first is shortened first."""
    parts = list(clauses[: len(SHORT)])
    for at, (least, part) in enumerate(zip(SHORT, parts, strict=False)):
        over = len("; ".join(filter(None, parts))) - room
        if over > 0:
            parts[at] = line(part, max(least, len(part) - over))
    return "; ".join(filter(None, parts))


def once_in(seconds: float) -> str:
    """How rare, in words: "once in 5 days"; never rarer than "once in 3 months"."""
    if not seconds < RAREST:
        return "once in 3 months"
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"once in {seconds / size:.0f} {unit}"
    return "once a minute"


def by_chance(seconds: float) -> str:
    """How often chance alone does that: "about once in 5 days"; what is rarer than RAREST is not put at RAREST."""
    return f"{'about' if seconds < RAREST else 'less often than'} {once_in(seconds)}"


def share(of: float) -> str:
    """A return or a move, to three digits: "3.21 %", "0.0123 %"."""
    return f"{abs(of) * 100:,.3g} %"


def times(alarm: Alarm) -> str:
    """How many times what is typical: "14x"."""
    ratio = abs(alarm.value) / alarm.typical if alarm.typical > 0 else 0.0
    return f"{ratio:,.{0 if ratio >= 10 else 1}f}x"  # noqa: PLR2004 -- digits


def span(alarm: Alarm) -> str:
    """How long what was judged lasted: "30 s", "25 min", "5.2 h", "3.1 days"."""
    seconds = alarm.time - alarm.since
    for size, unit, digits in ((86_400.0, "days", 1), (3_600.0, "h", 1), (60.0, "min", 0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds:.0f} s"
