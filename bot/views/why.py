"""Every decision about an alert is a line, in order: when, what, by whom and why; then how long each part took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.chat import Field, Message, Tone
from bot.format import clock, plain, span, zone
from bot.line import button
from bot.views.alerts import TONES, headline
from monitor.alerts.alert import AlertEvent
from monitor.desk import Times, Why
from monitor.rule import Rule

GOAL = 300.0
"""Seconds from an alert to its recovery that the guide aims at."""
_ENDS = 20
"""Decisions told at the beginning and at the end of a long list."""
_SENTENCE, _WORD = 500, 140
"""Characters of what was found, and of any other reason."""
_WORDS = {
    "handed_over": "handed over",
    "given": "handed over",
    "silence_ended": "silence ended",
    "failed_over": "sent elsewhere",
    "real": "called real",
    "false_alarm": "called a false alarm",
}


def why(found: Why, rules: Mapping[str, Rule], now: float) -> Message:
    """Every decision about one alert, and how long it took to detect, tell, acknowledge and recover."""
    alert, incident, hidden = found.alert, found.incident, found.hidden
    hides = (Field("Not told now", f"{plain(hidden.kind, 20)}: {plain(hidden.reason, 300)}"),) if hidden else ()
    together = (Field("Told with", f"incident {incident.id}"),) if incident and incident.id != alert.id else ()
    return Message(
        title=f"Why · {headline(alert, rules.get(alert.rule))}",
        text="\n".join(_lines(found.events, now)) or "Nothing has been decided about it yet.",
        fields=(*hides, *together, *_times(found.times, alert.fired, now)),
        buttons=button("Runbook", "runbook", alert.id),
        footer=f"alert {alert.id}, {alert.state.value}; times in {clock(now, now).rpartition(' ')[2]}",
        tone=TONES[alert.severity] if alert.open else Tone.OVER,
    )


def _lines(events: Sequence[AlertEvent], now: float) -> Iterable[str]:
    left_out = len(events) - 2 * _ENDS
    if left_out <= 1:
        yield from (_line(each, now) for each in events)
        return
    yield from (_line(each, now) for each in events[:_ENDS])
    yield f"… {left_out:,} more …"
    yield from (_line(each, now) for each in events[-_ENDS:])


def _line(event: AlertEvent, now: float) -> str:
    then, today = datetime.fromtimestamp(event.time, zone()), datetime.fromtimestamp(now, zone())
    when = then.strftime("%H:%M:%S" if then.date() == today.date() else "%Y-%m-%d %H:%M:%S")
    said = f": {plain(event.reason, _SENTENCE if event.kind == 'fired' else _WORD)}" if event.reason else ""
    return f"{when} {_WORDS.get(event.kind, plain(event.kind, 20))} by {plain(event.actor, 40)}{said}"


def _times(times: Times, fired: float | None, now: float) -> Iterable[Field]:
    if fired is None:
        return
    yield Field("Detected", f"{span(times.detect)} after the first breach")
    yield Field("Told", "nobody yet" if times.notify is None else f"{span(times.notify)} after it fired")
    yield Field("Acknowledged", "not" if times.acknowledge is None else f"{span(times.acknowledge)} after it fired")
    yield Field("Recovered", _recovered(times.recover, now - fired))


def _recovered(took: float | None, stands: float) -> str:
    goal, lasted = span(GOAL), stands if took is None else took
    past = f", {span(lasted - GOAL)} over the goal of {goal}"
    if took is None:
        return f"not yet, after {span(stands)}{past if stands > GOAL else f' (the goal is {goal})'}"
    return f"{span(took)} after it fired{past if took > GOAL else f', within the goal of {goal}'}"
