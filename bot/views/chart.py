"""What a picture shows, and the same in words: whoever cannot see it misses nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from bot.charts.paths import below_peak, indexed
from bot.charts.thin import HUGE
from bot.charts.values import Bars, Compared, Equity, Floats, Frame, Heat, Path, Shown, Span, Window
from bot.chat import Button, Message, Tone
from bot.format import clock, count, money, number, plain, share, span, zone
from bot.line import button
from monitor.attribution import WEEKDAYS, Attribution, Line
from monitor.desk import AgentStatus, Alarmed, Curve
from monitor.model import Severity

STALE = 3.5
"""Intervals between two equities that are a gap: two missed polls are none."""
_HOURS = 24
_DAY = 86_400.0
_UNNAMED = "(none)"


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer, and what is to be drawn for it; None where there is nothing to see."""

    message: Message
    shown: Shown | None = None
    alt: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """An agent's equity as far as it is known, as arrays of one length."""

    times: Floats
    equity: Floats
    flows: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, curve: Curve | Alarmed) -> Course:
        """What is known of it."""
        known = [(time, value) for time, value in curve.equity if value is not None and abs(value) < HUGE]
        times, equity = (np.array(each, dtype=np.float64) for each in (zip(*known, strict=True) if known else ((), ())))
        return cls(times, equity, tuple((each.time, float(each.amount)) for each in curve.flows))


def equity(curve: Curve, status: AgentStatus, currency: str, since: float, now: float) -> Plan:
    """One agent: equity, drawdown, alerts."""
    course, agent = Course.of(curve), plain(curve.agent, 64)
    if len(course.times) < 2:  # noqa: PLR2004 -- a line has two ends
        return Plan(_nothing(agent, len(curve.equity), since, now))
    index = indexed(course.times, course.equity, course.flows)
    drawdown = below_peak(index, course.equity, status.drawdown)
    limit, stale = status.agent.limits.drawdown, STALE * status.agent.interval
    window = Window(max(since, float(course.times[0])), max(now, float(course.times[-1])), zone())
    last, change = float(course.equity[-1]), _change(index)
    deepest, at_end = (float(each) for each in (np.nanmax(drawdown, initial=0.0), np.nan_to_num(drawdown[-1])))
    low = int(course.equity.argmin())
    length = span(_rounded(now - window.since))
    shown = Equity(
        frame=Frame(
            agent,
            f"{length} to {day(now)}",
            f"{_short(last)} {plain(currency, 8)}",
            f"{_percent(change)}, drawdown to {share(deepest)}",
            Tone.CRITICAL if limit is not None and at_end >= limit else Tone.PLAIN,
        ),
        window=window,
        currency=plain(currency, 8),
        equity=Path(agent, course.times, course.equity, stale),
        drawdown=Path(agent, course.times, drawdown, stale),
        limit=limit,
        spans=tuple(_span(each.rule, each.fired or each.opened, each.resolved, each.severity) for each in curve.alerts),
        flows=course.flows,
    )
    lines = (
        f"{share(deepest)} below its peak at the deepest, {share(at_end)} now.",
        f"Lowest {money(float(course.equity[low]), currency)} at {clock(float(course.times[low]), now)}.",
        _alerts(curve),
    )
    title = f"{agent}: {money(last, currency)}, {_percent(change)} in {length}"
    message = Message(
        title,
        " ".join(filter(None, lines)),
        buttons=(*_periods(agent), *button("P&L by strategy", "chart", "pnl", "by", "strategy", curve.agent)),
        footer="Changes are net of deposits and withdrawals.",
    )
    return Plan(message, shown, f"Equity of {title}. {message.text}", filename(agent, length))


def compared(found: Sequence[tuple[Curve, AgentStatus]], since: float, now: float) -> Plan:
    """Several agents, each from 100 on; those of which nothing is known are named."""
    paths, missing = [], []
    for curve, status in found:
        course = Course.of(curve)
        index = indexed(course.times, course.equity, course.flows)
        if np.isfinite(index).sum() < 2:  # noqa: PLR2004 -- a line has two ends
            missing.append(plain(curve.agent, 64))
            continue
        paths.append(Path(plain(curve.agent, 64), course.times, 100 * index, STALE * status.agent.interval))
    if not paths:
        return Plan(_nothing(", ".join(missing), 0, since, now))
    window = Window(max(since, min(float(each.times[0]) for each in paths)), now, zone())
    length = span(_rounded(now - window.since))
    ends = sorted(((_last(each), each.name) for each in paths), reverse=True)
    told = ", ".join(f"{name} {number(end, 1)}" for end, name in ends)
    without = f" No equity is known of {', '.join(missing)}." if missing else ""
    title = f"{count(len(paths), 'agent')} in {length}, each from 100 on"
    message = Message(
        title,
        f"{told}.{without}",
        footer="Net of deposits and withdrawals.",
        buttons=_periods(*(c.agent for c, _ in found)),
    )
    shown = Compared(Frame(count(len(paths), "agent"), f"{length} to {day(now)}"), window, paths)
    return Plan(message, shown, f"{title}: {told}.", filename("agents", length))


def pnl(found: Attribution, where: str, currency: str) -> Plan:
    """Net by place, best first; `where` says whose trades and since when."""
    by = " x ".join(found.by)
    if not found.total.trades:
        return Plan(_untraded(where))
    lines = sorted(found.lines, key=lambda line: line.net, reverse=True)
    if not all(_drawable(line) for line in (*lines, found.total)):
        return Plan(_too_large(found.by))
    net = money(found.total.net, currency, signed=True)
    best, worst = lines[0], lines[-1]
    text = f"Best {_told(best, currency)}, worst {_told(worst, currency)}." if len(lines) > 1 else ""
    message = Message(
        f"{net} net by {by}: {where}",
        text,
        buttons=button("As a table", "pnl", "by", *_crossed(found.by)),
        footer="Net of fees, slippage and funding.",
    )
    shown = Bars(
        _framed(f"P&L by {by}", where, found.total, currency, "net of all costs"),
        plain(currency, 8),
        tuple((_place(line), float(line.net)) for line in lines),
    )
    rows = ", ".join(_told(line, currency) for line in lines[:10])
    more = f" and {len(lines) - 10} more" if len(lines) > 10 else ""  # noqa: PLR2004 -- what a voice reads out
    return Plan(message, shown, f"Bars of {message.title}: {rows}{more}.", filename("pnl", "-".join(found.by)))


def hours(found: Attribution, where: str, currency: str) -> Plan:
    """Net by weekday and hour of entry, of an attribution by these two."""
    if not found.total.trades:
        return Plan(_untraded(where))
    if not all(_drawable(line) for line in (*found.lines, found.total)):
        return Plan(_too_large(found.by))
    values = np.full((len(WEEKDAYS), _HOURS), np.nan)
    for line in found.lines:
        day, hour = line.keys
        values[WEEKDAYS.index(day), int(hour)] = float(line.net)
    best, worst = (pick(found.lines, key=lambda line: line.net) for pick in (max, min))
    text = f"Best {_told(best, currency)}, worst {_told(worst, currency)}."
    message = Message(
        f"{money(found.total.net, currency, signed=True)} net by hour of the week: {where}",
        text,
        footer="Hour and weekday of entry, UTC. Net of fees, slippage and funding.",
    )
    frame = _framed("P&L by hour", where, found.total, currency, f"best {_place(best)}, worst {_place(worst)}")
    columns = [f"{hour:02d}" for hour in range(_HOURS)]
    shown = Heat(frame, plain(currency, 8), WEEKDAYS, columns, values, "hour of entry, UTC")
    return Plan(message, shown, f"Heat map of {message.title}. {text}", filename("pnl", "hours"))


def _nothing(agents: str, samples: int, since: float, now: float) -> Message:
    seen = f"{count(samples, 'sample')} of it since then, and fewer than two with an equity" if samples else "no sample"
    return Message(f"Nothing to draw of {agents} since {clock(since, now)}", f"The desk has {seen}.")


def _untraded(where: str) -> Message:
    return Message(f"No closed trades: {where}", "Profit and loss is drawn once a trade is closed and stored.")


def _too_large(by: Sequence[str]) -> Message:
    return Message("Nothing to draw", f"An amount is larger than any picture: /pnl by {' x '.join(by)} tells it.")


def _drawable(line: Line) -> bool:
    return abs(line.net) < HUGE


def _span(rule: str, start: float, end: float | None, severity: Severity) -> Span:
    return Span(plain(rule.replace("_", " "), 40), start, end, critical=severity is Severity.CRITICAL)


def _alerts(curve: Curve) -> str:
    if not curve.alerts:
        return "No alert."
    rules = Counter(each.rule.replace("_", " ") for each in curve.alerts)
    told = ", ".join(plain(rule, 40) + (f" ({many})" if many > 1 else "") for rule, many in rules.most_common(5))
    more = f" and {len(rules) - 5} more rules" if len(rules) > 5 else ""  # noqa: PLR2004 -- more is not read
    return f"{count(len(curve.alerts), 'alert')}: {told}{more}."


def _periods(*agents: str) -> tuple[Button, ...]:
    return tuple(each for period in ("24h", "7d") for each in button(period, "chart", *agents, period))


def _change(index: Floats) -> float | None:
    good = index[np.isfinite(index)]
    return float(good[-1] / good[0] - 1) if len(good) else None


def _percent(change: float | None) -> str:
    return "change n/a" if change is None else f"{number(100 * change, 1, signed=True)}%"


def _last(path: Path) -> float:
    return float(path.values[np.isfinite(path.values)][-1])


def _short(value: float) -> str:
    return number(value, 0 if abs(value) >= 1_000 else 2)  # noqa: PLR2004 -- below, cents count


def _framed(title: str, where: str, total: Line, currency: str, detail: str) -> Frame:
    net = float(total.net)
    tone = Tone.GOOD if net > 0 else Tone.CRITICAL if net < 0 else Tone.PLAIN
    sign = "+" if net > 0 else ""
    return Frame(title, where, f"{sign}{_short(net)} {plain(currency, 8)}", detail, tone)


def _place(line: Line) -> str:
    return " ".join(plain(key, 40) or _UNNAMED for key in line.keys)


def _told(line: Line, currency: str) -> str:
    return f"{_place(line)} {money(line.net, currency, signed=True)} ({count(line.trades, 'trade')})"


def _crossed(by: Sequence[str]) -> tuple[str, ...]:
    return tuple(by) if len(by) == 1 else (by[0], "x", by[1])


def _rounded(seconds: float) -> float:
    """To a whole day where it is nearly one, and else to a minute; what is shorter than ten, to a second."""
    days, unit = round(seconds / _DAY), 60.0 if seconds >= 600 else 1.0  # noqa: PLR2004 -- ten minutes
    return days * _DAY if days and abs(seconds - days * _DAY) < 0.01 * _DAY * days else round(seconds / unit) * unit


def day(now: float) -> str:
    """A time with its day, in the desk's time zone: "25 Nov 12:03 UTC"."""
    when = datetime.fromtimestamp(now, zone())
    return f"{when.day} {when:%b %H:%M %Z}"


def filename(*parts: str) -> str:
    """A name for a file: a few harmless characters."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:60] + ".png"
