"""`nightdesk replay`: which pages a desk would have sent over a past, when and why, as text or as JSON."""

from __future__ import annotations

import json as codec
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import quantities
from bot.format import clock, plain
from bot.offline.past import Bot, Options, Past, ReplayError, of_bot, of_files, of_store, words
from bot.offline.progress import bar
from bot.settings import Settings, SettingsError, budget
from bot.views import replay as view
from monitor import rule
from monitor.alerts.alert import Alert
from monitor.alerts.plan import Plan
from monitor.hindsight import Caught, caught
from monitor.outcome import Page, Replayed
from monitor.past import History
from monitor.replay import replay
from monitor.storage import Database

USUAL_PERIOD = 30 * 86_400.0
"""Seconds that are replayed where nobody says."""
TRIED = ("1 per quarter", "1 per month", "1 per week", "1 per day", "3 per day")
"""Budgets that are held against a bad night."""
LONGEST = 700
"""Characters of a reason."""


async def run(
    given: Sequence[str],
    options: Options,
    bot: Bot | None,
    settings: Settings | None,
    read: Callable[[], Settings],
    open_store: Callable[[str], Awaitable[Database]],
) -> str:
    """Read what is named, replay it, and tell what came of it. `settings`: those that stand on the line.

    `read`, `open_store`: give the settings where none stand there, and what they store in. Errors: ReplayError,
    CurveFileError, TradeFileError, StoreError, HistoryError.
    """
    files, period = words(given)
    seconds, now = USUAL_PERIOD if period is None else period, time.time()
    if bot is not None and files:
        raise ReplayError("A bot's trades are read from the bot: leave out the files, or leave out --freqtrade.")
    if files:
        past = of_files(files, options, settings)
    elif bot is not None:
        past = await of_bot(bot, options, settings, seconds, now)
    else:
        settings = settings or _found(read)
        _must_exist(settings.database)
        store = await open_store(settings.database)
        try:
            past = await of_store(store, settings, options, seconds, now)
        finally:
            await store.close()
    return told(past, options, settings)


def told(past: Past, options: Options, settings: Settings | None = None) -> str:
    """Replay a past, and tell what came of it. Errors: ReplayError."""
    histories, notes = past.histories, past.notes
    rules, plan = rule.discover(), _plan(settings)
    nights = [_moment(each, histories) for each in options.incidents]
    with bar("Replaying", shown=not options.json) as progress:
        found = replay(histories, rules, plan, progress)
    nights_caught: list[Caught] = []
    if nights:
        with bar("Trying budgets", shown=not options.json) as progress:
            budgets = {each: budget(each) for each in TRIED}
            nights_caught = caught(histories, rules, plan, nights, budgets, progress)
    if options.json:
        return codec.dumps(_json(found, nights_caught, notes), indent=2, allow_nan=False, ensure_ascii=False)
    return "\n".join(_text(found, rules, nights_caught, notes))


def _found(read: Callable[[], Settings]) -> Settings:
    """The settings that are there where none were named. Errors: ReplayError."""
    try:
        return read()
    except SettingsError as error:
        raise ReplayError(f"{error} To replay files, name them: nightdesk replay equity.csv trades.csv.") from None


def _must_exist(database: str) -> None:
    """Nothing is made where there is nothing to read. Errors: ReplayError."""
    if not Path(database).exists():
        raise ReplayError(
            f"There is no database at {database} yet: let the desk watch first, or name files, "
            "for example nightdesk replay equity.csv trades.csv."
        )


def _plan(settings: Settings | None) -> Plan:
    """How people are told: as the settings say, in the channels that are set up there."""
    if settings is None:
        return Plan(("console",))
    chats = {"telegram": settings.telegram, "slack": settings.slack}
    channels = (*(name for name, chat in chats.items() if chat is not None), *settings.channels)
    return settings.plan(channels or ("console",))


def _moment(text: str, histories: Sequence[History]) -> float:
    """When a bad night began. Errors: ReplayError."""
    try:
        when = datetime.fromisoformat(text.strip())
        time = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ReplayError(f"--incident {quantities.shown(text)} is no time: write 2026-03-02T04:10Z.") from None
    first, last = min(each.times[0] for each in histories), max(each.times[-1] for each in histories)
    if not first <= time <= last:
        raise ReplayError(
            f"--incident {quantities.shown(text)} is outside of what is known: that is {_iso(first)} to {_iso(last)}."
        )
    return time


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def _json(found: Replayed, nights: Sequence[Caught], notes: Sequence[str]) -> dict[str, Any]:
    return {
        "alerts": [_alert(each) for each in found.alerts],
        "pages": [_page(each) for each in found.pages],
        "samples": found.samples,
        "agents": len(found.moves),
        "since": None if found.since is None else _iso(found.since),
        "until": None if found.until is None else _iso(found.until),
        "weeks": found.weeks,
        "per_week": found.per_week,
        "false_pages": found.false_pages,
        "moves": dict(found.moves),
        "incidents": [
            {
                "time": _iso(each.time),
                "caught_by": each.by,
                "rule": None if each.page is None else each.page.incident.rule,
            }
            for each in nights
        ],
        "notes": list(notes),
    }


def _alert(of: Alert) -> dict[str, Any]:
    return {
        "time": _iso(of.opened if of.fired is None else of.fired),
        "rule": of.rule,
        "agent": of.agent,
        "severity": of.severity.name.lower(),
        "reason": plain(of.reason, LONGEST),
        "id": of.id,
        "fingerprint": of.fingerprint,
        "until": None if of.resolved is None else _iso(of.resolved),
    }


def _page(of: Page) -> dict[str, Any]:
    return {
        "time": _iso(of.time),
        "rule": of.incident.rule,
        "agents": list(dict.fromkeys(each.agent for each in of.alerts)),
        "severity": of.incident.severity.name.lower(),
        "reason": view.reason(of, LONGEST),
        "alerts": [each.id for each in of.alerts],
    }


def _text(
    found: Replayed, rules: Mapping[str, rule.Rule], nights: Sequence[Caught], notes: Sequence[str]
) -> Sequence[str]:
    lines = [f"{view.headline(found)}.", view.basis(found)]
    for each in found.pages:
        lines += ["", f"{clock(each.time, 0.0)}  {view.head(each, rules)}", f"  {view.reason(each, LONGEST)}"]
    if nights:
        lines += ["", *(_night(each, rules) for each in nights)]
    rest = [*view.rest(found, rules), *notes]
    return [*lines, *(["", *rest] if rest else [])]


def _night(of: Caught, rules: Mapping[str, rule.Rule]) -> str:
    when = clock(of.time, 0.0)
    if of.page is None:
        return f"{when}: none of {', '.join(TRIED)} pages within an hour."
    key, paged = of.page.incident.rule, clock(of.page.time, of.time)
    if key in rules and not rules[key].statistical:
        return f"{when}: paged at {paged} by the rule {key}, whatever the budget."
    return f"{when}: paged at {paged} by the rule {key}, from a budget of {of.by} on."
