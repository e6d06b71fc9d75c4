"""A past is told to the detectors, rules and alerts that judge the present: what would have paged, when and why."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from monitor.alerts import escalation
from monitor.alerts.alert import Alert, Kind
from monitor.alerts.incident import Incident
from monitor.alerts.ledger import Ledger
from monitor.alerts.plan import Plan
from monitor.around import around
from monitor.detection import LAYOUT, Baseline, allowed, choices, fold
from monitor.detector import Alarm, Rows, State, Tick
from monitor.fleet import AgentState, told_apart
from monitor.model import CashFlow, Sample, Trade, Verdict
from monitor.outcome import Page, Replayed
from monitor.outline import outline
from monitor.past import History, Known, at_once, rounds
from monitor.ports import Change, Observation
from monitor.rule import Rule
from monitor.situation import Setup, Situation
from monitor.turn import Folded, Turn

Progress = Callable[[float], None]
"""Told how much is done, 0..1; what it raises ends the replay."""

JUDGES = frozenset(
    {
        *("shock", "spike", "burst", "bleed", "edge", "anomaly"),
        *("drawdown", "hard_loss", "low_balance", "stale", "unexplained"),
    }
)
"""Rules that can say something of equity and trades; the others judge what a history does not tell."""
PULSE = 1.0
"""Seconds between two looks at what falls due."""
SAID = 64
"""Rounds from one word about the progress to the next."""


def replay(
    histories: Sequence[History], rules: Mapping[str, Rule], plan: Plan, progress: Progress = lambda _: None
) -> Replayed:
    """Judge every sample of some agents as a desk would have, and let nobody do anything about it.

    `rules`: all there are; `plan`: with the channels that pages would have gone to. Trades are told with the first
    sample after their exit. Errors: what `progress` raises.
    """
    return _Replay(histories, rules, plan).run(progress)


class _Seen(NamedTuple):
    """One sample that there may be something to say of."""

    row: int
    observed: Observation
    before: AgentState
    state: AgentState


class _Replay:
    """One run. Detectors see every sample; rules those at which they may say something, and there is a turn for news.

    An agent's state is folded up to a sample once a rule is to judge that.
    """

    def __init__(self, histories: Sequence[History], rules: Mapping[str, Rule], plan: Plan) -> None:
        self._histories = histories
        self._named = {each.agent.id: each for each in histories}
        agents = [each.agent for each in histories]
        judges = {key: each for key, each in rules.items() if key in JUDGES}
        self._setup = Setup({each.id: each for each in agents}, judges, _without_steps(plan))
        self._interval = np.array([each.interval for each in agents], dtype=np.float64)
        self._allowed, self._choice = allowed(agents), choices(agents)
        self._begin = np.cumsum([0, *(len(each.times) for each in histories)])[:-1]
        """Where the samples of each stand among those of all, one agent's after the other's."""
        self._times = np.concatenate([np.empty(0), *(each.times for each in histories)])
        outlines = [outline(each) for each in histories]
        self._returns = np.concatenate([np.empty(0), *(each.returns for each in outlines)])
        self._elapsed = np.concatenate([np.empty(0), *(each.elapsed for each in outlines)])
        self._suspect = np.concatenate([np.empty(0, dtype=np.bool_), *(each.suspect for each in outlines)])
        self._usual = State.fresh(LAYOUT, len(agents))
        self._states = [AgentState.of(each) for each in agents]
        self._folded, self._traded, self._moved = ([0] * len(agents) for _ in range(3))
        """How many samples, trades and flows of each are in its state."""
        self._newest = np.full(len(agents), -1, dtype=np.intp)
        """The newest sample of each that its detectors have seen."""
        self._trade = np.array([_next(each.trades, 0) for each in histories], dtype=np.float64)
        """When the next trade of each is closed."""
        self._open = np.zeros(len(agents), dtype=np.bool_)
        """Of which of them an alert is not resolved."""
        self._ledger = Ledger()
        self._looked = -np.inf
        """When it was last looked what falls due."""
        self._alerts: dict[str, Alert] = {}
        self._pages: dict[str, tuple[float, Incident]] = {}

    def run(self, progress: Progress) -> Replayed:
        """Judge everything. Errors: what `progress` raises."""
        done, samples = 0, len(self._times)
        for number, (rows, places) in enumerate(rounds(self._histories)):
            self._advance(rows, places)
            done += len(rows)
            if number % SAID == 0:
                progress(done / samples)
        until = float(self._times.max()) if samples else None
        if until is not None:
            self._pass_time(until + self._setup.plan.group_wait + PULSE)
        progress(1.0)
        given = [each.agent.false_pages for each in self._histories if each.agent.false_pages is not None]
        return Replayed(
            alerts=tuple(self._alerts.values()),
            pages=tuple(Page(time, each, self._of(each.id)) for time, each in self._pages.values()),
            samples=samples,
            since=float(self._times.min()) if samples else None,
            until=until,
            false_pages=sum(given) if given else None,
            moves={each.agent.id: self._baseline(row).moves for row, each in enumerate(self._histories)},
        )

    def _of(self, incident: str) -> tuple[Alert, ...]:
        return tuple(each for each in self._alerts.values() if each.incident == incident)

    def _advance(self, rows: Rows, places: Rows) -> None:
        """Let detectors see one sample of each of some agents; where they find something, moment by moment."""
        at = self._begin[rows] + places
        times = self._times[at]
        several = bool(times[0] != times[-1]) or bool((times != times[0]).any())
        part = self._usual if len(rows) == len(self._histories) and not several else self._usual.take(rows)
        tick = Tick(
            times, self._returns[at], self._elapsed[at], self._interval[rows], self._allowed[rows], self._choice[rows]
        )
        found = fold(part, tick)
        if found and several:
            for moment in np.unique(times):
                self._advance(rows[times == moment], places[times == moment])
            return
        if part is not self._usual:
            self._usual.put(rows, part)
        self._newest[rows] = places
        asked = self._suspect[at] | self._open[rows] | (self._trade[rows] <= times)
        asked[list(found)] = True
        seen = [
            self._seen(int(rows[each]), int(places[each]), found.get(int(each), ())) for each in np.flatnonzero(asked)
        ]
        for now in sorted({each.observed.sample.time for each in seen}):
            self._judge(now, [each for each in seen if each.observed.sample.time == now])

    def _seen(self, row: int, place: int, found: tuple[Alarm, ...]) -> _Seen:
        """Fold an agent's state up to a sample, and take in what came with it."""
        of = self._histories[row]
        self._catch_up(row, place)
        self._folded[row] = place + 1
        before, sample = self._states[row], of.sample(place)
        state = self._paid(row, before.fold(sample, self._untaken(row, sample.time)))
        trades = self._closed(row, sample)
        if found or trades:
            state = state.judged((self._baseline(row), tuple(replace(each, told=sample.time) for each in found)))
        self._states[row] = state = state.booked(of.agent, trades, (), sample)
        if trades:
            self._usual.data[row] = state.baseline.row
        return _Seen(row, Observation(sample, trades), before, state)

    def _catch_up(self, row: int, place: int) -> None:
        """Fold every sample before one into an agent's state: there was nothing to say of them."""
        of, begin = self._histories[row], self._folded[row]
        if of.samples is not None:
            for sample in of.samples[begin:place]:
                self._states[row] = self._paid(row, self._states[row].fold(sample, self._untaken(row, sample.time)))
        elif begin < place:
            known = zip(of.times[begin:place].tolist(), of.equity[begin:place].tolist(), strict=True)
            told = ((time, equity) for time, equity in known if math.isfinite(equity))
            last = of.sample(place - 1)
            state = self._states[row].along(last, told, self._untaken(row, last.time))
            self._states[row] = self._paid(row, state)

    def _untaken(self, row: int, until: float) -> Sequence[CashFlow]:
        """The cash flows up to a time that no step has taken yet."""
        flows, begin = self._histories[row].flows, self._moved[row]
        if begin == len(flows) or flows[begin].time > until:
            return ()
        return flows[begin : bisect_right(flows, until, begin, key=_moved_at)]

    def _paid(self, row: int, state: AgentState) -> AgentState:
        """The state with the cash flows of its steps in the books."""
        flows, begin = self._histories[row].flows, self._moved[row]
        end = begin
        while end < len(flows) and flows[end].time <= state.equity_time:
            end += 1
        if end == begin:
            return state
        self._moved[row] = end
        return replace(state, reconciliation=state.reconciliation.booked(flows=flows[begin:end]))

    def _closed(self, row: int, sample: Sample) -> tuple[Trade, ...]:
        """The trades that are told with a sample."""
        of, begin = self._histories[row], self._traded[row]
        end = begin
        while _next(of.trades, end) <= sample.time:
            end += 1
        self._traded[row], self._trade[row] = end, _next(of.trades, end)
        return told_apart(of.agent, sample, tuple(of.trades[begin:end]))

    def _baseline(self, row: int) -> Baseline:
        return Baseline(self._usual.data[row].copy())

    def _judge(self, now: float, seen: Sequence[_Seen]) -> None:
        """Take a turn for what is new at one moment."""
        news = [each for each in seen if self._is_news(each)]
        if not news:
            return
        self._pass_time(now)
        states = self._fleet() if any(each.state.found for each in news) else {}
        first = {each.observed.sample.agent: 0 for each in news if each.before.answered is None}
        turn = Turn(Situation(states=states, ledger=self._ledger, introducing=first), self._setup, now)
        turn.board.tick()
        past = Known(self._named, now)
        for each in news:
            folded = Folded(self._histories[each.row].agent, each.observed, each.before, each.state)
            turn.judge(folded, at_once(around(folded, past, turn)) if folded.alarms else {})
        self._finish(turn, now)

    def _is_news(self, of: _Seen) -> bool:
        """Whether a rule says something that changes an alert, more than that it still stands."""
        view = of.state.view(self._histories[of.row].agent, None)
        if view is None:
            return False
        alerts = [self._ledger.alerts[mark] for mark in self._ledger.agents.get(view.agent.id, ())]
        for rule in self._setup.rules.values():
            mine = {each.labels: each for each in alerts if each.rule == rule.key}
            for finding in rule.evaluate(view, [labels for labels, each in mine.items() if each.open]):
                known = mine.get(tuple(sorted(finding.labels)))
                stands = known is not None and known.open and not known.clears
                if not stands if finding.verdict is Verdict.BREACH else known is not None:
                    return True
        return False

    def _fleet(self) -> dict[str, AgentState]:
        """Every agent as others are told of it: its newest sample, and what is usual of it."""
        return {
            of.agent.id: AgentState(sample=of.sample(int(self._newest[row])), baseline=self._baseline(row))
            for row, of in enumerate(self._histories)
            if self._newest[row] >= 0
        }

    def _pass_time(self, until: float) -> None:
        """Look at what falls due before a time, as the desk does each second."""
        while (due := _next_look(self._ledger)) is not None:
            now = max(due, self._looked + PULSE)
            if now >= until:
                break
            turn = Turn(Situation(ledger=self._ledger), self._setup, now)
            turn.board.tick()
            self._finish(turn, now)

    def _finish(self, turn: Turn, now: float) -> None:
        situation, change = turn.finish()
        self._ledger, self._looked = situation.ledger, now
        self._open[:] = [bool(self._ledger.agents.get(each.agent.id)) for each in self._histories]
        self._keep(change)

    def _keep(self, change: Change) -> None:
        """Write down which alerts fired, and what was paged."""
        for alert in change.alerts:
            if alert.fired is not None:
                first = self._alerts.get(alert.id, alert)
                self._alerts[alert.id] = replace(first, incident=alert.incident, resolved=alert.resolved)
        incidents = {each.id: each for each in change.incidents}
        for each in change.notifications:
            if each.kind is Kind.PAGE and each.alert in incidents:
                self._pages.setdefault(each.alert, (each.created, incidents[each.alert]))


def _moved_at(flow: CashFlow) -> float:
    return flow.time


def _next(trades: Sequence[Trade], at: int) -> float:
    """When a trade was closed; never, where there is none."""
    return trades[at].exit_time if at < len(trades) else np.inf


def _next_look(ledger: Ledger) -> float | None:
    """When something is next to be looked at."""
    times = [
        *ledger.due.values(),
        *(each.again for each in ledger.hidden.values() if each.again is not None),
        *(each.ends for each in ledger.silences if each.over is None),
    ]
    return min(times, default=None)


def _without_steps(plan: Plan) -> Plan:
    """The plan without what comes after a page while nobody acknowledges it: that is no page of its own."""
    first = (replace(each, steps=escalation.at_once(each), repeat=None) for each in plan.policies)
    return replace(plan, policies=tuple(first))
