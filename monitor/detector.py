"""What a detector says when something is too odd to be chance at the rate of false pages that people allow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alarm:
    """One statistical finding about one agent: how large, against what is typical of it, and how rare."""

    detector: str
    """Which found it: shock, burst, bleed, edge; of the guide's own zscore, iqr, percentile."""
    time: float
    """When: of the newest sample it judged."""
    since: float
    """Begin of the window that it judged: what happened in since < time <= `time` made it."""
    value: float
    """shock: return of the step; burst: root mean square return; bleed: mean return; edge: share of wins."""
    typical: float
    """What is typical of this agent, in the unit of `value`; edge: its share of wins before."""
    n: int
    """Samples, or trades, in the window."""
    every: float
    """Seconds from one such finding to the next if nothing were wrong, as estimated."""
