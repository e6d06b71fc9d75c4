"""What each table of nightdesk.toml may hold, and what is said of anything else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from bot.quantities import (
    Bound,
    BoundOrOff,
    Count,
    CountOrOff,
    DrawdownLimit,
    Interval,
    Loss,
    Money,
    Ratio,
    SamplesOrSpanOrOff,
    ShareOrOff,
    Span,
    SpanOrOff,
    TelegramId,
    Timeout,
    Wait,
    shown,
)
from bot.settings.alerting import (
    AlertsTable,
    ChannelTable,
    DigestTable,
    DrillTable,
    InhibitionTable,
    MaintenanceTable,
    PolicyTable,
    RotationTable,
    RouteTable,
    WebTable,
)
from bot.settings.budgets import BudgetTable, Detector, FalsePages
from bot.settings.checks import Problem, is_secret
from bot.settings.lines import Path
from bot.settings.texts import (
    AgentId,
    ConsoleId,
    Currency,
    Labels,
    Listen,
    Name,
    PathText,
    Rate,
    SlackChannel,
    SlackId,
    Table,
    TimeZone,
    Url,
    nearest,
    text,
)
from monitor.model import Limits

_LIMITS = Limits()
"""What is not written is as the core has it."""
_EXAMPLES = {
    "id": '"alpha"',
    "source": '{ kind = "http", url = "http://127.0.0.1:9001" }',
    "kind": '"http"',
    "name": '"ana"',
    "role": '"operator"',
    "chat": "-1001234567890",
    "url": '"http://127.0.0.1:9001"',
    "url_env": '"PHONE_URL"',
    "to": '["telegram"]',
    "people": '["ana", "ben"]',
    "start": "2026-01-05",
    "cron": '"0 3 * * sun"',
    "at": '"0 8 * * *"',
    "duration": '"1h"',
    "when": '"drawdown"',
    "steps": '[{ after = "5m", whom = ["duty"] }]',
    "labels": '{ team = "spot" }',
    "false_pages": '"3 per week"',
    "inhibitions.source": '{ rule = "agent_unreachable" }',
    "channels.name": '"phone"',
    "policies.name": '"night"',
    "rotations.name": '"main"',
    "maintenance.name": '"weekend"',
}


class DeskTable(Table):
    """[desk]."""

    database: PathText = "nightdesk.db"
    interval: Interval = 30.0
    currency: Currency = "USD"
    timezone: TimeZone = dt.UTC
    false_pages: FalsePages = "3 per week"
    detector: Detector = "budget"
    dead_mans_switch: Url | None = None
    dead_mans_every: Span = 60.0
    runbooks: PathText | None = None


class TelegramTable(Table):
    """[telegram]."""

    chat: TelegramId
    topic: TelegramId | None = None
    base_url: Url = "https://api.telegram.org/bot"


class SlackTable(Table):
    """[slack]."""

    channel: SlackChannel | None = None
    mode: Literal["socket", "http", "webhook"] = "socket"
    base_url: Url = "https://slack.com/api/"
    listen: Listen = "127.0.0.1:8484"


class PersonTable(Table):
    """[[people]]."""

    name: Name
    role: Literal["viewer", "operator", "admin"]
    telegram: TelegramId | None = None
    slack: SlackId | None = None
    console: ConsoleId | None = None


class SpecTable(BaseModel):
    """How to reach an agent: a kind, and options that the kind itself judges."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: Annotated[str, text(r"[a-z][a-z0-9_]{0,31}", 'is not a kind: write it like "http".')]
    timeout: Timeout | None = None


class StopTable(Table):
    """One of `stops` of an agent: a pause without a person."""

    when: Literal["drawdown", "daily_loss", "unacknowledged"]
    over: Loss | None = None
    lasting: Span = 600.0
    notice: Wait = 30.0
    cooldown: Wait = 3_600.0
    dry_run: StrictBool = False

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.when == "unacknowledged":
            if self.over is not None:
                raise ValueError('over means nothing for "unacknowledged": write lasting = "10m".')
        elif self.over is None:
            raise ValueError(f'"{self.when}" needs its bound: write over = "25%".')
        elif self.when == "drawdown" and self.over.share is None:
            raise ValueError('a drawdown is a share of the peak: write over = "25%".')
        elif self.over.amount is not None and self.over.amount < 1:
            raise ValueError(f'{self.over.amount:g} in money stops at nothing: write a share like over = "5%".')
        return self


class AgentTable(Table):
    """[[agents]]."""

    id: AgentId
    labels: Labels = Field(default_factory=dict)
    source: SpecTable
    control: SpecTable | None = None
    controls: tuple[SpecTable, ...] = ()
    if_unconfirmed: Literal["offer", "take"] = "offer"
    stops: tuple[StopTable, ...] = ()
    venue_url: Url | None = None
    drawdown_limit: DrawdownLimit = 0.15
    min_balance: Money | None = None
    hard_loss_24h: Loss | None = None
    heartbeat: Span = 300.0
    missed_polls: Count = 2
    confirm_within: Span = 15.0
    close_within: Span = _LIMITS.close_within
    decision_within: SpanOrOff = _LIMITS.decision
    feed_within: SpanOrOff = _LIMITS.feed
    frozen_within: SamplesOrSpanOrOff = _LIMITS.frozen
    repeated_orders: CountOrOff = _LIMITS.repeated_orders
    max_exposure: Bound | None = None
    max_leverage: Ratio | None = None
    model_errors: ShareOrOff = _LIMITS.model_errors
    model_cost_1h: Money | None = None
    unexplained: BoundOrOff = _LIMITS.unexplained
    settle: Span = _LIMITS.settle
    false_pages: FalsePages | None = None
    detector: Detector | None = None
    interval: Interval | None = None
    timeout: Timeout = 5.0
    currency: Currency | None = None


class FileTable(Table):
    """The whole file."""

    desk: DeskTable = DeskTable()
    telegram: TelegramTable | None = None
    slack: SlackTable | None = None
    people: tuple[PersonTable, ...] = ()
    agents: tuple[AgentTable, ...] = ()
    alerts: AlertsTable = AlertsTable()
    routes: tuple[RouteTable, ...] = ()
    policies: tuple[PolicyTable, ...] = ()
    rotations: tuple[RotationTable, ...] = ()
    maintenance: tuple[MaintenanceTable, ...] = ()
    inhibitions: tuple[InhibitionTable, ...] = ()
    channels: tuple[ChannelTable, ...] = ()
    web: WebTable | None = None
    rates: dict[Currency, Rate] = Field(default_factory=dict)
    drill: DrillTable = DrillTable()
    digests: tuple[DigestTable, ...] = ()
    budgets: tuple[BudgetTable, ...] = ()


def explain(error: ValidationError, model: type[BaseModel], at: Path = ()) -> list[Problem]:
    """Say what a model refused, one problem each; `at` is the path of the table that the model read."""
    return [
        Problem((*at, *each["loc"]), _sentence(each["type"], each["loc"], each.get("input"), each["msg"], model))
        for each in error.errors(include_url=False)
    ]


def _sentence(kind: str, loc: Path, value: object, message: str, model: type[BaseModel]) -> str:
    name = str(loc[-1]) if loc else ""
    if kind == "missing":
        example = _EXAMPLES.get(f"{loc[0]}.{name}") or _EXAMPLES.get(name)
        return f"is missing: write {name} = {example}." if example else "is missing."
    if kind == "extra_forbidden":
        known = _names(model, loc[:-1])
        near = nearest(name, known)
        return (
            f'is not a setting: did you mean "{near}"?' if near else f"is not a setting: known are {', '.join(known)}."
        )
    if kind == "literal_error":
        return f"{shown(value)} is none of {', '.join(_choices(model, loc))}."
    said = message.removeprefix("Value error, ")
    if kind in {"value_error", "assertion_error"}:
        return said
    hidden = is_secret(name) or not isinstance(value, str | int | float)
    return f"{said}." if hidden else f"{shown(value)} does not fit: {said}."


def _choices(model: type[BaseModel], loc: Path) -> list[str]:
    """What may be written at `loc`, where a few words are all that may."""
    field = _model_at(model, loc[:-1]).model_fields.get(str(loc[-1]))
    return [str(each) for each in get_args(field.annotation if field else None)]


def _names(model: type[BaseModel], loc: Path) -> list[str]:
    """The names that may be written in the table at `loc`."""
    return [field.alias or name for name, field in _model_at(model, loc).model_fields.items()]


def _model_at(model: type[BaseModel], loc: Path) -> type[BaseModel]:
    """The model that reads the table at `loc`."""
    for part in loc:
        field = None if isinstance(part, int) else model.model_fields.get(part)
        if field is not None:
            model = next(_models(field.annotation), model)
    return model


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)
