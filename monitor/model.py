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
class AmountOrShare:
    """A bound in money: an amount, or a share of the agent's equity (one of the two)."""

    amount: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """A length of time told in samples of an agent: so many of its intervals."""

    many: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person allows one agent; None switches a rule off."""

    drawdown: float | None = 0.15
    """Share of the peak, 0..1."""
    min_balance: float | None = None
    """Money below which the agent cannot trade."""
    hard_loss: AmountOrShare | None = None
    loss_window: float = 86_400.0
    """Seconds over which the hard loss is measured."""
    heartbeat: float = 300.0
    """Seconds without a decision after which the strategy counts as stalled."""
    missed_polls: int = 2
    """Polls in a row without an answer after which the agent counts as unreachable."""
    confirm_within: float = 15.0
    """Seconds an agent has to show that it obeyed an order."""
    close_within: float = 120.0
    """Seconds it has to show that its positions are closed."""
    decision: float | None = 3_600.0
    """Seconds without a decision after which a strategy that acts does nothing."""
    feed: float | None = 120.0
    """Age in seconds at which its data feed is stale."""
    repeated_orders: int | None = 10
    """Identical orders within 10 min from which on it repeats itself."""
    frozen: float | Samples | None = Samples(20)
    """Seconds, or samples, for which the equity may stand still while a position is open; see Agent.frozen."""
    exposure: AmountOrShare | None = None
    """Declared: money, or a share of equity (1.5 is 150 %)."""
    leverage: float | None = None
    """Declared."""
    model_errors: float | None = 0.5
    """Share of the model's calls that may fail."""
    model_cost: float | None = None
    """Money its model may cost in an hour."""
    unexplained: AmountOrShare | None = AmountOrShare(share=0.001)
    """Money that trades, open positions and cash flows need not explain."""
    settle: float = 600.0
    """Seconds after which a sample is reconciled: trades are told late."""


PAUSES = ("drawdown", "daily_loss", "unacknowledged")
"""What a stop without a person can go by."""


@dataclass(frozen=True, slots=True)
class AutoStop:
    """A stop without a person, as somebody set it: off unless it is written, announced before, once an episode."""

    when: str
    """One of PAUSES."""
    over: AmountOrShare | None = None
    """The bound of drawdown (a share) and daily_loss."""
    lasting: float = 0.0
    """Seconds for which it must be so; of unacknowledged, seconds since the page."""
    notice: float = 30.0
    """Seconds between the announcement and the act."""
    cooldown: float = 3_600.0
    """Seconds after an act before it is armed again, once it is no longer so."""
    dry_run: bool = False
    """Whether it only says what it would do."""


PAPER, LIVE = "paper", "live"
"""Values of the label `mode`."""
BUDGET = "budget"
"""The choice of detectors that keep to a budget of false pages."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One trading agent the desk watches."""

    id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    interval: float = 30.0
    """Seconds between two polls."""
    limits: Limits = field(default_factory=Limits)
    stops: tuple[AutoStop, ...] = ()
    take_next: bool = False
    """Whether the desk by itself takes the next control when a pause is not confirmed; else it offers that."""
    venue_url: str | None = None
    """Address that answers while its venue is up, asked before a restart."""
    false_pages: float | None = None
    """Statistical false pages a week that it is allowed; None: nothing statistical pages."""
    detector: str = BUDGET
    """Which detectors judge it: those by a budget of false pages, or one of the guide's (zscore, iqr, percentile)."""

    @property
    def frozen(self) -> float | None:
        """Seconds for which its equity may stand still while a position is open; None for no such limit."""
        limit = self.limits.frozen
        return limit.many * self.interval if isinstance(limit, Samples) else limit


@dataclass(frozen=True, slots=True)
class Check:
    """One health check as the agent itself reports it (venue, wallet, strategy, memory, cpu ...)."""

    name: str
    ok: bool
    detail: str = ""
    """One short sentence; untrusted text."""


class Side(enum.StrEnum):
    """Which way a trade or a position is."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Position:
    """One open position as the agent reports it."""

    asset: str
    """Untrusted text, like `id`."""
    side: Side
    size: float
    """Above 0, in units of the asset."""
    entry_price: float | None = None
    pnl: float | None = None
    """Money, not realised."""
    id: str = ""


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
    paper: bool | None = None
    """Whether it trades without money, as it says."""
    loop_lag: float | None = None
    """The longest, in seconds, that its event loop was blocked in the last minute."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Endpoint of the venue -> seconds it took, sorted by name."""
    venue_errors: float | None = None
    """Share of its calls to the venue that failed in the last 10 min."""
    rate_limit: float | None = None
    """Share of the venue's rate limit in use."""
    clock_skew: float | None = None
    """Seconds by which the venue's clock is ahead of its own."""
    decision_age: float | None = None
    """Seconds since the strategy last decided; acting without deciding is only a heartbeat."""
    decisions_1h: int | None = None
    orders_1h: int | None = None
    rejects_1h: int | None = None
    """Orders that the venue refused."""
    repeated_orders: int | None = None
    """The most often that one and the same order was sent in the last 10 min."""
    feed_age: float | None = None
    """Seconds since its newest market data."""
    model_latency: float | None = None
    """Seconds its model took last."""
    model_errors: float | None = None
    """Share of its model's last calls that failed; None where there were too few to say."""
    tokens_1h: int | None = None
    cost_1h: float | None = None
    """Money its model cost in the last hour."""
    cost_24h: float | None = None
    available: float | None = None
    """Money that is free to trade with."""
    exposure: float | None = None
    """Money that all open positions are worth, each counted as positive."""
    leverage: float | None = None
    pnl_1h: float | None = None
    pnl_7d: float | None = None
    positions: tuple[Position, ...] | None = None
    """What is open, sorted by asset, side and id; None where it does not say."""

    @property
    def reachable(self) -> bool:
        """Whether the agent answered."""
        return self.error is None


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
    paper: bool = False
    """Whether it was made without money."""
    funding: Decimal = Decimal(0)
    """Money paid to hold it; negative was received."""
    venue: str = ""
    exit_reason: str = ""
    tag: str = ""
    """The model, signal or tag that opened it; untrusted text, like every name here."""

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
        """Gross less fees less slippage less funding."""
        return self.gross - self.fees - self.slippage_cost - self.funding


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money moved in (positive) or out (negative) of an agent's account: no profit and no loss."""

    agent: str
    time: float
    amount: Decimal
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """From when on an agent's figures count anew: somebody changed what it does."""

    agent: str
    time: float
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


@dataclass(frozen=True, slots=True)
class Person:
    """One human being and the ids by which the chats know them."""

    name: str
    role: str
    """viewer, operator or admin."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Platform name -> user id there."""
