"""An order to an agent and what came of it, and how far a stop without a person has come: plain values."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from monitor.model import Position


class OrderState(enum.StrEnum):
    """How far an order to an agent has come; only what the agent then reports confirms it."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"


HOLDS = ("pause", "stop")
"""Orders that an agent is to trade no more, the milder first: they stand until a resume."""
STANDING = (*HOLDS, "resume")
"""Orders of which an agent's newest is in force; the others (close, restart) are done and over."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order to an agent (pause, stop, resume, close, restart), and what came of it."""

    id: str
    agent: str
    action: str
    by: str
    requested: float
    reason: str = ""
    state: OrderState = OrderState.REQUESTED
    accepted: float | None = None
    confirmed: float | None = None
    detail: str = ""
    """What the agent or the connection said; untrusted text."""
    control: str = ""
    """Kinds of the controls it went through, in their order, with spaces between."""
    cause: str = ""
    """Why the desk gave it by itself; empty when a person did."""
    until: float | None = None
    """When a pause ends: people are told, and nobody resumes the agent for them."""
    ended: float | None = None
    """When they were told."""
    held: tuple[Position, ...] | None = None
    """What the agent held when the order was confirmed; None where it does not say."""
    held_count: int | None = None
    """How many positions that were."""
    silent: bool = False
    """Whether its process is ended by it, so that no answer is what was ordered."""

    @property
    def holds(self) -> bool:
        """Whether the agent is to trade no more because of it."""
        return self.action in HOLDS and self.ended is None


@dataclass(frozen=True, slots=True)
class StopMark:
    """How far an agent's stop without a person has come in this episode."""

    agent: str
    when: str
    announced: float
    acted: float | None = None
    cleared: float | None = None
    """When it was no longer so."""
