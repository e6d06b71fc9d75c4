"""Who would be told of what, and who is on duty, as far as the settings alone say it: lines of `nightdesk check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import format as written
from bot.chat import Found
from bot.platforms import further
from bot.settings import Settings
from bot.settings.lines import Path
from monitor.alerts import oncall
from monitor.alerts.plan import DUTY, EVERYBODY, Plan, Step

CHATS = ("telegram", "slack")
"""Platforms that call a person by name."""
Line = tuple[str, Found]
"""What a finding is about, and the finding."""


def examine(settings: Settings, now: float) -> Iterator[Line]:
    """What is worth knowing, or amiss, in how people would be told."""
    yield from _channels(settings)
    yield from _duties(settings, now)
    yield from _leads(settings)
    yield from _uncalled(settings)
    if settings.dead_mans_switch is not None:
        every = written.span(settings.dead_mans_every)
        yield "ping", Found(True, f"desk.dead_mans_switch is pinged each {every} while the desk truly works")
    if settings.web is not None:
        yield "web", Found(True, f"the desk's /health and /metrics are at http://{settings.web} while it runs")


def _channels(settings: Settings) -> Iterator[Line]:
    for each in settings.further:
        sentence = further.amiss(each)
        if sentence is not None:
            yield each.name, Found(False, f"{sentence} ({settings.origin.where((*each.path, 'url_env'))})")


def _duties(settings: Settings, now: float) -> Iterator[Line]:
    for index, rotation in enumerate(settings.alerting.rotations):
        duty = oncall.duty(rotation, (), now)
        if duty.person is None or duty.until is None:
            where = settings.origin.where(("rotations", index, "people"))
            yield "on-call", Found(False, f"{rotation.name}: nobody is on duty: add people ({where})")
        else:
            until = written.clock(duty.until, now)
            yield "on-call", Found(True, f"{rotation.name}: {duty.person} until {until}, then {duty.next}")


def _up(settings: Settings) -> tuple[str, ...]:
    """Channels that are set up."""
    chats = (each for each in CHATS if getattr(settings, each) is not None)
    return ("console", *chats, *settings.channels)


def _leads(settings: Settings) -> Iterator[Line]:
    """Lists of channels that name one that is not set up."""
    plan, up = settings.alerting, _up(settings)
    lists: list[tuple[Path, tuple[str, ...]]] = [
        (("routes", index, "to"), each.to) for index, each in enumerate(plan.routes)
    ]
    lists += [
        (("policies", index, "steps", number, "to"), step.to)
        for index, policy in enumerate(plan.policies)
        for number, step in enumerate(policy.steps)
    ]
    lists.append((("alerts", "failover"), plan.failover))
    lists += [
        (("digests", index, "channel"), (each.channel,)) for index, each in enumerate(settings.digests) if each.channel
    ]
    for path, to in lists:
        lost = [each for each in to if each not in up]
        if lost:
            rest = "it leads nowhere" if len(lost) == len(to) else "the rest of it is used"
            said = f"{settings.origin.where(path)} names {', '.join(lost)}, which is not set up: {rest}"
            yield "routes", Found(None if len(lost) < len(to) else False, said)


def _uncalled(settings: Settings) -> Iterator[Line]:
    """People whom a step would call where no chat knows them; each is told once."""
    plan, told = settings.alerting, set[str]()
    ids = {each.name: each.ids for each in settings.people}
    for policy in plan.policies:
        for step in policy.steps:
            chats = _chats(settings, step)
            for name in _called(plan, step) if chats else ():
                if name not in told and not any(chat in ids[name] for chat in chats):
                    told.add(name)
                    where = f'{" or ".join(chats)}, where the policy "{policy.name}" would call them'
                    yield "people", Found(None, f"{name} has no id in {where}")


def _chats(settings: Settings, step: Step) -> Sequence[str]:
    """Chats in which a step calls people by name; none where it goes to a further channel, which is somebody's own."""
    if any(each.name in step.to for each in settings.further):
        return ()
    named = {each.partition(":")[0] for each in step.to or CHATS}
    return [each for each in CHATS if each in named and getattr(settings, each) is not None]


def _called(plan: Plan, step: Step) -> Sequence[str]:
    """Everybody whom a step may ever call."""
    turns = {each.name: each.people for each in plan.rotations}
    found: list[str] = []
    for word in step.whom:
        if word == DUTY:
            found += (name for people in turns.values() for name in people)
        elif word == EVERYBODY:
            found += oncall.whom([EVERYBODY], plan, (), 0.0)
        else:
            found += turns.get(word, (word,))
    return found
