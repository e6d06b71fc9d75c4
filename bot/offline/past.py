"""The past to be replayed comes from an equity curve and trades in files, from a freqtrade bot or from a store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr, TypeAdapter, ValidationError

from bot import quantities
from bot.format import count, plain
from bot.offline.refusals import Refusals
from bot.quantities import shown
from bot.settings import Settings, budget, budget_of_one
from bot.views.replay import BY_THE_HOUR
from monitor.curve_file import Curve, read_curves
from monitor.hindsight import stored
from monitor.model import PAPER, Agent, CashFlow, Trade
from monitor.outside import Address
from monitor.past import History
from monitor.ports import Store
from monitor.sources import fleet_session
from monitor.sources._freqtrade_history import Login, earned
from monitor.trade_file import Layout, TradeFile

USUAL = "1 per week"
"""False pages that an agent is allowed where nobody says."""
NONE = "none"
"""What is written for a budget where nothing statistical is to page."""
BOT_INTERVAL = 60.0
"""Seconds between two looks at a bot's closed trades where nobody says."""
CLOSED_ONLY = (
    "This equity is made of closed trades alone, a step at each exit: a loss within an open trade is not in it, and "
    "what comes back before the exit is never seen."
)


class ReplayError(Exception):
    """What was asked cannot be replayed; the message is one sentence that says how to mend it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What stands on the line beside the past itself."""

    agent: str | None = None
    false_pages: str | None = None
    """As it is written; None: what the settings say, else USUAL."""
    interval: str | None = None
    """The same; None: what the settings say, else the spacing of most samples."""
    incidents: Sequence[str] = ()
    """When bad nights began."""
    layout: Layout = field(default_factory=Layout)
    skip_bad: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class Bot:
    """Where a freqtrade bot answers, and who asks."""

    url: str
    user: str
    password_env: str


@dataclass(frozen=True, slots=True)
class Past:
    """What is to be replayed, and what is to be said of it beside."""

    histories: Sequence[History]
    notes: Sequence[str] = ()


def words(given: Sequence[str]) -> tuple[tuple[Path, ...], float | None]:
    """Tell files and a period apart, as they stand on the line: an equity curve and trades, or a period in seconds.

    Errors: ReplayError.
    """
    files = [each for each in given if Path(each).exists() or _seconds(each) is None]
    periods = [each for each in given if each not in files]
    if len(files) > 2 or len(periods) > 1 or (files and periods):  # noqa: PLR2004 -- equity and trades
        raise ReplayError("Write one equity curve and one file of trades, or one period: nightdesk replay equity.csv.")
    return tuple(map(Path, files)), _seconds(periods[0]) if periods else None


def of_files(files: Sequence[Path], options: Options, settings: Settings | None) -> Past:
    """What an equity curve tells, and closed trades if there is a second file.

    Errors: CurveFileError, TradeFileError, ReplayError.
    """
    curves = read_curves(files[0])
    if set(curves) == {""}:
        curves = {options.agent or _only(settings) or plain(files[0].stem, 32) or "agent": curves[""]}
    elif options.agent is not None:
        if options.agent not in curves:
            raise ReplayError(
                f"{files[0].name} has no agent {quantities.shown(options.agent)}: it has {_some(curves)}."
            )
        curves = {options.agent: curves[options.agent]}
    agents = {name: _agent(name, options, settings, each.spacing) for name, each in curves.items()}
    trades: Sequence[Trade] = ()
    if len(files) > 1:
        if len(agents) > 1:
            raise ReplayError(
                f"{files[1].name} holds the trades of one agent: say whose with --agent ({_some(agents)})."
            )
        trades = _trades(files[1], next(iter(agents.values())), options)
    return Past([_history(agents[name], each, trades) for name, each in curves.items()])


async def of_store(store: Store, settings: Settings, options: Options, period: float, now: float) -> Past:
    """What a desk has stored of one agent, or of all. Errors: ReplayError, StoreError."""
    names = [each.id for each in settings.agents] if options.agent is None else [options.agent]
    agents = [_agent(each, options, settings, None) for each in names]
    found = [await stored(store, each, max(0.0, now - period), now) for each in agents]
    known = [history for history, _ in found if len(history.times)]
    if not known:
        raise ReplayError(
            f"Nothing is stored of {_some(names)} in that time: let the desk watch first, or ask for more."
        )
    return Past(known, [BY_THE_HOUR] if any(early for _, early in found) else [])


async def of_bot(bot: Bot, options: Options, settings: Settings | None, period: float, now: float) -> Past:
    """What the closed trades of a freqtrade bot tell. Errors: ReplayError, HistoryError."""
    password = os.environ.get(bot.password_env)
    if not bot.user or not password:
        raise ReplayError(
            f"A bot is asked with --username and a password: set the variable {bot.password_env}, or name another with "
            "--password-env."
        )
    name = options.agent or _only(settings) or "freqtrade"
    login = Login(_address(bot.url), bot.user, SecretStr(password), bot.password_env)
    async with fleet_session(BOT_INTERVAL) as session:
        found = await earned(session, login, name)
    agent = _agent(name, options, settings, BOT_INTERVAL)
    if found.paper:
        agent = replace(agent, labels={**agent.labels, "mode": PAPER})
    made_of = f"{count(len(found.trades), 'closed trade')} on {found.capital:,.2f} {plain(found.currency, 8)}."
    return Past([found.history(agent, max(0.0, now - period), now)], [f"{made_of} {CLOSED_ONLY}"])


def _address(url: str) -> str:
    try:
        return TypeAdapter(Address).validate_python(url)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ReplayError(f"--freqtrade {shown(url)} {why}.") from None


def _seconds(word: str) -> float | None:
    try:
        found = quantities.duration(word)
    except ValueError:
        return None
    return found if found > 0 else None


def _history(agent: Agent, curve: Curve, trades: Sequence[Trade]) -> History:
    flows = [CashFlow(agent.id, time, Decimal(repr(money)), "file") for time, money in curve.flows.tolist()]
    return History(agent, curve.times, curve.equity, trades, flows)


def _only(settings: Settings | None) -> str | None:
    """The agent of settings that have one; None without settings. Errors: ReplayError."""
    if settings is None:
        return None
    if len(settings.agents) != 1:
        raise ReplayError(f"The settings have {len(settings.agents)} agents: say whose past it is with --agent.")
    return settings.agents[0].id


def _agent(name: str, options: Options, settings: Settings | None, spacing: float | None) -> Agent:
    """The agent as the settings have it, or by default, with what stands on the line. Errors: ReplayError."""
    known = {} if settings is None else {each.id: each for each in settings.agents}
    if settings is not None and name not in known:
        raise ReplayError(f"{shown(name)} is no agent in the settings: there is {_some(known)}.")
    agent = known.get(name) or Agent(name, interval=spacing or 30.0, false_pages=budget(USUAL))
    if options.false_pages is not None:
        agent = replace(agent, false_pages=_budget(options.false_pages))
    try:
        if options.interval is not None:
            agent = replace(agent, interval=quantities.within(0.1, 86_400.0)(options.interval))
    except ValueError as error:
        raise ReplayError(str(error)) from None
    return agent


def _budget(text: str) -> float | None:
    """False pages a week of one agent; None of "none". Errors: ReplayError."""
    try:
        return None if text == NONE else budget_of_one(text)
    except ValueError as error:
        raise ReplayError(f'--false-pages {str(error)[:-1]}, or "{NONE}".') from None


def _trades(path: Path, agent: Agent, options: Options) -> list[Trade]:
    """The trades of a file, in order of exit. Errors: TradeFileError, ReplayError."""
    layout = options.layout
    if agent.labels.get("mode") == PAPER:
        layout = replace(layout, defaults={"paper": "true", **layout.defaults})
    file = TradeFile(path, agent.id, layout)
    with Refusals(None, path) as refusals:
        looked = file.look(refusals)
    if looked.refused and not options.skip_bad:
        raise ReplayError(
            f"{path.name}: {count(looked.refused, 'row')} refused, mend them or leave them out with --skip-bad:\n"
            f"{refusals.report(looked.unit)}"
        )
    found = [each for batch in file.batches(looked) for each in batch]
    return sorted(found, key=lambda each: (each.exit_time, each.id))


def _some(names: Iterable[str]) -> str:
    return ", ".join(plain(each, 32) for each in list(names)[:10]) or "none"
