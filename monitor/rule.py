"""What a rule is: a frozen description and one pure function from what is known to findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.detector import Alarm
from monitor.model import Agent, Finding, Limits, Sample, Severity, Verdict
from monitor.order import Order
from monitor.performance import Figure
from monitor.statement import Reconciled
from monitor.units import discovered
from monitor.vitals import Vitals

DESK = "nightdesk"
"""The agent of alerts about the desk itself, and the actor of what no person did."""


@dataclass(frozen=True, slots=True)
class View:
    """What a rule is shown of one agent right after a sample has been folded in."""

    agent: Agent
    sample: Sample
    """The newest sample, answered or not."""
    drawdown: float | None = None
    """Share below the peak of the equity net of flows."""
    loss: float | None = None
    """Money lost in the loss window, net of flows; negative is a gain."""
    loss_base: float | None = None
    """Equity at the start of that window, net of flows."""
    order: Order | None = None
    """The newest standing order to the agent that was not refused."""
    decided: float | None = None
    """When it last decided, as far as it ever said."""
    still: float | None = None
    """Since when its equity has not moved while a position was open; None: it moves, or nobody can tell."""
    restarted: float | None = None
    """When its process last began anew, as far as it was seen."""
    paper: bool = False
    """Whether it trades without money."""
    figures: tuple[Figure, ...] = ()
    """Its figures as they were last reckoned."""
    reconciled: Reconciled | None = None
    """How far the change of its equity is explained; None while nobody can tell."""
    alarms: tuple[Alarm, ...] = ()
    """The newest statistical finding of each detector that has one."""
    moves: int = 0
    """Samples in which its equity moved, as far as they are known."""

    @property
    def pause(self) -> Order | None:
        """The desk's hold in force (pause or stop): ordered, not refused, not ended, and no resume ordered since."""
        return self.order if self.order is not None and self.order.holds else None

    @property
    def began(self) -> float | None:
        """When its process began; None where it does not say for how long it runs."""
        return None if self.sample.uptime is None else self.sample.time - self.sample.uptime

    @property
    def now(self) -> float:
        """Time of the newest sample."""
        return self.sample.time


Labels = tuple[tuple[str, str], ...]

Evaluate = Callable[[View, Collection[Labels]], Iterable[Finding]]
"""(view, labels of the rule's open alerts about this agent) -> findings. A rule without labels reads the second as
'is open', to clear with hysteresis."""
EvaluateDesk = Callable[[Vitals, Collection[Labels]], Iterable[Finding]]
"""The same of the desk."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing worth telling people about an agent, or about the desk."""

    key: str
    severity: Severity
    title: str
    """A few words for the head of a card."""
    evaluate: Callable[[Any, Collection[Labels]], Iterable[Finding]]
    """What it finds now, of a View or, with `desk`, of Vitals; when it cannot tell, nothing."""
    fire_after: Callable[[Limits], int]
    """Breaches in a row before an alert fires."""
    clear_after: int
    """Clear findings in a row before it resolves."""
    recovered: str
    """What a recovery means, in a few words ("answers again")."""
    desk: bool = False
    """Whether it judges the desk itself."""
    statistical: bool = False
    """Whether it counts on the budget of false pages: it arrives without a sound, and people say if it was real."""

    @property
    def runbook(self) -> str:
        """Key of its runbook."""
        return self.key


def rule(
    key: str,
    severity: Severity,
    title: str,
    *,
    recovered: str,
    fire_after: int | Callable[[Limits], int] = 1,
    clear_after: int = 1,
    statistical: bool = False,
) -> Callable[[Evaluate], Rule]:
    """Turn a function into the rule of its module."""
    count = fire_after if callable(fire_after) else lambda _limits, n=fire_after: n

    def wrap(evaluate: Evaluate) -> Rule:
        return Rule(key, severity, title, evaluate, count, clear_after, recovered, statistical=statistical)

    return wrap


def desk_rule(
    key: str, severity: Severity, title: str, *, recovered: str, fire_after: int = 1, clear_after: int = 1
) -> Callable[[EvaluateDesk], Rule]:
    """Turn a function into the rule of its module, about the desk itself."""

    def wrap(evaluate: EvaluateDesk) -> Rule:
        return Rule(key, severity, title, evaluate, lambda _limits: fire_after, clear_after, recovered, desk=True)

    return wrap


def discover() -> Mapping[str, Rule]:
    """Every rule in monitor/rules, by key: the objects of type Rule that its modules hold."""
    return discovered("monitor.rules", Rule, lambda each: each.key)


def breach(
    of: View | Vitals,
    rule: Rule,
    reason: str,
    value: float | None = None,
    threshold: float | None = None,
    labels: Labels = (),
) -> Finding:
    """Say that `rule` is broken now, by this agent or by the desk."""
    return _finding(of, rule, Verdict.BREACH, reason, labels, value, threshold)


def clear(
    of: View | Vitals,
    rule: Rule,
    reason: str,
    value: float | None = None,
    threshold: float | None = None,
    labels: Labels = (),
) -> Finding:
    """Say that `rule` is kept now, by this agent or by the desk."""
    return _finding(of, rule, Verdict.CLEAR, reason, labels, value, threshold)


def _finding(
    of: View | Vitals,
    rule: Rule,
    verdict: Verdict,
    reason: str,
    labels: Labels,
    value: float | None,
    threshold: float | None,
) -> Finding:
    agent, time = (of.agent.id, of.now) if isinstance(of, View) else (DESK, of.time)
    return Finding(agent, rule.key, time, verdict, rule.severity, reason, labels, value, threshold)
