"""When each agent is polled: at its own point of its own interval, by a clock that is never set."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from monitor.model import Agent

URGENT_EVERY = 0.95
"""Seconds between two polls of an agent that is urgent, unless its interval is shorter: one, less a late tick."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a tick is to do."""

    poll: tuple[str, ...]
    skip: tuple[str, ...]
    """Due, but their previous poll is still under way."""


def phase(agent: str) -> float:
    """Where in its interval an agent is polled, 0..1: always the same for one id, spread evenly over a fleet."""
    return zlib.crc32(agent.encode()) / 2**32


class Timetable:
    """The next poll of each agent, in seconds of a monotonic clock."""

    def __init__(self, agents: Iterable[Agent], start: float) -> None:
        self._intervals = {agent.id: agent.interval for agent in agents}
        self._next = {agent: start + phase(agent) * interval for agent, interval in self._intervals.items()}
        self._polled: dict[str, float] = {}

    def due(self, now: float, busy: Collection[str], urgent: Collection[str] = ()) -> Due:
        """Say whom to poll now and move them on; `busy` are being polled. An urgent poll moves nobody's own point."""
        poll: list[str] = []
        skip: list[str] = []
        for agent, interval in self._intervals.items():
            regular = now >= self._next[agent]
            if regular:
                self._next[agent] += (1 + (now - self._next[agent]) // interval) * interval
            if agent in busy:
                if regular:
                    skip.append(agent)
            elif regular or (agent in urgent and self._rested(agent, now)):
                self._polled[agent] = now
                poll.append(agent)
        return Due(tuple(poll), tuple(skip))

    def _rested(self, agent: str, now: float) -> bool:
        before = self._polled.get(agent)
        return before is None or now - before >= min(URGENT_EVERY, self._intervals[agent])
