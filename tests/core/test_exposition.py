from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitor.alerts.alert import Alert, State
from monitor.desk import AgentStatus
from monitor.exposition import Figures, prometheus_text
from monitor.model import Agent, Sample, Severity
from tests.stores import an_alert

FIGURES = Figures("0.1.0", uptime=12.5, well=True)
FULL = Sample(
    "alpha",
    1.0,
    paused=False,
    equity=1_250.5,
    balance=1_000.0,
    open_positions=2,
    pnl_24h=-3.5,
    win_rate=0.5,
    sharpe=1.5,
    max_drawdown=0.125,
    heartbeat_age=4.0,
    errors_1h=0,
    uptime=60.0,
    memory=0.25,
    cpu=0.5,
    venue_latency=0.25,
    poll_latency=0.004,
    paper=True,
    loop_lag=0.02,
    latencies=(("orders", 0.5),),
    venue_errors=0.125,
    rate_limit=0.5,
    clock_skew=-0.25,
    decision_age=8.0,
    decisions_1h=60,
    orders_1h=7,
    rejects_1h=1,
    repeated_orders=2,
    feed_age=0.5,
    model_latency=1.5,
    model_errors=0.25,
    tokens_1h=1_200,
    cost_1h=0.75,
    cost_24h=9.0,
    available=600.0,
    exposure=400.0,
    leverage=1.5,
    pnl_1h=-1.0,
    pnl_7d=12.0,
)


def status(sample: Sample | None, agent: str = "alpha") -> AgentStatus:
    paper = sample is not None and sample.paper is True
    return AgentStatus(Agent(agent), sample, sample, 0, 0, None, None, None, None, (), restarts_1h=3, paper=paper)


def read(text: bytes) -> dict[str, Metric]:
    return {each.name: each for each in text_string_to_metric_families(text.decode())}


def values(metric: Metric) -> dict[str, float]:
    return {",".join(each.labels.values()): each.value for each in metric.samples}


def test_an_agents_snapshot_has_the_guides_names_and_its_id() -> None:
    found = read(prometheus_text(FIGURES, [status(FULL)]))
    told = {name: values(metric) for name, metric in found.items() if not name.startswith("nightdesk_")}
    assert told == {
        "balance_usd": {"alpha": 1_000.0},
        "equity_usd": {"alpha": 1_250.5},
        "pnl_24h_usd": {"alpha": -3.5},
        "sharpe_ratio": {"alpha": 1.5},
        "max_drawdown_pct": {"alpha": 12.5},
        "win_rate_pct": {"alpha": 50.0},
        "open_positions": {"alpha": 2.0},
        "heartbeat_age_seconds": {"alpha": 4.0},
        "errors_1h": {"alpha": 0.0},
        "uptime_seconds": {"alpha": 60.0},
        "memory_used_pct": {"alpha": 25.0},
        "cpu_used_pct": {"alpha": 50.0},
        "paused": {"alpha": 0.0},
        "api_latency_seconds": {"alpha,venue": 0.25, "alpha,agent": 0.004, "alpha,orders": 0.5},
        "pnl_1h_usd": {"alpha": -1.0},
        "pnl_7d_usd": {"alpha": 12.0},
        "available_usd": {"alpha": 600.0},
        "exposure_usd": {"alpha": 400.0},
        "leverage": {"alpha": 1.5},
        "loop_lag_seconds": {"alpha": 0.02},
        "venue_errors_pct": {"alpha": 12.5},
        "venue_rate_limit_pct": {"alpha": 50.0},
        "venue_clock_skew_seconds": {"alpha": -0.25},
        "decision_age_seconds": {"alpha": 8.0},
        "decisions_1h": {"alpha": 60.0},
        "orders_1h": {"alpha": 7.0},
        "rejects_1h": {"alpha": 1.0},
        "repeated_orders": {"alpha": 2.0},
        "feed_age_seconds": {"alpha": 0.5},
        "model_latency_seconds": {"alpha": 1.5},
        "model_errors_pct": {"alpha": 25.0},
        "model_tokens_1h": {"alpha": 1_200.0},
        "model_cost_1h_usd": {"alpha": 0.75},
        "model_cost_24h_usd": {"alpha": 9.0},
        "restarts_1h": {"alpha": 3.0},
        "paper": {"alpha": 1.0},
    }
    assert set(found["balance_usd"].samples[0].labels) == {"agent_id"}
    assert set(found["api_latency_seconds"].samples[0].labels) == {"agent_id", "endpoint"}


def test_no_series_comes_twice_whatever_an_agent_calls_its_endpoints() -> None:
    named = replace(FULL, latencies=(("agent", 9.0), ("orders", 0.5), ("venue", 9.0)))
    samples = read(prometheus_text(FIGURES, [status(named)]))["api_latency_seconds"].samples
    assert [(each.labels["endpoint"], each.value) for each in samples] == [
        *(("venue", 0.25), ("agent", 0.004), ("orders", 0.5)),
    ]


def test_the_guides_milliseconds_are_there_for_whoever_asks() -> None:
    assert "api_latency_ms" not in read(prometheus_text(FIGURES, [status(FULL)]))
    found = read(prometheus_text(FIGURES, [status(FULL)], milliseconds=True))
    assert values(found["api_latency_ms"]) == {"alpha,venue": 250.0, "alpha,agent": 4.0, "alpha,orders": 500.0}


def test_money_is_named_after_the_currency_that_it_is_in() -> None:
    found = read(prometheus_text(FIGURES, [status(FULL)], "EUR"))
    assert {"balance_eur", "equity_eur", "pnl_24h_eur"} <= found.keys()
    assert not any(name.endswith("_usd") for name in found)


def test_what_is_unknown_has_no_sample() -> None:
    gone = Sample("beta", 1.0, error="it does not answer")
    found = read(prometheus_text(FIGURES, [status(FULL), status(gone, "beta"), status(None, "gamma")]))
    assert values(found["nightdesk_agent_up"]) == {"alpha": 1.0, "beta": 0.0}
    assert values(found["balance_usd"]) == {"alpha": 1_000.0}
    for name in ("nightdesk_undelivered", "nightdesk_oldest_undelivered_seconds", "nightdesk_deadman_ping_age_seconds"):
        assert found[name].samples == []


def test_the_desks_own_figures_are_told() -> None:
    alerts = [
        an_alert(),
        an_alert("beta"),
        replace(an_alert("gamma", severity=Severity.WARN), state=State.ACKNOWLEDGED),
    ]
    figures = replace(
        FIGURES,
        well=False,
        ticks_late=3,
        dropped=2,
        alerts=alerts,
        incidents=2,
        undelivered=5,
        oldest=61.5,
        dead_letters=1,
        chats={"telegram": False, "slack": True},
        heard={"telegram": 90.0, "slack": None},
        drift=2.5,
        pinged=30.0,
        times={"notify": (4, 2.5)},
    )
    found = {name: values(metric) for name, metric in read(prometheus_text(figures, [])).items()}
    assert found["nightdesk_healthy"] == {"": 0.0}
    assert found["nightdesk_ticks_late"] == {"": 3.0}
    assert found["nightdesk_observations_dropped"] == {"": 2.0}
    assert found["nightdesk_alerts"] == {"critical,firing": 2.0, "warn,acknowledged": 1.0}
    assert (found["nightdesk_incidents"], found["nightdesk_undelivered"]) == ({"": 2.0}, {"": 5.0})
    assert (found["nightdesk_oldest_undelivered_seconds"], found["nightdesk_dead_letters"]) == ({"": 61.5}, {"": 1.0})
    assert found["nightdesk_chat_up"] == {"telegram": 0.0, "slack": 1.0}
    assert found["nightdesk_chat_heard_seconds"] == {"telegram": 90.0}
    assert found["nightdesk_clock_drift_seconds"] == {"": 2.5}
    assert found["nightdesk_build_info"] == {"0.1.0": 1.0}
    summary = read(prometheus_text(figures, []))["nightdesk_time_to_notify_seconds"]
    assert {each.name: each.value for each in summary.samples} == {
        "nightdesk_time_to_notify_seconds_count": 4.0,
        "nightdesk_time_to_notify_seconds_sum": 2.5,
    }


@given(
    st.text(max_size=20),
    st.floats() | st.none(),
    st.lists(st.sampled_from(State), max_size=4),
)
def test_whatever_an_agent_is_called_and_reports_the_text_can_be_read_back(
    name: str, balance: float | None, states: list[State]
) -> None:
    alerts: list[Alert] = [replace(an_alert(), state=each) for each in states]
    sample = Sample(name, 1.0, balance=balance)
    text = prometheus_text(replace(FIGURES, version=name, alerts=alerts), [status(sample, name)])
    found = read(text)["balance_usd"].samples
    assert len(found) == (balance is not None)
    for each in found:
        assert each.labels == {"agent_id": name}
        assert each.value == balance or (math.isnan(each.value) and math.isnan(balance or 0.0))
