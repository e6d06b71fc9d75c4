"""A name in the tables about telling is one that the file knows: a person, rotation, agent, label, rule or channel."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.quantities import shown
from bot.settings.checks import PLATFORM_IDS, Problem, doubled, tables
from bot.settings.lines import Path
from bot.settings.texts import nearest
from monitor import rule
from monitor.alerts.plan import DUTY, EVERYBODY
from monitor.model import LIVE, PAPER

ALERT_LABELS = ("check", "kind", "platform", "channel", "rotation")
"""Labels that rules give their alerts."""
_CHATS = {"telegram": re.compile(r"-?[0-9]{1,16}"), "slack": re.compile(r"[CGD][A-Z0-9]{2,20}")}
"""Platforms with other chats than their own, and how those are called."""
_EXAMPLES = {"telegram": "telegram:-1001234567890", "slack": "slack:C0123456789"}
_RENAMED = {"frozen_equity": "stale"}
_NAMED = ("policies", "rotations", "maintenance", "channels")
Raw = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Known:
    """Every name that may be written."""

    people: Mapping[str, object]
    """Name -> role."""
    rotations: frozenset[str]
    agents: frozenset[str]
    labels: frozenset[str]
    rules: frozenset[str]
    channels: frozenset[str]


def check(raw: Raw) -> Iterator[Problem]:
    """Every name that the file does not know, in a file that need not be right in anything else."""
    known = _known(raw)
    for index, agent in tables(raw, "agents"):
        if agent.get("id") == rule.DESK:
            yield Problem(("agents", index, "id"), f'"{rule.DESK}" is the desk itself: call the agent something else.')
        if agent.get("id") == EVERYBODY:
            yield Problem(("agents", index, "id"), f'"{EVERYBODY}" is every agent in /pause all: choose another id.')
        yield from _agent(agent, ("agents", index))
    for index, person in tables(raw, "people"):
        if person.get("name") in (DUTY, EVERYBODY):
            sentence = f"{shown(person['name'])} stands for others in an escalation: choose another name."
            yield Problem(("people", index, "name"), sentence)
    for name in _NAMED:
        yield from doubled(tables(raw, name), name, "name")
    yield from _channels(raw)
    yield from _rotations(raw, known)
    yield from _matched(raw, known)
    yield from _told(raw, known)
    yield from _digests(raw, known)
    yield from _budgets(raw)
    yield from _listening(raw)


def _known(raw: Raw) -> _Known:
    labels = [agent.get("labels") for _, agent in tables(raw, "agents")]
    return _Known(
        people={str(each.get("name")): each.get("role") for _, each in tables(raw, "people")},
        rotations=frozenset(str(each.get("name")) for _, each in tables(raw, "rotations")),
        agents=frozenset((rule.DESK, *(str(each.get("id")) for _, each in tables(raw, "agents")))),
        labels=frozenset((*ALERT_LABELS, *(name for each in labels if isinstance(each, dict) for name in each))),
        rules=frozenset(rule.discover()),
        channels=frozenset((*PLATFORM_IDS, *(str(each.get("name")) for _, each in tables(raw, "channels")))),
    )


def _agent(agent: Raw, at: Path) -> Iterator[Problem]:
    """What is wrong with an agent's controls, stops and mode, taken together."""
    mode = _table(agent, "labels").get("mode")
    if mode not in (None, PAPER, LIVE):
        yield Problem((*at, "labels", "mode"), f'{shown(mode)} is no mode: write "{PAPER}" or "{LIVE}".')
    if "control" in agent and "controls" in agent:
        yield Problem((*at, "controls"), "stands beside control: write the first one into controls too.")
    controls, stops = tables(agent, "controls"), tables(agent, "stops")
    yield from (_under(at, each) for each in doubled(controls, "controls", "kind"))
    yield from (_under(at, each) for each in doubled(stops, "stops", "when"))
    if stops and not controls and "control" not in agent:
        yield Problem((*at, "stops"), "cannot stop an agent that takes no orders: give it a control.")


def _under(at: Path, problem: Problem) -> Problem:
    return Problem((*at, *problem.path), problem.sentence)


def _channels(raw: Raw) -> Iterator[Problem]:
    for index, each in tables(raw, "channels"):
        if each.get("name") in (*PLATFORM_IDS, DUTY, EVERYBODY):
            yield Problem(("channels", index, "name"), f"{shown(each['name'])} means something else already.")
    if tables(raw, "channels") and importlib.util.find_spec("apprise") is None:
        yield Problem(("channels",), "further channels need apprise: install it by pip install 'nightdesk[apprise]'.")


def _rotations(raw: Raw, known: _Known) -> Iterator[Problem]:
    for index, each in tables(raw, "rotations"):
        name = each.get("name")
        if name in (DUTY, EVERYBODY, *known.people):
            yield Problem(("rotations", index, "name"), f"{shown(name)} means somebody already: choose another name.")
        for path, person in _words(each, ("rotations", index), "people"):
            yield from _unknown(path, person, "person", known.people)
            if known.people.get(person) == "viewer":
                yield Problem(path, f"{shown(person)} is a viewer, who cannot acknowledge: make them an operator.")


def _matched(raw: Raw, known: _Known) -> Iterator[Problem]:
    for table in ("routes", "policies", "maintenance"):
        for index, each in tables(raw, table):
            at: Path = (table, index)
            yield from _listed(each, at, "rule", "rule", known.rules)
            yield from _listed(each, at, "agent", "agent", known.agents)
            yield from _match(each.get("match"), (*at, "match"), known)
            twice = {"rule", "agent"} & each.keys() & _table(each, "match").keys()
            if twice:
                yield Problem((*at, "match"), f"{twice.pop()} stands beside it too: write it once, several as a list.")
            if table == "maintenance" and not any(each.get(name) for name in ("rule", "agent", "match")):
                yield Problem(at, "says nothing of what it silences: add rule, agent or match.")
    for index, each in tables(raw, "inhibitions"):
        at = ("inhibitions", index)
        yield from _match(each.get("source"), (*at, "source"), known)
        yield from _match(each.get("target"), (*at, "target"), known)
        yield from _listed(each, at, "unless", "rule", known.rules)
        yield from _listed(each, at, "equal", "label", {*known.labels, "agent", "rule"})
        if each.get("source") == {}:
            yield Problem((*at, "source"), 'matches nothing: write { rule = "agent_unreachable" }.')
    yield from _listed(_table(raw, "alerts"), ("alerts",), "group_by", "label", {*known.labels, "agent"})


def _match(match: object, at: Path, known: _Known) -> Iterator[Problem]:
    values = {"rule": known.rules, "agent": known.agents}
    for name, value in match.items() if isinstance(match, dict) else ():
        path = (*at, name)
        if name in values and isinstance(value, str):
            for one in value.split("|"):
                yield from _unknown(path, one, name, values[name])
        elif name != "alert":
            yield from _unknown(path, name, "label", {*known.labels, "agent", "rule"})


def _told(raw: Raw, known: _Known) -> Iterator[Problem]:
    """Channels and people of routes, steps and the failover."""
    yield from _led(raw, _table(raw, "alerts"), ("alerts",), "failover", known)
    for index, each in tables(raw, "routes"):
        yield from _led(raw, each, ("routes", index), "to", known)
    called = {DUTY, EVERYBODY, *known.rotations, *known.people}
    for index, policy in tables(raw, "policies"):
        for number, step in tables(policy, "steps"):
            at = ("policies", index, "steps", number)
            yield from _led(raw, step, at, "to", known)
            yield from _listed(step, at, "whom", "person or rotation", called)


def _digests(raw: Raw, known: _Known) -> Iterator[Problem]:
    """Channels of digests, and labels that choose agents."""
    for index, each in tables(raw, "digests"):
        yield from _led(raw, each, ("digests", index), "channel", known)
        yield from _chosen(raw, _table(each, "agents"), ("digests", index, "agents"))


def _budgets(raw: Raw) -> Iterator[Problem]:
    for index, each in tables(raw, "budgets"):
        path: Path = ("budgets", index, "labels")
        yield from _chosen(raw, _table(each, "labels"), path)
        if each.get("labels") == {}:
            yield Problem(path, "fits every agent: write that budget as false_pages of [desk].")


def _chosen(raw: Raw, chosen: Raw, path: Path) -> Iterator[Problem]:
    """What is wrong with labels that choose agents; none choose every one."""
    labels = [{"agent": str(agent.get("id")), **_table(agent, "labels")} for _, agent in tables(raw, "agents")]
    names = {key for of in labels for key in of}
    for name in chosen:
        yield from _unknown((*path, name), name, "label", names)
    fits = (all(of.get(name) in str(value).split("|") for name, value in chosen.items()) for of in labels)
    if chosen.keys() <= names and labels and not any(fits):
        yield Problem(path, "fits no agent: write labels as the agents have them.")


def _led(raw: Raw, table: Raw, at: Path, key: str, known: _Known) -> Iterator[Problem]:
    for path, channel in _words(table, at, key):
        platform, colon, chat = channel.partition(":")
        if not colon or platform not in _CHATS:
            yield from _unknown(path, channel, "channel", known.channels)
        elif not _CHATS[platform].fullmatch(chat):
            yield Problem(path, f'{shown(channel)} is not a channel: write it like "{_EXAMPLES[platform]}".')
        else:
            yield from _other(raw, path, platform, chat)


def _other(raw: Raw, path: Path, platform: str, chat: str) -> Iterator[Problem]:
    """What is wrong with another chat than the platform's own."""
    section = _table(raw, platform)
    own = section.get("chat" if platform == "telegram" else "channel")
    if str(own) == chat:
        yield Problem(path, f'"{platform}:{chat}" is the desk\'s own chat there: write "{platform}".')
    elif section.get("mode") == "webhook":
        yield Problem(path, "a webhook posts into its own channel only: another one needs mode socket or http.")


def _listening(raw: Raw) -> Iterator[Problem]:
    """Two parts that would listen at one address."""
    web, slack = raw.get("web"), _table(raw, "slack")
    if isinstance(web, dict) and slack.get("mode") == "http":
        at = web.get("listen", "127.0.0.1:8485")
        if at == slack.get("listen", "127.0.0.1:8484"):
            yield Problem(("web", "listen"), f"{shown(at)} is where Slack is listened to: choose another port.")


def _listed(table: Raw, at: Path, key: str, what: str, known: Collection[str]) -> Iterator[Problem]:
    for path, word in _words(table, at, key):
        yield from _unknown(path, word, what, known)


def _unknown(path: Path, word: str, what: str, known: Iterable[str]) -> Iterator[Problem]:
    names = sorted(known)
    if word in names:
        return
    near = _RENAMED.get(word) or nearest(word, names)
    hint = f'did you mean "{near}"?' if near else f"known are {', '.join(names[:20])}." if names else "there is none."
    yield Problem(path, f"{shown(word)} is not a known {what}: {hint}")


def _words(table: Raw, at: Path, key: str) -> list[tuple[Path, str]]:
    """Names under a key, a single one or a list of them, with their paths."""
    value = table.get(key)
    if isinstance(value, str):
        return [((*at, key), value)]
    listed = value if isinstance(value, list) else []
    return [((*at, key, index), each) for index, each in enumerate(listed) if isinstance(each, str)]


def _table(raw: Raw, name: str) -> Raw:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}
