"""`/silence`: no pages for a while about one alert, or about whatever fits a rule, an agent or a label."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection, Sequence

from bot.arguments import alert_first, duration
from bot.chat import Message
from bot.command import Context, Role, UsageError, command
from bot.quantities import shown
from bot.views.silences import silenced
from monitor.alerts.silence import Matchers
from monitor.desk import Desk, DeskError
from monitor.rule import DESK

_AGENTS = 50
"""Agents that a silence of an incident names; one of more is silenced by its rule and place."""
_OF_ALERTS = ("check",)
"""Labels that rules give to alerts, beside those that agents have."""
_USAGE = "say what, for how long and why, for example /silence 3f9c 1h venue maintenance"
_WORDS = 2


@command(
    "silence",
    usage="/silence ALERT DURATION REASON (or NAME=VALUE ... in place of ALERT)",
    summary="Hold back pages for a while, at most 24h; it is still watched. NAME is rule, agent or a label, and "
    "VALUE may be several: a|b.",
    role=Role.OPERATOR,
    examples=(
        "/silence 3f9c1a2b 1h venue maintenance",
        "/silence 3f9c 1h30m known, fix is on its way",
        "/silence rule=drawdown agent=alpha 2h new limits tomorrow",
    ),
)
async def silence(ctx: Context) -> Message:
    """Silence an alert with what came together with it, or whatever fits."""
    desk = ctx.desk
    pairs = tuple(itertools.takewhile(lambda word: "=" in word, ctx.args))
    of, words = ("", ctx.args[len(pairs) :]) if pairs else _parted(alert_first(ctx))
    if len(words) < _WORDS:
        raise UsageError(_USAGE)
    seconds = duration(words[0])
    matchers = await _read(desk, pairs) if pairs else await _meant(desk, of)
    made = await desk.silence(matchers, seconds, ctx.person.name, " ".join(words[1:]), heard=ctx.invocation.channel)
    return silenced(made, desk.covered(made), desk.rules, desk.now())


def _parted(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    if not words:
        raise UsageError(_USAGE)
    return words[0], words[1:]


async def _meant(desk: Desk, name: str) -> Matchers:
    """What an id means: an alert's that trouble, an incident's all that came together."""
    alert, status = await desk.alert(name), await desk.incident(name)
    alerts = status.alerts if status.incident.id.startswith(name) and status.alerts else (alert,)
    if len(alerts) == 1:
        return (("alert", alerts[0].fingerprint),)
    agents, labels = sorted({each.agent for each in alerts}), {each.labels for each in alerts}
    few = len(agents) <= _AGENTS or not status.incident.labels  # never the rule alone: that is the whole fleet
    place = (("agent", "|".join(agents)),) if few else status.incident.labels
    return (("rule", status.incident.rule), *place, *(labels.pop() if len(labels) == 1 else ()))


async def _read(desk: Desk, pairs: Sequence[str]) -> Matchers:
    """Read rule=drawdown venue=binance|kraken. Errors: UsageError (something that nothing is called)."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name in found:
            raise UsageError(f"{shown(name)} is given twice, and nothing is both: write {name}=a|b")
        values = [await _value(desk, name, each) for each in value.split("|")]
        found[name] = "|".join(dict.fromkeys(values))
    return tuple(found.items())


async def _value(desk: Desk, name: str, value: str) -> str:
    if name == "alert":
        return (await desk.alert(value)).fingerprint
    if name == "rule":
        rules = {*desk.rules, *(each.rule for each in desk.alerts())}
        return _known(value.lower().replace("-", "_"), rules, "there is no rule")
    if name == "agent":
        return _agent(desk, value)
    has = _labels(desk)
    _known(name, {"alert", "agent", "rule", *has}, "no agent has a label")
    return value if value and name in _OF_ALERTS else _known(value, has[name], f"no agent has {name}")


def _agent(desk: Desk, value: str) -> str:
    try:
        return DESK if value == DESK else desk.agent(value).agent.id
    except DeskError:
        if not difflib.get_close_matches(value, desk.agents, n=1):
            raise
    return _known(value, desk.agents, "there is no agent")


def _labels(desk: Desk) -> dict[str, set[str]]:
    """Label -> the values that agents and open alerts have."""
    found: dict[str, set[str]] = {name: set() for name in _OF_ALERTS}
    of = (*(each.labels for each in desk.agents.values()), *(dict(each.labels) for each in desk.alerts()))
    for name, value in (pair for labels in of for pair in labels.items()):
        found.setdefault(name, set()).add(value)
    return found


def _known(value: str, known: Collection[str], lacks: str) -> str:
    """Give a value that is known. Errors: UsageError (it is not; with the nearest, or with all there are)."""
    if value in known:
        return value
    near = difflib.get_close_matches(value, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(sorted(known)[:20]) or 'none'}"
    raise UsageError(f"{lacks} {shown(value)}: {hint}")
