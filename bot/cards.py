"""What a notification says: drawn from the incident as it is when it is sent, not as it was when it was stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot import views
from bot.charts.drawing import drawn
from bot.chat import Field, Mention, Message, Picture, Tone
from bot.format import count, plain, span
from bot.line import button
from bot.views import again, silences
from bot.views.alarm import alarm
from bot.views.alerts import MARKS, TONES, headline
from bot.views.guard import guard
from bot.views.incidents import places
from bot.views.listing import listing
from bot.views.reconcile import offers
from bot.views.report import unpacked
from monitor.alerts.alert import Kind, Notification, State
from monitor.alerts.draft import notices
from monitor.alerts.silence import Silence
from monitor.desk import Desk, DeskError, IncidentStatus
from monitor.model import Person, Severity

SHORT = 60.0
"""Seconds that a desk may be away without anybody having to know, if nothing is open."""


def still_open(desk: Desk, channels: Sequence[str], away: float | None) -> tuple[Notification, ...]:
    """At a start, one message about what is open, and how long nobody watched (`away`, seconds; None: not known).

    Nothing when nothing is open and the desk was hardly away.
    """
    many = len(desk.incidents())
    told = many or (away is not None and away > SHORT)
    return notices("start", channels, {"open": many, "away": away}, desk.now()) if told else ()


async def draw(desk: Desk, people: Mapping[str, Person], notification: Notification) -> Message | None:
    """The message for a notification; None when there is nothing left to tell. `people`: by name."""
    if notification.kind is Kind.NOTICE:
        if "guard" in notification.body:
            return guard(notification.body, notification.severity)
        return await _notice(desk, notification.body)
    try:
        status = await desk.incident(notification.alert or "")
        picture = await _picture(desk, status) if notification.kind is Kind.PICTURE else None
    except DeskError:
        return None
    rule = desk.rules.get(status.incident.rule)
    match notification.kind:
        case Kind.LINE:
            return Message(views.said(status, desk.now()))
        case Kind.RECOVERY:
            return views.recovery(status, rule)
        case Kind.PICTURE:
            message = picture
        case Kind.AGAIN:
            message = _again(desk, status, notification.body)
        case _:
            message = _card(desk, status, notification.body)
    return _calling(message, people, notification, status)


def _card(desk: Desk, status: IncidentStatus, body: Mapping[str, object]) -> Message:
    """The card; a new one also says why it comes only now, or here."""
    incident = status.incident
    by = [name for name in desk.plan.group_by if name not in dict(incident.labels)]
    where = places(status.alerts, desk.agents, by)
    orders = bool(status.alerts) and desk.takes_orders(status.alerts[0].agent)
    card = views.card(status, desk.rules.get(incident.rule), desk.now(), orders=orders, where=where)
    if incident.rule == "unexplained" and incident.open and len(status.alerts) == 1:
        agent = status.alerts[0].agent
        first, *others = card.buttons
        card = replace(card, buttons=(first, *offers(agent, desk.reconciliation(agent)), *others))
    why, label = plain(str(body.get("why") or ""), 200), "Why here" if body.get("what") == "failover" else "Why now"
    return replace(card, fields=(*card.fields, Field(label, why))) if why else card


async def _picture(desk: Desk, status: IncidentStatus) -> Message | None:
    """What a statistical finding judged, as a picture; None where too little is known to draw. Errors: DeskError."""
    found = await desk.alarmed(status.incident.id)
    agent, rule = desk.agent(found.alert.agent).agent, desk.rules.get(found.alert.rule)
    plan = await asyncio.to_thread(alarm, found, agent, rule, desk.currency, desk.now())
    if plan.shown is None:
        return None
    return replace(plan.message, picture=Picture(await drawn(plan.shown), plan.alt, plan.name))


def _again(desk: Desk, status: IncidentStatus, body: Mapping[str, object]) -> Message | None:
    if status.state is State.RESOLVED:
        return None
    if body.get("what") == "failover":
        return _card(desk, status, body)
    return again.again(status, desk.rules.get(status.incident.rule), body, desk.now(), desk.plan.answer_within)


def _calling(
    message: Message | None, people: Mapping[str, Person], notification: Notification, status: IncidentStatus
) -> Message | None:
    """Call those whom a message is for, by the ids of its platform, unless it is no longer so."""
    if message is None or not again.holds(status, notification.body):
        return message
    platform = notification.platform.partition(":")[0]
    whom = again.called(notification.body)
    mentions = tuple(Mention(name, people[name].ids.get(platform) if name in people else None) for name in whom)
    return replace(message, mentions=mentions)


async def _notice(desk: Desk, body: Mapping[str, object]) -> Message | None:
    if isinstance(told := body.get("report"), dict):
        return unpacked(told)
    if "open" in body:
        return _start(desk, body.get("away"))
    if "silence" in body:
        return _silence(desk, body)
    if "flapping" in body:
        return await _flapping(desk, body)
    named = body.get("standing")
    if isinstance(named, list):
        return views.standing([await desk.alert(str(each)) for each in named], desk.rules)
    title, text = (str(body.get(name, "")) for name in ("title", "text"))
    return Message(title, text, tone=Tone.WARN) if title else None


def _start(desk: Desk, away: object) -> Message | None:
    """What is open when the desk watches again, as it is by now."""
    gone = float(away) if isinstance(away, int | float) else None
    found = desk.incidents()
    if not found and (gone is None or gone <= SHORT):
        return None
    told = listing(found, desk.hidden(), desk.rules, desk.silences(), desk.now())
    after = f" after {span(gone)} away" if gone is not None else ""
    return replace(told, title=f"The desk watches again{after}: {told.title[:1].lower()}{told.title[1:]}")


def _silence(desk: Desk, body: Mapping[str, object]) -> Message | None:
    """What became of a silence; nothing where something else became of it since."""
    what, of = str(body.get("what")), str(body["silence"])
    known = {each.id: each for each in desk.silences()}
    silence = known.get(of) or _over(of, body)
    if what != "ended" and of not in known:
        return None
    if silence is None:
        return Message("A silence has ended", "Nothing that it covered stands.", footer=f"silence {plain(of, 20)}")
    return silences.announced(what, silence, desk.covered(silence), desk.rules, desk.now())


def _over(of: str, body: Mapping[str, object]) -> Silence | None:
    """A silence that is over, from the message about its end."""
    pairs = body.get("matchers")
    matchers = tuple((str(name), str(value)) for name, value in pairs) if isinstance(pairs, list) else ()
    if not matchers:
        return None
    by, reason, kind = (str(body.get(name, "")) for name in ("by", "reason", "kind"))
    return Silence(of, matchers, 0.0, 0.0, by, reason, kind)


async def _flapping(desk: Desk, body: Mapping[str, object]) -> Message | None:
    """A trouble that comes and goes, and how long nobody hears of it now."""
    try:
        alert = await desk.alert(str(body["flapping"]))
    except DeskError:
        return None
    times, plan = body.get("times"), desk.plan
    opened = f"It opened {count(times, 'time')} within {span(plan.flap_within)}. " if isinstance(times, int) else ""
    return Message(
        title=f"{MARKS[alert.severity]}{headline(alert, desk.rules.get(alert.rule))} comes and goes",
        text=f"{opened}Nobody is told of it again until it has kept one state for {span(plan.flap_stable)}.",
        fields=(Field("Last", plain(alert.reason, 300)),),
        buttons=(*button("Runbook", "runbook", alert.id), *button("Why", "why", alert.id)),
        footer=f"alert {alert.id}",
        tone=TONES[alert.severity],
        loud=alert.severity is Severity.CRITICAL,
    )
