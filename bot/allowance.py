"""How many statistical false pages the settings allow, together and each agent: lines of `nightdesk check`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bot import format as written
from bot.chat import Found
from bot.settings import Budget, Settings

_NAMED = 3
"""Budgets of single agents that are told one by one."""
_EXACT = 10
"""From here on a number of pages is told without a fraction."""


def examine(settings: Settings) -> Iterator[Found]:
    """What the budgets come to; worth knowing: where more than what is written has to be expected."""
    loud = {each.id: each.detector for each in settings.agents if each.detector != "budget" and each.false_pages}
    budgets = [each for each in settings.budgets if set(each.agents) - loud.keys()]
    told = list(_told([each for each in budgets if not each.raised]))
    total = sum(each.false_pages or 0.0 for each in settings.agents if each.id not in loud)
    if told:
        whole = [f"expect {_number(total)} a week in all"] if len(budgets) > 1 and total else []
        yield Found(True, f"statistical pages: {'; '.join([*told, *whole])}")
    for each in budgets:
        if each.raised:
            yield Found(None, _raised(each, loud))
    for each in settings.budgets:
        if not each.agents and each.labels:
            where = settings.origin.where(each.path)
            yield Found(None, f"{where} is shared by nobody: all its agents have another budget")
    if loud:
        yield Found(None, _loud(loud))


def _told(budgets: Sequence[Budget]) -> Iterator[str]:
    """Each budget in a few words; those of single agents together where they are many."""
    own = [each for each in budgets if each.own]
    together = own if len(own) > _NAMED else []
    if together:
        total = _number(sum(each.each or 0.0 for each in together))
        yield f"{len(together)} agents with a budget of their own, {total} a week together"
    for each in budgets:
        if together and each.own:
            continue
        if each.each is None or len(each.agents) == 1:
            yield f"{each.false_pages} for {_agents(each, each.agents)}"
        else:
            yield f"{each.false_pages} over {_agents(each, each.agents)}, {_number(each.each)} a week each"


def _raised(budget: Budget, loud: Collection[str]) -> str:
    """A budget that is too small for so many agents."""
    agents = [each for each in budget.agents if each not in loud]
    total = _number(len(agents) * (budget.each or 0.0))
    return (
        f"statistical pages: {_agents(budget, agents)} at 1 per quarter each: expect {total} false pages a week, "
        f"not {budget.false_pages}, since two weeks of data cannot say more"
    )


def _loud(detectors: dict[str, str]) -> str:
    """Agents that the guide's detectors judge."""
    kinds = " or ".join(sorted(set(detectors.values())))
    whom = next(iter(detectors)) if len(detectors) == 1 else f"{len(detectors)} agents"
    return (
        f"statistical pages: {whom} by {kinds}, without a budget: expect 10 to 55 pages a day and agent "
        "(docs/detection.md)"
    )


def _agents(budget: Budget, agents: Sequence[str]) -> str:
    if len(agents) == 1:
        return agents[0]
    labels = " ".join(f"{name}={value}" for name, value in budget.labels)
    return f"{written.count(len(agents), 'agent')}{labels and f' with {labels}'}"


def _number(pages: float) -> str:
    return f"{pages:.0f}" if pages >= _EXACT else f"{pages:.2g}"
