"""What a period came to, from stored facts alone: profit, equity, drawdowns, alerts, times to react."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from monitor.alerts.alert import Alert, AlertEvent
from monitor.alerts.incident import Incident
from monitor.model import EXACT, Agent, CashFlow, Trade
from monitor.noise import Budget, Noise, Spans, Story
from monitor.series import EquityCurve

WEEK = 7 * 86_400.0
NEAR = 0.6
"""Share of its limit from which on a drawdown is near it."""


@dataclass(frozen=True, slots=True)
class Account:
    """One agent's equity, from some time before a period on."""

    agent: Agent
    paper: bool
    curve: EquityCurve
    """As it stood then."""
    steps: Sequence[tuple[float, float]]
    """(time, equity) of every sample since then whose equity is known, in order of time."""
    flows: Sequence[CashFlow] = ()
    """In order of time."""


@dataclass(frozen=True, slots=True)
class Place:
    """The trades of one strategy or asset."""

    key: str
    """Untrusted text."""
    net: Decimal
    trades: int
    wins: int
    """Trades with a net above 0."""

    @property
    def win_rate(self) -> float | None:
        """Share, 0..1; None without trades."""
        return self.wins / self.trades if self.trades else None


@dataclass(frozen=True, slots=True)
class Profit:
    """Closed trades, money summed exactly."""

    total: Place
    strategies: tuple[Place, ...]
    """By net, best first."""
    assets: tuple[Place, ...]
    best: Trade | None
    """By net; the earliest of equals."""
    worst: Trade | None


@dataclass(frozen=True, slots=True)
class Depth:
    """One agent's drawdown, shares of its peak, net of cash flows."""

    agent: str
    paper: bool
    last: float | None
    """When the equity was last known."""
    worst: float | None
    """In the period; None where no equity was known in it."""
    limit: float | None

    @property
    def near(self) -> bool:
        """Whether it is, or was in the period, at 60 % of its limit or beyond."""
        return self.limit is not None and max(self.last or 0.0, self.worst or 0.0) >= NEAR * self.limit


@dataclass(frozen=True, slots=True)
class Gain:
    """How one agent's equity changed, net of cash flows."""

    agent: str
    paper: bool
    equity: float | None
    """When it was last known."""
    flows: Decimal
    """Money moved in (positive) or out in between."""
    change: Decimal | None
    """Last equity less the one known when the period began, less the flows; None where either is unknown."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was stored about a period, since <= time < until; more of it does no harm."""

    since: float
    until: float
    trades: Sequence[Trade] = ()
    walks: Sequence[tuple[Gain, Depth]] = ()
    """What `walk` says of each agent."""
    alerts: Sequence[Alert] = ()
    """Those that fired before its end and were not over before it began."""
    incidents: Sequence[Incident] = ()
    """The same."""
    events: Sequence[AlertEvent] = ()
    """With later ones, since what people say of a page counts whenever they say it."""
    statistical: Collection[str] = ()
    """Rules that count on the budget of false pages, by key."""
    false_pages: float | None = None
    """Statistical false pages a week that the agents together are allowed; None: no agent is given any."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stood open when a period ended."""

    incident: Incident
    agents: tuple[str, ...]
    """Whose alerts stood, by name."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a period came to."""

    since: float
    until: float
    live: Profit
    paper: Profit
    """Without money, never counted with the others."""
    gains: tuple[Gain, ...]
    """Agents in their order."""
    depths: tuple[Depth, ...]
    """Deepest in the period first."""
    rules: tuple[Noise, ...]
    """Most pages first, then most alerts, then by name."""
    statistical: Budget
    acknowledge: Spans
    recover: Spans
    standing: tuple[Standing, ...]
    """Worst first, then oldest."""
    hidden: int
    """Alerts that stood then without anybody having been told."""
    left_out: tuple[float, ...] = ()
    """When earlier digests were due that were never sent."""

    @property
    def near(self) -> tuple[Depth, ...]:
        """Drawdowns near their limits."""
        return tuple(each for each in self.depths if each.near)


def walk(account: Account, since: float, until: float) -> tuple[Gain, Depth]:
    """Fold an agent's equity, as the desk itself folds it, to what it made in a period and how deep it went."""
    curve, began, moved, worst, seen = account.curve, account.curve.equity, Decimal(0), None, False
    flows = deque(each for each in account.flows if curve.time is None or each.time > curve.time)
    with localcontext(EXACT):
        for time, equity in account.steps:
            if time >= until:
                break
            money = Decimal(0)
            while flows and flows[0].time <= time:
                money += flows.popleft().amount
            first = curve.equity is None  # then what was moved before is part of it
            curve = curve.fold(time, equity, float(money))
            if time < since or first:
                began = curve.equity
            if time >= since:
                seen, moved = True, moved if first else moved + money
                worst = worst if curve.drawdown is None else max(worst or 0.0, curve.drawdown)
        change = None
        if seen and began is not None and curve.equity is not None:
            change = Decimal(repr(curve.equity)) - Decimal(repr(began)) - moved
    name, limit = account.agent.id, account.agent.limits.drawdown
    return (
        Gain(name, account.paper, curve.equity, moved, change),
        Depth(name, account.paper, curve.drawdown, worst, limit),
    )


def digest(facts: Facts, left_out: tuple[float, ...] = ()) -> Digest:
    """Reckon everything once; nothing at or after the end of the period counts."""
    since, until = facts.since, facts.until
    trades = [each for each in facts.trades if since <= each.exit_time < until]
    story = Story(since, until, facts.alerts, facts.incidents, facts.events)
    stood = [each for each in facts.alerts if _stood(each.fired, each.resolved, until)]
    return Digest(
        since=since,
        until=until,
        live=profit(each for each in trades if not each.paper),
        paper=profit(each for each in trades if each.paper),
        gains=tuple(gain for gain, _ in facts.walks),
        depths=tuple(sorted((depth for _, depth in facts.walks), key=lambda each: -(each.worst or 0.0))),
        rules=story.rules(),
        statistical=story.budget(
            facts.statistical, None if facts.false_pages is None else facts.false_pages * (until - since) / WEEK
        ),
        acknowledge=story.spans(story.acknowledged),
        recover=story.spans(story.ends),
        standing=_standing(facts, stood),
        hidden=sum(each.incident is None for each in stood),
        left_out=left_out,
    )


def profit(trades: Iterable[Trade]) -> Profit:
    """Sum closed trades by strategy and by asset."""
    everything = sorted(trades, key=lambda each: (each.exit_time, each.agent, each.id))
    with localcontext(EXACT):
        nets = [each.net for each in everything]
        best = max(range(len(nets)), key=lambda at: nets[at], default=None)
        worst = min(range(len(nets)), key=lambda at: nets[at], default=None)
        return Profit(
            _place("total", nets),
            _places(zip((each.strategy for each in everything), nets, strict=True)),
            _places(zip((each.asset for each in everything), nets, strict=True)),
            None if best is None else everything[best],
            None if worst is None else everything[worst],
        )


def _places(found: Iterable[tuple[str, Decimal]]) -> tuple[Place, ...]:
    nets: defaultdict[str, list[Decimal]] = defaultdict(list)
    for key, net in found:
        nets[key].append(net)
    return tuple(sorted((_place(key, nets[key]) for key in sorted(nets)), key=lambda each: -each.net))


def _place(key: str, nets: Sequence[Decimal]) -> Place:
    return Place(key, sum(nets, Decimal(0)), len(nets), sum(net > 0 for net in nets))


def _standing(facts: Facts, stood: Iterable[Alert]) -> tuple[Standing, ...]:
    agents: defaultdict[str | None, set[str]] = defaultdict(set)
    for alert in stood:
        agents[alert.incident].add(alert.agent)
    found = [each for each in facts.incidents if _stood(each.opened, each.resolved, facts.until)]
    ordered = sorted(found, key=lambda each: (-each.severity, each.opened))
    return tuple(Standing(each, tuple(sorted(agents[each.id]))) for each in ordered)


def _stood(opened: float | None, resolved: float | None, at: float) -> bool:
    return opened is not None and opened < at and (resolved is None or resolved >= at)
