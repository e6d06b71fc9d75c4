"""What the tables about telling may hold: grouping, routes, escalation, rotations, maintenance, further channels."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool

from bot.quantities import Hours, Span, SpanOrOff, TimeOfDay, Wait, shown, whole, within
from bot.settings.schedule import CronLine, HourlyLine
from bot.settings.texts import Listen, Name, Table, TimeZone, text
from monitor.alerts.plan import Plan

_PLAN = Plan(())
"""What is not written is as the core has it."""
_MOST = 100
"""Names in one list."""
_LONGEST = 1_000
"""Characters of a value that alerts are matched by."""


def _texts(value: object) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) and each.isprintable() for each in found):
        raise ValueError(f'{shown(value)} is not a list of names: write ["one", "another"].')
    if len(found) > _MOST or any(not each or len(each) > _LONGEST for each in found):
        raise ValueError(f"a list holds at most {_MOST} names of 1 to {_LONGEST} characters.")
    return tuple(found)


def _some(value: object) -> tuple[str, ...]:
    found = _texts(value)
    if not found:
        raise ValueError("an empty list leads nowhere: name at least one.")
    return found


def _match(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f'{shown(value)} is not a table: write {{ venue = "binance" }}.')  # noqa: TRY004 -- pydantic lets a TypeError through
    for name, one in value.items():
        if not isinstance(one, str) or not one.strip() or len(one) > _LONGEST or not one.isprintable():
            raise ValueError(f'{shown(name)} = {shown(one)} matches nothing: write a text, several like "one|another".')
    return value


def _places(value: object) -> int:
    many = whole(0, 1000)(value)
    if many == 1:
        raise ValueError("1 place alone is nothing that spreads: write 2 or more, or 0 for never.")
    return many


def _variable(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]{0,127}", value):
        # It may be the secret itself, so it is not shown.
        raise ValueError("write the name of an environment variable: A-Z, 0-9 and _.")
    return value


def _date(value: object) -> dt.date:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ValueError(f"{shown(value)} is not a date: write it like 2026-01-05, without quotes.")  # noqa: TRY004 -- pydantic lets a TypeError through
    return value


def _in_order(value: object) -> object:
    """Steps one after the other; what each of them holds is judged by its own table."""
    steps = value if isinstance(value, list) else []
    read = within(0.0, _LAST_STEP)
    try:
        times = [read(each.get("after", 0)) for each in steps if isinstance(each, dict)]
    except ValueError:
        return value
    if times != sorted(times):
        raise ValueError("the steps are not in the order of their times: sort them by after.")
    return value


_LAST_STEP = 30 * 86_400.0
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Some = Annotated[tuple[str, ...], BeforeValidator(_some)]
Match = Annotated[dict[str, str], BeforeValidator(_match)]
Grade = Literal["info", "warn", "critical"]
ChannelName = Annotated[
    str, text(r"[a-z][a-z0-9_-]{0,31}", "is not a channel's name: use a-z, 0-9, - and _, at most 32 characters.")
]
OneChannel = Annotated[
    str, text(r"[^\x00-\x20]{1,64}", 'is not a channel: write it like "telegram" or "slack:C0123456789".')
]
Variable = Annotated[str, BeforeValidator(_variable)]
Reason = Annotated[str, text(r"[^\x00-\x1f]{1,200}", "is not a reason: write at most 200 characters in one line.")]


class AlertsTable(Table):
    """[alerts]."""

    group_by: Texts = _PLAN.group_by
    group_wait: Wait = 5.0
    group_window: Wait = _PLAN.group_window
    spread: Annotated[int, BeforeValidator(_places)] = _PLAN.spread
    hold: Wait = _PLAN.hold
    lease: SpanOrOff = _PLAN.lease
    answer_within: Span = _PLAN.answer_within
    flap_openings: Annotated[int, BeforeValidator(whole(2, 1000))] = _PLAN.flap_openings
    flap_within: Span = _PLAN.flap_within
    flap_stable: Span = _PLAN.flap_stable
    more_after: Wait = _PLAN.more_after
    quiet_hours: Hours | None = None
    digest: TimeOfDay | None = None
    failover: Texts = ()
    failover_after: Span = _PLAN.failover_after
    default_inhibitions: StrictBool = True


class RouteTable(Table):
    """[[routes]]."""

    severity: Grade = "warn"
    rule: Some | None = None
    agent: Some | None = None
    match: Match = Field(default_factory=dict)
    to: Some


class StepTable(Table):
    """One step of a policy."""

    after: Annotated[float, BeforeValidator(within(0.0, _LAST_STEP))] = 0.0
    whom: Some = ("duty",)
    to: Texts = ()


class PolicyTable(Table):
    """[[policies]]."""

    name: Name
    severity: Grade = "critical"
    rule: Some | None = None
    agent: Some | None = None
    match: Match = Field(default_factory=dict)
    steps: Annotated[tuple[StepTable, ...], BeforeValidator(_in_order)]
    repeat: SpanOrOff = 1_800.0


class RotationTable(Table):
    """[[rotations]]."""

    name: Name
    people: Texts
    every: Literal["daily", "weekly"] = "weekly"
    at: TimeOfDay = dt.time(9)
    timezone: TimeZone | None = None
    start: Annotated[dt.date, BeforeValidator(_date)]


class MaintenanceTable(Table):
    """[[maintenance]]."""

    name: Name
    cron: CronLine
    duration: Annotated[float, BeforeValidator(within(60.0, 7 * 86_400.0))]
    rule: Some | None = None
    agent: Some | None = None
    match: Match = Field(default_factory=dict)
    reason: Reason = "maintenance"


class InhibitionTable(Table):
    """[[inhibitions]]."""

    source: Match
    target: Match = Field(default_factory=dict)
    equal: Texts = ("agent",)
    unless: Texts = ()


class ChannelTable(Table):
    """[[channels]]."""

    name: ChannelName
    url_env: Variable


class WebTable(Table):
    """[web]."""

    listen: Listen = "127.0.0.1:8485"


class DrillTable(Table):
    """[drill]."""

    cron: CronLine | None = None


class DigestTable(Table):
    """[[digests]]."""

    at: HourlyLine
    timezone: TimeZone | None = None
    channel: OneChannel | None = None
    agents: Match = Field(default_factory=dict)
