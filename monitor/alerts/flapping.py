"""A trouble that comes and goes is told once, and then left alone until it has kept one state for a while."""

from __future__ import annotations

from monitor.alerts.plan import Plan

Openings = tuple[float, ...]
"""When a trouble opened lately, oldest first; pending alerts count too."""


def recent(openings: Openings, now: float, plan: Plan) -> Openings:
    """Those openings that still count."""
    return tuple(each for each in openings if now - each <= plan.flap_within)


def until(openings: Openings, now: float, plan: Plan) -> float | None:
    """Until when a trouble counts as flapping if it does not open again; None when it does not flap."""
    counted = recent(openings, now, plan)
    if plan.flap_openings < 1 or len(counted) < plan.flap_openings:
        return None
    stable = counted[-1] + plan.flap_stable
    return stable if now < stable else None
