"""What each table of nightdesk.toml may hold, and what is said of anything else."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import zoneinfo
from collections.abc import Collection, Iterator
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from bot.quantities import Count, DrawdownLimit, Interval, Loss, Money, Span, TelegramId, Timeout, shown
from bot.settings.checks import Problem, is_secret
from bot.settings.lines import Path

_EXAMPLES = {
    "id": '"alpha"',
    "source": '{ kind = "http", url = "http://127.0.0.1:9001" }',
    "kind": '"http"',
    "name": '"ana"',
    "role": '"operator"',
    "chat": "-1001234567890",
    "url": '"http://127.0.0.1:9001"',
}


def _text(pattern: str, sentence: str) -> BeforeValidator:
    """Take a text that matches the whole pattern; the sentence says what to write instead."""
    matches = re.compile(pattern)

    def read(value: object) -> str:
        if not isinstance(value, str) or not matches.fullmatch(value):
            raise ValueError(f"{shown(value)} {sentence}")
        return value

    return BeforeValidator(read)


def _time_zone(value: object) -> dt.tzinfo:
    if value == "UTC":
        return dt.UTC
    try:
        return zoneinfo.ZoneInfo(value if isinstance(value, str) else "")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = _nearest(str(value), zoneinfo.available_timezones())
        hint = f'did you mean "{near}"?' if near else 'write one like "Europe/Berlin", or "UTC".'
        raise ValueError(f"{shown(value)} is not a known time zone: {hint}") from None


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f'{shown(value)} is not a table: write {{ venue = "binance" }}.')  # noqa: TRY004 -- pydantic lets a TypeError through
    for name, text in value.items():
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,31}", name):
            raise ValueError(f"{shown(name)} is not a label's name: use a-z, 0-9 and _, at most 32 characters.")
        if not isinstance(text, str) or len(text) > 64 or not text.isprintable():  # noqa: PLR2004 -- said below
            raise ValueError(f"{name} = {shown(text)} is not a label: write a text of at most 64 characters.")
    return value


Url = Annotated[str, _text(r"https?://[^\s/]+\S*", "is not an address: write it with http:// or https://.")]
AgentId = Annotated[
    str, _text(r"[a-z0-9][a-z0-9_-]{0,31}", "is not an agent's id: use a-z, 0-9, - and _, at most 32 characters.")
]
Name = Annotated[str, _text(r"\w[\w .'-]{0,39}", "is not a name: use letters, at most 40 characters.")]
ConsoleId = Annotated[str, _text(r"\w[\w.@-]{0,63}", 'is not a console id: write the user name there, such as "ana".')]
SlackId = Annotated[str, _text(r"[UW][A-Z0-9]{2,20}", "is not a Slack member id: it looks like U0123ABCD.")]
SlackChannel = Annotated[str, _text(r"[CGD][A-Z0-9]{2,20}", "is not a channel's id: it looks like C0123456789.")]
Listen = Annotated[str, _text(r"[\w.-]+:[0-9]{1,5}", 'is not an address to listen at: write it like "127.0.0.1:8484".')]
Budget = Annotated[
    str, _text(r"[0-9]{1,4}(\.[0-9])? per (day|week|month)", 'is not a budget: write it like "3 per week".')
]
Currency = Annotated[str, _text(r"[A-Z]{3,5}", 'is not a currency: write three to five capitals, such as "USD".')]
PathText = Annotated[str, _text(r"[^\x00-\x1f]{1,4096}", "is not a path.")]
Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
TimeZone = Annotated[dt.tzinfo, BeforeValidator(_time_zone)]


class _Table(BaseModel):
    """A table of the file; what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class DeskTable(_Table):
    """[desk]."""

    database: PathText = "nightdesk.db"
    interval: Interval = 30.0
    currency: Currency = "USD"
    timezone: TimeZone = dt.UTC
    false_pages: Budget | None = None
    dead_mans_switch: Url | None = None
    runbooks: PathText | None = None


class TelegramTable(_Table):
    """[telegram]."""

    chat: TelegramId
    topic: TelegramId | None = None
    base_url: Url = "https://api.telegram.org/bot"


class SlackTable(_Table):
    """[slack]."""

    channel: SlackChannel | None = None
    mode: Literal["socket", "http", "webhook"] = "socket"
    base_url: Url = "https://slack.com/api/"
    listen: Listen = "127.0.0.1:8484"


class PersonTable(_Table):
    """[[people]]."""

    name: Name
    role: Literal["viewer", "operator", "admin"]
    telegram: TelegramId | None = None
    slack: SlackId | None = None
    console: ConsoleId | None = None


class SpecTable(BaseModel):
    """How to reach an agent: a kind, and options that the kind itself judges."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: Annotated[str, _text(r"[a-z][a-z0-9_]{0,31}", 'is not a kind: write it like "http".')]
    timeout: Timeout | None = None


class AgentTable(_Table):
    """[[agents]]."""

    id: AgentId
    labels: Labels = {}
    source: SpecTable
    control: SpecTable | None = None
    drawdown_limit: DrawdownLimit = 0.15
    min_balance: Money | None = None
    hard_loss_24h: Loss | None = None
    heartbeat: Span = 300.0
    missed_polls: Count = 2
    confirm_within: Span = 15.0
    interval: Interval | None = None
    timeout: Timeout = 5.0


class FileTable(_Table):
    """The whole file."""

    desk: DeskTable = DeskTable()
    telegram: TelegramTable | None = None
    slack: SlackTable | None = None
    people: tuple[PersonTable, ...] = ()
    agents: tuple[AgentTable, ...] = ()


def _nearest(name: str, known: Collection[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def explain(error: ValidationError, model: type[BaseModel], at: Path = ()) -> list[Problem]:
    """Say what a model refused, one problem each; `at` is the path of the table that the model read."""
    return [
        Problem((*at, *each["loc"]), _sentence(each["type"], each["loc"], each.get("input"), each["msg"], model))
        for each in error.errors(include_url=False)
    ]


def _sentence(kind: str, loc: Path, value: object, message: str, model: type[BaseModel]) -> str:
    name = str(loc[-1]) if loc else ""
    if kind == "missing":
        return f"is missing: write {name} = {_EXAMPLES[name]}." if name in _EXAMPLES else "is missing."
    if kind == "extra_forbidden":
        known = _names(model, loc[:-1])
        near = _nearest(name, known)
        return (
            f'is not a setting: did you mean "{near}"?' if near else f"is not a setting: known are {', '.join(known)}."
        )
    if kind == "literal_error":
        return f"{shown(value)} is none of {', '.join(_choices(model, loc))}."
    text = message.removeprefix("Value error, ")
    if kind in {"value_error", "assertion_error"}:
        return text
    hidden = is_secret(name) or not isinstance(value, str | int | float)
    return f"{text}." if hidden else f"{shown(value)} does not fit: {text}."


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
