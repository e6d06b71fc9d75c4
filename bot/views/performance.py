"""The guide's figures of one agent: each with what it rests on, its mark, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.chat import Message, Table, Tone
from bot.format import UNKNOWN, clock, count, lacking, money, number, plain, share, span
from bot.line import button
from monitor.performance import Figure, Performance

_MARKS = {"good": "good", "watch": "watch", "act": "ACT", None: ""}
_COLUMNS = ("sharpe", "max_drawdown", "win_rate", "profit_factor", "calmar", "total_pnl")
_HEADS = ("Figure", "", "95%", "n", "")


def performance(found: Performance, currency: str, now: float, window: str = "") -> Message:
    """Every figure of one agent with its interval and what it rests on, and the period they cover.

    `window`: its name, for the title; empty for everything that is stored.
    """
    act = [figure for figure in found.all if figure.mark == "act"]
    text = "\n".join(f"{plain(figure.title, 40)}: {plain(figure.advice, 200)}." for figure in act)
    further = tuple(_row(each, currency, now) for each in found.further if each.value is not None)
    guide = Table(_HEADS, tuple(_row(each, currency, now) for each in found.figures))
    return Message(
        title=f"{plain(found.agent, 64)} · performance{f' · {plain(window, 20)}' if window else ''}",
        text=text or "Nothing to act on.",
        tables=(guide, *((Table(("Further", *_HEADS[1:]), further),) if further else ())),
        buttons=button("P&L by strategy", "pnl", "by", "strategy", found.agent),
        footer=_period(found, now),
        tone=Tone.WARN if act else Tone.PLAIN,
    )


def _row(figure: Figure, currency: str, now: float) -> tuple[str, ...]:
    told = figure.mark in {"act", "good"} or (figure.value is None and figure.n < figure.need)
    note = "" if told else plain(figure.advice, 120)
    mark = ": ".join(each for each in (_MARKS[figure.mark], note) if each)
    title = plain(figure.title, 40)
    return title, value(figure, currency, now), interval(figure, currency, now), f"{figure.n:,}", mark


def value(figure: Figure, currency: str, now: float) -> str:
    """A figure with its unit, or what it lacks."""
    if figure.value is None:
        return lacking(figure.n, figure.need) if figure.n < figure.need else UNKNOWN
    return _written(figure.value, figure, currency, now)


def interval(figure: Figure, currency: str, now: float) -> str:
    """The ends between which the truth is in 19 of 20 cases; empty of what is a fact."""
    if figure.low is None and figure.high is None:
        return ""
    low, high = ("" if end is None else _written(end, figure, currency, now) for end in (figure.low, figure.high))
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"to {high}"


def _written(amount: float | Decimal, figure: Figure, currency: str, now: float) -> str:
    if figure.unit == "money":
        return money(amount, currency, signed=True) if currency else number(amount, signed=True)
    if figure.unit == "share":
        return share(float(amount), _digits(float(amount)))
    if figure.unit == "seconds":
        return span(float(amount))
    if figure.unit == "time":
        return clock(float(amount), now)
    return number(amount, 0 if figure.unit == "count" else 2)


def _digits(part: float) -> int:
    """A return of one step may be a hundredth of a percent."""
    return 1 if part == 0 or abs(part) >= 0.01 else 3  # noqa: PLR2004 -- below a percent, more figures are told


def _period(found: Performance, now: float) -> str:
    if found.since is None or found.until is None or found.spacing is None:
        return "No sample with an equity is stored yet."
    gaps = f", {count(found.gaps, 'gap')}" if found.gaps else ""
    return (
        f"{clock(found.since, now)} to {clock(found.until, now)}, returns every {span(found.spacing)}{gaps}; "
        f"annualised over {found.days:g} days."
    )


def compared(found: Sequence[Performance], currency: str, window: str = "") -> Message:
    """One row an agent; `window` as of `performance`."""
    titles = {figure.key: figure.title for each in found for figure in each.figures}
    shown = tuple(key for key in _COLUMNS if key in titles)
    return Message(
        title=f"Performance of {count(len(found), 'agent')}{f' · {plain(window, 20)}' if window else ''}",
        text="n/a: too little is known yet; /performance AGENT says what is lacking.",
        tables=(
            Table(("Agent", *(titles[key] for key in shown)), tuple(_line(each, shown, currency) for each in found)),
        ),
    )


def _line(found: Performance, shown: Sequence[str], currency: str) -> tuple[str, ...]:
    figures = {figure.key: figure for figure in found.figures}
    return plain(found.agent, 64), *(_cell(figures.get(key), currency, found.until or 0.0) for key in shown)


def _cell(figure: Figure | None, currency: str, now: float) -> str:
    if figure is None or figure.value is None:
        return UNKNOWN
    return value(figure, currency, now) + (" ACT" if figure.mark == "act" else "")
