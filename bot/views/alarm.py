"""What a detector judged of an agent, as a picture and the same in words: a loss, a burst of moves, a slow bleed."""

from __future__ import annotations

import math

from bot.charts.thin import HUGE
from bot.charts.values import Floats, Frame, Judged, Path, Window
from bot.chat import Message
from bot.format import count, number, plain, share, span, zone
from bot.views.alerts import TONES, headline
from bot.views.chart import STALE, Course, Plan, day, filename
from monitor.desk import Alarmed
from monitor.grid import growths, moved
from monitor.model import Agent
from monitor.rare import RAREST, once_in
from monitor.rule import Rule

_LEAST = 60.0
"""Seconds that a picture shows at least."""
_SIGN = "\N{MULTIPLICATION SIGN}"
_LITTLE, _MUCH = 1e-6, 1e6
"""Percent, or times what is typical, below and from which on nobody needs the number."""


def alarm(found: Alarmed, agent: Agent, rule: Rule | None, currency: str, now: float) -> Plan:
    """One finding; nothing is drawn of an agent of which fewer than two equities are known."""
    alert, course = found.alert, Course.of(found)
    head = headline(alert, rule)
    if len(course.times) < 2:  # noqa: PLR2004 -- a line has two ends
        return Plan(Message(head))
    returns = _returns(course)
    first, last = float(course.times[0]), float(course.times[-1])
    window = Window(min(first, last - _LEAST), max(last, min(now, found.time)), zone())
    figure, detail = _figure(found), _detail(found)
    others = f", +{count(found.others, 'agent')}" if found.others else ""
    shown = Judged(
        Frame(head, f"{day(found.time)}{others}", figure, detail, TONES[alert.severity]),
        window,
        plain(currency, 8),
        Path(plain(alert.agent, 64), course.times, course.equity, STALE * agent.interval),
        Path(plain(alert.agent, 64), course.times[1:], returns, STALE * agent.interval),
        found.since,
        found.time,
        None if alert.rule == "edge" else _positive(found.typical),
        course.flows,
    )
    length = span(round(window.until - window.since, -1))
    text = f"Equity and the return of each step, {length} to {day(window.until)}; what was judged is marked."
    said = f"{detail[:1].upper()}{detail[1:]}. {text}" if detail else text
    message = Message(f"{head}: {figure}" if figure else head, said)
    return Plan(message, shown, f"{message.title}. {message.text}", filename(alert.agent, alert.rule))


def _returns(course: Course) -> Floats:
    """The return of each step, net of cash flows: shape (n - 1,), NaN where undefined."""
    return growths(course.equity, moved(course.times, course.flows)) - 1.0


def _figure(found: Alarmed) -> str:
    """The one number: of a burst how many times what is typical, of a bleed all of it, else what was judged."""
    value, typical = _finite(found.value), _positive(found.typical)
    if value is None:
        return ""
    match found.alert.rule:
        case "burst" if typical is not None:
            return _times(value / typical)
        case "bleed" if found.n is not None:
            return percent(value * found.n)
        case "edge":
            return share(value, 0)
    return percent(value)


def _detail(found: Alarmed) -> str:
    """What is typical, and how rare such a thing is."""
    typical, every = _positive(found.typical), _positive(found.every)
    said = []
    match found.alert.rule:
        case "edge" if typical is not None:
            said.append(f"of trades won, typical {share(typical, 0)}")
        case "bleed" if found.n is not None:
            said.append(f"in {count(found.n, 'step')}")
        case _ if typical is not None:
            said.append(f"typical ±{percent(typical).lstrip('+')}")
    if every is not None:
        rarer = every >= RAREST or found.alert.rule in ("bleed", "edge")
        said.append(f"{'rarer than' if rarer else 'by chance'} {once_in(every)}")
    return ", ".join(said)


def percent(value: float) -> str:
    """A return as people say it, with two figures that tell something: "-3.2%", "+0.012%", "+14%"."""
    of = 100 * value
    if abs(of) >= _MUCH:
        return f"{'>' if of > 0 else '<-'}{_MUCH:,.0f}%"
    digits = 1 if abs(of) >= 1 or abs(of) < _LITTLE else 1 - math.floor(math.log10(abs(of)))
    return f"{number(of, 0 if abs(of) >= 100 else digits, signed=True)}%"  # noqa: PLR2004 -- no tenth counts there


def _times(ratio: float) -> str:
    if ratio >= _MUCH:
        return f"{_SIGN}{_MUCH:,.0f}+"
    return f"{_SIGN}{number(ratio, 1 if ratio < 100 else 0)}"  # noqa: PLR2004 -- no tenth counts there


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and abs(value) < HUGE else None


def _positive(value: float | None) -> float | None:
    found = _finite(value)
    return abs(found) if found else None
