"""What a desk is told at its start: typed, frozen, with every secret hidden from repr."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from bot.settings import lines
from bot.settings.budgets import Budget
from bot.settings.checks import Problem, passwords
from bot.settings.lines import Origin
from bot.settings.schedule import Calendar, Cron
from monitor.alerts.plan import Plan
from monitor.alerts.silence import Matchers
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
    controls: tuple[Spec, ...]
    """In the order in which they are tried."""
    timeout: float
    """Seconds one whole look at it may take."""
    currency: str | None = None
    """Of what it tells; None: the desk's."""
    rate: Decimal | None = None
    """What one of that is worth."""


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
class Further:
    """A channel that is reached by an address of apprise: it takes messages, and hears nothing."""

    name: str
    url: SecretStr
    url_env: str
    """The environment variable that holds it."""
    path: lines.Path
    """Where it stands in the settings."""


@dataclass(frozen=True, slots=True)
class DigestPlan:
    """A digest that comes by the calendar."""

    calendar: Calendar
    channel: str | None
    """None: wherever WARN goes."""
    agents: Matchers
    """Must hold of an agent's labels; empty: of every agent, and of the desk itself."""


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
    budgets: tuple[Budget, ...] = ()
    """Of statistical false pages: the agents' own, those of [[budgets]], the desk's last; each agent is in one."""
    detector: str = "budget"
    """What judges an agent that says nothing else, see monitor.model.Agent."""
    dead_mans_switch: str | None = field(default=None, repr=False)
    """URL to ping while the desk works."""
    dead_mans_every: float = 60.0
    """Seconds between two pings."""
    runbooks: Path | None = None
    """Runbooks to read in place of those that come along."""
    telegram: Telegram | None = None
    slack: Slack | None = None
    further: tuple[Further, ...] = ()
    alerting: Plan = field(default_factory=lambda: Plan((), group_wait=5.0))
    """What the file says of telling; `plan` makes it whole."""
    digest: Cron | None = None
    """Called with a time: when the day's digest was due last, within the hour before it; None: there is none."""
    drill: Cron | None = None
    """The same of the drill."""
    digests: tuple[DigestPlan, ...] = ()
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Currency -> what one of it is worth in the desk's."""
    web: str | None = None
    """Where the desk's own health and metrics are served, host:port; None: nowhere."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels beside the platforms' own chats, each once.

        First the names of [[channels]] in their order, then every other chat ("telegram:-100123", "slack:C0999") of a
        platform that is set up, in the order in which routes, policies, the failover and digests name it.
        """
        told = [*(each.to for each in self.alerting.routes)]
        told += (step.to for policy in self.alerting.policies for step in policy.steps)
        told.append(self.alerting.failover)
        told += ((each.channel,) for each in self.digests if each.channel is not None)
        up = {"telegram": self.telegram is not None, "slack": self.slack is not None}
        others = (name for to in told for name in to if up.get(name.partition(":")[0]) and ":" in name)
        return tuple(dict.fromkeys((*(each.name for each in self.further), *others)))

    def plan(self, channels: tuple[str, ...]) -> Plan:
        """What the alerting core is told; `channels`: all that are there, the platforms' own and `channels`."""
        return replace(self.alerting, channels=channels, people={each.name: each.role for each in self.people})

    @property
    def agents(self) -> tuple[Agent, ...]:
        """The agents alone, in the order of the file."""
        return tuple(each.agent for each in self.fleet)

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret value in these settings, for the logs to leave out."""
        specs = [spec for each in self.fleet for spec in (each.source, *each.controls)]
        values = [value for spec in specs for value in spec.options.values()]
        values += dataclasses.asdict(self.telegram).values() if self.telegram else ()
        values += dataclasses.asdict(self.slack).values() if self.slack else ()
        values += (each.url for each in self.further)
        found = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
        inside = (each for url in (self.database, *found) for each in passwords(url))
        return frozenset(filter(None, {*found, *inside, self.dead_mans_switch or ""}))

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
