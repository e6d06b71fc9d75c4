"""An order is requested, accepted by the agent, and confirmed only by what the agent or its supervisor then shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from monitor.book import Book
from monitor.model import Agent
from monitor.order import HOLDS, Order, OrderState
from monitor.ports import AgentControl, ControlError

READ_BACK = 0.5
"""Seconds between two looks at a supervisor, or at a process that begins."""
BEGINS_WITHIN = 60.0
"""Seconds a process that was started has to answer."""
GONE = "stopped"
"""What a supervisor says of a process that is no more."""

Well = Callable[[], Awaitable[str | None]]
"""Why a process that was started is not up and fit; None when it is."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to make an agent trade no more."""

    control: AgentControl
    action: str


def ladder(controls: Sequence[AgentControl]) -> tuple[Rung, ...]:
    """Every way to make an agent trade no more, the mildest of the first control first."""
    return tuple(Rung(each, action) for each in controls for action in HOLDS if action in each.abilities)


def after(rungs: Sequence[Rung], order: Order) -> Rung | None:
    """The way that is left when an order was not obeyed; None where there is none."""
    last = order.control.split()[-1:]
    used = [index for index, each in enumerate(rungs) if [each.control.kind] == last and each.action == order.action]
    left = rungs[used[0] + 1 :] if used else ()
    return left[0] if left else None


async def give(book: Book, control: AgentControl, agent: Agent, order: Order) -> Order:
    """Give a standing order; return it once it is confirmed, refused, overtaken by a newer one, or its time is up."""
    async with book.ordering[agent.id]:  # orders reach an agent one after the other, as they were given
        order = await _sent(book, control, agent, order, book.situation.orders.get(agent.id))
    if order.state is OrderState.REFUSED:
        return order
    return await _proven(book, control, agent, order)


async def resume(book: Book, controls: Sequence[AgentControl], agent: Agent, order: Order) -> Order:
    """Let an agent trade again by each control that held it, first by those that start its process."""
    *first, last = controls
    previous = book.situation.orders.get(agent.id)
    async with book.turn() as turn:  # before it runs: what runs and was to stand still would be stopped again
        turn.order(order)
    for each in first:
        try:
            await each.send(agent, order.action, order.by, order.reason)
        except ControlError as error:
            if not error.uncertain:
                return await _refused(book, replace(order, detail=str(error)), previous)
    if first:
        await _until(_reaches(last, agent))
    async with book.ordering[agent.id]:
        order = await _sent(book, last, agent, order, previous)
    return order if order.state is OrderState.REFUSED else await _proven(book, last, agent, order)


async def restart(
    book: Book, control: AgentControl, agent: Agent, order: Order, well: Well, begun: Callable[[], Awaitable[object]]
) -> Order:
    """Begin an agent's process anew; confirmed once it is up and fit, by its own /live and /health.

    `begun` is called once it was accepted.
    """
    order = await _errand(book, control, agent, order)
    if order.state is OrderState.REFUSED:
        return order
    await begun()
    why = await _until(well)
    if why is not None:
        return await _ended(book, replace(order, state=OrderState.UNCONFIRMED, detail=why))
    return await _ended(book, replace(order, state=OrderState.CONFIRMED, confirmed=book.clock.now()))


async def close(book: Book, control: AgentControl, agent: Agent, order: Order) -> Order:
    """Close all positions; confirmed once the agent reports that it holds none."""
    order = await _errand(book, control, agent, order)
    if order.state is OrderState.REFUSED:
        return order

    def flat() -> bool:
        state = book.situation.states.get(agent.id)
        seen = None if state is None else state.sample
        return seen is not None and seen.time > order.requested and seen.open_positions == 0

    with book.waiting(agent.id):
        await book.wait_until(flat, agent.limits.close_within)
    done = OrderState.CONFIRMED if flat() else OrderState.UNCONFIRMED
    return await _ended(book, replace(order, state=done, confirmed=book.clock.now() if flat() else None))


async def _errand(book: Book, control: AgentControl, agent: Agent, order: Order) -> Order:
    order = replace(order, requested=book.clock.now())
    async with book.turn() as turn:
        turn.errand(order)
    try:
        said = await control.send(agent, order.action, order.by, order.reason)
    except ControlError as error:
        if not error.uncertain:
            return await _ended(book, replace(order, state=OrderState.REFUSED, detail=str(error)))
        return replace(order, detail=str(error))
    return await _ended(book, replace(order, state=OrderState.ACCEPTED, accepted=book.clock.now(), detail=said))


async def _ended(book: Book, order: Order) -> Order:
    async with book.turn() as turn:
        turn.errand(order)
    return order


async def _sent(book: Book, control: AgentControl, agent: Agent, order: Order, previous: Order | None) -> Order:
    """Store an order, send it, and say what the agent answered. `previous`: what is in force again if it is refused."""
    order = replace(order, requested=book.clock.now())
    async with book.turn() as turn:
        turn.order(order)
    try:
        said = await control.send(agent, order.action, order.by, order.reason)
    except ControlError as error:
        if error.uncertain:
            return replace(order, detail=str(error))
        return await _refused(book, replace(order, detail=str(error)), previous)
    return replace(order, state=OrderState.ACCEPTED, accepted=book.clock.now(), detail=said)


async def _refused(book: Book, order: Order, previous: Order | None) -> Order:
    refused = replace(order, state=OrderState.REFUSED)
    async with book.turn() as turn:
        turn.withdraw(refused, previous)
    return refused


async def _proven(book: Book, control: AgentControl, agent: Agent, order: Order) -> Order:
    """Store how far an order has come, and wait until it is proven, or its time is up."""
    within = agent.limits.confirm_within if not order.silent else BEGINS_WITHIN

    def newest() -> Order:
        return book.situation.orders.get(order.agent, order)

    def overtaken() -> bool:
        """By an order that wants something else; one that wants the same is waited for."""
        return newest().id != order.id and newest().holds is not order.holds

    def over() -> bool:
        return overtaken() or newest().state is OrderState.CONFIRMED

    async with book.turn() as turn:
        if newest().id == order.id and not over():
            turn.order(order)
    looking = asyncio.create_task(_reading_back(book, control, agent, order))
    try:
        with book.waiting(agent.id):
            await book.wait_until(over, within)
    finally:
        looking.cancel()
    async with book.turn() as turn:
        last = newest()
        if last.id == order.id:
            if last.state is not OrderState.CONFIRMED:
                last = replace(last, state=OrderState.UNCONFIRMED)
                turn.order(last)
            return last
        if overtaken() or last.state is not OrderState.CONFIRMED:
            order = replace(order, state=OrderState.UNCONFIRMED, detail=f"{last.by} ordered {last.action} meanwhile")
        else:  # two who wanted the same: both have it
            more = {name: getattr(last, name) for name in ("state", "confirmed", "held", "held_count", "silent")}
            order = replace(order, **more)
        turn.errand(order)
    return order


async def read_back(book: Book, control: AgentControl, agent: Agent, order: Order) -> bool:
    """Confirm a hold by the supervisor that ended the process: the agent itself can say nothing any more.

    Returns whether it is worth to ask again.
    """
    try:
        state = await control.state(agent)
    except ControlError:
        return True
    if state != GONE:
        return state is not None
    async with book.turn() as turn:
        newest = book.situation.orders.get(agent.id)
        if newest is not None and newest.id == order.id:
            turn.order(replace(newest, state=OrderState.CONFIRMED, confirmed=book.clock.now(), silent=True))
    return False


async def _reading_back(book: Book, control: AgentControl, agent: Agent, order: Order) -> None:
    asks = order.holds
    while asks:
        asks = await read_back(book, control, agent, order)
        await asyncio.sleep(READ_BACK)


async def _until(well: Well) -> str | None:
    """Ask until nothing is amiss, or the time of a process that begins is up; returns what still is."""
    ends = asyncio.get_running_loop().time() + BEGINS_WITHIN
    while True:
        why = await well()
        if why is None or asyncio.get_running_loop().time() >= ends:
            return why
        await asyncio.sleep(READ_BACK)


def _reaches(control: AgentControl, agent: Agent) -> Well:
    async def ask() -> str | None:
        try:
            await control.reach(agent)
        except ControlError as error:
            return str(error)
        return None

    return ask
