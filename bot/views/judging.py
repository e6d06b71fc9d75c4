"""What is recorded of a page, real or a false alarm, is told in one line, with who said so and what it replaces."""

from __future__ import annotations

from bot.chat import Message
from bot.format import clock, plain
from bot.views.incidents import SAID, footer, headline
from monitor.alerts.judging import FALSE_ALARM
from monitor.desk import Judged
from monitor.rule import Rule


def judged(done: Judged, rule: Rule | None, now: float) -> Message:
    """Say what is recorded of an incident now, or that it was recorded before."""
    said, before = done.said, done.before
    called = f"called {'a ' if said.kind == FALSE_ALARM else ''}{SAID[said.kind]} by {plain(said.by, 40)}"
    if not done.changed:
        how = f"Already {called}, {clock(said.time, now)}"
    else:
        until = "" if before is None else f" (until now: {SAID[before.kind]}, by {plain(before.by, 40)})"
        how = f"{called[:1].upper()}{called[1:]}{until}"
    return Message(f"{how}: {headline(done.status, rule)}", footer=footer(done.status))
