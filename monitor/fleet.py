"""What the desk knows of one agent is a fold over its stored samples and cash flows, and can be kept as a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, Self

from monitor.detectors.zscore import Score, ZScore
from monitor.model import Agent, CashFlow, Check, Order, Sample
from monitor.rule import View
from monitor.series import EquityCurve, LossWindow, step_return

VERSION = 1
"""Of the snapshot's form: a snapshot of another version is not read, and the samples are folded again."""

FLOW_MATCH = 0.05
"""How far, as a share, a step of equity may differ from a recorded cash flow to count as that flow."""


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
    zscore: ZScore = field(default_factory=ZScore)
    score: Score | None = None

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """An agent of which nothing is known yet."""
        return cls(losses=LossWindow(window=agent.limits.loss_window))

    def fold(self, sample: Sample, flows: Sequence[CashFlow]) -> Self:
        """Fold in a sample. `flows`: every cash flow of the agent, of which the step's own are taken.

        A sample no newer than the last changes nothing, so folding twice is folding once.
        """
        if self.sample is not None and sample.time <= self.sample.time:
            return self
        if sample.error is not None:
            return replace(self, sample=sample, missed=self.missed + 1)
        state = replace(self, sample=sample, answered=sample, missed=0)
        if sample.equity is None:
            return state
        flow = sum(float(each.amount) for each in flows if self.equity_time < each.time <= sample.time)
        first = self.curve.equity is None
        made = step_return(self.curve.equity, sample.equity, flow)
        zscore, score = (self.zscore, self.score) if made is None else self.zscore.fold(made)
        return replace(
            state,
            equity_time=sample.time,
            curve=self.curve.fold(sample.time, sample.equity, 0.0 if first else flow),
            losses=self.losses.fold(sample.time, sample.equity, 0.0 if first else flow),
            zscore=zscore,
            score=score,
        )

    def view(self, agent: Agent, order: Order | None) -> View | None:
        """What the rules are shown now; None before the first sample. `order`: the newest that was not refused."""
        if self.sample is None:
            return None
        return View(
            agent,
            self.sample,
            drawdown=self.curve.drawdown,
            loss=self.losses.loss,
            loss_base=self.losses.base,
            order=order,
        )

    def to_json(self) -> str:
        """The whole state, as a snapshot keeps it."""
        return json.dumps(
            {
                "sample": asdict(self.sample) if self.sample else None,
                "answered": asdict(self.answered) if self.answered else None,
                "equity_time": self.equity_time,
                "missed": self.missed,
                "curve": self.curve.to_json(),
                "losses": self.losses.to_json(),
                "zscore": self.zscore.to_json(),
                "score": asdict(self.score) if self.score else None,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a snapshot. Errors: ValueError, KeyError, TypeError."""
        data = json.loads(text)
        return cls(
            sample=_sample(data["sample"]),
            answered=_sample(data["answered"]),
            equity_time=data["equity_time"],
            missed=data["missed"],
            curve=EquityCurve.from_json(data["curve"]),
            losses=LossWindow.from_json(data["losses"]),
            zscore=ZScore.from_json(data["zscore"]),
            score=Score(**data["score"]) if data["score"] else None,
        )


def _sample(data: dict[str, Any] | None) -> Sample | None:
    if data is None:
        return None
    return Sample(**{**data, "checks": tuple(Check(**each) for each in data["checks"])})


def fold_all(state: AgentState, samples: Iterable[Sample], flows: Sequence[CashFlow]) -> AgentState:
    """Fold many samples in: a restart, a replay."""
    for sample in samples:
        state = state.fold(sample, flows)
    return state


def matching_step(samples: Sequence[Sample], flows: Sequence[CashFlow], amount: float) -> float | None:
    """Time of the step of equity that is most nearly `amount`, among those that no recorded flow explains."""
    known = [each for each in samples if each.equity is not None]
    steps = []
    for before, after in pairwise(known):
        if any(before.time < flow.time <= after.time for flow in flows):
            continue
        off = abs((after.equity or 0.0) - (before.equity or 0.0) - amount)
        if off <= FLOW_MATCH * abs(amount):
            steps.append((off, -after.time))
    return -min(steps)[1] if steps else None
