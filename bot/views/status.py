"""What is known of the fleet and of one agent now: every signal with its limit, and what is unknown said as such."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.chat import Button, Field, Message, Table, Tone
from bot.format import UNKNOWN, clock, count, lacking, money, number, plain, share, span
from bot.line import button
from bot.views.alerts import acknowledged, headline
from monitor.alerts.alert import State
from monitor.desk import AgentStatus
from monitor.detectors.zscore import WARM_UP, Score
from monitor.model import Order, OrderState, Sample, Severity
from monitor.rule import Rule


def word(status: AgentStatus, now: float) -> str:
    """How an agent is, in a word: ok, degraded, stalled, paused by somebody, unreachable."""
    sample, limits = status.sample, status.agent.limits
    if sample is None:
        return "not seen yet"
    if sample.error is not None and status.pause is not None and status.pause.silent:
        return paused(status.pause, now)
    if sample.error is not None:
        missed = f"{status.missed} of {limits.missed_polls} polls missed"
        return "unreachable" if status.missed >= limits.missed_polls else f"no answer, {missed}"
    if status.pause is not None:
        return paused(status.pause, now)
    if sample.paused:
        return "paused"
    if sample.heartbeat_age is not None and sample.heartbeat_age > limits.heartbeat:
        return "stalled"
    return plain(sample.status or "answers", 20)


def paused(order: Order, now: float) -> str:
    """Who paused an agent, until when, and whether it shows it: "paused by ana since 12:03 UTC until 14:03 UTC"."""
    ends = "" if order.until is None else f" until {clock(order.until, now)}{', which is over' if order.ended else ''}"
    by = plain(order.by, 40)
    if order.state is OrderState.CONFIRMED:
        done = "stopped" if order.action == "stop" else "paused"
        return f"{done} by {by} since {clock(order.confirmed or order.requested, now)}{ends}"
    return f"{order.action} ordered by {by} {clock(order.requested, now)}, {order.state.value}{ends}"


def z(score: Score | None) -> str:
    """The z-score of the newest return, or what it lacks."""
    if score is None:
        return lacking(0, WARM_UP)
    if score.z is None:
        return lacking(score.n, score.need) if score.n < score.need else f"{UNKNOWN} (returns do not move)"
    return f"{number(score.z, signed=True)}{' anomaly' if score.anomaly else ''}"


def fleet(statuses: Sequence[AgentStatus], platforms: Mapping[str, str], currency: str, now: float) -> Message:
    """One row an agent, the troubles counted, and the state of each chat."""
    alerts = [alert for status in statuses for alert in status.alerts]
    waiting = [alert for alert in alerts if alert.state is State.FIRING]
    incidents = len({alert.incident or alert.id for alert in alerts})
    together = f" in {count(incidents, 'incident')}" if incidents != len(alerts) else ""
    text = (
        f"{count(len(alerts), 'open alert')}{together}, {len(waiting):,} not acknowledged."
        if alerts
        else "No open alerts."
    )
    skipped = sum(status.skipped for status in statuses)
    late = f" {count(skipped, 'poll')} skipped because the one before was still under way." if skipped else ""
    columns = ("Agent", "State", f"Equity {currency}", "P&L 24h", "Drawdown", "Alerts", "z")
    return Message(
        title=f"{count(len(statuses), 'agent')} at {clock(now, now)}",
        text=text + late,
        tables=(Table(columns, tuple(_row(status, now) for status in statuses)),),
        buttons=(Button("Alerts", "alerts"),) if alerts else (),
        footer=_chats(platforms),
        tone=_tone(max((alert.severity for alert in alerts), default=None)),
    )


def _row(status: AgentStatus, now: float) -> tuple[str, ...]:
    seen = status.answered
    return (
        plain(status.agent.id, 64),
        word(status, now),
        number(seen.equity if seen else None),
        number(seen.pnl_24h if seen else None, signed=True),
        share(status.drawdown),
        str(len(status.alerts)),
        z(status.score).partition(" (")[0],
    )


def _chats(platforms: Mapping[str, str]) -> str:
    return " · ".join(f"{plain(name, 20)}: {plain(state, 80)}" for name, state in platforms.items())


def _tone(worst: Severity | None) -> Tone:
    if worst is None:
        return Tone.GOOD
    return {Severity.INFO: Tone.PLAIN, Severity.WARN: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}[worst]


def one(status: AgentStatus, rules: Mapping[str, Rule], currency: str, now: float) -> Message:
    """Everything known of one agent, in four layers: machine, venue, strategy, money."""
    agent, seen = status.agent, status.answered
    shown = seen or Sample(agent.id, now)
    state = word(status, now)
    pause = f" · {paused(status.pause, now)}" if status.pause and state != paused(status.pause, now) else ""
    return Message(
        title=f"{plain(agent.id, 64)} · {state}{pause}",
        text="\n".join(_lines(status, now)),
        fields=tuple(
            Field(
                headline(alert, rules.get(alert.rule)),
                f"{plain(alert.reason, 300)} ({acknowledged(alert, now) if alert.acknowledged_by else alert.state})",
            )
            for alert in status.alerts
        ),
        tables=(
            Table(("Machine", "Now", "Limit"), tuple(_machine(status, shown))),
            Table(("Venue", "Now", "Limit"), tuple(_venue(shown))),
            Table(("Strategy", "Now", "Limit"), tuple(_strategy(status, shown))),
            Table(("Money", "Now", "Limit"), tuple(_money(status, shown, currency))),
        ),
        buttons=_buttons(status),
        footer=" · ".join(f"{plain(name, 40)}: {plain(value, 40)}" for name, value in agent.labels.items()),
        tone=_tone(max((alert.severity for alert in status.alerts), default=None)),
    )


def _lines(status: AgentStatus, now: float) -> Iterable[str]:
    sample, seen = status.sample, status.answered
    if sample is not None and sample.error is not None:
        yield f"The last poll, {clock(sample.time, now)}: {plain(sample.error, 300)}"
    if seen is None:
        yield "It has not answered yet."
        return
    yield f"Figures of {clock(seen.time, now)}, {span(now - seen.time)} ago."
    failing = [check for check in seen.checks if not check.ok]
    if failing:
        named = "; ".join(f"{plain(each.name, 40)}: {plain(each.detail, 120) or 'not ok'}" for each in failing[:10])
        yield f"{len(failing)} of {count(len(seen.checks), 'check')} failing. {named}"
    elif seen.checks:
        yield f"All {count(len(seen.checks), 'check')} pass."


def _whole(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _machine(status: AgentStatus, seen: Sample) -> Iterable[tuple[str, str, str]]:
    yield "Uptime", span(seen.uptime), ""
    yield "Memory", share(seen.memory), "90%"
    yield "CPU", share(seen.cpu), ""
    yield "Errors 1h", _whole(seen.errors_1h), ""
    yield "Answers in", span(seen.poll_latency), ""
    yield "Polls missed in a row", _whole(status.missed), _whole(status.agent.limits.missed_polls)
    yield "Polls skipped", _whole(status.skipped), ""


def _venue(seen: Sample) -> Iterable[tuple[str, str, str]]:
    check = next((each for each in seen.checks if each.name == "venue"), None)
    yield "Latency", span(seen.venue_latency), ""
    yield "Check", UNKNOWN if check is None else "ok" if check.ok else "failing", ""


def _strategy(status: AgentStatus, seen: Sample) -> Iterable[tuple[str, str, str]]:
    score = status.score
    yield (
        "Last acted",
        UNKNOWN if seen.heartbeat_age is None else f"{span(seen.heartbeat_age)} ago",
        span(status.agent.limits.heartbeat),
    )
    yield "Open positions", _whole(seen.open_positions), ""
    yield "Win rate, as it says", share(seen.win_rate), ""
    yield "Sharpe, as it says", number(seen.sharpe), ""
    yield "z of the last return", z(score), ""
    yield "Volatility of returns", share(score.volatility if score else None, 3), ""
    yield "Regime change", number(score.regime if score else None), ""


def _money(status: AgentStatus, seen: Sample, currency: str) -> Iterable[tuple[str, str, str]]:
    limits = status.agent.limits
    hard = limits.hard_loss
    allowed = ""
    if hard is not None:
        allowed = money(hard.amount, currency) if hard.amount is not None else share(hard.share)
    floor = "" if limits.min_balance is None else money(limits.min_balance, currency)
    yield "Equity", money(seen.equity, currency), ""
    yield "Balance", money(seen.balance, currency), floor
    yield "P&L 24h, as it says", money(seen.pnl_24h, currency, signed=True), ""
    yield f"Lost in {number(limits.loss_window / 3600, 0)} h", money(status.loss, currency), allowed
    yield "Drawdown", share(status.drawdown), "" if limits.drawdown is None else share(limits.drawdown)
    yield "Max drawdown, as it says", share(seen.max_drawdown), ""


def _buttons(status: AgentStatus) -> tuple[Button, ...]:
    name = status.agent.id
    alert = status.alerts[0] if status.alerts else None
    runbook = button("Runbook", "runbook", alert.id) if alert else ()
    order = button("Resume", "resume", name) if status.pause else button("Pause", "pause", name)
    return (*runbook, *order, *button("Performance", "performance", name))
