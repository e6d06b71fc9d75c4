"""What the desk was told at its start, and everything it knows now: two values, made of facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.alerts.ledger import Ledger
from monitor.alerts.plan import Plan
from monitor.fleet import AgentState
from monitor.model import Agent, CashFlow
from monitor.order import Order, StopMark
from monitor.performance import Performance
from monitor.rule import Rule


@dataclass(frozen=True, slots=True)
class Setup:
    """What does not change while the desk runs."""

    agents: Mapping[str, Agent]
    rules: Mapping[str, Rule]
    plan: Plan

    def labels(self, agent: str) -> Mapping[str, str]:
        """The labels of an agent; the desk itself has none."""
        found = self.agents.get(agent)
        return {} if found is None else found.labels


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the desk knows now; made of stored facts alone, so that a restart finds it again."""

    states: Mapping[str, AgentState] = field(default_factory=dict)
    cursors: Mapping[str, str] = field(default_factory=dict)
    flows: Mapping[str, tuple[CashFlow, ...]] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    """Agent -> its newest standing order that was not refused."""
    marks: Mapping[tuple[str, str], StopMark] = field(default_factory=dict)
    """(agent, when) -> how far that stop without a person has come."""
    ledger: Ledger = field(default_factory=Ledger)
    """Alerts, incidents, silences and what was told of them."""
    introducing: Mapping[str, int] = field(default_factory=dict)
    """Agent that has never answered, new at this start -> polls of it so far: what its first answer shows was so
    before anybody looked."""
    snapshots: Mapping[str, float] = field(default_factory=dict)
    """Agent -> time of its newest snapshot."""
    figures: Mapping[str, Performance] = field(default_factory=dict)
    """Agent -> its figures as they were last reckoned; after a start, once they have been."""
