"""The agent's numbers in the text format that Prometheus scrapes; what is unknown has no sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_GAUGES = (
    ("balance_usd", "balance", 1, "Money in the account."),
    ("equity_usd", "equity", 1, "Money in the account plus open positions at market."),
    ("available_usd", "available", 1, "Money that is free to trade with."),
    ("pnl_1h_usd", "pnl_1h", 1, "Net profit of the trades closed in the last hour."),
    ("pnl_24h_usd", "pnl_24h", 1, "Net profit of the trades closed in the last 24 h."),
    ("pnl_7d_usd", "pnl_7d", 1, "Net profit of the trades closed in the last 7 days."),
    ("sharpe_ratio", "sharpe", 1, "Annualised Sharpe ratio."),
    ("max_drawdown_pct", "max_drawdown", 100, "Deepest fall below the peak since the agent started, in percent."),
    ("win_rate_pct", "win_rate", 100, "Closed trades with a net profit, in percent."),
    ("open_positions", "open_positions", 1, "Positions that are open."),
    ("exposure_usd", "exposure", 1, "Worth of all open positions, each counted as positive."),
    ("leverage", "leverage", 1, "Leverage of the account."),
    ("paper", "paper", 1, "Whether it trades without money."),
    ("paused", "paused", 1, "Whether it is paused."),
    ("heartbeat_age_seconds", "heartbeat_age", 1, "Time since the strategy last acted."),
    ("decision_age_seconds", "decision_age", 1, "Time since the strategy last decided."),
    ("decisions_1h", "decisions_1h", 1, "Decisions of the last hour."),
    ("feed_age_seconds", "feed_age", 1, "Age of the newest market data."),
    ("orders_1h", "orders_1h", 1, "Orders of the last hour."),
    ("rejects_1h", "rejects_1h", 1, "Orders of the last hour that the venue refused."),
    ("repeated_orders", "repeated_orders", 1, "The most often that one order was sent in the last 10 min."),
    ("venue_errors_pct", "venue_errors", 100, "Calls to the venue that failed in the last 10 min, in percent."),
    ("venue_rate_limit_pct", "rate_limit", 100, "Share of the venue's rate limit in use, in percent."),
    ("venue_clock_skew_seconds", "clock_skew", 1, "By how much the venue's clock is ahead of its own."),
    ("model_latency_seconds", "model_latency", 1, "Time the model took last."),
    ("model_errors_pct", "model_errors", 100, "Last calls of the model that failed, in percent."),
    ("model_tokens_1h", "tokens_1h", 1, "Tokens that the model took in the last hour."),
    ("model_cost_1h_usd", "cost_1h", 1, "What the model cost in the last hour."),
    ("model_cost_24h_usd", "cost_24h", 1, "What the model cost in the last 24 h."),
    ("errors_1h", "errors_1h", 1, "Errors of the last hour."),
    ("uptime_seconds", "uptime", 1, "Time since the agent started."),
    ("loop_lag_seconds", "loop_lag", 1, "Longest lag of the event loop in the last minute."),
    ("memory_used_pct", "memory", 100, "Memory of the machine in use, in percent."),
    ("cpu_used_pct", "cpu", 100, "CPU of the machine in use, in percent."),
)


@dataclass(frozen=True, slots=True)
class _Collector:
    snapshot: Mapping[str, object]
    milliseconds: bool

    def collect(self) -> Iterator[GaugeMetricFamily]:
        agent = str(self.snapshot["agent_id"])
        for name, key, scale, text in _GAUGES:
            gauge = GaugeMetricFamily(name, text, labels=["agent_id"])
            value = self.snapshot[key]
            if isinstance(value, (int, float)):
                gauge.add_metric([agent], value * scale)
            yield gauge
        yield self._latency("api_latency_seconds", "Time to an answer.", 1)
        if self.milliseconds:
            yield self._latency("api_latency_ms", "Milliseconds to an answer.", 1000)

    def _latency(self, name: str, text: str, scale: int) -> GaugeMetricFamily:
        latency = GaugeMetricFamily(name, text, labels=["agent_id", "endpoint"])
        told = self.snapshot["latencies"]
        endpoints = {"venue": self.snapshot["venue_latency"]} | (dict(told) if isinstance(told, Mapping) else {})
        for endpoint, value in endpoints.items():
            if isinstance(value, (int, float)):
                latency.add_metric([str(self.snapshot["agent_id"]), endpoint], value * scale)
        return latency


def prometheus_text(snapshot: Mapping[str, object], *, milliseconds: bool = False) -> bytes:
    """The snapshot that /metrics answers as JSON, as Prometheus text 0.0.4.

    `milliseconds`: also api_latency_ms, the name that the guide gives, which promtool would have in seconds.
    """
    return generate_latest(_Collector(snapshot, milliseconds))
