"""An agent's state as a snapshot keeps it, and read back: JSON in a form of its own version."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from monitor.detection import Baseline, Step
from monitor.detector import Alarm
from monitor.fleet import AgentState
from monitor.model import Check, Position, Sample, Side
from monitor.reconciliation import Reconciliation
from monitor.series import EquityCurve, LossWindow

VERSION = 1
"""Of the snapshot's form: a snapshot of another version is not read, and the samples are folded again."""


def pack(state: AgentState) -> str:
    """The whole state as JSON."""
    return json.dumps(
        {
            "sample": asdict(state.sample) if state.sample else None,
            "answered": asdict(state.answered) if state.answered else None,
            "equity_time": state.equity_time,
            "missed": state.missed,
            "curve": state.curve.to_json(),
            "losses": state.losses.to_json(),
            "step": asdict(state.step) if state.step else None,
            "baseline": state.baseline.to_json(),
            "restarts": state.restarts,
            "decided": state.decided,
            "still": state.still,
            "reconciliation": state.reconciliation.to_json(),
            "alarms": [asdict(each) for each in state.alarms],
        }
    )


def unpack(text: str) -> AgentState:
    """Read `pack` back. Errors: ValueError, KeyError, TypeError, when it is something else."""
    data = json.loads(text)
    return AgentState(
        sample=_sample(data["sample"]),
        answered=_sample(data["answered"]),
        equity_time=data["equity_time"],
        missed=data["missed"],
        curve=EquityCurve.from_json(data["curve"]),
        losses=LossWindow.from_json(data["losses"]),
        step=Step(**data["step"]) if data.get("step") else None,
        baseline=_baseline(data.get("baseline")),
        restarts=tuple(data.get("restarts", ())),
        decided=data.get("decided"),
        still=data.get("still"),
        reconciliation=Reconciliation.from_json(data["reconciliation"])
        if "reconciliation" in data
        else Reconciliation(),
        alarms=tuple(Alarm(**each) for each in data.get("alarms", ())),
    )


def _baseline(data: object) -> Baseline:
    """What was usual; nothing, where that is kept in another form: it is then learned anew of what is stored."""
    try:
        return Baseline.from_json(data)
    except ValueError:
        return Baseline()


def _sample(data: dict[str, Any] | None) -> Sample | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise TypeError("a sample is an object")
    held = data.get("positions")
    return Sample(
        **{
            **data,
            "checks": tuple(Check(**each) for each in data["checks"]),
            "latencies": tuple((name, value) for name, value in data.get("latencies", ())),
            "positions": None
            if held is None
            else tuple(Position(**each | {"side": Side(each["side"])}) for each in held),
        }
    )
