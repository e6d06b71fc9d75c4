"""Settings as one reads them, in the form of the file, with every secret as ••••."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.quantities import spell
from bot.settings.checks import passwords
from bot.settings.values import Settings, Slack, Spec, Telegram, Watched
from monitor.model import LossLimit

_MASK = "••••"


def masked(settings: Settings) -> str:
    """Write every setting that is in force, the defaults too, as valid TOML without secrets."""
    desk = {
        "database": _without_passwords(settings.database),
        "interval": spell(settings.interval),
        "currency": settings.currency,
        "timezone": str(settings.timezone),
        "false_pages": settings.false_pages,
        "dead_mans_switch": _host_only(settings.dead_mans_switch),
        "runbooks": settings.runbooks,
    }
    parts = [_table("[desk]", desk)]
    parts += [
        _table(f"[{type(each).__name__.lower()}]", _platform(each))
        for each in (settings.telegram, settings.slack)
        if each
    ]
    parts += [_table("[[people]]", {"name": each.name, "role": each.role, **each.ids}) for each in settings.people]
    parts += [_table("[[agents]]", _agent(each)) for each in settings.fleet]
    return "\n\n".join(parts)


def _without_passwords(url: str) -> str:
    for each in passwords(url):
        url = url.replace(each, _MASK)
    return url


def _host_only(url: str | None) -> str | None:
    """A ping address names its receiver in its path, which is as good as a key."""
    return None if url is None else f"{urlsplit(url).scheme}://{urlsplit(url).hostname}/{_MASK}"


def _platform(of: Telegram | Slack) -> Mapping[str, object]:
    return {name: getattr(of, name) for name in type(of).__dataclass_fields__}


def _agent(of: Watched) -> Mapping[str, object]:
    limits = of.agent.limits
    return {
        "id": of.agent.id,
        "labels": of.agent.labels or None,
        "source": _spec(of.source),
        "control": of.control and _spec(of.control),
        "drawdown_limit": "off" if limits.drawdown is None else _percent(limits.drawdown),
        "min_balance": limits.min_balance,
        "hard_loss_24h": _loss(limits.hard_loss),
        "heartbeat": spell(limits.heartbeat),
        "missed_polls": limits.missed_polls,
        "confirm_within": spell(limits.confirm_within),
        "interval": spell(of.agent.interval),
        "timeout": spell(of.timeout),
    }


def _spec(of: Spec) -> Mapping[str, object]:
    shown = {name: value for name, value in of.options.items() if not isinstance(value, SecretStr)}
    return {"kind": of.kind, **shown}


def _percent(share: float) -> str:
    return f"{share * 100:.10g}%"


def _loss(limit: LossLimit | None) -> str | float | None:
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
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)
