"""What a desk is told at its start: typed, frozen, with every secret hidden from repr."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from pydantic import SecretStr

from bot.settings import lines
from bot.settings.checks import Problem, passwords
from bot.settings.lines import Origin
from monitor.model import Agent, Person

_MOST_PROBLEMS = 40


class SettingsError(Exception):
    """The settings cannot be used; the message has one line for each problem: file, line, field, what to do."""


@dataclass(frozen=True, slots=True)
class Spec:
    """How to reach an agent: the kind of source or control, and its options."""

    kind: str
    options: Mapping[str, object]
    """As written, with `timeout` in seconds, and beside each `x_env` the secret itself as a SecretStr under `x`."""
    path: lines.Path
    """Where it stands in the settings."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One agent, how it is read and how it takes orders."""

    agent: Agent
    source: Spec
    control: Spec | None
    timeout: float
    """Seconds one whole look at it may take."""


@dataclass(frozen=True, slots=True)
class Telegram:
    """The chat that is paged in Telegram."""

    chat: int
    topic: int | None
    base_url: str
    token: SecretStr


@dataclass(frozen=True, slots=True)
class Slack:
    """The channel that is paged in Slack; which secrets are set depends on the mode: socket, http or webhook."""

    channel: str | None
    mode: str
    base_url: str
    listen: str
    """Where HTTP mode listens, host:port."""
    bot_token: SecretStr | None
    app_token: SecretStr | None
    signing_secret: SecretStr | None
    webhook: SecretStr | None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a desk is told at its start."""

    database: str = field(repr=False)
    """Absolute path of an SQLite file, or a database URL."""
    interval: float
    """Seconds between two polls, where an agent says nothing else."""
    currency: str
    timezone: tzinfo
    people: tuple[Person, ...]
    fleet: tuple[Watched, ...]
    origin: Origin = field(repr=False)
    false_pages: str | None = None
    """The desk's budget of statistical false pages ("3 per week")."""
    dead_mans_switch: str | None = field(default=None, repr=False)
    """URL to ping while the desk works."""
    runbooks: Path | None = None
    """Runbooks to read in place of those that come along."""
    telegram: Telegram | None = None
    slack: Slack | None = None

    @property
    def agents(self) -> tuple[Agent, ...]:
        """The agents alone, in the order of the file."""
        return tuple(each.agent for each in self.fleet)

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret value in these settings, for the logs to leave out."""
        specs = [spec for each in self.fleet for spec in (each.source, each.control) if spec is not None]
        values = [value for spec in specs for value in spec.options.values()]
        values += dataclasses.asdict(self.telegram).values() if self.telegram else ()
        values += dataclasses.asdict(self.slack).values() if self.slack else ()
        found = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
        return frozenset(filter(None, {*found, *passwords(self.database), self.dead_mans_switch or ""}))

    def error(self, problems: Iterable[Problem]) -> SettingsError:
        """One error that lists problems with file, line and field, in the order of the file."""
        return refused(self.origin, problems)


def refused(origin: Origin, problems: Iterable[Problem]) -> SettingsError:
    """One error for all problems, the first of each path, in the order of the file; the longest list has 40."""
    first: dict[lines.Path, Problem] = {}
    for each in problems:
        first.setdefault(each.path, each)
    ordered = sorted(first.values(), key=lambda each: origin.line(each.path))
    told = list(dict.fromkeys(f"{origin.where(each.path)}: {each.sentence}" for each in ordered))
    more = [f"{origin.name}: and {len(told) - _MOST_PROBLEMS} problems more."] if len(told) > _MOST_PROBLEMS else []
    return SettingsError("\n".join([*told[:_MOST_PROBLEMS], *more]))
