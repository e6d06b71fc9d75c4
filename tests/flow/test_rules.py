"""Every rule fires, pages once, survives a restart, clears and tells of its recovery."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor import rule
from monitor.alerts.alert import State
from monitor.model import Agent, Check, Limits, Severity
from tests.flow.night import Night, Obedient, night

VENUE_DOWN = (Check("venue", False, "answered HTTP 500"), Check("memory", True))
VENUE_UP = (Check("venue", True), Check("memory", True))


@dataclass(frozen=True)
class Story:
    rule: str
    severity: Severity
    breach: dict[str, Any]
    """What the agent says while it is wrong."""
    clear: dict[str, Any]
    """What it says when it is well again."""
    nearly: dict[str, Any] | None
    """What is not yet well enough to clear, None where there is no hysteresis."""
    reason: str
    """Part of the page's sentence."""
    recovered: str
    breaches: int = 1
    """Samples until it fires."""
    clears: int = 1
    """Samples until it clears."""
    order: str | None = None
    labels: tuple[tuple[str, str], ...] = field(default=())


ELSEWHERE = {
    "poor_figures": "test_figures.py",
    "unexplained": "test_reconciliation.py",
    **dict.fromkeys(("shock", "spike", "burst", "bleed", "edge", "anomaly"), "test_detection.py"),
}
"""Rules that are not about a single sample -> where their stories are."""

STORIES = [
    Story(
        "agent_unreachable",
        Severity.CRITICAL,
        {"error": "connection refused"},
        {},
        None,
        "alpha does not answer: connection refused",
        "alpha answers again",
        breaches=2,
    ),
    Story(
        "health_degraded",
        Severity.WARN,
        {"checks": VENUE_DOWN},
        {"checks": VENUE_UP},
        None,
        "alpha fails its venue check: answered HTTP 500",
        "alpha passes the check again",
        clears=2,
        labels=(("check", "venue"),),
    ),
    Story(
        "strategy_stalled",
        Severity.WARN,
        {"heartbeat_age": 301.0},
        {"heartbeat_age": 2.0},
        None,
        "alpha has not acted for 301 s (limit 300 s)",
        "alpha acts again",
    ),
    Story(
        "drawdown",
        Severity.CRITICAL,
        {"equity": 8_400.0},
        {"equity": 8_900.0},
        {"equity": 8_700.0},
        "alpha is 16.0% below its peak (limit 15.0%)",
        "alpha is back within its drawdown limit",
    ),
    Story(
        "hard_loss",
        Severity.CRITICAL,
        {"pnl_24h": -6_000.0},
        {"pnl_24h": -100.0},
        {"pnl_24h": -4_200.0},
        "alpha lost 6,000.00 (37.5% of equity) in 24 h, limit 4,800.00",
        "alpha is back within its loss limit",
    ),
    Story(
        "low_balance",
        Severity.WARN,
        {"balance": 99.0},
        {"balance": 103.0},
        {"balance": 101.0},
        "alpha has a balance of 99.00 (minimum 100.00)",
        "alpha has enough balance again",
    ),
    Story(
        "order_unconfirmed",
        Severity.CRITICAL,
        {"paused": False},
        {"paused": True},
        None,
        "alpha reports running, though ana ordered pause",
        "alpha does as ordered",
        order="pause",
    ),
    Story(
        "no_decisions",
        Severity.WARN,
        {"decision_age": 3_700.0},
        {"decision_age": 5.0},
        None,
        "alpha ticks and has not decided anything for 3,700 s (limit 3,600 s)",
        "alpha decides again",
        breaches=2,
    ),
    Story(
        "repeated_orders",
        Severity.CRITICAL,
        {"repeated_orders": 12},
        {"repeated_orders": 4},
        {"repeated_orders": 5},
        "alpha sent the same order 12 times within 10 min (limit 10)",
        "alpha repeats no order any more",
    ),
    Story(
        "stale_feed",
        Severity.WARN,
        {"feed_age": 130.0},
        {"feed_age": 2.0},
        {"feed_age": 61.0},
        "the newest market data of alpha is 130 s old (limit 120 s)",
        "alpha has fresh market data again",
        breaches=2,
    ),
    Story(
        "over_exposed",
        Severity.CRITICAL,
        {"exposure": 21_000.0},
        {"exposure": 18_000.0},
        {"exposure": 19_500.0},
        "alpha has positions worth 21,000.00 (declared 20,000.00)",
        "alpha is within what was declared",
        labels=(("kind", "exposure"),),
    ),
    Story(
        "model_trouble",
        Severity.WARN,
        {"model_errors": 0.6},
        {"model_errors": 0.3},
        {"model_errors": 0.45},
        "60% of the last calls of the model of alpha failed (limit 50%)",
        "alpha has a sound model again",
        labels=(("kind", "errors"),),
    ),
    Story(
        "stale",
        Severity.WARN,
        {"equity": 10_050.0, "open_positions": 1},
        {"equity": 10_060.0, "open_positions": 1},
        None,
        "the equity of alpha has stood at 10,050.00 for 1.5 min with 1 open (limit 1.5 min)",
        "alpha has an equity that moves again",
        breaches=4,
    ),
]


def test_every_rule_about_an_agent_has_its_story() -> None:
    told = {story.rule for story in STORIES} | set(ELSEWHERE)
    assert told == {key for key, each in rule.discover().items() if not each.desk}
    for key, file in ELSEWHERE.items():
        assert f'"{key}"' in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.rule)
async def test_a_rule_fires_pages_once_survives_a_restart_clears_and_tells(story: Story, tmp_path: Path) -> None:
    async with night(
        tmp_path,
        controls={"alpha": Obedient()},
        change=lambda agent: Agent(agent.id, limits=_hasty(agent)) if story.order else agent,
    ) as desk:
        if story.order:
            await desk.desk.order("alpha", story.order, "ana")
        for count in range(story.breaches):
            assert desk.pages() == []
            await desk.see(**story.breach)
            assert (len(desk.pages()) == 1) == (count + 1 == story.breaches)
        (alert,) = desk.desk.alerts()
        assert (alert.rule, alert.severity, alert.labels) == (story.rule, story.severity, story.labels)
        assert story.reason in alert.reason
        assert story.reason in desk.chat.sent[0][1].text

        await desk.see(**story.breach)
        await desk.restart()
        for says in (story.breach, story.nearly, story.breach):
            if says is not None:
                await desk.see(**says)
        (again,) = desk.desk.alerts()
        assert (again.id, again.state, desk.pages()) == (alert.id, State.FIRING, [])

        await _clear(desk, story)
        over = await desk.store.alert(alert.id)
        assert over is not None
        assert over.state is State.RESOLVED
        assert [story.recovered in title for title in desk.pages()] == [True]
        assert "resolved" in desk.chat.edits[-1][1].title
        kinds = [event.kind for event in await desk.store.events(alert.id)]
        assert [kind for kind in kinds if kind != "opened"] == ["fired", "paged", "resolved"]


async def _clear(desk: Night, story: Story) -> None:
    for count in range(story.clears):
        assert len(desk.desk.alerts()) == 1, f"cleared after {count} of {story.clears}"
        await desk.see(**story.clear)
    assert desk.desk.alerts() == ()


def _hasty(agent: Agent) -> Limits:
    return replace(agent.limits, confirm_within=0.05)


@pytest.mark.parametrize("key", sorted(rule.discover()))
async def test_every_rule_has_a_runbook(key: str, tmp_path: Path) -> None:
    async with night(tmp_path, seen_before=False) as desk:
        assert len(desk.desk.runbooks[key].steps) >= 3


async def test_two_failing_checks_are_two_alerts_and_a_check_that_vanishes_is_over(tmp_path: Path) -> None:
    both = (Check("venue", False, "HTTP 500"), Check("memory", False, "97 % full"))
    async with night(tmp_path) as desk:
        await desk.see(checks=both)
        assert {alert.labels for alert in desk.desk.alerts()} == {(("check", "venue"),), (("check", "memory"),)}
        for _ in range(2):
            await desk.see(checks=(Check("venue", False, "HTTP 500"),))
        assert [alert.labels for alert in desk.desk.alerts()] == [(("check", "venue"),)]


async def test_a_hard_loss_is_measured_by_the_desk_too_and_a_deposit_does_not_hide_it(tmp_path: Path) -> None:
    async with night(tmp_path) as desk:
        desk.clock.time += 1
        await desk.desk.record_flow("alpha", Decimal(5_000), "ana", desk.clock.now())
        await desk.see(equity=15_000.0)
        assert desk.desk.alerts() == ()
        await desk.see(equity=10_000.0)
        alerts = {alert.rule: alert for alert in desk.desk.alerts()}
        assert "alpha lost 5,000.00" in alerts["hard_loss"].reason
        assert "33.3% below its peak" in alerts["drawdown"].reason


async def test_what_an_order_causes_is_no_news(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Obedient()}, change=lambda a: Agent(a.id, limits=_hasty(a))) as desk:
        await desk.desk.order("alpha", "pause", "ana")
        await desk.see(paused=True, heartbeat_age=5_000.0, checks=(Check("strategy", False, "stale"),))
        assert desk.desk.alerts() == ()
        assert desk.pages() == []


async def test_an_agent_that_stops_obeying_a_confirmed_pause_is_an_alert(tmp_path: Path) -> None:
    async with night(tmp_path, controls={"alpha": Obedient()}, change=lambda a: Agent(a.id, limits=_hasty(a))) as desk:
        await desk.desk.order("alpha", "pause", "ana")
        await desk.see(paused=True)
        assert desk.desk.alerts() == ()
        await desk.restart()
        await desk.see(paused=False)
        assert [alert.rule for alert in desk.desk.alerts()] == ["order_unconfirmed"]
