"""A budget of statistical false pages is a text such as "3 per week", and its agents share it evenly and exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator

from bot.quantities import shown
from bot.settings.alerting import Match
from bot.settings.lines import Path
from bot.settings.texts import Table, text
from monitor.alerts.silence import Matchers

NONE = "none"
"""What is written in place of a budget where nothing statistical is to page."""
LEAST = Fraction(1, 13)
"""A week, for one agent: once a quarter, the rarest that two weeks of data can tell from chance."""
MOST = Fraction(21)
"""A week, for one agent: three a day."""
_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91}
_TEXT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(?: +per +| */ *)(day|week|month|quarter)")


def budget(value: object) -> float:
    """Read "3 per week" or "1/month" (day, week, month of 30 days, quarter of 91 days); returns false pages a week.

    Errors: ValueError with one sentence: no such text, or rarer than once a quarter.
    """
    return float(_a_week(_spelled(value)))


def budget_of_one(value: object) -> float:
    """The same of a single agent. Errors: ValueError, for more than three a day too."""
    found = budget(value)
    if found > MOST:
        raise ValueError(f'{shown(value)} is more than 3 a day for one agent: write "3 per day" or less.')
    return found


def _spelled(value: object) -> str:
    """The same budget as "3 per week". Errors: ValueError."""
    found = _TEXT.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{shown(value)} is not a budget: write it like "3 per week" or "1 per month".')
    spelled = f"{found[1]} per {found[2]}"
    if _a_week(spelled) < LEAST:
        raise ValueError(
            f'{shown(value)} is rarer than data can tell from chance: write "1 per quarter" or more often.'
        )
    return spelled


def _a_week(spelled: str) -> Fraction:
    figure, _, unit = spelled.split(" ")
    return Fraction(figure) * 7 / _DAYS[unit]


def _or_none(value: object) -> str:
    if value == NONE:
        return NONE
    try:
        return _spelled(value)
    except ValueError as error:
        raise ValueError(f'{str(error)[:-1]}, or "{NONE}".') from None


FalsePages = Annotated[str, BeforeValidator(_or_none)]
Detector = Annotated[
    str, text(r"budget|zscore|iqr|percentile", "is not a detector: write budget, zscore, iqr or percentile.")
]


class BudgetTable(Table):
    """[[budgets]]."""

    labels: Match
    false_pages: FalsePages


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget of statistical false pages, and the agents that share it evenly."""

    false_pages: str
    """As it is written: "3 per week", or "none"."""
    agents: tuple[str, ...]
    """Their ids, in the order of the file."""
    path: Path
    """Where it stands in the settings."""
    labels: Matchers = ()
    """Of a table of [[budgets]]; empty: an agent's own budget, or the desk's."""

    @property
    def own(self) -> bool:
        """Whether it is written at one agent, for it alone."""
        return self.path[0] == "agents"

    @property
    def share(self) -> Fraction | None:
        """A week and agent, by the even split alone; None where nothing statistical pages, or nobody shares it."""
        if self.false_pages == NONE or not self.agents:
            return None
        return _a_week(self.false_pages) / len(self.agents)

    @property
    def each(self) -> float | None:
        """A week and agent, once a quarter at least; None where nothing statistical pages, or nobody shares it."""
        share = self.share
        return None if share is None else float(max(share, LEAST))

    @property
    def raised(self) -> bool:
        """Whether its agents get more than their share, because less than once a quarter is no budget."""
        return self.share is not None and self.share < LEAST
