"""The figures of the desk and of every agent as Prometheus scrapes them; what is unknown has no sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily

from monitor.alerts.alert import Alert
from monitor.desk import AgentStatus

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

MONEY = (
    ("balance", "balance", "Money in the account."),
    ("equity", "equity", "Money in the account plus open positions at market."),
    ("pnl_24h", "pnl_24h", "Net profit of the trades closed in the last 24 h, as the agent reckons it."),
    ("pnl_1h", "pnl_1h", "Net profit of the trades closed in the last hour, as the agent reckons it."),
    ("pnl_7d", "pnl_7d", "Net profit of the trades closed in the last 7 days, as the agent reckons it."),
    ("available", "available", "Money that is free to trade with."),
    ("exposure", "exposure", "Worth of all open positions, each counted as positive."),
    ("model_cost_1h", "cost_1h", "What its model cost in the last hour."),
    ("model_cost_24h", "cost_24h", "What its model cost in the last 24 h."),
)
"""(name before the currency, attribute of a sample, help)."""
PLAIN = (
    ("sharpe_ratio", "sharpe", 1, "Annualised Sharpe ratio, as the agent reckons it."),
    ("max_drawdown_pct", "max_drawdown", 100, "Deepest fall below the peak, in percent, as the agent reckons it."),
    ("win_rate_pct", "win_rate", 100, "Closed trades with a net profit, in percent."),
    ("open_positions", "open_positions", 1, "Positions that are open."),
    ("heartbeat_age_seconds", "heartbeat_age", 1, "Time since the strategy last acted."),
    ("errors_1h", "errors_1h", 1, "Errors of the last hour."),
    ("uptime_seconds", "uptime", 1, "Time since the agent started."),
    ("memory_used_pct", "memory", 100, "Memory of its machine in use, in percent."),
    ("cpu_used_pct", "cpu", 100, "CPU of its machine in use, in percent."),
    ("paused", "paused", 1, "Whether it says that it is paused."),
    ("leverage", "leverage", 1, "Leverage of its account."),
    ("loop_lag_seconds", "loop_lag", 1, "Longest lag of its event loop in the last minute."),
    ("venue_errors_pct", "venue_errors", 100, "Calls to the venue that failed in the last 10 min, in percent."),
    ("venue_rate_limit_pct", "rate_limit", 100, "Share of the venue's rate limit in use, in percent."),
    ("venue_clock_skew_seconds", "clock_skew", 1, "By how much the venue's clock is ahead of its own."),
    ("decision_age_seconds", "decision_age", 1, "Time since the strategy last decided."),
    ("decisions_1h", "decisions_1h", 1, "Decisions of the last hour."),
    ("orders_1h", "orders_1h", 1, "Orders of the last hour."),
    ("rejects_1h", "rejects_1h", 1, "Orders of the last hour that the venue refused."),
    ("repeated_orders", "repeated_orders", 1, "The most often that one order was sent in the last 10 min."),
    ("feed_age_seconds", "feed_age", 1, "Age of its newest market data."),
    ("model_latency_seconds", "model_latency", 1, "Time its model took last."),
    ("model_errors_pct", "model_errors", 100, "Last calls of its model that failed, in percent."),
    ("model_tokens_1h", "tokens_1h", 1, "Tokens that its model took in the last hour."),
)
"""(name, attribute of a sample, factor, help)."""
LATENCY = (("venue", "venue_latency"), ("agent", "poll_latency"))
"""(endpoint, attribute of a sample): the venue as the agent sees it, the agent as the desk does."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the desk measures of itself; None is unknown. Times in seconds, counts since the start."""

    version: str
    uptime: float
    well: bool
    """Whether it truly watches and is able to page."""
    ticks: int = 0
    ticks_late: int = 0
    rearmed: int = 0
    waiting: int = 0
    """Observations that are not stored yet."""
    dropped: int = 0
    unstored: float = 0.0
    alerts: Sequence[Alert] = ()
    """The open ones."""
    incidents: int = 0
    undelivered: int | None = None
    oldest: float | None = None
    """Age of the oldest undelivered message."""
    dead_letters: int | None = None
    chats: Mapping[str, bool] = field(default_factory=dict)
    """Whether each can be relied on."""
    heard: Mapping[str, float | None] = field(default_factory=dict)
    drift: float = 0.0
    pinged: float | None = None
    """Time since the dead man's switch was last pinged."""
    times: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """notify, acknowledge, recover ... -> how many, seconds in all."""


def prometheus_text(
    figures: Figures, agents: Iterable[AgentStatus], currency: str = "USD", *, milliseconds: bool = False
) -> bytes:
    """Everything as Prometheus text 0.0.4.

    `milliseconds`: also api_latency_ms, the name that the guide gives, which promtool would have in seconds.
    """
    return generate_latest(_Collector(figures, tuple(agents), currency, milliseconds))


@dataclass(frozen=True, slots=True)
class _Collector:
    figures: Figures
    agents: Sequence[AgentStatus]
    currency: str
    milliseconds: bool

    def collect(self) -> Iterator[Metric]:
        yield from _desk(self.figures)
        yield from _alerts(self.figures)
        yield from _chats(self.figures)
        yield from _agents(self.agents, self.currency, milliseconds=self.milliseconds)


def _desk(of: Figures) -> Iterator[Metric]:
    info = GaugeMetricFamily("nightdesk_build_info", "The version that runs.", labels=["version"])
    info.add_metric([of.version], 1)
    yield info
    yield _gauge("nightdesk_healthy", "Whether the desk truly watches and is able to page.", of.well)
    yield _gauge("nightdesk_uptime_seconds", "Time since the desk started.", of.uptime)
    yield _counter("nightdesk_ticks", "Ticks that came.", of.ticks)
    yield _counter("nightdesk_ticks_late", "Ticks that did not come at their time.", of.ticks_late)
    yield _counter("nightdesk_schedule_rearmed", "Times the schedule was set up again.", of.rearmed)
    yield _gauge("nightdesk_observations_waiting", "Observations that are not stored yet.", of.waiting)
    yield _counter("nightdesk_observations_dropped", "Observations that were lost.", of.dropped)
    yield _counter("nightdesk_store_refused_seconds", "Time for which the database refused to store.", of.unstored)
    yield _gauge("nightdesk_clock_drift_seconds", "By how much the machine's clock was set back.", of.drift)
    yield _gauge("nightdesk_deadman_ping_age_seconds", "Time since the dead man's switch was pinged.", of.pinged)


def _alerts(of: Figures) -> Iterator[Metric]:
    alerts = GaugeMetricFamily("nightdesk_alerts", "Alerts that are open.", labels=["state", "severity"])
    counts: dict[tuple[str, str], int] = {}
    for each in of.alerts:
        key = (each.state.value, each.severity.name.lower())
        counts[key] = counts.get(key, 0) + 1
    for key, count in sorted(counts.items()):
        alerts.add_metric(key, count)
    yield alerts
    yield _gauge("nightdesk_incidents", "Incidents that are open.", of.incidents)
    yield _gauge("nightdesk_undelivered", "Messages that wait to be delivered.", of.undelivered)
    yield _gauge("nightdesk_oldest_undelivered_seconds", "Age of the oldest of these.", of.oldest)
    yield _gauge("nightdesk_dead_letters", "Messages that no chat will ever take.", of.dead_letters)
    for name, (count, total) in sorted(of.times.items()):
        yield SummaryMetricFamily(
            f"nightdesk_time_to_{name}_seconds", f"Time to {name}, of all incidents that came so far.", count, total
        )


def _chats(of: Figures) -> Iterator[Metric]:
    up = GaugeMetricFamily("nightdesk_chat_up", "Whether the chat can be relied on.", labels=["platform"])
    for name, well in of.chats.items():
        up.add_metric([name], well)
    yield up
    heard = GaugeMetricFamily("nightdesk_chat_heard_seconds", "Time since its server answered.", labels=["platform"])
    for name, age in of.heard.items():
        if age is not None:
            heard.add_metric([name], age)
    yield heard


def _agents(agents: Sequence[AgentStatus], currency: str, *, milliseconds: bool) -> Iterator[Metric]:
    up = GaugeMetricFamily("nightdesk_agent_up", "Whether its newest poll was answered.", labels=["agent_id"])
    for each in agents:
        if each.sample is not None:
            up.add_metric([each.agent.id], each.sample.reachable)
    yield up
    for name, key, text in MONEY:
        yield _of_agents(f"{name}_{currency.lower()}", text, agents, key, 1)
    for name, key, factor, text in PLAIN:
        yield _of_agents(name, text, agents, key, factor)
    yield from _status(agents)
    yield _latency("api_latency_seconds", "Time to an answer.", agents, 1)
    if milliseconds:
        yield _latency("api_latency_ms", "Milliseconds to an answer.", agents, 1000)


LIVE = (
    ("nightdesk_sharpe_ratio_24h", "sharpe", 1, "Annualised Sharpe ratio of the last 24 h, net of cash flows."),
    ("nightdesk_max_drawdown_24h_pct", "max_drawdown", 100, "Deepest fall below a peak in the last 24 h, in percent."),
    ("nightdesk_win_rate_24h_pct", "win_rate", 100, "Trades of the last 24 h with a net profit, in percent."),
    ("nightdesk_profit_factor_24h", "profit_factor", 1, "Gross profit / gross loss of the last 24 h."),
)
"""(name, attribute of the live figures, factor, help), as the desk reckons them."""


def _live(agents: Sequence[AgentStatus]) -> Iterator[Metric]:
    for name, key, factor, text in LIVE:
        family = GaugeMetricFamily(name, text, labels=["agent_id"])
        for each in agents:
            value = None if each.live is None else getattr(each.live, key)
            if value is not None:
                family.add_metric([each.agent.id], value * factor)
        yield family


def _status(agents: Sequence[AgentStatus]) -> Iterator[Metric]:
    """What the desk knows of an agent beside what that says."""
    restarts = GaugeMetricFamily("restarts_1h", "Times its process began anew in the last hour.", labels=["agent_id"])
    paper = GaugeMetricFamily("paper", "Whether it trades without money.", labels=["agent_id"])
    yield from _live(agents)
    for each in agents:
        if each.restarts_1h is not None:
            restarts.add_metric([each.agent.id], each.restarts_1h)
        if each.sample is not None:
            paper.add_metric([each.agent.id], each.paper)
    yield restarts
    yield paper


def _of_agents(name: str, text: str, agents: Sequence[AgentStatus], key: str, factor: float) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["agent_id"])
    for each in agents:
        value = getattr(each.sample, key, None)
        if value is not None:
            family.add_metric([each.agent.id], value * factor)
    return family


def _latency(name: str, text: str, agents: Sequence[AgentStatus], factor: float) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["agent_id", "endpoint"])
    for each in agents:
        for endpoint, key in LATENCY:
            value = getattr(each.sample, key, None)
            if value is not None:
                family.add_metric([each.agent.id, endpoint], value * factor)
        known = {endpoint for endpoint, _ in LATENCY}
        for endpoint, value in each.sample.latencies if each.sample is not None else ():
            if endpoint not in known:
                family.add_metric([each.agent.id, endpoint], value * factor)
    return family


def _gauge(name: str, text: str, value: float | None) -> Metric:
    return GaugeMetricFamily(name, text, value) if value is not None else GaugeMetricFamily(name, text, labels=())


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value)
