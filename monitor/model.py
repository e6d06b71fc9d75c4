"""Agents, what they report, what people record about them and what a rule finds: plain values without I/O.

Times are seconds since the epoch, UTC, to the microsecond; money is in the desk's currency; shares are 0..1.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

EXACT = Context(prec=200, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""Arithmetic with room for every digit: inside `localcontext(EXACT)` sums and products over trades are exact."""


class Severity(enum.IntEnum):
    """How loud a finding is: INFO is logged, WARN is sent, CRITICAL is sent everywhere and wakes people."""

    INFO = 1
    WARN = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class LossLimit:
    """The most an agent may lose in the loss window: an amount of money or a share of its equity (one of the two)."""

    amount: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person allows one agent; None switches a rule off."""

    drawdown: float | None = 0.15
    """Share of the peak, 0..1."""
    min_balance: float | None = None
    """Money below which the agent cannot trade."""
    hard_loss: LossLimit | None = None
    loss_window: float = 86_400.0
    """Seconds over which the hard loss is measured."""
    heartbeat: float = 300.0
    """Seconds without a decision after which the strategy counts as stalled."""
    missed_polls: int = 2
    """Polls in a row without an answer after which the agent counts as unreachable."""
    confirm_within: float = 15.0
    """Seconds an agent has to show that it obeyed an order."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One trading agent the desk watches."""

    id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    interval: float = 30.0
    """Seconds between two polls."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Check:
    """One health check as the agent itself reports it (venue, wallet, strategy, memory, cpu ...)."""

    name: str
    ok: bool
    detail: str = ""
    """One short sentence; untrusted text."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one agent: what it answered, or why it did not. What the source cannot know is None, not 0."""

    agent: str
    time: float
    """When the answer was complete, by the desk's clock."""
    error: str | None = None
    """Why there is no answer; None when the agent answered. With an error, every figure below is None."""
    status: str | None = None
    """ok, degraded or paused, as the agent says."""
    paused: bool | None = None
    equity: float | None = None
    """Balance plus open positions at market; the balance where the source knows no more."""
    balance: float | None = None
    open_positions: int | None = None
    pnl_24h: float | None = None
    win_rate: float | None = None
    """Share, as the agent reckons it."""
    sharpe: float | None = None
    """As the agent reckons it."""
    max_drawdown: float | None = None
    """Share, as the agent reckons it."""
    heartbeat_age: float | None = None
    """Seconds since the strategy last acted."""
    errors_1h: int | None = None
    uptime: float | None = None
    memory: float | None = None
    """Share of the machine's memory in use."""
    cpu: float | None = None
    """Share of the machine's CPU in use."""
    venue_latency: float | None = None
    """Seconds the venue took to answer the agent."""
    poll_latency: float | None = None
    """Seconds the agent took to answer the desk."""
    checks: tuple[Check, ...] = ()

    @property
    def reachable(self) -> bool:
        """Whether the agent answered."""
        return self.error is None


class Side(enum.StrEnum):
    """Which way a trade was."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Trade:
    """One closed trade. Identity is (agent, id); prices and slippage are per unit, size is positive."""

    agent: str
    id: str
    strategy: str
    asset: str
    side: Side
    size: Decimal
    entry_price: Decimal
    exit_price: Decimal
    entry_time: float
    exit_time: float
    fees: Decimal = Decimal(0)
    """Money; negative is a rebate."""
    slippage: Decimal = Decimal(0)
    """Money per unit."""

    @property
    def gross(self) -> Decimal:
        """Profit before costs."""
        move = self.exit_price - self.entry_price
        return move * self.size if self.side is Side.LONG else -move * self.size

    @property
    def slippage_cost(self) -> Decimal:
        """|slippage x size|."""
        return abs(self.slippage * self.size)

    @property
    def net(self) -> Decimal:
        """Gross less fees less slippage."""
        return self.gross - self.fees - self.slippage_cost


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money moved in (positive) or out (negative) of an agent's account: no profit and no loss."""

    agent: str
    time: float
    amount: Decimal
    by: str
    note: str = ""


class Verdict(enum.StrEnum):
    """What a rule can say; a rule that cannot tell, for want of data, yields no finding and leaves its alert alone."""

    BREACH = "breach"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about one agent at one time."""

    agent: str
    rule: str
    time: float
    verdict: Verdict
    severity: Severity
    reason: str
    """One sentence for a person; untrusted text may be inside."""
    labels: tuple[tuple[str, str], ...] = ()
    """What tells this finding from others of the same rule and agent, sorted by name (check=venue)."""
    value: float | None = None
    threshold: float | None = None


class OrderState(enum.StrEnum):
    """How far an order to an agent has come; only what the agent then reports confirms it."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Order:
    """An order a person gave to an agent (pause, resume), and what came of it."""

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


@dataclass(frozen=True, slots=True)
class Person:
    """One human being and the ids by which the chats know them."""

    name: str
    role: str
    """viewer, operator or admin."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Platform name -> user id there."""
