"""What people and the desk may order an agent to do, by which of its controls, and what must hold before."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from monitor import orders
from monitor.alarms import Alarms
from monitor.alerts.alert import short_id
from monitor.answers import DeskError, pick
from monitor.book import Book
from monitor.model import Agent, Sample
from monitor.order import HOLDS, Order, OrderState
from monitor.orders import Rung, Well
from monitor.ports import AgentControl, ControlError, Store
from monitor.redaction import bounded, redacted
from monitor.situation import Setup

ACTIONS = ("pause", "stop", "resume", "close", "restart")
MOST_LINES, MOST_CHARS = 200, 3_000
"""Of a log that are shown."""
RESTARTS, RESTARTS_WITHIN = 3, 3_600.0
"""Restarts that an agent may be given in so many seconds: one that dies again and again is not cured by them."""
DEPLOY = 90.0
"""Seconds for which what a restart causes is hidden: longer than a process has to begin."""
VENUE_NEWS = 600.0
"""Seconds for which what an agent last said of its venue counts."""


@dataclass(frozen=True, slots=True)
class Log:
    """The newest lines of an agent's log, secrets taken out."""

    kind: str
    """The control that gave them."""
    lines: tuple[str, ...]
    """Oldest first."""
    left_out: int
    """Older lines of those that were asked for, for which there is no room."""


class Handling(Alarms):
    """Orders to agents. Each is stored before it is given, and what came of it before it is told."""

    def __init__(
        self,
        setup: Setup,
        book: Book,
        store: Store,
        controls: Mapping[str, Sequence[AgentControl]],
        secrets: Collection[str] = (),
    ) -> None:
        super().__init__(setup, book, store)
        self.wells: Mapping[str, Well] = {}
        """Agent -> whether a process of it that was just started is up and fit: what its source can ask."""
        self.venues: Mapping[str, Well] = {}
        """Agent -> whether the address of its venue answers."""
        self._controls = controls
        self._restarting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._secrets = secrets

    def controls(self, agent: str) -> Sequence[AgentControl]:
        """The controls of an agent, in the order in which they are tried."""
        return self._controls.get(agent, ())

    def takes_orders(self, agent: str) -> bool:
        """Whether an agent has a control."""
        return bool(self.controls(agent))

    def require_control(self, agent: str, action: str = "pause", via: str | None = None) -> tuple[Agent, AgentControl]:
        """An agent and the control by which it can be ordered that. Errors: DeskError (no agent, none that can)."""
        target = self.agents[pick(agent.lower(), self.agents, "agent")]
        found = self.controls(target.id)
        if not found:
            raise DeskError(f"No control is set for {target.id}: give it one in the settings, so that it takes orders.")
        if via is not None and all(each.kind != via for each in found):
            kinds = ", ".join(each.kind for each in found)
            raise DeskError(f"{target.id} has no control {via}: it has {kinds}.")
        named = [each for each in found if via in (None, each.kind)]
        wanted = HOLDS if action == "pause" else (action,)
        able = [each for each in named if any(one in each.abilities for one in wanted)]
        if not able:
            kinds = ", ".join(each.kind for each in named)
            raise DeskError(f"{target.id} cannot be ordered to {action}: its control {kinds} does not do that.")
        return target, able[0]

    def means(self, agent: str, action: str, via: str | None = None) -> str:
        """What an order means for an agent, in a few words. Errors: DeskError."""
        _, control = self.require_control(agent, action, via)
        done = action if action in control.abilities else "stop"
        return control.abilities[done]

    def next_stop(self, order: Order) -> Rung | None:
        """The way to stop an agent that is left when an order was not obeyed; None where there is none."""
        return orders.after(orders.ladder(self.controls(order.agent)), order) if order.action in HOLDS else None

    async def order(
        self,
        agent: str,
        action: str,
        by: str,
        reason: str = "",
        *,
        via: str | None = None,
        until: float | None = None,
        cause: str = "",
    ) -> Order:
        """Give an order; return once it is confirmed, refused, or its time is up.

        `via`: the kind of the control, `until`: when a pause ends, `cause`: why the desk gives it by itself. A pause
        that is not obeyed goes on to the next control where the settings say so. Errors: DeskError.
        """
        target, control = self.require_control(agent, action, via)
        now = self.now()
        order = Order(short_id(target.id, action, now), target.id, action, by, now, reason, cause=cause, until=until)
        if action == "restart":
            async with self._restarting[target.id]:  # one after the other: each sees what the one before came to
                return await self._restart(target, control, order)
        if action == "close":
            return await orders.close(self._book, control, target, dataclasses.replace(order, control=control.kind))
        if action == "resume":
            return await self._resume(target, control, order)
        return await self._hold(target, control, order)

    async def _hold(self, agent: Agent, control: AgentControl, order: Order) -> Order:
        rung = next(each for each in orders.ladder((control,)) if order.action in (each.action, "pause"))
        before = self._held(agent.id)
        order = dataclasses.replace(order, action=rung.action, control=_with(before, control.kind))
        while True:
            given = await orders.give(self._book, rung.control, agent, order)
            left = self.next_stop(given)
            if given.state is OrderState.CONFIRMED or left is None or not agent.take_next or self._overtaken(given):
                return given
            why = f"{given.action} by {rung.control.kind} was {given.state.value}"
            rung, now = left, self.now()
            order = dataclasses.replace(
                order,
                id=short_id(agent.id, rung.action, now),
                action=rung.action,
                control=_with(given, rung.control.kind),
                cause=why,
            )

    async def read_back(self, agent: str) -> None:
        """Confirm a hold whose process has ended by now, though nobody waits for that any more."""
        order = self._held(agent)
        kind = order.control.split()[-1:] if order is not None else []
        control = next((each for each in self.controls(agent) if [each.kind] == kind), None)
        if order is not None and control is not None:
            await orders.read_back(self._book, control, self.agents[agent], order)

    def _overtaken(self, order: Order) -> bool:
        newest = self._book.situation.orders.get(order.agent)
        return order.state is not OrderState.REFUSED and newest is not None and newest.id != order.id

    async def _resume(self, agent: Agent, control: AgentControl, order: Order) -> Order:
        held = self._held(agent.id)
        used = held.control.split() if held is not None else []
        able = {each.kind: each for each in self.controls(agent.id) if "resume" in each.abilities}
        chain = [able[kind] for kind in reversed(used) if kind in able] or [control]
        silent = held is not None and held.silent
        kinds = " ".join(each.kind for each in chain)
        order = dataclasses.replace(order, control=kinds, silent=silent)
        return await orders.resume(self._book, chain, agent, order)

    async def _restart(self, agent: Agent, control: AgentControl, order: Order) -> Order:
        """Begin a process anew, unless that would harm. Errors: DeskError (the venue is down, too often)."""
        held = self._held(agent.id)
        if held is not None and held.silent:
            raise DeskError(
                f"No restart of {agent.id}: it is stopped, as {held.by} ordered: start it by /resume {agent.id}."
            )
        why = await self.venue_down(agent)
        if why is not None:
            raise DeskError(
                f"No restart of {agent.id}: {why}. A restart cures no venue, and risks a ban and doubled orders: "
                "wait until it is back."
            )
        since = self.now() - RESTARTS_WITHIN
        given = await self._store.ordered(agent.id, "restart", since)
        if len(given) >= RESTARTS:
            raise DeskError(
                f"No restart of {agent.id}: it had {len(given)} in the last hour, which is all that is tried: look at "
                f"/logs {agent.id}, and close or hedge its positions by hand if it stays down."
            )
        well = self.wells.get(agent.id, _nobody_asks)

        async def begun() -> None:
            await self.deploy(agent.id, DEPLOY, order.by, "a restart by its supervisor")

        return await orders.restart(
            self._book, control, agent, dataclasses.replace(order, control=control.kind), well, begun
        )

    async def venue_down(self, agent: Agent) -> str | None:
        """Why an agent's venue counts as down, in a few words; None while nothing says so."""
        venue, now, asks = agent.labels.get("venue"), self.now(), self.venues.get(agent.id)
        for name, state in self._book.situation.states.items():
            same = venue is not None and self.agents[name].labels.get("venue") == venue
            # What a dead agent said last may be over: the venue itself knows better, where it can be asked.
            near = same if name != agent.id else state.missed == 0 or asks is None
            if near and _fails(state.answered, now):
                return f"{name} says that its venue does not answer"
        return None if asks is None else await asks()

    def _held(self, agent: str) -> Order | None:
        """The newest pause or stop since which nobody resumed the agent."""
        newest = self._book.situation.orders.get(agent)
        return newest if newest is not None and newest.action in HOLDS else None

    async def logs(self, agent: str, lines: int) -> Log:
        """The newest lines of an agent's log. Errors: DeskError (none that can, it could not)."""
        target, control = self.require_control(agent, "logs")
        many = max(1, min(lines, MOST_LINES))
        try:
            found = await control.logs(target, many)
        except ControlError as error:
            raise DeskError(f"{target.id} gave no log lines: its control {control.kind} {error}.") from None
        clean = redacted("\n".join(found[-many:]), self._secrets).split("\n")
        kept, left_out = bounded(clean, many, MOST_CHARS)
        return Log(control.kind, tuple(kept), left_out)


def _with(before: Order | None, kind: str) -> str:
    """The controls that hold an agent together, this one last."""
    kinds = [each for each in (before.control.split() if before is not None else ()) if each != kind]
    return " ".join((*kinds, kind))


def _fails(answered: Sample | None, now: float) -> bool:
    """Whether an agent lately said that its venue does not answer it."""
    if answered is None or now - answered.time > VENUE_NEWS:
        return False
    return any(each.name == "venue" and not each.ok for each in answered.checks)


async def _nobody_asks() -> str | None:
    return "nothing is known that could be asked"
