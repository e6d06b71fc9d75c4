"""What is told again is a new message that says why, and shouts only while that is still so."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from bot.chat import Button, Field, Message
from bot.format import clock, plain, span
from bot.line import button
from bot.views.alerts import MARKS, TONES, few, labels
from bot.views.incidents import began, buttons, footer, headline, reason, stands
from monitor.alerts.alert import State
from monitor.desk import IncidentStatus
from monitor.model import Severity
from monitor.rule import Rule

_NAMED = 5
"""Agents that are named."""
Body = Mapping[str, object]
"""What only this message says: what, why, whom, step, more."""


def called(body: Body) -> tuple[str, ...]:
    """The people whom a message calls, by name."""
    whom = body.get("whom")
    return tuple(str(each) for each in whom) if isinstance(whom, list | tuple) else ()


def holds(status: IncidentStatus, body: Body) -> bool:
    """Whether what is told again is still so: nobody has it in hand or, asked or given, whoever it is said to."""
    what, whom, incident = body.get("what"), called(body), status.incident
    if what not in ("ask", "handover"):
        return status.state is State.FIRING
    theirs = incident.acknowledged is not None and (not whom or incident.acknowledged_by in whom)
    return theirs and (what == "handover" or incident.asked is not None)


def again(status: IncidentStatus, rule: Rule | None, body: Body, now: float, answer_within: float) -> Message:
    """Say why an incident is told of again, or how it stands instead if that has changed since.

    `answer_within`: seconds that the question whether somebody is still on it waits for an answer.
    """
    what, incident, head = body.get("what"), status.incident, headline(status, rule)
    if not holds(status, body):
        how = stands(status, now)
        title = f"{how[:1].upper()}{how[1:]}: {head}"
        return Message(title, reason(status), buttons=buttons(status, orders=False), footer=footer(status))
    text = f"Without an answer within {span(answer_within)} it is open again, and others are called."
    return Message(
        title=f"{MARKS[incident.severity]}{_title(status, body, now)}{head}",
        text=text if what == "ask" else reason(status),
        fields=tuple(_fields(status, body, now)),
        buttons=_buttons(status, what),
        footer=footer(status),
        tone=TONES[incident.severity],
        loud=incident.severity is Severity.CRITICAL,
    )


def _title(status: IncidentStatus, body: Body, now: float) -> str:
    why, whom = plain(str(body.get("why") or ""), 120), _names(called(body))
    match body.get("what"):
        case "ask":
            return f"Still on it, {whom or 'whoever has it'}? "
        case "handover":
            return f"{why or 'It is handed over'} to {whom or 'somebody'}: "
        case "more":
            return f"{_more(status, body)}: "
        case "silence":
            ended = why or "its silence has ended"
            return f"{ended[:1].upper()}{ended[1:]} and it still stands: "
        case "lapsed":
            return f"{why}: it is open again: " if why else "It is open again: "
        case _:
            return f"Still not acknowledged, {_lasted(status, now)} after its page: "


def _names(whom: Sequence[str]) -> str:
    return few([plain(each, 40) for each in whom], _NAMED)


def _more(status: IncidentStatus, body: Body) -> str:
    many = _whole(body.get("more"))
    what = "agent" if len({alert.agent for alert in status.alerts}) == len(status.alerts) else "alert"
    return f"More {what}s" if many is None else f"{many:,} more {what}{'' if many == 1 else 's'}"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _lasted(status: IncidentStatus, now: float) -> str:
    """How long it has waited, in whole minutes once it is one."""
    lasted = now - (status.incident.paged or began(status))
    return span(lasted if lasted < 60 else round(lasted / 60) * 60)  # noqa: PLR2004 - a minute


def _fields(status: IncidentStatus, body: Body, now: float) -> Iterable[Field]:
    what, since, whom = body.get("what"), began(status), called(body)
    yield Field("Since", f"{clock(since, now)} ({span(now - since)})")
    if what in ("ask", "handover"):
        yield Field("State", stands(status, now))
    if status.incident.note:
        yield Field("Note", plain(status.incident.note, 200))
    if (step := _whole(body.get("step"))) is not None:
        yield Field("Step", str(step))
    if whom and what not in ("ask", "handover"):
        yield Field("Called", _names(whom))
    if what == "more" and (many := _whole(body.get("more"))) is not None:
        newest = heapq.nlargest(min(many, _NAMED), status.alerts, key=lambda each: each.fired or each.opened)
        yield Field("New", few([f"{plain(each.agent, 64)}{labels((each,))}" for each in newest], _NAMED, many))


def _buttons(status: IncidentStatus, what: object) -> tuple[Button, ...]:
    of, runbook = status.incident.id, button("Runbook", "runbook", status.incident.id)
    if what in ("ask", "handover"):
        label = "Still on it" if what == "ask" else "I have it"
        return (*button(label, "ack", of), *button("Let go", "unack", of), *runbook)
    every = button(f"All {len(status.alerts):,}", "incident", of) if len(status.alerts) > 1 else ()
    return (*button("Acknowledge", "ack", of), *runbook, *every)
