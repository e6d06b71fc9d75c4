"""Settings as one reads them, in the form of the file, with every secret as ••••."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.quantities import spell
from bot.settings.budgets import Budget
from bot.settings.checks import passwords
from bot.settings.schedule import Cron
from bot.settings.values import DigestPlan, Settings, Slack, Spec, Telegram, Watched
from monitor.alerts.plan import INHIBITS, Plan, Policy
from monitor.model import AmountOrShare, AutoStop, Samples, Severity

_MASK = "••••"


def masked(settings: Settings) -> str:
    """Write every setting that is in force, the defaults too, as valid TOML without secrets."""
    desk = {
        "database": _without_passwords(settings.database),
        "interval": spell(settings.interval),
        "currency": settings.currency,
        "timezone": str(settings.timezone),
        "false_pages": settings.budgets[-1].false_pages,
        "detector": settings.detector,
        "dead_mans_switch": _host_only(settings.dead_mans_switch),
        "dead_mans_every": spell(settings.dead_mans_every),
        "runbooks": settings.runbooks,
    }
    parts = [_table("[desk]", desk)]
    parts += [
        _table(f"[{type(each).__name__.lower()}]", _platform(each))
        for each in (settings.telegram, settings.slack)
        if each
    ]
    parts += [_table("[[people]]", {"name": each.name, "role": each.role, **each.ids}) for each in settings.people]
    own = {each.agents[0]: each.false_pages for each in settings.budgets if each.own}
    parts += [_table("[[agents]]", _agent(each, own.get(each.agent.id))) for each in settings.fleet]
    parts += [_table("[[budgets]]", _budget(each)) for each in settings.budgets if each.labels]
    parts += [_table("[rates]", {name: f"{rate:f}" for name, rate in settings.rates.items()})] if settings.rates else []
    parts.append(_table("[alerts]", _alerts(settings)))
    parts += [_table(f"[[{name}]]", each) for name, each in _telling(settings.alerting)]
    parts += [_table("[[channels]]", {"name": each.name, "url_env": each.url_env}) for each in settings.further]
    parts += [_table("[web]", {"listen": settings.web})] if settings.web else []
    parts += [_table("[drill]", {"cron": settings.drill.line})] if settings.drill else []
    parts += [_table("[[digests]]", _digest(each)) for each in settings.digests]
    return "\n\n".join(parts)


def _without_passwords(url: str) -> str:
    for each in passwords(url):
        url = url.replace(each, _MASK)
    return url


def _host_only(url: str | None) -> str | None:
    """A ping address names its receiver in its path, which is as good as a key."""
    return None if url is None else f"{urlsplit(url).scheme}://{urlsplit(url).hostname}/{_MASK}"


def _platform(of: Telegram | Slack) -> Mapping[str, object]:
    return _fields(of, *type(of).__dataclass_fields__)


def _agent(of: Watched, false_pages: str | None) -> Mapping[str, object]:
    limits = of.agent.limits
    return {
        "id": of.agent.id,
        "labels": of.agent.labels or None,
        "currency": of.currency,
        "source": _spec(of.source),
        **_controls(of),
        "if_unconfirmed": "take" if of.agent.take_next else None,
        "stops": [_stop(each) for each in of.agent.stops] or None,
        "venue_url": _host_only(of.agent.venue_url),
        "drawdown_limit": "off" if limits.drawdown is None else _percent(limits.drawdown),
        "min_balance": limits.min_balance,
        "hard_loss_24h": _loss(limits.hard_loss),
        "heartbeat": spell(limits.heartbeat),
        "missed_polls": limits.missed_polls,
        "confirm_within": spell(limits.confirm_within),
        "close_within": spell(limits.close_within),
        "decision_within": _or_off(limits.decision),
        "feed_within": _or_off(limits.feed),
        "frozen_within": _frozen(limits.frozen),
        "repeated_orders": "off" if limits.repeated_orders is None else limits.repeated_orders,
        "max_exposure": _loss(limits.exposure),
        "max_leverage": limits.leverage,
        "model_errors": "off" if limits.model_errors is None else _percent(limits.model_errors),
        "model_cost_1h": limits.model_cost,
        "unexplained": "off" if limits.unexplained is None else _loss(limits.unexplained),
        "settle": spell(limits.settle),
        "false_pages": false_pages,
        "detector": of.agent.detector,
        "interval": spell(of.agent.interval),
        "timeout": spell(of.timeout),
    }


def _controls(of: Watched) -> Mapping[str, object]:
    """As it was written: one table, or a list of them."""
    if len(of.controls) == 1 and of.controls[0].path[-1] == "control":
        return {"control": _spec(of.controls[0])}
    return {"controls": [_spec(each) for each in of.controls] or None}


def _stop(of: AutoStop) -> Mapping[str, object]:
    return {
        "when": of.when,
        "over": _loss(of.over),
        "lasting": spell(of.lasting),
        "notice": spell(of.notice),
        "cooldown": spell(of.cooldown),
        "dry_run": of.dry_run,
    }


def _spec(of: Spec) -> Mapping[str, object]:
    shown = {name: value for name, value in of.options.items() if not isinstance(value, SecretStr)}
    return {"kind": of.kind, **shown}


def _alerts(settings: Settings) -> Mapping[str, object]:
    plan = settings.alerting
    quiet = None if plan.quiet is None else f"{plan.quiet.starts:%H:%M}-{plan.quiet.ends:%H:%M}"
    return {
        "group_by": plan.group_by,
        "group_wait": spell(plan.group_wait),
        "group_window": spell(plan.group_window),
        "spread": plan.spread,
        "hold": spell(plan.hold),
        "lease": _or_off(plan.lease),
        "answer_within": spell(plan.answer_within),
        "flap_openings": plan.flap_openings,
        "flap_within": spell(plan.flap_within),
        "flap_stable": spell(plan.flap_stable),
        "more_after": spell(plan.more_after),
        "quiet_hours": quiet,
        "digest": settings.digest and settings.digest.time,
        "failover": plan.failover,
        "failover_after": spell(plan.failover_after),
        "default_inhibitions": _by_default(plan),
    }


def _by_default(plan: Plan) -> bool:
    return plan.inhibitions[: len(INHIBITS)] == INHIBITS


def _telling(plan: Plan) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The tables about telling, as the file has them: by the name of their array."""
    for route in plan.routes:
        yield "routes", {"severity": _grade(route.severity), "match": dict(route.match) or None, "to": route.to}
    for policy in plan.policies[:-1]:  # the last is the desk's own
        yield "policies", _policy(policy)
    for turn in plan.rotations:
        yield "rotations", {**_fields(turn, "name", "people", "every", "at", "start"), "timezone": str(turn.zone)}
    for window in plan.maintenance:
        cron = window.starts.line if isinstance(window.starts, Cron) else None
        head = {"name": window.name, "cron": cron, "duration": spell(window.duration)}
        yield "maintenance", {**head, "match": dict(window.match), "reason": window.reason}
    for each in plan.inhibitions[len(INHIBITS) if _by_default(plan) else 0 :]:
        sides = {"source": dict(each.source), "target": dict(each.target)}
        yield "inhibitions", {**sides, **_fields(each, "equal", "unless")}


def _policy(of: Policy) -> Mapping[str, object]:
    return {
        "name": of.name,
        "severity": _grade(of.severity),
        "match": dict(of.match) or None,
        "steps": [{"after": spell(each.after), "whom": each.whom, "to": each.to or None} for each in of.steps],
        "repeat": _or_off(of.repeat),
    }


def _budget(of: Budget) -> Mapping[str, object]:
    return {"labels": dict(of.labels), "false_pages": of.false_pages}


def _digest(of: DigestPlan) -> Mapping[str, object]:
    calendar = {"at": of.calendar.line, "timezone": str(of.calendar.zone)}
    return {**calendar, "channel": of.channel, "agents": dict(of.agents) or None}


def _fields(of: object, *names: str) -> Mapping[str, object]:
    return {name: getattr(of, name) for name in names}


def _grade(severity: Severity) -> str:
    return severity.name.lower()


def _frozen(of: float | Samples | None) -> str:
    return f"{of.many} samples" if isinstance(of, Samples) else _or_off(of)


def _or_off(seconds: float | None) -> str:
    return "off" if seconds is None else spell(seconds)


def _percent(share: float) -> str:
    return f"{share * 100:.10g}%"


def _loss(limit: AmountOrShare | None) -> str | float | None:
    if limit is None:
        return None
    return limit.amount if limit.share is None else _percent(limit.share)


def _table(head: str, values: Mapping[str, object]) -> str:
    return "\n".join([head, *_pairs(values)])


def _pairs(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if value is not None:
            yield f"{name if re.fullmatch('[A-Za-z0-9_-]+', name) else _toml(name)} = {_toml(value)}"


def _toml(value: object) -> str:
    if isinstance(value, SecretStr):
        return f'"{_MASK}"'
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_pairs(value))} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)
