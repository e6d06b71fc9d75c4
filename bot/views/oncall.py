"""Who is on duty now and next is told in a line a rotation, and who has it out of turn is told as such."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Field, Message, Tone
from bot.format import clock, count, plain, span
from bot.line import button
from monitor.alerts.oncall import Duty
from monitor.alerts.plan import Override

_BUTTONS = 5
"""Rotations whose duty one press takes."""


def duties(found: Sequence[Duty], now: float, *, takes: bool) -> Message:
    """Now and next in every rotation; `takes`: the person who asks may take the duty."""
    if not found:
        hint = "Add [[rotations]] to the settings: until then a step that calls the duty calls nobody by name."
        return Message("Nobody takes turns at being on duty", hint)
    empty = [each for each in found if each.person is None]
    names = dict.fromkeys(plain(each.person, 40) for each in found if each.person is not None)
    title = f"On duty at {clock(now, now)}: {', '.join(names) or 'nobody'}"
    nobody = f"{count(len(empty), 'rotation')} with nobody: /oncall take 4h fills it for a while." if empty else ""
    take = [made for each in found[:_BUTTONS] for made in button(_label(each, found), *_line(each))] if takes else []
    return Message(
        title=title,
        text=nobody,
        fields=tuple(Field(plain(each.rotation, 40), _turn(each, now)) for each in found),
        buttons=tuple(take),
        tone=Tone.WARN if empty else Tone.PLAIN,
    )


def taken(made: Override, found: Sequence[Duty], now: float) -> Message:
    """Confirm that somebody has the duty for a while; `found`: how things stand with it."""
    here = [each for each in found if each.rotation == made.rotation]
    given = f"Given by {plain(made.by, 40)}. " if made.by != made.person else ""
    return Message(
        title=f"{plain(made.person, 40)} has the duty for {span(made.ends - made.starts)}: {plain(made.rotation, 40)}",
        text=f"{given}Escalations that call the duty call {plain(made.person, 40)} from now on.",
        fields=tuple(Field(plain(each.rotation, 40), _turn(each, now)) for each in here),
        tone=Tone.GOOD,
    )


def _turn(of: Duty, now: float) -> str:
    who = "nobody" if of.person is None else plain(of.person, 40)
    out_of_turn = " out of turn" if of.override is not None else ""
    if of.until is None:
        return f"{who}{out_of_turn}"
    then = "nobody" if of.next is None else plain(of.next, 40)
    return f"{who}{out_of_turn} until {clock(of.until, now)} ({span(of.until - now)}), then {then}"


def _label(of: Duty, found: Sequence[Duty]) -> str:
    return "Take it for 4h" if len(found) == 1 else f"Take {plain(of.rotation, 24)} for 4h"


def _line(of: Duty) -> tuple[str, ...]:
    return ("oncall", "take", "4h", of.rotation)
