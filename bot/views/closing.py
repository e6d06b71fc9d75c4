"""Before positions are closed one sees each of them; after it one sees whether any is left."""

from __future__ import annotations

from bot.chat import Message, Table, Tone
from bot.format import UNKNOWN, count, money, number, plain, span
from bot.line import button
from monitor.desk import AgentStatus
from monitor.model import Agent, Position
from monitor.order import Order, OrderState

_SHOWN = 20


def positions(found: tuple[Position, ...]) -> Table:
    """What is open, a row each."""
    rows = tuple(
        (
            f"{plain(each.asset, 30)} {each.side}",
            f"{each.size:,g}",
            UNKNOWN if each.entry_price is None else f"{each.entry_price:,g}",
            number(each.pnl, signed=True),
        )
        for each in found[:_SHOWN]
    )
    return Table(("Position", "Size", "Entry", "P&L"), rows)


def close_question(status: AgentStatus, means: str, currency: str, now: float) -> Message:
    """The question before everything is closed, with everything that is."""
    name, seen = plain(status.agent.id, 64), status.answered
    found = seen.positions if seen is not None else None
    many = seen.open_positions if seen is not None else None
    told = UNKNOWN if many is None else count(many, "open position")
    worth = f", {money(seen.exposure, currency)}" if seen is not None and seen.exposure is not None else ""
    lines = [f"That means there: {plain(means, 200)}."]
    lines += [f"As of {span(now - seen.time)} ago."] if seen is not None else ["It has never answered."]
    if status.pause is None:
        lines.append("It is not paused, so it may open new ones at once: /pause it first.")
    if found is None and many:
        lines.append("It does not say which they are: look at the venue.")
    more = len(found or ()) - _SHOWN
    lines += [f"{more} not shown."] if more > 0 else []
    return Message(
        title=f"Close all positions of {name}: {told}{worth}?",
        text="\n".join(lines),
        tables=(positions(found),) if found else (),
    )


def closing(agent: Agent) -> Message:
    """Say at once that the order is on its way."""
    within = span(agent.limits.close_within)
    return Message(f"Asked {plain(agent.id, 64)} to close all positions", f"Waiting up to {within} until it has none.")


def closed(order: Order, after: AgentStatus, currency: str) -> Message:
    """Say what came of it."""
    name, said, seen = plain(order.agent, 64), plain(order.detail, 300), after.answered
    status = button("Status", "status", order.agent)
    if order.state is OrderState.CONFIRMED:
        took = span((order.confirmed or order.requested) - order.requested)
        equity = "" if seen is None else f"Equity {money(seen.equity, currency)}. "
        paused = "" if after.pause is not None else "It is not paused."
        return Message(
            title=f"{name} holds no position any more: confirmed by {name} after {took}",
            text=f"{equity}{paused}".strip(),
            buttons=status if after.pause is not None else (*button("Pause", "pause", order.agent), *status),
            tone=Tone.GOOD,
        )
    again = button("Close again", "close", order.agent)
    if order.state is OrderState.REFUSED:
        title, text = f"{name} did not take the order to close", f"It {said}.\nClose its positions at the venue."
    else:
        held = UNKNOWN if seen is None or seen.open_positions is None else count(seen.open_positions, "position")
        title = f"NOT closed within {span(after.agent.limits.close_within)}: {name} holds {held}"
        text = "Look at the venue, and close there what is left." + (f" It said: {said}." if said else "")
    left = seen.positions if seen is not None and seen.positions else ()
    return Message(
        title, text, tables=(positions(left),) if left else (), buttons=(*again, *status), tone=Tone.CRITICAL, loud=True
    )
