"""A runbook is numbered steps with this agent's live values; a step that is a command is also a button."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.chat import Button, Field, Message, Tone
from bot.format import clock, count, money, plain, share, span
from bot.line import BUTTON_BYTES, button
from bot.views.alerts import headline
from monitor.alerts.alert import Alert
from monitor.alerts.runbooks import PLACEHOLDERS, Runbook, fill
from monitor.desk import AgentStatus
from monitor.model import Sample, Severity
from monitor.rule import Rule

_BUTTONS = 20
_TONES = {Severity.INFO: Tone.PLAIN, Severity.WARN: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}


def values(status: AgentStatus, alert: Alert | None, currency: str, now: float) -> Mapping[str, str]:
    """What is known of the agent now, for a runbook's placeholders; what is not known is absent."""
    seen = status.answered or Sample(status.agent.id, now)
    limits, pause = status.agent.limits, status.pause
    failing = ", ".join(plain(check.name, 40) for check in seen.checks if not check.ok)
    known: dict[str, str | None] = {
        "agent": status.agent.id,
        "equity": _if(seen.equity, money(seen.equity, currency)),
        "balance": _if(seen.balance, money(seen.balance, currency)),
        "min_balance": _if(limits.min_balance, money(limits.min_balance, currency)),
        "drawdown": _if(status.drawdown, share(status.drawdown)),
        "drawdown_limit": _if(limits.drawdown, share(limits.drawdown)),
        "loss": _if(status.loss, money(status.loss, currency)),
        "loss_limit": _loss_limit(status, currency),
        "heartbeat_age": _if(seen.heartbeat_age, span(seen.heartbeat_age)),
        "heartbeat_limit": span(limits.heartbeat),
        "last_error": status.sample.error if status.sample else None,
        "failing_checks": failing or ("none" if seen.checks else None),
        "venue_latency": _if(seen.venue_latency, span(seen.venue_latency)),
        "memory": _if(seen.memory, share(seen.memory)),
        "open_positions": _if(seen.open_positions, str(seen.open_positions)),
        "uptime": _if(seen.uptime, span(seen.uptime)),
        "order_action": pause.action if pause else None,
        "order_by": pause.by if pause else None,
    }
    if alert is not None:
        since = f"{clock(alert.opened, now)} ({span(now - alert.opened)})"
        known |= {"alert": alert.id, "reason": alert.reason, "since": since}
    return {name: text for name, text in known.items() if text is not None}


def _if(value: float | None, written: str) -> str | None:
    return None if value is None else written


def _loss_limit(status: AgentStatus, currency: str) -> str | None:
    limit = status.agent.limits.hard_loss
    if limit is None:
        return None
    return money(limit.amount, currency) if limit.amount is not None else f"{share(limit.share)} of equity"


def live(runbook: Runbook, known: Mapping[str, str], alert: Alert | None, rule: Rule | None) -> Message:
    """A runbook for one agent, with its values in the steps."""
    filled = fill(runbook, known)
    of = headline(alert, rule) if alert else f"{plain(known['agent'], 64)} · {plain(filled.title, 120)}"
    return _message(filled, of, "")


def general(runbook: Runbook) -> Message:
    """A runbook about no agent in particular: values stand as names, commands that need one are left out."""
    named = fill(runbook, {name: name.upper() for name in PLACEHOLDERS})
    bare = fill(runbook, {})
    steps = tuple(replace(step, do=of.do) for step, of in zip(named.steps, bare.steps, strict=True))
    of = plain(named.title, 120)
    return _message(replace(named, steps=steps), of, f"With an agent's live values: /runbook {runbook.key} AGENT")


def _message(runbook: Runbook, of: str, footer: str) -> Message:
    return Message(
        title=f"Runbook · {of}",
        text=plain(runbook.about, 600),
        fields=(
            *(Field(f"Step {index}", _step(step.say, step.check)) for index, step in enumerate(runbook.steps, 1)),
            Field("It is over when", plain(runbook.verify, 600)),
        ),
        buttons=tuple(_buttons(runbook))[:_BUTTONS],
        footer=footer,
        tone=_TONES[runbook.severity],
    )


def _step(say: str, check: str | None) -> str:
    return plain(say, 600) + (f"\nCheck: {plain(check, 600)}" if check else "")


def _buttons(runbook: Runbook) -> Iterable[Button]:
    for index, step in enumerate(runbook.steps, 1):
        if step.do and len(step.do.encode()) <= BUTTON_BYTES:
            yield Button(f"{index}. {plain(step.do, 60)}", step.do)


def listing(runbooks: Mapping[str, Runbook], title: str = "") -> Message:
    """Every runbook with what it is about."""
    return Message(
        title=title or count(len(runbooks), "runbook"),
        text="Say /runbook and a name, an alert or an agent; the steps come with live values.",
        fields=tuple(
            Field(key, plain(fill(each, {name: name.upper() for name in PLACEHOLDERS}).about, 200))
            for key, each in runbooks.items()
        ),
        buttons=tuple(made for key in runbooks for made in button(key, "runbook", key))[:_BUTTONS],
    )
