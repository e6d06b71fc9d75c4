"""A shift is handed over as what is open and in whose hands, what ends soon, who comes next, and what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.chat import Field, Message, Tone
from bot.format import amount, clock, count, plain, span
from bot.line import button
from bot.views.alerts import BADGES, trouble
from bot.views.incidents import headline
from bot.views.oncall import duties
from bot.views.silences import about
from monitor.alerts.alert import Alert, State
from monitor.alerts.ledger import Decision
from monitor.alerts.oncall import Duty
from monitor.alerts.silence import Silence
from monitor.desk import AgentStatus, IncidentStatus
from monitor.model import CashFlow
from monitor.order import Order
from monitor.rule import Rule
from monitor.shift import Shift, Taken

SOON = 8 * 3_600.0
"""Seconds within which an end is told."""
_SHOWN = 8
"""Lines of each part; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How the desk stands when the shift is handed over."""

    incidents: Sequence[IncidentStatus]
    hidden: Sequence[tuple[Alert, Decision]]
    silences: Sequence[Silence]
    agents: Sequence[AgentStatus]
    duty: Sequence[Duty]
    rules: Mapping[str, Rule]
    currency: str


def handover(scene: Scene, found: Shift, now: float) -> Message:
    """Everything that whoever comes next must know; what happened newest first."""
    waiting = [each for each in scene.incidents if each.state is State.FIRING]
    parts = (
        ("Open", [_incident(each, scene.rules, now) for each in scene.incidents]),
        ("Hidden", _hidden(scene.hidden)),
        ("Ending soon", [*_silences(scene, now), *_pauses(scene.agents, now)]),
        ("Pages", [_page(each.id, each.rule, each.paged or 0.0, scene.rules, now) for each in reversed(found.pages)]),
        ("Acknowledged", [_taken(each, now) for each in reversed(found.taken)]),
        ("Orders", [_order(each, now) for each in reversed(found.orders)]),
        ("Cash flows", [_flow(each, scene.currency, now) for each in reversed(found.flows)]),
        ("Deploys", [_deploy(each, now) for each in reversed(found.deploys)]),
    )
    since = f"since {clock(found.since, now)}, when the duty changed" if found.by_duty else "the last 8 h"
    return Message(
        title=_title(scene.incidents, waiting),
        text=f"This shift: {since}.",
        fields=(*_duty(scene.duty, now), *(Field(name, _few(lines)) for name, lines in parts if lines)),
        buttons=(
            *(
                made
                for each in waiting[:3]
                for made in button(f"Acknowledge {each.incident.id}", "ack", each.incident.id)
            ),
            *button("Open alerts", "alerts"),
        ),
        footer="To give one incident into somebody's hands: /handover ALERT PERSON",
        tone=Tone.WARN if waiting else Tone.PLAIN if scene.incidents else Tone.GOOD,
    )


def _title(found: Sequence[IncidentStatus], waiting: Sequence[IncidentStatus]) -> str:
    if not found:
        return "Handover: nothing is open"
    return f"Handover: {count(len(found), 'incident')} open, {len(waiting):,} in nobody's hands"


def _few(lines: Sequence[str]) -> str:
    rest = len(lines) - _SHOWN
    return "\n".join((*lines[:_SHOWN], *((f"and {rest:,} more",) if rest > 0 else ())))


def _duty(found: Sequence[Duty], now: float) -> Iterator[Field]:
    """Who has it now and next, as /oncall tells it."""
    if found:
        yield Field(
            "On duty", "\n".join(f"{each.label}: {each.value}" for each in duties(found, now, takes=False).fields)
        )


def _incident(status: IncidentStatus, rules: Mapping[str, Rule], now: float) -> str:
    incident = status.incident
    held = f"{plain(incident.acknowledged_by, 40)} has it" if incident.acknowledged_by else "nobody has it"
    lease = f" until {clock(incident.lease, now)}" if incident.acknowledged_by and incident.lease is not None else ""
    head = f"{BADGES[incident.severity]} · {headline(status, rules.get(incident.rule))}"
    return f"{head}: {held}{lease} ({incident.id}, {span(now - incident.opened)})"


def _hidden(found: Sequence[tuple[Alert, Decision]]) -> list[str]:
    kinds = Counter(why.kind for _, why in found)
    return [f"{count(many, 'alert')} {plain(kind, 20)}" for kind, many in kinds.most_common()]


def _silences(scene: Scene, now: float) -> Iterator[str]:
    covered = [alert for alert, _ in scene.hidden]
    for each in scene.silences:
        if each.ends <= now + SOON:
            what = about(each, covered, scene.rules)
            yield f"silence of {plain(each.by, 40)}, {clock(each.ends, now)}: {what} ({each.id})"


def _pauses(agents: Sequence[AgentStatus], now: float) -> Iterator[str]:
    for each in agents:
        order = each.pause
        if order is not None and order.until is not None and now < order.until <= now + SOON:
            yield f"{order.action} of {plain(order.agent, 64)} by {plain(order.by, 40)}, {clock(order.until, now)}"


def _page(of: str, rule: str, at: float, rules: Mapping[str, Rule], now: float) -> str:
    return f"{clock(at, now)} {trouble(rule, rules.get(rule), ())} ({of})"


def _taken(of: Taken, now: float) -> str:
    return f"{clock(of.time, now)} {plain(of.by, 40)}: {of.incident}"


def _order(of: Order, now: float) -> str:
    why = f": {plain(of.cause or of.reason, 80)}" if of.cause or of.reason else ""
    return f"{clock(of.requested, now)} {plain(of.by, 40)}: {of.action} {plain(of.agent, 64)}, {of.state.value}{why}"


def _flow(of: CashFlow, currency: str, now: float) -> str:
    note = f": {plain(of.note, 80)}" if of.note else ""
    return f"{clock(of.time, now)} {plain(of.by, 40)}: {amount(of.amount, currency)} {plain(of.agent, 64)}{note}"


def _deploy(of: Silence, now: float) -> str:
    agent = plain(dict(of.matchers).get("agent", ""), 64)
    return f"{clock(of.starts, now)} {plain(of.by, 40)}: {agent}, {span(of.ends - of.starts)}: {plain(of.reason, 80)}"
