"""What the desk knows of one agent is a fold over its stored samples and cash flows, and can be kept as a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from monitor.detection import Baseline, Judged, Step, dealt, folded, histories
from monitor.detector import Alarm
from monitor.grid import TICK
from monitor.model import PAPER, Agent, CashFlow, Sample, Trade
from monitor.order import Order
from monitor.performance import Performance
from monitor.reconciliation import Reconciliation
from monitor.rule import View
from monitor.series import EquityCurve, LossWindow, step_return

SLACK = 5.0
"""Seconds by which an uptime may seem to lag without the process having begun anew."""
HOUR = 3_600.0
MOST_RESTARTS = 100
"""Of the last hour that are kept."""


@dataclass(frozen=True, slots=True)
class AgentState:
    """The fold of one agent up to its newest sample."""

    sample: Sample | None = None
    """The newest sample."""
    answered: Sample | None = None
    """The newest sample with an answer."""
    equity_time: float = 0.0
    """When the equity was last known; cash flows after it belong to the next step."""
    missed: int = 0
    curve: EquityCurve = field(default_factory=EquityCurve)
    losses: LossWindow = field(default_factory=LossWindow)
    step: Step | None = None
    """The step of the equity that ended with the newest sample."""
    baseline: Baseline = field(default_factory=Baseline)
    """What is usual of it, folded beside this: `judged`."""
    restarts: tuple[float, ...] = ()
    """When its process began anew, as far as it was seen: those of the last hour, else the last alone."""
    decided: float | None = None
    """When it last decided, as far as it ever said."""
    still: float | None = None
    """Since when its equity has not moved while a position was open."""
    reconciliation: Reconciliation = field(default_factory=Reconciliation)
    """Its reconciliation, folded beside this: it needs the trades."""
    alarms: tuple[Alarm, ...] = ()
    """The newest statistical finding of each detector that has one."""

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """An agent of which nothing is known yet."""
        limits = agent.limits
        account = Reconciliation().under(limits.unexplained, limits.settle)
        return cls(losses=LossWindow(window=limits.loss_window), reconciliation=account)

    def fold(self, sample: Sample, flows: Sequence[CashFlow]) -> Self:
        """Fold in a sample, all but the baseline. `flows`: every cash flow of the agent; the step's own are taken.

        A sample no newer than the last changes nothing, so folding twice is folding once.
        """
        if self.sample is not None and sample.time <= self.sample.time:
            return self
        if sample.error is not None:
            return replace(self, sample=sample, missed=self.missed + 1, step=Step(sample.time, None, 0.0))
        known, curve, losses, step = self.equity_time, self.curve, self.losses, Step(sample.time, None, 0.0)
        if sample.equity is not None:
            flow = sum(float(each.amount) for each in flows if known < each.time <= sample.time) if flows else 0.0
            made = step_return(curve.equity, sample.equity, flow)
            step = Step(sample.time, made, 0.0 if made is None else sample.time - known)
            moved = 0.0 if curve.equity is None else flow
            known = sample.time
            curve, losses = curve.fold(known, sample.equity, moved), losses.fold(known, sample.equity, moved)
        return type(self)(  # every field by hand: `replace` would be half of the time that a sample takes
            sample=sample,
            answered=sample,
            equity_time=known,
            missed=0,
            curve=curve,
            losses=losses,
            step=step,
            baseline=self.baseline,
            restarts=self._restarts(sample),
            decided=self.decided if sample.decision_age is None else sample.time - sample.decision_age,
            still=self._still(sample),
            reconciliation=self.reconciliation,
            alarms=self.alarms,
        )

    def along(self, last: Sample, equities: Iterable[tuple[float, float]], flows: Sequence[CashFlow]) -> Self:
        """Fold in samples that say nothing but equity, (time, money) where that is known, the newest of them `last`.

        All but the step: as `fold` of one after the other, in a third of the time. `flows` in order of time.
        """
        known, curve, losses, taken = self.equity_time, self.curve, self.losses, 0
        for time, equity in equities:
            flow = 0.0
            while taken < len(flows) and flows[taken].time <= time:
                flow += float(flows[taken].amount) if known < flows[taken].time else 0.0
                taken += 1
            moved, known = 0.0 if curve.equity is None else flow, time
            curve, losses = curve.fold(time, equity, moved), losses.fold(time, equity, moved)
        return replace(
            self, sample=last, answered=last, missed=0, still=None, equity_time=known, curve=curve, losses=losses
        )

    def judged(self, by: Judged) -> Self:
        """Take in what the detectors made of its newest step, or of trades."""
        baseline, found = by
        newest = {each.detector: each for each in (*self.alarms, *found)} if found else None
        return self._with(baseline, self.alarms if newest is None else tuple(newest.values()), self.reconciliation)

    def booked(self, agent: Agent, trades: Sequence[Trade], known: Sequence[Trade], sample: Sample | None) -> Self:
        """Take in trades as the books and the detectors see them; `known`: what is stored of them already.

        `sample`: the newest one, with which they came; None where nothing newer did.
        """
        before = self.reconciliation
        account = (
            before.booked(trades, replaced=known) if sample is None else before.fold(sample, trades, replaced=known)
        )
        state = self if account is before else self._with(self.baseline, self.alarms, account)
        if not trades:
            return state
        ids = {each.id for each in known}
        return state.dealt(agent, [each for each in trades if each.id not in ids])

    def _with(self, baseline: Baseline, alarms: tuple[Alarm, ...], account: Reconciliation) -> Self:
        return type(self)(
            sample=self.sample,
            answered=self.answered,
            equity_time=self.equity_time,
            missed=self.missed,
            curve=self.curve,
            losses=self.losses,
            step=self.step,
            baseline=baseline,
            restarts=self.restarts,
            decided=self.decided,
            still=self.still,
            reconciliation=account,
            alarms=alarms,
        )

    def dealt(self, agent: Agent, trades: Iterable[Trade]) -> Self:
        """Take in trades that were not known before; those not of its mode, paper or live, are left out."""
        mode = paper(agent, self.answered)
        mine = [each for each in trades if each.paper is mode]
        return (
            self
            if self.sample is None or not mine
            else self.judged(dealt(agent, self.baseline, mine, self.sample.time))
        )

    @property
    def found(self) -> tuple[Alarm, ...]:
        """What the detectors found with the newest sample."""
        return tuple(each for each in self.alarms if self.sample is not None and each.told == self.sample.time)

    def explained(self, around: Mapping[str, str]) -> Self:
        """Keep what happened around what was found just now, by detector."""
        new = {each.detector for each in self.found}
        return replace(
            self,
            alarms=tuple(
                replace(each, around=around[each.detector])
                if each.detector in new and each.detector in around
                else each
                for each in self.alarms
            ),
        )

    def dealt_since(self, agent: Agent, trades: Iterable[Trade]) -> Self:
        """Take in what of stored trades, whose times are to the microsecond, was closed after the newest known."""
        known = self.baseline.newest_trade + TICK
        return self.dealt(agent, (each for each in trades if each.exit_time > known))

    def _restarts(self, sample: Sample) -> tuple[float, ...]:
        """When its process began anew: its uptime is shorter than the time since the last answer explains."""
        before = self.answered
        if before is None or before.uptime is None or sample.uptime is None:
            return self.restarts
        began = sample.time - sample.uptime
        if began <= before.time - before.uptime + SLACK:
            return self.restarts
        recent = tuple(each for each in self.restarts if sample.time - each < HOUR)
        return (*recent, began)[-MOST_RESTARTS:]

    def _still(self, sample: Sample) -> float | None:
        """Since when the equity stands still with a position open; a balance alone does not move until a trade ends."""
        if not sample.open_positions or sample.equity is None or sample.equity == sample.balance:
            return None
        before = self.answered
        same = before is not None and before.open_positions and before.equity == sample.equity
        return (self.still or (before.time if before else None)) if same else None

    def restarts_1h(self, now: float) -> int | None:
        """How often its process began anew in the last hour; None where it does not say for how long it runs."""
        if self.answered is None or self.answered.uptime is None:
            return None
        return sum(1 for each in self.restarts if now - each < HOUR)

    def view(self, agent: Agent, order: Order | None, figures: Performance | None = None) -> View | None:
        """What the rules are shown now; None before the first sample. `order`: the newest standing one."""
        if self.sample is None:
            return None
        return View(
            agent,
            self.sample,
            drawdown=self.curve.drawdown,
            loss=self.losses.loss,
            loss_base=self.losses.base,
            order=order,
            decided=self.decided,
            still=self.still,
            restarted=self.restarts[-1] if self.restarts else None,
            paper=paper(agent, self.answered),
            reconciled=self.reconciliation.reconciled(),
            figures=() if figures is None else figures.all,
            alarms=self.alarms,
            moves=self.baseline.moves,
        )


def paper(agent: Agent, answered: Sample | None) -> bool:
    """Whether an agent trades without money: what it says itself wins over its label, else money could be hidden."""
    if answered is not None and answered.paper is not None:
        return answered.paper
    return agent.labels.get("mode") == PAPER


def told_apart(agent: Agent, sample: Sample, trades: tuple[Trade, ...]) -> tuple[Trade, ...]:
    """Trades that came with a sample, those of an agent without money marked as such where its source does not say."""
    if trades and sample.paper is None and paper(agent, sample):
        return tuple(replace(each, paper=True) for each in trades)
    return trades


def fold_each(
    agents: Sequence[Agent],
    states: Sequence[AgentState],
    samples: Sequence[Sample],
    flows: Sequence[Sequence[CashFlow]],
) -> list[AgentState]:
    """Fold a sample of each of some agents in, with what the detectors say of it."""
    made = [state.fold(*each) for state, each in zip(states, zip(samples, flows, strict=True), strict=True)]
    new = [at for at, state in enumerate(made) if state is not states[at] and state.step is not None]
    steps = [step for at in new if (step := made[at].step) is not None]
    for at, each in zip(new, folded([agents[at] for at in new], [made[at].baseline for at in new], steps), strict=True):
        made[at] = made[at].judged(each)
    return made


def fold_samples(
    state: AgentState, samples: Iterable[Sample], flows: Sequence[CashFlow]
) -> tuple[AgentState, list[Step]]:
    """Fold many samples in, all but the baseline; returns the steps that are to be folded into that."""
    steps: list[Step] = []
    for sample in samples:
        before, state = state, state.fold(sample, flows)
        if state is not before and state.step is not None:
            steps.append(state.step)
    return state, steps


def fold_all(
    agent: Agent,
    state: AgentState,
    samples: Iterable[Sample],
    flows: Sequence[CashFlow],
    trades: Iterable[Trade] = (),
    before: Sequence[Step] = (),
) -> AgentState:
    """Fold many samples in, and trades closed after those that are known; `before`: steps that its baseline lacks."""
    state, steps = fold_samples(state, samples, flows)
    return state.judged(histories([agent], [state.baseline], [[*before, *steps]])[0]).dealt_since(agent, trades)
