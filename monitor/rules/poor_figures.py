"""A figure of the guide's table that is past its bound with the whole of its interval calls for the table's action."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from monitor.figures import FIGURES, Description
from monitor.model import Finding, Severity
from monitor.performance import Figure
from monitor.rule import Labels, View, breach, clear, rule

JUDGED = {each.key: each for each in FIGURES if each.act is not None and not each.fact}
"""Figures that are estimates: what only happened, like a drawdown, has a rule of its own."""


@rule("poor_figures", Severity.WARN, "Figures to act on", recovered="is past its bound no more")
def poor_figures(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: chance alone does not explain a figure past its bound. It clears once the figure itself is back."""
    for figure in view.figures:
        if (description := JUDGED.get(figure.key)) is not None:
            yield from _judged(view, figure, description, open_)


def _judged(view: View, figure: Figure, of: Description, open_: Collection[Labels]) -> Iterator[Finding]:
    labels = (("figure", figure.key),)
    value = None if figure.value is None else float(figure.value)
    past = value is not None and of.act is not None and of.act(value)
    if figure.mark == "act" and value is not None:
        reason = (
            f"{of.title.lower()} of {view.agent.id} is {_told(figure, value)}, "
            f"95 % sure to be {_span(figure)} ({figure.n:,} {of.of}): {of.advice}"
        )
        yield breach(view, poor_figures, reason, value, labels=labels)
    elif labels in open_ and not past:
        now = "cannot be told any more" if value is None else f"is {_told(figure, value)}"
        yield clear(view, poor_figures, f"{of.title.lower()} of {view.agent.id} {now}", value, labels=labels)


def _told(figure: Figure, value: float) -> str:
    return f"{value:.0%}" if figure.unit == "share" else f"{value:,.2f}"


def _span(figure: Figure) -> str:
    low, high = figure.low, figure.high
    if low is None or high is None:
        return "so"
    return f"{_told(figure, low)} to {_told(figure, high)}"
