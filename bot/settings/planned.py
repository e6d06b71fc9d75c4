"""What the tables about telling say becomes the plan of the alerting core."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from bot.settings.alerting import DigestTable, MaintenanceTable, PolicyTable, RotationTable, RouteTable, StepTable
from bot.settings.schedule import Calendar, Cron
from bot.settings.tables import FileTable
from bot.settings.values import DigestPlan
from monitor.alerts.plan import ESCALATES, INHIBITS, Inhibition, Maintenance, Plan, Policy, Quiet, Rotation, Route, Step
from monitor.alerts.silence import Matchers
from monitor.model import Severity

LATE = 3_600.0
"""Seconds after its time at which a digest or a drill that was missed is still made up for."""


def planned(table: FileTable) -> Plan:
    """The plan as the file has it, for no channels yet."""
    alerts, zone = table.alerts, table.desk.timezone
    given = tuple(
        Inhibition(_all(each.source), _all(each.target), each.equal, each.unless) for each in table.inhibitions
    )
    return Plan(
        channels=(),
        routes=tuple(Route(each.to, Severity[each.severity.upper()], _matchers(each)) for each in table.routes),
        policies=(*(_policy(each) for each in table.policies), ESCALATES),
        inhibitions=(*INHIBITS, *given) if alerts.default_inhibitions else given,
        maintenance=tuple(_maintenance(each, zone) for each in table.maintenance),
        rotations=tuple(_rotation(each, zone) for each in table.rotations),
        people={each.name: each.role for each in table.people},
        quiet=None if alerts.quiet_hours is None else Quiet(*alerts.quiet_hours, zone),
        group_by=alerts.group_by,
        group_wait=alerts.group_wait,
        group_window=alerts.group_window,
        more_after=alerts.more_after,
        spread=alerts.spread,
        hold=alerts.hold,
        flap_openings=alerts.flap_openings,
        flap_within=alerts.flap_within,
        flap_stable=alerts.flap_stable,
        lease=alerts.lease,
        answer_within=alerts.answer_within,
        failover=alerts.failover,
        failover_after=alerts.failover_after,
    )


def daily(at: dt.time | None, zone: dt.tzinfo) -> Cron | None:
    """Each day at a time; None when none is given."""
    return None if at is None else Cron(f"{at.minute} {at.hour} * * *", zone, LATE)


def digest_plan(of: DigestTable, zone: dt.tzinfo) -> DigestPlan:
    """A digest as the file has it; `zone`: the desk's."""
    return DigestPlan(Calendar(of.at, of.timezone or zone), of.channel, _all(of.agents))


def _all(match: Mapping[str, str]) -> Matchers:
    return tuple(match.items())


def _matchers(of: RouteTable | PolicyTable | MaintenanceTable) -> Matchers:
    lists = {"rule": of.rule, "agent": of.agent}
    return (*((name, "|".join(each)) for name, each in lists.items() if each is not None), *_all(of.match))


def _policy(of: PolicyTable) -> Policy:
    steps = tuple(_step(each) for each in of.steps)
    return Policy(of.name, steps, of.repeat if steps else None, Severity[of.severity.upper()], _matchers(of))


def _step(of: StepTable) -> Step:
    return Step(of.after, of.whom, of.to)


def _rotation(of: RotationTable, zone: dt.tzinfo) -> Rotation:
    return Rotation(of.name, of.people, of.every, of.at, of.timezone or zone, of.start)


def _maintenance(of: MaintenanceTable, zone: dt.tzinfo) -> Maintenance:
    return Maintenance(of.name, _matchers(of), of.duration, of.reason, Cron(of.cron, zone, of.duration))
