"""How the desk itself is doing, measured by what runs it and judged by the desk's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look of the desk at itself. What has not been measured is None, empty or 0, and no rule judges it."""

    time: float
    """By the desk's clock."""
    late: float | None = None
    """Share of the ticks of the last minute that did not come at their time; None before a whole minute was seen."""
    lag: float | None = None
    """The longest, in seconds, that work which was due waited for its turn in the last minute."""
    unstored: float = 0.0
    """Seconds of the last 5 min in which nothing could be stored."""
    store: str | None = None
    """Why that was; None when everything has been."""
    dropped: int = 0
    """Observations lost in the last 5 min."""
    undelivered: Mapping[str, float] = field(default_factory=dict)
    """Channel -> age in seconds of the oldest message that waits for it."""
    chats: Mapping[str, str | None] = field(default_factory=dict)
    """Chat beyond this machine -> why it cannot be relied on, None while all is well."""
    heard: Mapping[str, float | None] = field(default_factory=dict)
    """Chat -> seconds since its server last answered; None where the chat does not say."""
    drift: float = 0.0
    """Seconds by which the machine's clock has been set back and not come up again."""
    jump: float = 0.0
    """Seconds by which the machine's clock went forward at one go in the last 5 min, believed or not."""
    remote: int = 0
    """Agents on other machines that have answered before."""
    lost: tuple[float, ...] = ()
    """When each of those that do not answer now last answered."""
    unstaffed: tuple[str, ...] = ()
    """Rotations that have nobody on duty."""
