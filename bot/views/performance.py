"""The guide's figures of one agent: each with what it rests on, its mark, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Message, Table, Tone
from bot.format import UNKNOWN, clock, count, lacking, money, number, plain, share, span
from bot.line import button
from monitor.performance import Figure, Performance

_MARKS = {"good": "good", "watch": "watch", "act": "ACT", None: ""}
_COLUMNS = ("sharpe", "max_drawdown", "win_rate", "profit_factor", "calmar", "total_pnl")


def performance(found: Performance, currency: str, now: float) -> Message:
    """Every figure of one agent, and the period they cover."""
    act = [figure for figure in found.figures if figure.mark == "act"]
    text = "\n".join(f"{plain(figure.title, 40)}: {plain(figure.advice, 200)}." for figure in act)
    return Message(
        title=f"{plain(found.agent, 64)} · performance",
        text=text or "Nothing to act on.",
        tables=(Table(("Figure", "Value", "", "Rests on"), tuple(_row(each, currency) for each in found.figures)),),
        buttons=button("P&L by strategy", "pnl", "by", "strategy", found.agent),
        footer=_period(found, now),
        tone=Tone.WARN if act else Tone.PLAIN,
    )


def _row(figure: Figure, currency: str) -> tuple[str, ...]:
    told = figure.mark == "act" or (figure.value is None and figure.n < figure.need)
    note = f"{figure.n:,}" if told else plain(figure.advice, 120) or f"{figure.n:,}"
    return plain(figure.title, 40), value(figure, currency), _MARKS[figure.mark], note


def value(figure: Figure, currency: str) -> str:
    """A figure with its unit, or what it lacks."""
    if figure.value is None:
        return lacking(figure.n, figure.need) if figure.n < figure.need else UNKNOWN
    if figure.unit == "money":
        return money(figure.value, currency, signed=True)
    if figure.unit == "share":
        return share(float(figure.value))
    return number(figure.value, 0 if figure.unit == "count" else 2)


def _period(found: Performance, now: float) -> str:
    if found.since is None or found.until is None or found.spacing is None:
        return "No sample with an equity is stored yet."
    gaps = f", {count(found.gaps, 'gap')}" if found.gaps else ""
    return (
        f"{clock(found.since, now)} to {clock(found.until, now)}, returns every {span(found.spacing)}{gaps}; "
        "annualised over 365 days."
    )


def compared(found: Sequence[Performance], currency: str) -> Message:
    """One row an agent."""
    titles = {figure.key: figure.title for each in found for figure in each.figures}
    shown = tuple(key for key in _COLUMNS if key in titles)
    return Message(
        title=f"Performance of {count(len(found), 'agent')}",
        text="n/a: too little is known yet; /performance AGENT says what is lacking.",
        tables=(
            Table(("Agent", *(titles[key] for key in shown)), tuple(_line(each, shown, currency) for each in found)),
        ),
    )


def _line(found: Performance, shown: Sequence[str], currency: str) -> tuple[str, ...]:
    figures = {figure.key: figure for figure in found.figures}
    return plain(found.agent, 64), *(_cell(figures.get(key), currency) for key in shown)


def _cell(figure: Figure | None, currency: str) -> str:
    if figure is None or figure.value is None:
        return UNKNOWN
    return value(figure, currency) + (" ACT" if figure.mark == "act" else "")
