"""An incident is one card: whose trouble, how bad, in whose hands; its buttons are what can be done about it now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from bot.chat import Button, Field, Message, Tone
from bot.format import clock, count, plain, span
from bot.line import button
from bot.views.alerts import BADGES, TONES, acknowledged, few, labels, trouble
from monitor.alerts.alert import Alert, State
from monitor.alerts.judging import FALSE_ALARM, REAL, Judgement
from monitor.desk import IncidentStatus
from monitor.model import Agent, Severity
from monitor.rule import DESK, Rule

PAUSE_FIRST = frozenset({"drawdown", "hard_loss"})
"""Rules whose runbook begins with a pause."""
Places = Mapping[str, Mapping[str, int]]
"""Label -> value -> how many of the alerts are there."""
_LISTED = 5
"""Alerts that a card tells one by one, and places that it counts."""
SAID = {REAL: "real", FALSE_ALARM: "false alarm"}
"""What people say of a page, in words."""
_PLURAL = {"is": "are", "has": "have", "does": "do", "passes": "pass"}


def headline(status: IncidentStatus, rule: Rule | None) -> str:
    """Who and what: "alpha · Drawdown over the limit", "12 agents on binance · Agent unreachable"."""
    return f"{who(status)} · {trouble(status.incident.rule, rule, status.alerts)}"


def who(status: IncidentStatus) -> str:
    """Whose trouble it is: "alpha", "12 agents on binance", "12 agents"."""
    agents = list(dict.fromkeys(alert.agent for alert in status.alerts))
    beyond = not status.incident.open and status.incident.alerts > len(status.alerts)
    if len(agents) == 1 and not beyond:
        return plain(agents[0], 64)
    shared = {name: plain(value, 40) for name, value in status.incident.labels}
    venue = f" on {shared.pop('venue')}" if "venue" in shared else ""
    rest = ", ".join(f"{plain(name, 40)} {value}" for name, value in shared.items())
    return f"{_many(status, len(agents), beyond)}{venue}{f' ({rest})' if rest else ''}"


def _whose(status: IncidentStatus) -> str:
    """Who is well again: of the desk's own troubles the part that was in one."""
    (first, *others) = status.alerts or (None,)
    if first is None or others or first.agent != DESK or not first.labels:
        return who(status)
    return plain(first.labels[0][1], 40)


def _many(status: IncidentStatus, agents: int, beyond: bool) -> str:
    if agents and not beyond:
        return count(agents, "agent")
    return count(status.incident.alerts, "agent" if agents == len(status.alerts) > 0 else "alert")


def several(status: IncidentStatus) -> bool:
    """Whether it is, or was, more than one alert."""
    return len(status.alerts) > 1 or (not status.incident.open and status.incident.alerts > 1)


def places(alerts: Iterable[Alert], agents: Mapping[str, Agent], by: Iterable[str]) -> Places:
    """How many alerts have which value of each label in `by`, most first; `agents`: those that have labels, by id."""
    found = {name: Counter[str]() for name in by}
    for alert in alerts:
        known = {**(agents[alert.agent].labels if alert.agent in agents else {}), **dict(alert.labels)}
        for name, counted in found.items():
            if known.get(name):
                counted[known[name]] += 1
    return {name: dict(counted.most_common()) for name, counted in found.items()}


def card(
    status: IncidentStatus, rule: Rule | None, now: float, *, orders: bool = True, where: Places | None = None
) -> Message:
    """The one card of an incident, as it stands now: sent first, edited afterwards.

    `orders`: its agent takes some. `where`: see `places`.
    """
    incident, over = status.incident, not status.incident.open
    badge = _how(status) if over else BADGES[incident.severity]
    hides = bool(status.alerts) and len(status.hidden) >= len(status.alerts)
    return Message(
        title=f"{badge} · {headline(status, rule)}",
        text=reason(status),
        fields=tuple(_fields(status, now, where or {})),
        buttons=_asking(status) if over else buttons(status, orders=orders),
        footer=footer(status),
        tone=Tone.OVER if over else TONES[incident.severity],
        loud=status.state is State.FIRING and incident.severity is Severity.CRITICAL and not hides,
    )


def _how(status: IncidentStatus) -> str:
    recovered = not status.alerts or any(alert.clears for alert in status.alerts)
    return "✅ resolved" if recovered else "closed, no longer watched"


def reason(status: IncidentStatus) -> str:
    """Why its first alert fired."""
    first = plain(status.alerts[0].reason, 500) if status.alerts else ""
    return first if status.incident.open or not first else f"Was: {first}"


def footer(status: IncidentStatus) -> str:
    """What to type to mean it."""
    return f"alert {status.incident.id}"


def began(status: IncidentStatus) -> float:
    """When the first breach was seen, of those alerts that are known, or when it was opened."""
    return min([status.incident.opened, *(alert.opened for alert in status.alerts)])


def ended(status: IncidentStatus) -> float | None:
    """When the last of its alerts was over, by its own time where it is known; None while one stands."""
    if status.incident.resolved is None or len(status.alerts) < status.incident.alerts:
        return status.incident.resolved
    known = (alert.resolved for alert in status.alerts if alert.resolved is not None)
    return max(known, default=status.incident.resolved)


def stands(status: IncidentStatus, now: float) -> str:
    """How it stands: "firing", "acknowledged by ana, 12:03 UTC (holds until 12:33)", "resolved"."""
    incident = status.incident
    if status.state is not State.ACKNOWLEDGED:
        return status.state.value
    held = acknowledged(incident, now)
    if incident.asked is not None:
        return f"{held} (asked at {brief(incident.asked, now)} whether still on it)"
    return held if incident.lease is None else f"{held} (holds until {brief(incident.lease, now)})"


def brief(time: float, now: float) -> str:
    """A time beside another that names the zone."""
    return clock(time, now).rpartition(" ")[0]


def _fields(status: IncidentStatus, now: float, where: Places) -> Iterable[Field]:
    incident, since, until = status.incident, began(status), ended(status)
    yield Field("Since", f"{clock(since, now)} ({span((until or now) - since)})")
    yield Field("State", stands(status, now))
    if until is not None:
        yield Field("Resolved", f"{clock(until, now)}, {_hands(status, now)}")
    if status.judgement is not None:
        yield Field("Verdict", _verdict(status.judgement, now))
    if incident.note:
        yield Field("Note", plain(incident.note, 200))
    if status.hidden:
        yield Field("Hidden", hidden(status))
    if incident.open and incident.alerts > len(status.alerts):
        yield Field("Over", f"{incident.alerts - len(status.alerts):,} of {count(incident.alerts, 'alert')}")
    if several(status) and incident.open:
        yield from _spread(where)
        yield from _listed(status)
    elif several(status):
        yield Field("Agents", named(status))


def _verdict(said: Judgement, now: float) -> str:
    """What somebody said of it: "false alarm, ana, 12:03: the feed was broken"."""
    note = f": {plain(said.note, 200)}" if said.note else ""
    return f"{SAID[said.kind]}, {plain(said.by, 40)}, {brief(said.time, now)}{note}"


def _hands(status: IncidentStatus, now: float) -> str:
    incident = status.incident
    if incident.acknowledged is None:
        return "not acknowledged"
    return f"{acknowledged(incident, now)}, {span(incident.acknowledged - fired(status))} after it fired"


def fired(status: IncidentStatus) -> float:
    """When its first alert fired."""
    return min([status.incident.opened, *(each.fired for each in status.alerts if each.fired is not None)])


def hidden(status: IncidentStatus) -> str:
    """How many of its alerts people are not told of, by reason: "2: silenced by ana: venue maintenance"."""
    reasons = Counter(why.reason for why in status.hidden.values())
    told = [f"{many:,}: {plain(why, 120)}" for why, many in reasons.most_common(3)]
    rest = len(reasons) - len(told)
    return "; ".join(told) + (f"; and for {count(rest, 'other reason')}" if rest > 0 else "")


def _spread(where: Places) -> Iterable[Field]:
    for name, counted in where.items():
        if len(counted) > 1:
            shown = [f"{plain(value, 40)} {many:,}" for value, many in list(counted.items())[:_LISTED]]
            yield Field(f"By {plain(name, 40)}", few(shown, _LISTED, len(counted)))


def _listed(status: IncidentStatus) -> Iterable[Field]:
    shown = status.alerts[:_LISTED]
    for alert in shown:
        why = status.hidden.get(alert.id)
        how = f"{alert.state.value}, {why.kind}" if why else alert.state.value
        yield Field(f"{plain(alert.agent, 64)}{labels((alert,))}", f"{plain(alert.reason, 200)} ({how})")
    rest = len(status.alerts) - len(shown)
    if rest > 0:
        yield Field(f"and {rest:,} more", f"/incident {status.incident.id} lists them")


def named(status: IncidentStatus) -> str:
    """A few of its agents by name, and how many more."""
    agents = [plain(name, 64) for name in dict.fromkeys(alert.agent for alert in status.alerts)]
    lacking = 0 if status.incident.open else max(0, status.incident.alerts - len(status.alerts))
    return few(agents, _LISTED, len(agents) + lacking)


def buttons(status: IncidentStatus, *, orders: bool = True) -> tuple[Button, ...]:
    """What can be done about it now. `orders`: its agent takes some; of several agents none can be meant."""
    of, agents = status.incident.id, {alert.agent for alert in status.alerts}
    held = status.state is State.ACKNOWLEDGED
    ack = () if held else button("Acknowledge", "ack", of)
    agent = next(iter(agents)) if orders and len(agents) == 1 else None
    pause = () if agent is None else button(f"Pause {plain(agent, 24)}", "pause", agent)
    runbook = button("Runbook", "runbook", of)
    silence = button("Silence 1h", "silence", of, "1h", "from", "the", "card")
    every = button(f"All {len(status.alerts):,}", "incident", of) if len(status.alerts) > _LISTED else ()
    # At the end: whoever taps Acknowledge twice must not take it back.
    unack = button("Unacknowledge", "unack", of) if held else ()
    first = (*pause, *ack, *runbook) if status.incident.rule in PAUSE_FIRST else (*ack, *runbook, *pause)
    return (*first, *silence, *every, *unack, *_asking(status))


def _asking(status: IncidentStatus) -> tuple[Button, ...]:
    """Whether it was real, while people are asked; last, so that nothing slides under a second tap."""
    of = status.incident.id
    return (*button("Real", "real", of), *button("False alarm", "false", of)) if status.asks else ()


def recovery(status: IncidentStatus, rule: Rule | None) -> Message:
    """Tell that it is over: how long it lasted, and who had it in hand."""
    incident, since = status.incident, began(status)
    until = ended(status) or incident.joined
    means = plain(rule.recovered, 120) if rule else "is well again"
    many = len({alert.agent for alert in status.alerts}) > 1 or incident.alerts > len(status.alerts)
    taken = f"Acknowledged by {plain(incident.acknowledged_by, 40)}" if incident.acknowledged_by else ""
    after = ""
    if taken and incident.acknowledged is not None:
        after = f" {span(incident.acknowledged - fired(status))} after it fired"
    return Message(
        title=f"✅ {_whose(status)} {_plural(means) if many else means} after {span(until - since)}",
        text=f"{taken or 'Nobody acknowledged it'}{after}.",
        fields=(
            Field("Alert", headline(status, rule)),
            Field("Lasted", f"{clock(since, until)} to {clock(until, until)}"),
            *((Field("Agents", named(status)),) if many else ()),
        ),
        footer=footer(status),
        tone=Tone.GOOD,
    )


def _plural(means: str) -> str:
    """Say of many what is said of one: "answers again" becomes "answer again"."""
    verb, _, rest = means.partition(" ")
    return f"{_PLURAL.get(verb, verb.removesuffix('s'))} {rest}".strip().replace(" its ", " their ")


def said(status: IncidentStatus, now: float) -> str:
    """A line of the card's time line: how it stands, and the note that came with it."""
    state, note = stands(status, now), status.incident.note
    return f"{state[:1].upper()}{state[1:]}{f': {plain(note, 200)}' if note else ''}"
