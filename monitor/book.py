"""The situation the desk is in: found again from what is stored, and changed only by storing first."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import replace

from monitor.alerts.restoring import restored
from monitor.fleet import VERSION, AgentState, fold_all
from monitor.model import CashFlow
from monitor.order import Order
from monitor.ports import Change, Clock, Store
from monitor.rule import DESK
from monitor.turn import Setup, Situation, Turn

KEPT = 7 * 86_400.0
"""Seconds for which raw samples are kept."""


class Book:
    """Holds the situation; one turn at a time changes it, and only once its change is stored."""

    def __init__(self, setup: Setup, store: Store, clock: Clock, told: Callable[[], None] = lambda: None) -> None:
        self.setup = setup
        self.store = store
        self.clock = clock
        self.situation = Situation()
        self.ordering: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Agent -> held while an order is on its way to it."""
        self._waited: Counter[str] = Counter()
        self._told = told
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """One turn: stored when the block ends, forgotten when it raises."""
        async with self._changed:
            turn = Turn(self.situation, self.setup, self.clock.now())
            yield turn
            situation, change = turn.finish()
            if not change.empty:
                await self.store.commit(change)
            self.situation = situation
            self._changed.notify_all()
            if change.notifications:
                self._told()

    @property
    def waited(self) -> Collection[str]:
        """Agents whose next report somebody waits for: worth a look at once."""
        return [agent for agent, many in self._waited.items() if many]

    @contextlib.contextmanager
    def waiting(self, agent: str) -> Iterator[None]:
        """Wait for the next reports of an agent."""
        self._waited[agent] += 1
        try:
            yield
        finally:
            self._waited[agent] -= 1

    async def wait_until(self, over: Callable[[], bool], within: float) -> None:
        """Wait until a turn makes `over` true, at most `within` seconds."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(over)
        except TimeoutError:
            pass

    async def open(self, untold: Collection[str] = ()) -> None:
        """Find the situation again from what is stored, and end the alerts of what is no longer watched.

        `untold`: incidents whose pages will not arrive any more; they are paged anew.
        """
        now, agents, plan = self.clock.now(), self.setup.agents, self.setup.plan
        stored = await self.store.agents()
        await self.store.commit(Change(agents=list(agents.values())))
        flows = {name: tuple(await self.store.flows(name, now - KEPT)) for name in agents}
        found = {name: await self.restore(name, flows[name]) for name in agents}
        alerts = await self.store.open_alerts()
        ledger = restored(
            plan,
            self.setup.labels,
            now,
            alerts=alerts,
            incidents=await self.store.open_incidents(),
            silences=await self.store.silences(now),
            overrides=await self.store.overrides(now),
            last_pages=await self.store.last_pages(now - plan.hold),
            openings=await self.store.openings(now - plan.flap_within),
            flapped=await self.store.flapped(now - plan.flap_within),
        )
        self.situation = Situation(
            states={name: state for name, (state, _) in found.items() if state.sample is not None},
            cursors={name: each.cursor for name, each in stored.items() if each.cursor is not None},
            flows=flows,
            orders=await self._orders(),
            marks={(each.agent, each.when): each for each in await self.store.stops()},
            ledger=ledger,
            introducing={name: 0 for name, (state, _) in found.items() if state.answered is None},
            snapshots={name: at for name, (_, at) in found.items() if at is not None},
        )
        async with self.turn() as turn:
            for alert in alerts:
                if alert.agent not in (*agents, DESK) or alert.rule not in self.setup.rules:
                    turn.board.give_up(alert)
            for incident in untold:
                turn.board.tell_anew(incident)
            turn.board.rehome()

    async def close(self) -> None:
        """Keep every agent's state, so that the next start is quick."""
        async with self.turn() as turn:
            for name in self.setup.agents:
                turn.snapshot(name)

    async def restore(
        self, agent: str, flows: Sequence[CashFlow], before: float | None = None
    ) -> tuple[AgentState, float | None]:
        """Fold an agent anew: from its newest snapshot (taken before a time), over the samples since.

        Returns the state and the time of the snapshot, None where there is none of this form.
        """
        kept = await self.store.snapshot(agent, VERSION, before)
        state, since = AgentState.of(self.setup.agents[agent]), None
        if kept is not None:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # one that cannot be read is folded anew
                state, since = AgentState.from_json(kept.state), kept.time
        samples = await self.store.samples(agent, since or 0.0)
        folded = await asyncio.to_thread(fold_all, state, samples, flows)
        if before is not None:  # of a changed past: its reconciliation is booked where it stands, see Turn.flow
            return folded, since
        limits = self.setup.agents[agent].limits
        account = state.reconciliation.under(limits.unexplained, limits.settle)
        first = self.clock.now() - KEPT if account.base is None else account.base.time
        trades, moved = await self.store.trades(agent, first), await self.store.flows(agent, first)
        return replace(folded, reconciliation=await asyncio.to_thread(account.refolded, samples, trades, moved)), since

    async def _orders(self) -> dict[str, Order]:
        return {each.agent: each for each in await self.store.orders()}
