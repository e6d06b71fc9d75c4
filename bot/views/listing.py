"""What is wrong now is told incident by incident, what is hidden with its reason, an incident alert by alert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.chat import Button, Field, Message, Table, Tone
from bot.format import clock, count, plain, span
from bot.line import button
from bot.views.alerts import BADGES, TONES, headline, labels
from bot.views.incidents import began, footer, hidden, reason, stands
from bot.views.incidents import headline as head
from bot.views.silences import in_force
from monitor.alerts.alert import Alert, State
from monitor.alerts.ledger import Decision
from monitor.alerts.silence import Silence
from monitor.desk import IncidentStatus
from monitor.model import Severity
from monitor.rule import Rule

_SHOWN = 20
"""Incidents, and hidden alerts, on a page."""
_MEMBERS = 40
"""Alerts of one incident on a page: as many as every chat shows whole."""
_ACKS = 5
"""Buttons to acknowledge; more are no help."""


def listing(
    statuses: Sequence[IncidentStatus],
    hides: Sequence[tuple[Alert, Decision]],
    rules: Mapping[str, Rule],
    silences: Sequence[Silence],
    now: float,
    *,
    every: bool = False,
    page: int = 1,
) -> Message:
    """The open incidents of a page, in their order; with `every` also the hidden alerts, each with its reason."""
    page, pages = _within(page, max(len(statuses), len(hides) if every else 0), _SHOWN)
    at = slice((page - 1) * _SHOWN, page * _SHOWN)
    waiting = [each for each in statuses if each.state is State.FIRING]
    alerts, behind = sum(len(each.alerts) for each in statuses), hides[at] if every else ()
    acks = [made for each in statuses[at] if each.state is State.FIRING for made in _ack(each)]
    return Message(
        title=_title(alerts, len(statuses), len(hides)),
        text=_text(alerts, len(statuses), len(waiting), page, pages),
        fields=tuple(_entry(each, rules, now) for each in statuses[at]),
        tables=(_behind(behind, rules),) if behind else (),
        buttons=(
            *acks[:_ACKS],
            *_turns(("alerts", "all") if every else ("alerts",), page, pages),
            *(button("Show what is hidden", "alerts", "all") if hides and not every else ()),
        ),
        footer=in_force(silences, now),
        tone=TONES[max((each.incident.severity for each in waiting), default=Severity.INFO)] if statuses else Tone.GOOD,
    )


def _within(page: int, many: int, size: int) -> tuple[int, int]:
    """A page that there is, and how many there are."""
    pages = max(1, -(-many // size))
    return min(max(page, 1), pages), pages


def _title(alerts: int, incidents: int, hides: int) -> str:
    found = count(alerts, "open alert") if incidents else "No open alerts"
    together = f" in {count(incidents, 'incident')}" if incidents != alerts else ""
    return f"{found}{together}{f', {hides:,} hidden' if hides else ''}"


def _text(alerts: int, incidents: int, waiting: int, page: int, pages: int) -> str:
    if not incidents:
        return ""
    what = "alert" if alerts == incidents else "incident"
    stand = f"{count(waiting, what)} not acknowledged." if waiting else f"Every {what} is acknowledged."
    return f"{stand} Page {page} of {pages}, worst first." if pages > 1 else stand


def _ack(status: IncidentStatus) -> tuple[Button, ...]:
    return button(f"Acknowledge {status.incident.id}", "ack", status.incident.id)


def _turns(words: tuple[str, ...], page: int, pages: int) -> tuple[Button, ...]:
    back = button("Previous", *words, str(page - 1)) if page > 1 else ()
    return (*back, *(button("Next", *words, str(page + 1)) if page < pages else ()))


def _entry(status: IncidentStatus, rules: Mapping[str, Rule], now: float) -> Field:
    incident, since = status.incident, began(status)
    when = f"since {clock(since, now)} ({span(now - since)})"
    hides = f", hidden: {hidden(status)}" if status.hidden else ""
    label = f"{BADGES[incident.severity]} · {head(status, rules.get(incident.rule))}"
    return Field(label, f"{plain(reason(status), 300)}\n{incident.id}, {stands(status, now)} {when}{hides}")


def _behind(hides: Iterable[tuple[Alert, Decision]], rules: Mapping[str, Rule]) -> Table:
    rows = (
        (headline(alert, rules.get(alert.rule)), why.kind, plain(why.reason, 120), alert.id) for alert, why in hides
    )
    return Table(("Hidden", "", "Why", "Alert"), tuple(rows))


def members(status: IncidentStatus, rule: Rule | None, now: float, page: int = 1) -> Message:
    """Every alert of an incident, a page of them at a time."""
    page, pages = _within(page, len(status.alerts), _MEMBERS)
    shown, of = status.alerts[(page - 1) * _MEMBERS : page * _MEMBERS], status.incident.id
    lacking = status.incident.alerts - len(status.alerts)
    gone = f" {lacking:,} of its {status.incident.alerts:,} are over." if lacking > 0 and status.incident.open else ""
    held = status.state is State.ACKNOWLEDGED
    return Message(
        title=head(status, rule),
        text=f"{stands(status, now)[:1].upper()}{stands(status, now)[1:]}.{gone}",
        tables=(
            Table(("Agent", "State", "Since", "Alert", "Reason"), tuple(_row(each, status, now) for each in shown)),
        ),
        buttons=(
            *_turns(("incident", of), page, pages),
            *(() if held or not status.incident.open else button("Acknowledge", "ack", of)),
            *button("Runbook", "runbook", of),
        ),
        footer=f"{footer(status)}{f', page {page} of {pages}' if pages > 1 else ''}",
        tone=TONES[status.incident.severity] if status.incident.open else Tone.OVER,
    )


def _row(alert: Alert, status: IncidentStatus, now: float) -> tuple[str, ...]:
    why = status.hidden.get(alert.id)
    state = why.kind if why else alert.state.value
    return (
        f"{plain(alert.agent, 64)}{labels((alert,))}",
        state,
        clock(alert.opened, now),
        alert.id,
        plain(alert.reason, 60),
    )
