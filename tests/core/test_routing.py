from __future__ import annotations

import pytest

from monitor.alerts.plan import Plan, Route
from monitor.alerts.routing import channels, usual
from monitor.model import Severity

BOTH = ("console", "telegram", "slack")


@pytest.mark.parametrize(
    ("severity", "platforms", "told"),
    [
        (Severity.INFO, BOTH, ()),
        (Severity.WARN, BOTH, ("console", "telegram")),
        (Severity.CRITICAL, BOTH, BOTH),
        (Severity.WARN, ("slack",), ("slack",)),
        (Severity.WARN, ("console",), ("console",)),
        (Severity.CRITICAL, (), ()),
        (Severity.CRITICAL, ("telegram", "telegram:-1001", "phone"), ("telegram",)),
        (Severity.CRITICAL, ("phone",), ("phone",)),
    ],
)
def test_each_severity_goes_where_the_guide_says(
    severity: Severity, platforms: tuple[str, ...], told: tuple[str, ...]
) -> None:
    assert usual(severity, platforms) == told


def test_the_first_route_that_fits_is_the_one_and_names_only_what_is_set_up() -> None:
    routes = (
        Route(("phone", "slack", "slack"), Severity.CRITICAL, (("rule", "hard_loss|drawdown"),)),
        Route(("telegram:-1001",), Severity.INFO, (("team", "perps"),)),
    )
    plan = Plan(("telegram", "slack", "telegram:-1001"), routes)
    perps, spot = {"team": "perps", "rule": "drawdown"}, {"rule": "drawdown"}
    assert channels(Severity.CRITICAL, perps, plan) == ("slack",)
    assert channels(Severity.INFO, perps, plan) == ("telegram:-1001",)
    assert channels(Severity.WARN, spot, plan) == ("telegram",)


def test_a_route_that_leads_nowhere_is_no_reason_to_tell_nobody() -> None:
    plan = Plan(("telegram",), (Route(("slack",)),))
    assert channels(Severity.CRITICAL, {"rule": "drawdown"}, plan) == ("telegram",)
