"""Every agent shares in one budget of false pages: its own, else the first of its labels, else the desk's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.quantities import shown
from bot.settings.budgets import MOST, Budget
from bot.settings.checks import Problem
from bot.settings.tables import FileTable
from monitor.alerts.silence import matches


def shared(table: FileTable) -> tuple[Budget, ...]:
    """The agents' own budgets, those of [[budgets]], and the desk's last, each with the agents that share it."""
    found = [
        Budget(each.false_pages, (each.id,), ("agents", index, "false_pages"))
        for index, each in enumerate(table.agents)
        if each.false_pages is not None
    ]
    left = {each.id: {**each.labels, "agent": each.id} for each in table.agents if each.false_pages is None}
    for index, group in enumerate(table.budgets):
        labels = tuple(group.labels.items())
        names = tuple(name for name, known in left.items() if matches(labels, known))
        found.append(Budget(group.false_pages, names, ("budgets", index, "false_pages"), labels))
        for name in names:
            del left[name]
    return (*found, Budget(table.desk.false_pages, tuple(left), ("desk", "false_pages")))


def too_often(budgets: Iterable[Budget]) -> Iterator[Problem]:
    """Budgets that come to more than three false pages a day for one agent."""
    for each in budgets:
        if each.share is not None and each.share > MOST:
            many = len(each.agents)
            whom = "one agent" if many == 1 else f"each of {many} agents"
            sentence = f'{shown(each.false_pages)} is more than 3 a day for {whom}: write "{3 * many} per day" or less.'
            yield Problem(each.path, sentence)
