"""An order is requested, accepted by the agent, and confirmed only by what the agent then reports."""

from __future__ import annotations

from dataclasses import replace

from monitor.book import Book
from monitor.model import Agent, Order, OrderState
from monitor.ports import AgentControl, ControlError


async def give(book: Book, control: AgentControl, agent: Agent, order: Order) -> Order:
    """Give an order; return it once it is confirmed, refused, overtaken by a newer one, or its time is up."""
    async with book.ordering[agent.id]:  # orders reach an agent one after the other, as they were given
        order = await _sent(book, control, agent, order)
    if order.state is OrderState.REFUSED:
        return order
    return await _proven(book, order, agent.limits.confirm_within)


async def _sent(book: Book, control: AgentControl, agent: Agent, order: Order) -> Order:
    """Store an order, send it, and say what the agent answered."""
    order = replace(order, requested=book.clock.now())
    previous = book.situation.orders.get(agent.id)
    async with book.turn() as turn:
        turn.order(order)
    try:
        said = await control.send(agent, order.action, order.by, order.reason)
    except ControlError as error:
        if error.uncertain:
            return replace(order, detail=str(error))
        refused = replace(order, state=OrderState.REFUSED, detail=str(error))
        async with book.turn() as turn:
            turn.withdraw(refused, previous)
        return refused
    return replace(order, state=OrderState.ACCEPTED, accepted=book.clock.now(), detail=said)


async def _proven(book: Book, order: Order, within: float) -> Order:
    """Store how far an order has come, and wait until the agent reports it, or its time is up."""

    def newest() -> Order:
        return book.situation.orders.get(order.agent, order)

    def over() -> bool:
        return newest().id != order.id or newest().state is OrderState.CONFIRMED

    async with book.turn() as turn:
        if not over():
            turn.order(order)
    await book.wait_until(over, within)
    async with book.turn() as turn:
        last = newest()
        if last.id != order.id:
            return replace(order, state=OrderState.UNCONFIRMED, detail=f"{last.by} ordered {last.action} meanwhile")
        if last.state is not OrderState.CONFIRMED:
            last = replace(last, state=OrderState.UNCONFIRMED)
            turn.order(last)
    return last
