"""What is known of the fleet and of one agent now: every signal with its limit, and what is unknown said as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.charts.sparkline import sparkline
from bot.chat import Button, Message, Table
from bot.format import UNKNOWN, clock, count, lacking, number, plain, share
from bot.views.alerts import tone
from monitor.alerts.alert import State
from monitor.desk import AgentStatus
from monitor.detectors.zscore import Score
from monitor.model import BUDGET, PAPER, Agent
from monitor.order import Order, OrderState
from monitor.recent import WARM_UP
from monitor.volatility import WARM


def word(status: AgentStatus, now: float) -> str:
    """How an agent is, in a word: ok, degraded, stalled, paused by somebody, unreachable; paper is said too."""
    mode = ", paper" if status.paper else ", LIVE though labelled paper" if mislabelled(status) else ""
    return f"{_word(status, now)}{mode}"


def mislabelled(status: AgentStatus) -> bool:
    """Whether it is labelled paper and says that it trades with money."""
    return status.agent.labels.get("mode") == PAPER and not status.paper


def _word(status: AgentStatus, now: float) -> str:
    sample, limits = status.sample, status.agent.limits
    if sample is None:
        return "not seen yet"
    if sample.error is not None:
        return _silent(status, now)
    if status.pause is not None:
        return paused(status.pause, now)
    if sample.paused:
        return "paused"
    if sample.heartbeat_age is not None and sample.heartbeat_age > limits.heartbeat:
        return "stalled"
    return plain(sample.status or "answers", 20)


def _silent(status: AgentStatus, now: float) -> str:
    """How an agent is that does not answer."""
    if status.pause is not None and status.pause.silent:
        return paused(status.pause, now)
    limits = status.agent.limits
    missed = f"{status.missed} of {limits.missed_polls} polls missed"
    return "unreachable" if status.missed >= limits.missed_polls else f"no answer, {missed}"


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


def off(agent: Agent) -> bool:
    """Whether nothing statistical ever pages about it."""
    return agent.false_pages is None


def learning(status: AgentStatus) -> bool:
    """Whether too little is known of an agent for anything statistical to page."""
    return status.moves < WARM and not off(status.agent)


def statistics(status: AgentStatus) -> str:
    """What is statistical about an agent, in a sentence or two: how much is known, and what may page."""
    if off(status.agent):
        return "False pages: off, nothing statistical pages; hard limits on."
    by = status.agent.detector
    allowed = f"{status.agent.false_pages:.2g} a week allowed" if by == BUDGET else f"no budget, {by} judges it"
    known = f"learned from {status.moves:,} active samples"
    if learning(status):
        known = f"learning, {status.moves} of {WARM} active samples; hard limits on"
    return f"Statistics: {known}. False pages: {allowed}."


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
    columns = ("Agent", "State", f"Equity {currency}", "P&L 24h", "Drawdown", "Alerts", "z", "Day")
    return Message(
        title=f"{count(len(statuses), 'agent')} at {clock(now, now)}",
        text=text + late,
        tables=(Table(columns, tuple(_row(status, now) for status in statuses)),),
        buttons=(Button("Alerts", "alerts"),) if alerts else (),
        footer=_chats(platforms),
        tone=tone(max((alert.severity for alert in alerts), default=None)),
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
        f"learning {status.moves}/{WARM}" if learning(status) else z(status.score).partition(" (")[0],
        sparkline(status.course, len(status.course)).lstrip(),
    )


def _chats(platforms: Mapping[str, str]) -> str:
    return " · ".join(f"{plain(name, 20)}: {plain(state, 80)}" for name, state in platforms.items())
