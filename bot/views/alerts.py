"""An alert is one card whose title says how bad, who and what; its buttons are what can be done about it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.chat import Button, Field, Message, Tone
from bot.format import clock, count, plain, span
from bot.line import button
from monitor.alerts.alert import Alert, Silence, State
from monitor.model import Severity
from monitor.rule import Rule

PAUSE_FIRST = frozenset({"drawdown", "hard_loss"})
"""Rules whose runbook begins with a pause."""
_SHOWN = 20
"""Alerts told one by one; the rest are counted."""
_BADGES = {Severity.INFO: "INFO", Severity.WARN: "⚠️ WARN", Severity.CRITICAL: "🚨 CRITICAL"}
_TONES = {Severity.INFO: Tone.PLAIN, Severity.WARN: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}


def headline(alert: Alert, rule: Rule | None) -> str:
    """Who and what: "alpha · Drawdown over the limit"; a check or another label is named."""
    labels = "".join(f" ({plain(value, 40)})" for _, value in alert.labels)
    return f"{plain(alert.agent, 64)} · {plain(rule.title if rule else alert.rule, 80)}{labels}"


def card(alert: Alert, rule: Rule | None, now: float, *, orders: bool = True) -> Message:
    """The one card of an alert, as it stands now: sent first, edited afterwards. `orders`: its agent takes some."""
    over = alert.state is State.RESOLVED
    ended = "✅ resolved" if alert.clears else "closed, no longer watched"
    badge = ended if over else _BADGES[alert.severity]
    return Message(
        title=f"{badge} · {headline(alert, rule)}",
        text=plain(f"Was: {alert.reason}" if over else alert.reason, 500),
        fields=tuple(_fields(alert, now)),
        buttons=() if over else _buttons(alert, orders=orders),
        footer=f"alert {alert.id}",
        tone=Tone.OVER if over else _TONES[alert.severity],
        loud=alert.state is State.FIRING and alert.severity is Severity.CRITICAL,
    )


def _fields(alert: Alert, now: float) -> Iterable[Field]:
    yield Field("Since", f"{clock(alert.opened, now)} ({span((alert.resolved or now) - alert.opened)})")
    yield Field("State", acknowledged(alert, now) if alert.state is State.ACKNOWLEDGED else alert.state.value)
    if alert.resolved is not None:
        who = acknowledged(alert, now) if alert.acknowledged_by else "not acknowledged"
        yield Field("Resolved", f"{clock(alert.resolved, now)}, {who}")
    if alert.note:
        yield Field("Note", plain(alert.note, 200))


def acknowledged(alert: Alert, now: float) -> str:
    """Who has an alert in hand: "acknowledged by ana, 12:03 UTC"."""
    when = f", {clock(alert.acknowledged, now)}" if alert.acknowledged is not None else ""
    return f"acknowledged by {plain(alert.acknowledged_by or 'nobody', 40)}{when}"


def said(alert: Alert, now: float) -> str:
    """A line of an alert's time line: how it stands, and the note that came with it."""
    state = acknowledged(alert, now) if alert.state is State.ACKNOWLEDGED else alert.state.value
    note = f": {plain(alert.note, 200)}" if alert.note else ""
    return f"{state[:1].upper()}{state[1:]}{note}"


def _buttons(alert: Alert, *, orders: bool) -> tuple[Button, ...]:
    ack = () if alert.state is State.ACKNOWLEDGED else button("Acknowledge", "ack", alert.id)
    pause = button(f"Pause {plain(alert.agent, 24)}", "pause", alert.agent) if orders else ()
    runbook = button("Runbook", "runbook", alert.id)
    silence = button("Silence 1h", "silence", alert.id, "1h", "from", "the", "card")
    urgent = alert.rule in PAUSE_FIRST
    return (*pause, *ack, *runbook, *silence) if urgent else (*ack, *runbook, *pause, *silence)


def recovery(alert: Alert, rule: Rule | None) -> Message:
    """Tell that a trouble is over: how long it lasted, and who had it in hand."""
    ended = alert.resolved if alert.resolved is not None else alert.seen
    means = plain(rule.recovered, 120) if rule else "is well again"
    who = f"Acknowledged by {plain(alert.acknowledged_by, 40)}" if alert.acknowledged_by else "Nobody acknowledged it"
    after = ""
    if alert.acknowledged_by and alert.acknowledged is not None:
        after = f" {span(alert.acknowledged - (alert.fired or alert.opened))} after it fired"
    return Message(
        title=f"✅ {plain(alert.agent, 64)} {means} after {span(ended - alert.opened)}",
        text=f"{who}{after}.",
        fields=(
            Field("Alert", headline(alert, rule)),
            Field("Lasted", f"{clock(alert.opened, ended)} to {clock(ended, ended)}"),
        ),
        footer=f"alert {alert.id}",
        tone=Tone.GOOD,
    )


def standing(alerts: Sequence[Alert], rules: Mapping[str, Rule]) -> Message:
    """Tell in one message what was already wrong when the desk first looked, and ask what to do with it."""
    if not alerts:
        return Message("Nothing waits for a decision", "No alert was found standing at the first start.")
    shown = alerts[:_SHOWN]
    rest = f"\nand {len(alerts) - _SHOWN} more: /alerts lists them." if len(alerts) > _SHOWN else ""
    return Message(
        title=f"{count(len(alerts), 'trouble')} already stood when the desk first looked",
        text="Accept: you know about them, and none is paged. Keep: each is paged like any other." + rest,
        fields=tuple(
            Field(f"{_BADGES[each.severity]} · {headline(each, rules.get(each.rule))}", plain(each.reason, 300))
            for each in shown
        ),
        buttons=(Button("Accept", "standing accept"), Button("Keep", "standing keep")),
        tone=Tone.WARN,
    )


def listing(alerts: Sequence[Alert], rules: Mapping[str, Rule], silences: Sequence[Silence], now: float) -> Message:
    """Every open alert with its reason and state, worst first, and what is held back."""
    if not alerts:
        return Message("No open alerts", _silenced(silences, now), tone=Tone.GOOD)
    held = {silence.fingerprint: silence for silence in silences}
    waiting = [each for each in alerts if each.state is State.FIRING]
    text = f"{count(len(waiting), 'alert')} not acknowledged." if waiting else "Every alert is acknowledged."
    rest = f" The {_SHOWN} worst are shown." if len(alerts) > _SHOWN else ""
    return Message(
        title=count(len(alerts), "open alert"),
        text=text + rest,
        fields=tuple(_entry(each, rules, held, now) for each in alerts[:_SHOWN]),
        buttons=tuple(made for each in waiting[:5] for made in button(f"Acknowledge {each.id}", "ack", each.id)),
        footer=_silenced(silences, now),
        tone=_TONES[max((each.severity for each in waiting), default=Severity.INFO)],
    )


def _entry(alert: Alert, rules: Mapping[str, Rule], held: Mapping[str, Silence], now: float) -> Field:
    state = acknowledged(alert, now) if alert.state is State.ACKNOWLEDGED else alert.state.value
    since = f"since {clock(alert.opened, now)} ({span(now - alert.opened)})"
    silence = held.get(alert.fingerprint)
    hush = f", silenced by {plain(silence.by, 40)} until {clock(silence.ends, now)}" if silence else ""
    label = f"{_BADGES[alert.severity]} · {headline(alert, rules.get(alert.rule))}"
    return Field(label, f"{plain(alert.reason, 300)}\n{alert.id}, {state} {since}{hush}")


def _silenced(silences: Sequence[Silence], now: float) -> str:
    if not silences:
        return ""
    first = silences[0]
    return (
        f"{count(len(silences), 'silence')} in force; the first ends {clock(first.ends, now)} "
        f"({plain(first.by, 40)}: {plain(first.reason, 80)})."
    )


def silenced(silence: Silence, alert: Alert, rule: Rule | None, now: float) -> Message:
    """Confirm a silence: what is held back, until when, and that it is still watched."""
    return Message(
        title=f"Silenced until {clock(silence.ends, now)}: {headline(alert, rule)}",
        text=f"No pages about it for {span(silence.ends - now)}. It is still watched, and /alerts still shows it.",
        fields=(Field("By", plain(silence.by, 40)), Field("Reason", plain(silence.reason, 200))),
    )
