"""What the desk does to agents by itself, and tells: pauses end and are kept, and stops that somebody set act."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace

import structlog

from monitor import autostop
from monitor.alerts.alert import State
from monitor.alerts.incident import Incident
from monitor.alerts.routing import channels
from monitor.autostop import Move, Step
from monitor.desk import Desk, DeskError
from monitor.model import Agent, AutoStop, Severity
from monitor.order import Order, OrderState
from monitor.ports import AuditEntry, StoreError
from monitor.rule import DESK, View
from monitor.turn import Turn

EVERY = 1.0
"""Seconds between two looks."""
AGAIN, LONGEST = 10.0, 300.0
"""Seconds before an order that an agent did not take is given again: at first, at most."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Act:
    """An order that the desk is to give by itself."""

    agent: str
    order: Order
    """Who is behind it, why, and until when."""
    kept: bool = False
    """Whether a pause is only given again."""

    @property
    def via(self) -> str | None:
        """The control by which it is given again: the one that held the agent before."""
        return self.order.control.split()[-1] if self.kept and self.order.control else None


class Guard:
    """Looks once a second; nothing it does is true before it is stored, and one look's orders hold up no other."""

    def __init__(self, desk: Desk, again: float = AGAIN) -> None:
        self._desk = desk
        self._again = again
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._tried: dict[str, tuple[float, int]] = {}
        """Agent -> when the desk last gave it an order by itself, and how often that was refused in a row."""
        self._read: dict[str, float] = {}
        """Agent -> when its supervisor was last asked whether it has ended."""

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await asyncio.sleep(EVERY)
                try:
                    await self.look()
                except StoreError as error:
                    log.warning("what the desk does by itself waits for its database", error=str(error))
        finally:
            for each in self._under_way.values():
                each.cancel()

    async def look(self) -> None:
        """Do what is due now, and begin to carry out what is to be ordered. Errors: StoreError."""
        for name in self._unread(self._desk.now()):
            self._under_way[name] = asyncio.create_task(self._work(name, self._desk.read_back(name)))
        for act in await self.due():
            if act.agent not in self._under_way:
                self._tried[act.agent] = (self._desk.now(), self._tried.get(act.agent, (0.0, 0))[1])
                self._under_way[act.agent] = asyncio.create_task(self._work(act.agent, self.carry(act)))

    async def _work(self, agent: str, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception:  # one agent's fault holds up no other
            log.exception("what the desk does by itself failed", agent=agent)
        finally:
            del self._under_way[agent]

    def _unread(self, now: float) -> Iterator[str]:
        """Agents whose hold waits to be proven and has no waiter any more: its process may have ended since."""
        for name, order in self._desk.standing_orders().items():
            late = now - order.requested > self._desk.agents[name].limits.confirm_within
            unproven = order.holds and order.state is not OrderState.CONFIRMED and late
            if unproven and name not in self._under_way and now - self._read.get(name, 0.0) >= self._again:
                self._read[name] = now
                yield name

    async def due(self) -> list[Act]:
        """Record everything that is due now, announce it, and give the orders that follow. Errors: StoreError."""
        desk, now = self._desk, self._desk.now()
        ends, steps, acts = list(self._ending(now)), list(self._steps(now)), [*self._lost(now), *self._ungiven(now)]
        if not ends and not steps:
            return acts
        async with desk.turn() as turn:
            for order in ends:
                turn.order(replace(order, ended=now))
                self._tell(
                    turn, order.agent, "ended", by=order.by, reason=order.reason, paused=self._paused(order.agent)
                )
            for agent, stop, step, why in steps:
                acts += self._moved(turn, agent, stop, step, why)
        return acts

    async def carry(self, act: Act) -> None:
        """Give an order, and tell what came of it."""
        desk, order = self._desk, act.order
        try:
            given = await desk.order(
                act.agent, order.action, order.by, order.reason, via=act.via, until=order.until, cause=order.cause
            )
            outcome, detail = given.state.value, given.detail
        except DeskError as error:
            given, outcome, detail = None, "refused", str(error)
        except StoreError as error:
            log.warning("an order could not be stored", agent=act.agent, error=str(error))
            return
        at, times = self._tried.get(act.agent, (desk.now(), 0))
        refused = outcome == OrderState.REFUSED
        self._tried[act.agent] = (at, times + 1 if refused else 0)
        if refused and times:
            return  # told, and given again until it is taken
        took = None
        if given is not None and given.confirmed is not None:
            took = given.confirmed - given.requested
        done = given.action if given is not None else order.action
        async with desk.turn() as turn:
            turn.audit(self._entry(f"{done} {act.agent}", outcome, order.cause))
            self._tell(
                turn,
                act.agent,
                "kept" if act.kept else "acted",
                cause=order.cause,
                by=order.by,
                action=done,
                outcome=outcome,
                detail=detail,
                took=took,
            )

    def _ending(self, now: float) -> Iterator[Order]:
        """Pauses whose time is over, of which people have not been told."""
        for order in self._desk.standing_orders().values():
            if order.holds and order.until is not None and now >= order.until:
                yield order

    def _rested(self, agent: str, now: float) -> bool:
        """Whether an order that was not taken may be given again: each time after twice as long, at most 5 min."""
        at, times = self._tried.get(agent, (-LONGEST, 0))
        return now - at >= min(LONGEST, self._again * 2.0**times)

    def _ungiven(self, now: float) -> Iterator[Act]:
        """Stops that acted and of which no order came: it was refused, or the desk died between the two."""
        for (name, when), mark in self._desk.marks().items():
            agent = self._desk.agents.get(name)
            stop = next((each for each in agent.stops if each.when == when), None) if agent is not None else None
            if stop is None or stop.dry_run or mark.acted is None or mark.cleared is not None:
                continue
            newest = self._desk.standing_orders().get(name)
            if (newest is None or newest.requested < mark.acted) and self._rested(name, now):
                view = self._desk.view(name)
                waiting = self._waiting().get(name, [])
                why = None if view is None else autostop.cause(stop, view, waiting, now, open_=True)
                yield self._act(name, now, why or when)

    def _act(self, agent: str, now: float, why: str) -> Act:
        return Act(agent, Order("", agent, "pause", DESK, now, f"stop without a person: {why}", cause=why))

    def _lost(self, now: float) -> Iterator[Act]:
        """Pauses of agents that began anew since and trade: to be given again."""
        for name, order in self._desk.standing_orders().items():
            view = self._desk.view(name)
            if view is None or not order.holds or order.confirmed is None or order.state is not OrderState.CONFIRMED:
                continue
            sample = view.sample
            trades = sample.error is None and sample.paused is not True
            began = view.began is not None and view.began > order.confirmed
            if trades and began and self._rested(name, now):
                cause = f"{name} began anew and was not {'stopped' if order.silent else 'paused'}"
                yield Act(name, replace(order, cause=cause), kept=True)

    def _steps(self, now: float) -> Iterator[tuple[Agent, AutoStop, Step, str]]:
        desk = self._desk
        watched = [each for each in desk.agents.values() if each.stops]
        waiting = self._waiting() if watched else {}
        for agent in watched:
            view = desk.view(agent.id)
            if view is None:
                continue
            held = view.pause is not None and _holds(view.pause, now, agent.limits.confirm_within)
            incidents = waiting.get(agent.id, [])
            for stop in agent.stops:
                mark = desk.marks().get((agent.id, stop.when))
                open_ = mark is not None and mark.cleared is None
                why = autostop.cause(stop, view, incidents, now, open_=open_)
                step = autostop.step(stop, agent.id, mark, now, met=why is not None, held=held)
                if step is not None:
                    yield agent, stop, step, why or ""

    def _waiting(self) -> dict[str, list[Incident]]:
        """Agent -> the incidents with a CRITICAL alert about it that fires, and that nothing hides."""
        found: dict[str, list[Incident]] = {}
        for status in self._desk.incidents():
            critical = (each for each in status.alerts if each.severity is Severity.CRITICAL)
            fires = {each.agent for each in critical if each.state is State.FIRING and each.id not in status.hidden}
            for agent in fires:
                found.setdefault(agent, []).append(status.incident)
        return found

    def _moved(self, turn: Turn, agent: Agent, stop: AutoStop, step: Step, why: str) -> list[Act]:
        """Record and announce a step; gives the order that it comes to."""
        turn.mark(step.mark)
        if step.move is Move.CLEAR:
            return []
        what = "would act" if step.move is Move.ACT and stop.dry_run else step.move.value
        if step.move is not Move.ACT or stop.dry_run:
            held = bool(why)  # it is so all the same: somebody was quicker
            self._tell(turn, agent.id, what, when=stop.when, cause=why, notice=stop.notice, dry=stop.dry_run, held=held)
        note = f"{stop.when}: {why or 'no longer so'}" + (" (dry run)" if stop.dry_run else "")
        turn.audit(self._entry(f"pause {agent.id}", what, note))
        if step.move is not Move.ACT or stop.dry_run:
            return []
        return [self._act(agent.id, turn.now, why)]

    def _tell(self, turn: Turn, agent: str, what: str, **more: object) -> None:
        view = self._desk.view(agent)
        severity = Severity.WARN if view is None or view.paper or what in ("ended", "called off") else Severity.CRITICAL
        known = {"agent": agent, **self._desk.agents[agent].labels}
        where = channels(severity, known, self._desk.plan)
        turn.board.announce(f"guard:{what}:{agent}", where, {"guard": what, "agent": agent, **more}, severity)

    def _paused(self, agent: str) -> bool:
        view: View | None = self._desk.view(agent)
        return view is not None and view.sample.error is None and view.sample.paused is True

    def _entry(self, line: str, outcome: str, detail: str) -> AuditEntry:
        return AuditEntry(self._desk.now(), "desk", DESK, None, line, outcome, detail)


def _holds(order: Order, now: float, within: float) -> bool:
    """Whether an agent stands still by an order, or is about to."""
    return order.state is OrderState.CONFIRMED or now - order.requested < within
