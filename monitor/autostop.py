"""A stop without a person is announced, acts once an episode, and is armed again once it is not so any more."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, replace

from monitor.alerts.incident import Incident
from monitor.model import AutoStop, Severity
from monitor.order import StopMark
from monitor.rule import View

CLEARS_AT = 0.9
"""Share of its bound below which one that was announced is called off, or is over."""


class Move(enum.StrEnum):
    """What is to be done about a stop now."""

    ANNOUNCE = "announced"
    ACT = "acted"
    CALL_OFF = "called off"
    CLEAR = "cleared"


@dataclass(frozen=True, slots=True)
class Step:
    """What a stop does next, and how far it has come by that."""

    move: Move
    mark: StopMark


def cause(stop: AutoStop, view: View, incidents: Collection[Incident], now: float, *, open_: bool) -> str | None:
    """Why a stop is to act, in a few words; None while it is not so, or nobody can tell.

    `incidents`: those that stand about the agent; `open_`: whether it was announced, to clear with hysteresis.
    """
    ease = CLEARS_AT if open_ else 1.0
    if stop.when == "drawdown":
        bound = stop.over.share if stop.over is not None else None
        if bound is None or view.drawdown is None or view.drawdown <= bound * ease:
            return None
        return f"drawdown {view.drawdown:.1%}, limit {bound:.1%}"
    if stop.when == "daily_loss":
        return _loss(stop, view, ease)
    told = [max(each.paged, each.began or 0.0) for each in incidents if _waits(each) and each.paged is not None]
    oldest = min(told, default=None)
    if oldest is None or now - oldest < stop.lasting:
        return None
    return f"a CRITICAL page not acknowledged for {(now - oldest) / 60:.0f} min"


def step(stop: AutoStop, agent: str, mark: StopMark | None, now: float, *, met: bool, held: bool) -> Step | None:
    """What to do now; None: nothing. `met`: whether it is so; `held`: whether the agent is paused or stopped."""
    if mark is None or (mark.cleared is not None and _cooled(stop, mark, now)):
        return Step(Move.ANNOUNCE, StopMark(agent, stop.when, now)) if met and not held else None
    if mark.cleared is not None:
        return None
    if mark.acted is not None:
        return None if met else Step(Move.CLEAR, replace(mark, cleared=now))
    if not met or held:
        return Step(Move.CALL_OFF, replace(mark, cleared=now))
    return Step(Move.ACT, replace(mark, acted=now)) if now - mark.announced >= stop.notice else None


def _cooled(stop: AutoStop, mark: StopMark, now: float) -> bool:
    """Whether enough time has passed since it acted; what was called off did nothing."""
    return mark.acted is None or now - mark.acted >= stop.cooldown


def _waits(incident: Incident) -> bool:
    return incident.severity is Severity.CRITICAL and incident.acknowledged is None


def _loss(stop: AutoStop, view: View, ease: float) -> str | None:
    base = view.loss_base or 0.0
    if stop.over is None or view.loss is None or (stop.over.amount is None and base <= 0):
        return None
    allowed = stop.over.amount if stop.over.amount is not None else (stop.over.share or 0.0) * max(base, 0.0)
    if view.loss <= allowed * ease:
        return None
    share = f" ({view.loss / base:.1%})" if base > 0 else ""
    return f"lost {view.loss:,.2f}{share} in 24 h, limit {allowed:,.2f}"
