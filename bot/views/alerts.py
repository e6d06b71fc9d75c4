"""An alert is told as who and what, how bad and in whose hands; what stood at the first start is one question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.chat import Button, Field, Message, Tone
from bot.format import clock, count, plain
from monitor.alerts.alert import Alert
from monitor.alerts.incident import Incident
from monitor.model import Severity
from monitor.rule import Rule

BADGES = {Severity.INFO: "INFO", Severity.WARN: "⚠️ WARN", Severity.CRITICAL: "🚨 CRITICAL"}
MARKS = {Severity.INFO: "", Severity.WARN: "⚠️ ", Severity.CRITICAL: "🚨 "}
TONES = {Severity.INFO: Tone.PLAIN, Severity.WARN: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}
_SHOWN = 20
"""Alerts told one by one; the rest are counted."""
_LABELS = 4
"""Values of labels that a headline names."""


def headline(alert: Alert, rule: Rule | None) -> str:
    """Who and what: "alpha · Drawdown over the limit"; a check or another label is named."""
    return f"{plain(alert.agent, 64)} · {trouble(alert.rule, rule, (alert,))}"


def trouble(key: str, rule: Rule | None, alerts: Iterable[Alert]) -> str:
    """What is wrong: "Health degraded (venue, memory)"; `key` names a rule that is gone."""
    return f"{plain(rule.title if rule else key, 80)}{labels(alerts)}"


def labels(alerts: Iterable[Alert]) -> str:
    """What tells alerts of one rule and agent apart: " (venue, memory)"; nothing where there is nothing."""
    values = dict.fromkeys(value for alert in alerts for _, value in alert.labels)
    return f" ({few([plain(value, 40) for value in values], _LABELS)})" if values else ""


def few(names: Sequence[str], most: int, total: int | None = None) -> str:
    """The first few of many, with a count of the rest: "alpha, beta and 7 more"; `total`: how many there really are."""
    rest = (len(names) if total is None else total) - min(len(names), most)
    shown = ", ".join(names[:most])
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def acknowledged(of: Alert | Incident, now: float) -> str:
    """Who has it in hand: "acknowledged by ana, 12:03 UTC"."""
    when = f", {clock(of.acknowledged, now)}" if of.acknowledged is not None else ""
    return f"acknowledged by {plain(of.acknowledged_by or 'nobody', 40)}{when}"


def standing(alerts: Sequence[Alert], rules: Mapping[str, Rule]) -> Message:
    """Tell in one message what was already wrong when the desk first looked, and ask what to do with it."""
    if not alerts:
        return Message("Nothing waits for a decision", "No alert was found standing at the first start.")
    shown = alerts[:_SHOWN]
    rest = f"\nand {len(alerts) - _SHOWN} more: /alerts all lists them." if len(alerts) > _SHOWN else ""
    return Message(
        title=f"{count(len(alerts), 'trouble')} already stood when the desk first looked",
        text="Accept: you know about them, and none is paged. Keep: each is paged like any other." + rest,
        fields=tuple(
            Field(f"{BADGES[each.severity]} · {headline(each, rules.get(each.rule))}", plain(each.reason, 300))
            for each in shown
        ),
        buttons=(Button("Accept", "standing accept"), Button("Keep", "standing keep")),
        tone=Tone.WARN,
    )


def tone(worst: Severity | None) -> Tone:
    """How a message looks whose worst alert is of this severity; None: there is none."""
    return Tone.GOOD if worst is None else TONES[worst]
