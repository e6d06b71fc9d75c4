"""The situation the desk is in: found again from what is stored, and changed only by storing first."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.alerts.restoring import restored
from monitor.detection import Step, histories
from monitor.fleet import AgentState, fold_all, fold_samples
from monitor.kept import VERSION, unpack
from monitor.model import CashFlow, Sample, Trade
from monitor.order import Order
from monitor.ports import Change, Clock, Store
from monitor.rule import DESK
from monitor.situation import Setup, Situation
from monitor.steps import steps_of
from monitor.turn import Turn

KEPT = 7 * 86_400.0
"""Seconds for which raw samples are kept."""
LEARNED = 30 * 86_400.0
"""Seconds of trades by which it is learned what is usual of an agent, where nothing was kept of that."""
RELEARNED = 86_400.0
"""Seconds of samples by which the same is learned."""


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
        found = await self._restore(flows)
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

    async def refolded(self, agent: str, flows: Sequence[CashFlow], before: float) -> AgentState:
        """Fold an agent anew whose past has changed: from its newest snapshot before that time, over what came since.

        Its reconciliation is as it was: that is booked where it stands, see Turn.flow.
        """
        state, since = await self._kept(agent, before)
        samples = await self.store.samples(agent, since or 0.0)
        trades = await self._untaken(agent, state)
        lacking = await self._steps_before(agent, state, flows)
        return await asyncio.to_thread(fold_all, self.setup.agents[agent], state, samples, flows, trades, lacking)

    async def _kept(self, agent: str, before: float | None = None) -> tuple[AgentState, float | None]:
        """An agent's newest snapshot (taken before a time) and when it was taken; None: there is none of this form."""
        kept = await self.store.snapshot(agent, VERSION, before)
        if kept is not None:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # one that cannot be read is folded anew
                return unpack(kept.state), kept.time
        return AgentState.of(self.setup.agents[agent]), None

    async def _restore(self, flows: Mapping[str, Sequence[CashFlow]]) -> dict[str, tuple[AgentState, float | None]]:
        """Fold every agent anew: from its newest snapshot, over what came since; what is usual of them side by side."""
        agents = self.setup.agents
        found: dict[str, tuple[AgentState, float | None]] = {}
        steps: list[list[Step]] = []
        for name in agents:
            kept, since = await self._kept(name)
            samples = await self.store.samples(name, since or 0.0)
            state, made = await asyncio.to_thread(fold_samples, kept, samples, flows[name])
            steps.append([*await self._steps_before(name, kept, flows[name]), *made])
            found[name] = await self._reconciled(name, kept, state, samples), since
        baselines = [state.baseline for state, _ in found.values()]
        judged = await asyncio.to_thread(histories, list(agents.values()), baselines, steps)
        for (name, (state, since)), each in zip(list(found.items()), judged, strict=True):
            trades = await self._untaken(name, state)
            found[name] = state.judged(each).dealt_since(agents[name], trades), since
        return found

    async def _untaken(self, agent: str, state: AgentState) -> list[Trade]:
        """The trades that an agent's baseline does not know, at least; nothing older than is learned from."""
        return await self.store.trades(agent, max(self.clock.now() - LEARNED, state.baseline.newest_trade))

    async def _steps_before(self, agent: str, kept: AgentState, flows: Sequence[CashFlow]) -> list[Step]:
        """The steps up to a snapshot that does not know what is usual of its agent."""
        if kept.sample is None or kept.baseline.samples:
            return []
        newest = kept.sample.time
        equities = await self.store.equities(agent, newest - RELEARNED, newest + 1e-6)
        return steps_of(equities, flows)

    async def _reconciled(
        self, agent: str, kept: AgentState, state: AgentState, samples: Sequence[Sample]
    ) -> AgentState:
        limits = self.setup.agents[agent].limits
        account = kept.reconciliation.under(limits.unexplained, limits.settle)
        first = self.clock.now() - KEPT if account.base is None else account.base.time
        trades, moved = await self.store.trades(agent, first), await self.store.flows(agent, first)
        return replace(state, reconciliation=await asyncio.to_thread(account.refolded, samples, trades, moved))

    async def _orders(self) -> dict[str, Order]:
        return {each.agent: each for each in await self.store.orders()}
