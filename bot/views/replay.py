"""What a replay came to, in words: how many pages, how many a week, each with its reason, and what it cannot know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bot.charts.paths import below_peak, indexed
from bot.charts.thin import HUGE
from bot.charts.values import Equity, Frame, Path, Span, Window
from bot.chat import Field, Message, Tone
from bot.format import clock, count, number, plain, span, zone
from bot.views.chart import STALE, Plan, filename
from monitor.alerts.alert import Alert
from monitor.model import Severity
from monitor.outcome import Page, Replayed
from monitor.past import History
from monitor.rule import Rule
from monitor.volatility import WARM

FIRST = 12
"""Pages that a chat is told of."""
SHORT = 150
"""Characters of a reason there."""
_LEARNERS = 3
_LEAST = 1.0 / 7.0
"""Weeks from which on a rate a week says something."""
BY_THE_HOUR = (
    "Beyond 7 days only the last sample of each hour is kept: a loss that came back within its hour is not seen "
    "there, and what is typical is learned from fewer, longer steps."
)


def headline(found: Replayed) -> str:
    """How many pages, in how long, and how many a week: 3 pages in 30 d, 0.7 a week."""
    length = span((found.until or 0.0) - (found.since or 0.0))
    many = count(len(found.pages), "page")
    if found.per_week is None or found.weeks < _LEAST:
        return f"{many} in {length}"
    return f"{many} in {length}, {number(found.per_week, 1)} a week"


def basis(found: Replayed) -> str:
    """What it rests on, and what was allowed: one sentence."""
    allowed = (
        "nothing statistical pages"
        if found.false_pages is None
        else f"{found.false_pages:.3g} statistical false page{'' if found.false_pages == 1 else 's'} a week allowed"
    )
    return f"From {count(found.samples, 'sample')} of {count(len(found.moves), 'agent')}, {allowed}."


def rest(found: Replayed, rules: Mapping[str, Rule]) -> Iterator[str]:
    """What else is to be known, a sentence each: alerts that nobody was told of, agents that are still learned."""
    paged = {each.id for page in found.pages for each in page.alerts}
    others = Counter(_title(each.rule, rules) for each in found.alerts if each.id not in paged)
    if others:
        told = ", ".join(f"{many:,} {title.lower()}" for title, many in others.most_common())
        yield f"Alerts without a page: {told}."
    young = [(plain(name, 32), moves) for name, moves in found.moves.items() if moves < WARM]
    if young and found.false_pages is not None:
        told = ", ".join(f"{name} moved in {moves:,}" for name, moves in young[:_LEARNERS])
        more = f", and {count(len(young) - _LEARNERS, 'other')}" if len(young) > _LEARNERS else ""
        yield f"Nothing statistical is said before {WARM} samples that move: {told}{more}."


def head(page: Page, rules: Mapping[str, Rule]) -> str:
    """Severity and title of a page (WARN Sudden loss), with how many agents it is about where there are several."""
    agents = {each.agent for each in page.alerts}
    several = f" ({count(len(agents), 'agent')})" if len(agents) > 1 else ""
    return f"{page.incident.severity.name} {_title(page.incident.rule, rules)}{several}"


def reason(page: Page, limit: int) -> str:
    """Why: what the first of its alerts said, bounded."""
    return plain(page.alerts[0].reason, limit) if page.alerts else ""


def replay(found: Replayed, history: History, rules: Mapping[str, Rule], currency: str, notes: Sequence[str]) -> Plan:
    """The answer in a chat: the first dozen pages, and the equity with every page marked."""
    name, until = plain(history.agent.id, 32), found.until or 0.0
    fields = tuple(
        Field(f"{clock(each.time, until)} {head(each, rules)}", reason(each, SHORT)) for each in found.pages[:FIRST]
    )
    more = len(found.pages) - len(fields)
    left = [f"The first {FIRST} are told, {more:,} more are not."] if more > 0 else []
    title = f"{name}: {headline(found)}"
    text = " ".join((basis(found), *left, *rest(found, rules), *notes))
    message = Message(title, text, fields, footer="As a desk would have told it, with nobody doing anything about it.")
    shown = _picture(found, history, rules, currency)
    return Plan(message, shown, f"Equity of {title}.", filename(name, "replay")) if shown else Plan(message)


def _picture(found: Replayed, of: History, rules: Mapping[str, Rule], currency: str) -> Equity | None:
    with np.errstate(invalid="ignore"):
        worth = np.where(np.abs(of.equity) < HUGE, of.equity, np.nan)
    if np.isfinite(worth).sum() < 2 or found.since is None or found.until is None:  # noqa: PLR2004 -- a line has two ends
        return None
    flows = tuple((each.time, float(each.amount)) for each in of.flows)
    name, stale = plain(of.agent.id, 32), STALE * max(of.agent.interval, 3_600.0)
    spans = (_span(each, rules) for page in found.pages for each in page.alerts if each.agent == of.agent.id)
    told = f"{number(found.per_week, 1)} a week" if found.per_week is not None else ""
    return Equity(
        Frame(name, f"replayed, {span(found.until - found.since)}", count(len(found.pages), "page"), told, Tone.PLAIN),
        Window(found.since, found.until, zone()),
        plain(currency, 8),
        Path(name, of.times, worth, stale),
        Path(name, of.times, below_peak(indexed(of.times, worth, flows), worth), stale),
        of.agent.limits.drawdown,
        tuple(spans),
        flows,
    )


def _span(alert: Alert, rules: Mapping[str, Rule]) -> Span:
    fired = alert.opened if alert.fired is None else alert.fired
    return Span(_title(alert.rule, rules), fired, alert.resolved, alert.severity is Severity.CRITICAL)


def _title(rule: str, rules: Mapping[str, Rule]) -> str:
    known = rules.get(rule)
    return rule if known is None else known.title
