"""What came of an order is said as it is proven: confirmed by the agent, refused, or not confirmed."""

from __future__ import annotations

from decimal import Decimal

from bot.chat import Field, Message, Tone
from bot.format import amount, clock, plain, span
from bot.line import button
from monitor.desk import AgentStatus
from monitor.model import Agent, CashFlow, Order, OrderState

_DONE = {"pause": "paused", "resume": "running again"}


def asked(agent: Agent, action: str) -> Message:
    """Say at once that an order is on its way."""
    within = span(agent.limits.confirm_within)
    return Message(f"Asked {plain(agent.id, 64)} to {action}", f"Waiting up to {within} until it reports that.")


def outcome(order: Order, after: AgentStatus) -> Message:
    """Say what came of an order to pause or resume."""
    name, action = plain(order.agent, 64), order.action
    said = plain(order.detail, 300)
    if order.state is OrderState.CONFIRMED:
        took = span((order.confirmed or order.requested) - order.requested)
        other = "resume" if action == "pause" else "pause"
        return Message(
            title=f"{name} is {_DONE.get(action, action)}: confirmed by {name} after {took}",
            text=f"It said: {said}" if said else "",
            buttons=(*button("Status", "status", order.agent), *button(other.capitalize(), other, order.agent)),
            tone=Tone.GOOD,
        )
    again = button(f"{action.capitalize()} again", action, order.agent)
    runbook = button("Runbook", "runbook", "order_unconfirmed", order.agent)
    if order.state is OrderState.REFUSED:
        return Message(
            title=f"{name} did not take the order to {action}",
            text=f"It {said}.\nThe order is void. Try again, or act on its machine.",
            buttons=(*again, *runbook),
            tone=Tone.CRITICAL,
            loud=True,
        )
    return Message(
        title=f"NOT confirmed within {span(after.agent.limits.confirm_within)}: {name} {_reports(action, after)}",
        text=f"Do not rely on this {action}. " + (f"What came of the order: {said}." if said else ""),
        buttons=(*again, *runbook, *button("Status", "status", order.agent)),
        tone=Tone.CRITICAL,
        loud=True,
    )


def _reports(action: str, after: AgentStatus) -> str:
    sample = after.sample
    if sample is None or sample.error is not None:
        return "does not answer"
    if sample.paused is None:
        return "does not say whether it is paused"
    still = "" if sample.paused is (action == "pause") else "still "
    return f"{still}reports {'paused' if sample.paused else 'running'}"


def flow(stored: CashFlow, currency: str, now: float) -> Message:
    """Say what was recorded, and what it changes."""
    way = "into" if stored.amount > 0 else "out of"
    return Message(
        title=f"Recorded {amount(stored.amount, currency)} {way} {plain(stored.agent, 64)}",
        text="Returns, drawdown and losses no longer count it as profit or loss.",
        fields=(
            Field("At", clock(stored.time, now)),
            Field("By", plain(stored.by, 40)),
            *((Field("Note", plain(stored.note, 200)),) if stored.note else ()),
        ),
        tone=Tone.GOOD,
    )


def flow_question(agent: str, money: Decimal, currency: str, at: float | None, now: float) -> str:
    """Ask before a cash flow is recorded."""
    kind, way = ("deposit", "into") if money > 0 else ("withdrawal", "out of")
    when = (
        "at the step of the last 24 h that matches, else now"
        if at is None
        else f"at {clock(at, now)} or the step around it that matches"
    )
    return f"Record a {kind} of {amount(abs(money), currency).removeprefix('+')} {way} {plain(agent, 64)}, {when}?"
