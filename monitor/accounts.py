"""What agents earned and how they fared, of any period, from what is stored; and what people record about it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitor.alerts.alert import Alert
from monitor.answers import DeskError, pick
from monitor.attribution import Attribution
from monitor.book import KEPT
from monitor.earnings import earned
from monitor.fleet import AgentState, paper
from monitor.handling import Handling
from monitor.live import Streams
from monitor.model import CashFlow, Reset, Sample, Trade
from monitor.performance import WINDOWS, Performance, measure
from monitor.reconciliation import Reconciliation
from monitor.steps import matching_step
from monitor.turn import Turn

HOUR, DAY = 3_600.0, 86_400.0
FLOW_NEAR = 600.0
"""Seconds around the time a person gives in which a cash flow's step is looked for."""
JUDGED = 30 * DAY
"""Seconds back, at most, over which figures are judged by themselves."""
REVIEWED = 900.0
"""Seconds between two reviews of an agent's figures."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What an agent was worth since a time, and what happened to it meanwhile."""

    agent: str
    equity: tuple[tuple[float, float | None], ...]
    """(time, money), in order; None where it gave none."""
    flows: tuple[CashFlow, ...]
    alerts: tuple[Alert, ...]
    """Those that fired and were not over before that time, in order of opening."""


class Accounts(Handling):
    """The part of the desk that reckons."""

    _reviewed: dict[str, float]
    """Agent -> when its figures were last reviewed."""
    _streams: Streams

    async def record_flow(self, agent: str, amount: Decimal, by: str, at: float | None, note: str = "") -> CashFlow:
        """Record a deposit (+) or withdrawal (-) and return what was stored.

        It belongs to the step whose change of equity is nearest to it (within 5 %): of the 10 min around `at`, or of
        the last 24 h if that is None. Where no step looks like it, it is stored at `at`. Errors: DeskError.
        """
        name, now = self._name(agent), self.now()
        if amount == 0 or not amount.is_finite():
            raise DeskError("A cash flow has an amount: write it as +1000 or -250.50.")
        if at is not None and not now - KEPT <= at <= now:
            raise DeskError("A cash flow can be recorded for the last 7 days, and not for the future.")
        async with self._book.turn() as turn:
            known = self._book.situation.flows.get(name, ())
            around = (now - DAY, None) if at is None else (at - FLOW_NEAR, at + FLOW_NEAR)
            samples = await self._store.samples(name, *around)
            when = matching_step(samples, known, float(amount)) or at
            if when is None:
                raise DeskError(
                    f"Nothing in the last 24 h of {name} looks like {amount:+,}: record it once its equity shows it, "
                    f"or say when it was, for example /flow {name} {amount:+} 12:03."
                )
            flow = CashFlow(name, when, amount, by, note)
            if flow in known:
                return flow
            folded = await self._book.refolded(name, (*known, flow), when)
            turn.flow(flow, folded)
        self._begin_anew(name)
        return flow

    def reconciliation(self, agent: str) -> Reconciliation:
        """The reconciliation of an agent. Errors: DeskError."""
        name = self._name(agent)
        return (self._book.situation.states.get(name) or AgentState.of(self.agents[name])).reconciliation

    async def accept_rest(self, agent: str) -> Reconciliation:
        """Let go what is unexplained so far, and return the reconciliation as it was. Errors: DeskError."""
        name = self._name(agent)
        async with self._book.turn() as turn:
            before = self.reconciliation(name)
            if before.points:
                turn.accept(name)
        return before

    async def _take_in(self, turn: Turn, told: Sequence[CashFlow]) -> None:
        """Take in cash flows that a source tells, each once; one of a step that is over folds its agent anew."""
        oldest = self.now() - KEPT
        for flow in told:
            known = turn.flows(flow.agent)
            if flow.agent not in self.agents or flow in known or not oldest <= flow.time <= self.now():
                continue
            state = turn.state(flow.agent)
            if state is not None and flow.time <= state.equity_time:
                state = await self._book.refolded(flow.agent, (*known, flow), flow.time)
            turn.flow(flow, state)
            self._begin_anew(flow.agent)

    async def attribution(
        self,
        by: str | Sequence[str],
        agent: str | None = None,
        since: float = 0.0,
        until: float | None = None,
        *,
        paper: bool = False,
    ) -> Attribution:
        """Profit and loss by one or two dimensions, of trades closed in since <= time < until, live or paper.

        Errors: DeskError.
        """
        name = None if agent is None else self._name(agent)
        try:
            return await earned(self._store, by, name, since, until, paper=paper)
        except ValueError as error:
            raise DeskError(str(error)) from error

    async def curve(self, agent: str, since: float) -> Curve:
        """An agent's equity since a time, with its cash flows and alerts; beyond 7 days by the hour.

        Errors: DeskError.
        """
        name, now = self._name(agent), self.now()
        flows = await self._store.flows(name, since)
        opened = await self._store.opened_between(min(since, now - KEPT), now)
        alerts = {each.id: each for each in (*opened, *self.alerts()) if each.agent == name and each.fired is not None}
        stood = (each for each in alerts.values() if each.resolved is None or each.resolved >= since)
        equity: list[tuple[float, float | None]]
        if since < now - KEPT:
            equity = [*await self._store.hours(name, since)]
        else:
            equity = [(each.time, each.equity) for each in await self._store.samples(name, since)]
        return Curve(name, tuple(equity), tuple(flows), tuple(sorted(stood, key=lambda each: each.opened)))

    async def performance(self, agent: str, window: str = "7d") -> Performance:
        """The figures of one agent over one of WINDOWS, from stored samples, flows and trades. Errors: DeskError."""
        if window not in WINDOWS:
            raise DeskError(f"Figures are reckoned over {', '.join(WINDOWS)}: choose one of them.")
        name = self._name(agent)
        seconds = WINDOWS[window]
        since = 0.0 if seconds is None else self.now() - seconds
        if window == "reset":
            since = await self._began(name)
        return await self._measured(name, since)

    async def reset(self, agent: str, by: str, note: str = "") -> Reset:
        """Let an agent's figures count anew from now on. Errors: DeskError, StoreError."""
        reset = Reset(self._name(agent), self.now(), by, note)
        async with self._book.turn() as turn:
            turn.reset(reset)
        self._begin_anew(reset.agent)
        return reset

    async def review(self) -> None:
        """Reckon the figures that rules judge, of the agent whose turn it is; asked again and again."""
        now = self.now()
        waiting = {name: at for name in self.agents if now - (at := self._reviewed.get(name, 0.0)) >= REVIEWED}
        if not waiting:
            return
        name = min(waiting, key=lambda each: waiting[each])
        self._reviewed[name] = now
        found = await self._measured(name, max(await self._began(name), now - JUDGED), spacing=HOUR)
        async with self._book.turn() as turn:
            turn.review(found)
        if self._streams.of(name, now) is None:
            await self._seed(name)

    async def _seed(self, agent: str) -> None:
        """Begin an agent's live figures with what is stored of the last 24 h."""
        since = self.now() - DAY
        flows, trades = await self._store.flows(agent, since), await self._trades(agent, since)
        samples = await self._store.samples(agent, since)
        self._streams.seed(self.agents[agent], samples, flows, trades)

    def _begin_anew(self, agent: str) -> None:
        """Reckon an agent's figures anew at the next review: its past has changed."""
        self._reviewed.pop(agent, None)
        self._streams.forget(agent)

    async def _began(self, agent: str) -> float:
        resets = await self._store.resets(agent)
        return resets[-1].time if resets else 0.0

    async def _measured(self, agent: str, since: float, *, spacing: float | None = None) -> Performance:
        """Figures since a time: of every sample while all of them are kept, else (or if asked) by the hour."""
        target = self.agents[agent]
        by_hour = spacing is not None or since < self.now() - KEPT
        step = spacing or (HOUR if by_hour else target.interval)
        before = since - 3 * step
        if by_hour:
            samples = [Sample(agent, time, equity=equity) for time, equity in await self._store.hours(agent, before)]
        else:
            samples = await self._store.samples(agent, before)
        flows = await self._store.flows(agent, before)
        trades = await self._trades(agent, since)
        try:
            return await asyncio.to_thread(measure, agent, samples, flows, trades, spacing=step, since=since)
        except ValueError as error:
            raise DeskError(str(error)) from error

    async def _trades(self, agent: str, since: float) -> list[Trade]:
        """Trades closed since a time, live or paper as the agent is now."""
        state = self._book.situation.states.get(agent)
        mode = paper(self.agents[agent], None if state is None else state.answered)
        return [each for each in await self._store.trades(agent, since) if each.paper is mode]

    def _name(self, agent: str) -> str:
        return pick(agent.lower(), self.agents, "agent")
