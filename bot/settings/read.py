"""Settings are read once, from nightdesk.toml or from one agent's environment, and are right or refused as a whole."""

from __future__ import annotations

import os
import pwd
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError

from bot.settings import checks, lines, names
from bot.settings.checks import PLATFORM_IDS, Problem
from bot.settings.lines import Origin
from bot.settings.planned import LATE, daily, digest_plan, planned
from bot.settings.schedule import Cron
from bot.settings.shares import shared, too_often
from bot.settings.tables import AgentTable, FileTable, PersonTable, SpecTable, StopTable, explain
from bot.settings.values import Further, Settings, SettingsError, Slack, Spec, Telegram, Watched, refused
from monitor.model import Agent, AutoStop, Limits, Person

_LARGEST_FILE = 1 << 20
_NOWHERE = (
    "There is nothing to watch: run `nightdesk init`, or copy nightdesk.example.toml to nightdesk.toml and mend it, or "
    "set AGENT_ID (and AGENT_URL) to watch one agent, or see a fleet without either by `nightdesk demo`."
)
_VARIABLES: Mapping[lines.Path, str] = {
    ("agents", 0, "id"): "AGENT_ID",
    ("agents", 0, "source"): "AGENT_URL",
    ("agents", 0, "source", "key"): "AGENT_KEY",
    ("agents", 0, "control"): "AGENT_URL",
    ("agents", 0, "control", "key"): "AGENT_KEY",
    ("telegram",): "TELEGRAM_TOKEN",
    ("telegram", "chat"): "TELEGRAM_CHAT_ID",
    ("slack",): "SLACK_WEBHOOK",
    ("people",): "USER",
    ("desk", "false_pages"): "NIGHTDESK_FALSE_PAGES",
    ("desk", "detector"): "NIGHTDESK_DETECTOR",
}


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the file at `path`, or with None the environment of one agent. Errors: SettingsError, for all at once."""
    if path is not None:
        raw, origin = _read(path)
        return _settle(raw, origin, environ, path.absolute().parent)
    if not environ.get("AGENT_ID"):
        raise SettingsError(_NOWHERE)
    return _settle(_sidecar(environ), Origin("environment", {}, _VARIABLES), environ, Path.cwd())


def console_user() -> str:
    """Name of the operating system's user who started this process: their id at the console."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid{os.getuid()}"


def _read(path: Path) -> tuple[dict[str, object], Origin]:
    """The file as plain values, and where each stands."""
    name = path.name
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if len(data) > _LARGEST_FILE:
        raise SettingsError(f"{name}: is larger than 1 MiB: that is no settings file.")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{name}:{line}: is not UTF-8: save the file as UTF-8 text.") from None
    try:
        return tomllib.loads(text), Origin(name, lines.lines_of(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_syntax(name, text, str(error))) from None
    except RecursionError:
        raise SettingsError(f"{name}: its values are nested too deeply.") from None


def _syntax(name: str, text: str, message: str) -> str:
    """Turn tomllib's "Invalid value (at line 3, column 5)" into a line of our own."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if found is None:
        return f"{name}: is not TOML: {message}."
    what = found[1][0].lower() + found[1][1:]
    if found[2] is None:
        return f"{name}:{text.count(chr(10), 0, len(text.rstrip())) + 1}: is not TOML: {what} at the end of the file."
    return f"{name}:{found[2]}: is not TOML: {what}, at column {found[3]}."


def _sidecar(environ: Mapping[str, str]) -> dict[str, object]:
    """What the guide's environment variables say, in the form of the file."""
    spec = {"kind": "http", "url": environ.get("AGENT_URL") or "http://127.0.0.1:8080"}
    if environ.get("AGENT_KEY"):
        spec["key_env"] = "AGENT_KEY"
    user = console_user()
    desk = {path[-1]: environ.get(name) for path, name in _VARIABLES.items() if path[0] == "desk"}
    raw: dict[str, object] = {
        "desk": {name: value for name, value in desk.items() if value},
        "agents": [{"id": environ["AGENT_ID"], "source": dict(spec), "control": dict(spec)}],
        "people": [{"name": user, "role": "admin", "console": user}],
    }
    if environ.get("TELEGRAM_TOKEN") or environ.get("TELEGRAM_CHAT_ID"):
        chat = environ.get("TELEGRAM_CHAT_ID")
        raw["telegram"] = {"chat": chat} if chat else {}
    if environ.get("SLACK_WEBHOOK"):
        raw["slack"] = {"mode": "webhook"}
    return raw


def _settle(raw: dict[str, object], origin: Origin, environ: Mapping[str, str], folder: Path) -> Settings:
    """Judge everything, then build; `folder` is what relative paths start from."""
    problems = [*checks.check(raw, environ), *names.check(raw)]
    try:
        table = FileTable.model_validate(raw)
    except ValidationError as error:
        raise refused(origin, [*problems, *explain(error, FileTable)]) from None
    budgets = shared(table)
    problems += (*_without_rate(table), *too_often(budgets))
    if problems:
        raise refused(origin, problems)
    desk = table.desk
    allowed = {name: each.each for each in budgets for name in each.agents}
    database = environ.get("NIGHTDESK_DATABASE_URL") or desk.database
    return Settings(
        database=database if "://" in database else str(folder / database),
        interval=desk.interval,
        currency=desk.currency,
        timezone=desk.timezone,
        people=tuple(_person(each) for each in table.people),
        fleet=tuple(_watched(each, index, table, environ, allowed[each.id]) for index, each in enumerate(table.agents)),
        origin=origin,
        budgets=budgets,
        detector=desk.detector,
        dead_mans_switch=desk.dead_mans_switch,
        dead_mans_every=desk.dead_mans_every,
        runbooks=folder / desk.runbooks if desk.runbooks else None,
        telegram=_telegram(table, environ),
        slack=_slack(table, environ),
        further=_further(table, environ),
        alerting=planned(table),
        digest=daily(table.alerts.digest, desk.timezone),
        drill=None if table.drill.cron is None else Cron(table.drill.cron, desk.timezone, LATE),
        digests=tuple(digest_plan(each, desk.timezone) for each in table.digests),
        web=None if table.web is None else table.web.listen,
        rates=dict(table.rates),
    )


def _without_rate(table: FileTable) -> Iterator[Problem]:
    """Agents in a currency whose worth nobody says."""
    for index, each in enumerate(table.agents):
        if each.currency not in (None, table.desk.currency, *table.rates):
            said = f"has no rate: write what one {each.currency} is worth in {table.desk.currency} under [rates]."
            yield Problem(("agents", index, "currency"), said)


def _person(table: PersonTable) -> Person:
    ids = {name: getattr(table, name) for name in PLATFORM_IDS}
    return Person(table.name, table.role, {name: str(value) for name, value in ids.items() if value is not None})


def _watched(
    table: AgentTable, index: int, file: FileTable, environ: Mapping[str, str], false_pages: float | None
) -> Watched:
    path = ("agents", index)
    first = () if table.control is None else (_spec(table.control, table, (*path, "control"), environ),)
    more = (_spec(each, table, (*path, "controls", number), environ) for number, each in enumerate(table.controls))
    agent = Agent(
        table.id,
        dict(table.labels),
        table.interval or file.desk.interval,
        _limits(table),
        stops=tuple(_stop(each) for each in table.stops),
        take_next=table.if_unconfirmed == "take",
        venue_url=table.venue_url,
        false_pages=false_pages,
        detector=table.detector or file.desk.detector,
    )
    source = _spec(table.source, table, (*path, "source"), environ)
    own = None if table.currency == file.desk.currency else table.currency
    rate = None if own is None else file.rates[own]
    return Watched(agent, source, (*first, *more), table.timeout, own, rate)


def _limits(table: AgentTable) -> Limits:
    return Limits(
        drawdown=table.drawdown_limit,
        min_balance=table.min_balance,
        hard_loss=table.hard_loss_24h,
        heartbeat=table.heartbeat,
        missed_polls=table.missed_polls,
        confirm_within=table.confirm_within,
        close_within=table.close_within,
        decision=table.decision_within,
        feed=table.feed_within,
        repeated_orders=table.repeated_orders,
        frozen=table.frozen_within,
        exposure=table.max_exposure,
        leverage=table.max_leverage,
        model_errors=table.model_errors,
        model_cost=table.model_cost_1h,
        unexplained=table.unexplained,
        settle=table.settle,
    )


def _stop(table: StopTable) -> AutoStop:
    return AutoStop(table.when, table.over, table.lasting, table.notice, table.cooldown, table.dry_run)


def _spec(table: SpecTable, agent: AgentTable, path: lines.Path, environ: Mapping[str, str]) -> Spec:
    options: dict[str, object] = {"timeout": table.timeout or agent.timeout}
    for name, value in (table.model_extra or {}).items():
        if name.endswith("_env"):
            options[name.removesuffix("_env")] = _secret(environ, value)
        options[name] = value
    return Spec(table.kind, options, path)


def _telegram(table: FileTable, environ: Mapping[str, str]) -> Telegram | None:
    one = table.telegram
    if one is None:
        return None
    return Telegram(one.chat, one.topic, one.base_url, _secret(environ, "TELEGRAM_TOKEN"))


def _slack(table: FileTable, environ: Mapping[str, str]) -> Slack | None:
    one = table.slack
    if one is None:
        return None
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_WEBHOOK")
    secrets = [_secret(environ, name) if environ.get(name) else None for name in names]
    return Slack(one.channel, one.mode, one.base_url, one.listen, *secrets)


def _further(table: FileTable, environ: Mapping[str, str]) -> tuple[Further, ...]:
    return tuple(
        Further(each.name, _secret(environ, each.url_env), each.url_env, ("channels", index))
        for index, each in enumerate(table.channels)
    )


def _secret(environ: Mapping[str, str], name: str) -> SecretStr:
    """A secret without the line end that files and `echo` leave behind it."""
    return SecretStr(environ[name].strip())
