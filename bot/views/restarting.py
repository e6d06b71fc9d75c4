"""A restart is asked about, bounded, and done only when the new process is up and fit."""

from __future__ import annotations

from bot.chat import Message, Tone
from bot.format import count, plain, span
from bot.line import button
from bot.views.status import paused
from monitor.desk import AgentStatus
from monitor.handling import RESTARTS, RESTARTS_WITHIN
from monitor.model import Agent
from monitor.order import Order, OrderState
from monitor.orders import BEGINS_WITHIN


def restart_question(status: AgentStatus, kind: str, now: float) -> Message:
    """Ask before a process is begun anew."""
    held = status.answered.open_positions if status.answered is not None else None
    lines = [
        f"It has {count(held, 'open position')}, which nobody watches meanwhile." if held else "",
        f"It stays {paused(status.pause, now)}." if status.pause is not None else "It trades again at once.",
        f"At most {RESTARTS} in {span(RESTARTS_WITHIN)}, and never while its venue is down.",
    ]
    return Message(f"Restart {plain(status.agent.id, 64)} by {kind}?", "\n".join(filter(None, lines)))


def restarting(agent: Agent, kind: str) -> Message:
    """Say at once that the order is on its way."""
    within = span(BEGINS_WITHIN)
    return Message(
        f"Asked {kind} to restart {plain(agent.id, 64)}",
        f"Waiting up to {within} until /live and /health say it is well.",
    )


def restarted(order: Order, after: AgentStatus) -> Message:
    """Say what came of it."""
    name, said = plain(order.agent, 64), plain(order.detail, 300)
    look = (*button("Status", "status", order.agent), *button("Logs", "logs", order.agent, "50"))
    if order.state is OrderState.CONFIRMED:
        took = span((order.confirmed or order.requested) - order.requested)
        title = f"{name} is up again: /live and /health answer after {took}"
        return Message(title, "" if after.pause is None else "Its pause is kept.", buttons=look, tone=Tone.GOOD)
    again = button("Restart again", "restart", order.agent)
    if order.state is OrderState.REFUSED:
        title, text = f"{name} was not restarted", f"It {said}."
    else:
        title, text = f"{name} was restarted and is NOT well after {span(BEGINS_WITHIN)}", f"What it shows {said}."
    return Message(title, text, buttons=(*look, *again), tone=Tone.CRITICAL, loud=True)
