"""What happened around a statistical finding, in at most three short clauses, from stored rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from monitor.alerts.alert import Alert
from monitor.alerts.silence import Silence
from monitor.contributions import HALF, Contribution, Rows, Split, contributors, losing
from monitor.detector import Alarm
from monitor.model import Agent, Reset
from monitor.order import Order, OrderState
from monitor.outside import line
from monitor.rare import fitted
from monitor.rule import Rule
from monitor.statement import CENT

LONGEST = 400
"""Characters of all that is told."""
NAME = 24
"""Characters of a name from outside."""
LATELY = 86_400.0
"""Seconds before the window in which a change is worth a word."""
CHANGES = 2
"""Changes that are told at most."""
LARGE = 3.0
"""Times its typical move from which on another agent moved too."""
FEW = 3
"""Other agents that must have moved before anything is concluded."""
CHANCE = 0.05
"""Share of the others below which their moves may be chance."""
WHISPER = Decimal("0.01")
"""Share of the change below which a rest is not told: fees on the way, prices some seconds old."""
MOST_TIMES = 10.0
"""A share of a change beyond it says nothing: the change is what large sums left of each other."""
HUGE = Decimal("1e15")

LONG = ("bleed", "edge")
"""Detectors whose windows last days: what others did in their last step says nothing about it."""
SAME = ("drawdown", "hard_loss", "low_balance", "unexplained", "poor_figures", "spike")
"""Rules that tell of the money itself: what a loss leads to, or the same moves judged otherwise, is not why it came."""


class Changed(NamedTuple):
    """Something about an agent that is not as it was before."""

    time: float
    text: str
    """A few words without the time, bounded and printable."""
    stands: bool = False
    """Whether it has been so since that time; else it happened then."""


class Moved(NamedTuple):
    """How many other agents moved much in the same minutes."""

    moved: int
    """By more than LARGE times their typical move."""
    down: int
    """Of these."""
    of: int
    """Others of which that is known."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around one finding; what is not known is left out of the text."""

    rows: Rows
    changes: Sequence[Changed] = ()
    """In any order; what is older than a day before the window is not told."""
    fleet: Moved | None = None


def told(alarm: Alarm, of: Surroundings) -> str:
    """What contributed most, what changed lately and whether others moved too: one line of at most LONGEST characters.

    Empty where nothing is known.
    """
    parts = [
        _wins(alarm, of.rows) if alarm.detector == "edge" else _money(of.rows),
        _lately(alarm, of.changes),
        "" if alarm.detector in LONG or of.fleet is None else _others(alarm, of.fleet),
    ]
    return fitted(parts, LONGEST)


# What contributed


def _money(rows: Rows) -> str:
    split, named = contributors(rows)
    parts = []
    if named:
        head = "most of it" if split.covered(named) >= HALF else "the largest parts"
        parts.append(f"{head}: {', '.join(_contribution(each, split, rows) for each in named)}")
    rest, change = split.rest, split.change
    if rest and change is not None and abs(rest) >= WHISPER * abs(change):
        part = abs(rest) <= abs(change) and (rest > 0) == (change > 0)
        amount = f"{_amount(abs(rest), '')} of it" if part else _amount(rest)
        parts.append(
            "none of it in a known trade or position" if rest == change else f"{amount} in no known trade or position"
        )
    return ", ".join((f"equity {_amount(change)}", *parts) if change and parts else parts)


def _contribution(of: Contribution, split: Split, rows: Rows) -> str:
    share = split.share(of)
    made = _amount(of.amount) + ("" if share is None or share > MOST_TIMES else f" ({share:.0%})")
    trade = of.trade
    if trade is None:
        many = f" in {of.trades:,} trade{'' if of.trades == 1 else 's'}" if of.trades else ""
        return f"{'open ' if of.by == 'position' else ''}{_name(of.key)} {made}{many}"
    times, size = rows.times_usual(trade), float(trade.size)
    usual = "" if times is None else f", {times:,.{0 if times >= 10 else 1}f}x its usual"  # noqa: PLR2004 -- digits
    whole = f" of size {size:,.6g}" if math.isfinite(size) else ""
    return f"{_name(trade.strategy)} on {_name(trade.asset)} {made}, trade {_name(trade.id)}{whole}{usual}"


def _wins(alarm: Alarm, rows: Rows) -> str:
    found = losing(rows, alarm.typical) if math.isfinite(alarm.typical) else ()
    return ", ".join(
        f"{'fewest wins: ' if not at else ''}{each.by} {_name(each.key)} won {each.wins:,} of {each.trades:,}"
        for at, each in enumerate(found)
    )


def _amount(of: Decimal, sign: str = "+") -> str:
    """An amount to a cent, or to three digits where it is less."""
    if abs(of) >= HUGE:
        return f"{of:{sign}.3e}"
    return f"{of:{sign},.2f}" if abs(of) >= CENT else f"{of:{sign}.3g}"


def _name(text: str) -> str:
    return line(text.replace(";", ","), NAME) or "(no name)"  # a name begins no clause


# What changed


def changes(
    agent: Agent,
    now: float,
    *,
    silences: Iterable[Silence] = (),
    restarts: Iterable[float] = (),
    resets: Iterable[Reset] = (),
    orders: Iterable[Order] = (),
    alerts: Iterable[Alert] = (),
    rules: Mapping[str, Rule] | None = None,
    agents: Mapping[str, Agent] | None = None,
) -> tuple[Changed, ...]:
    """What changed about an agent until now, newest first; rows of other agents and later ones do no harm.

    `restarts`: when its process began anew. `alerts`: those that stand, of any agent. `rules`: all by key; the alerts
    of unknown and of statistical ones are left out. `agents`: all by id; those of one label `venue` share its trouble.
    """
    began = [each for each in restarts if each <= now]
    often = f"restarted {len(began)} times, last" if len(began) > 1 else "restarted"
    found = [Changed(max(began), often)] if began else []
    found += [Changed(each.starts, f"deploy ({_name(each.by)})") for each in silences if _deploys(each, agent)]
    found += [Changed(each.time, f"figures reset ({_name(each.by)})") for each in resets if each.agent == agent.id]
    found += [
        Changed(each.requested, f"{_name(each.action)} ordered ({_name(each.by)})")
        for each in orders
        if each.agent == agent.id and each.state is not OrderState.REFUSED
    ]
    standing = [each for each in alerts if each.open and each.opened <= now]
    found += _troubles(agent, standing, rules or {}, agents or {})
    return tuple(sorted((each for each in found if each.time <= now), key=lambda each: (-each.time, each.text)))


def _deploys(silence: Silence, agent: Agent) -> bool:
    """Whether it announces a deploy of the agent."""
    return silence.kind == "deploy" and agent.id in dict(silence.matchers).get("agent", "").split("|")


def _troubles(
    agent: Agent, alerts: Iterable[Alert], rules: Mapping[str, Rule], agents: Mapping[str, Agent]
) -> Iterator[Changed]:
    """The troubles of the agent that stand, and that of its venue once, whichever agents tell of it."""
    venue, at_venue = agent.labels.get("venue"), list[Alert]()
    there = {each.id for each in (agent, *agents.values()) if venue and each.labels.get("venue") == venue}
    for each in alerts:
        rule = rules.get(each.rule)
        if each.agent in there and ("check", "venue") in each.labels:
            at_venue.append(each)
        elif each.agent == agent.id and rule is not None and not rule.statistical and rule.key not in SAME:
            what = ", ".join(_name(value) for _, value in each.labels[:2])
            yield Changed(each.opened, f"{rule.title.lower()}{f' ({what})' if what else ''}", stands=True)
    if at_venue and venue:
        yield Changed(min(each.opened for each in at_venue), f"venue {_name(venue)} in trouble", stands=True)


def _lately(alarm: Alarm, changes: Iterable[Changed]) -> str:
    recent = [each for each in changes if alarm.since - LATELY <= each.time <= alarm.time]
    recent.sort(key=lambda each: -each.time)
    return ", ".join(
        f"{each.text} since {_when(each.time, alarm.time)}"
        if each.stands
        else f"{each.text} {_ago(alarm.time - each.time)} before"
        for each in recent[:CHANGES]
    )


def _ago(seconds: float) -> str:
    for least, size, unit in ((172_800.0, 86_400.0, "d"), (7_200.0, 3_600.0, "h"), (60.0, 60.0, "min")):
        if seconds >= least:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _when(time: float, now: float) -> str:
    then, today = datetime.fromtimestamp(time, UTC), datetime.fromtimestamp(now, UTC)
    return f"{then:%H:%M} UTC" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M} UTC"


# What others did


def moved(others: Iterable[tuple[float | None, float | None]]) -> Moved:
    """Count the others by (return of the last step, typical move) of each; where either is unknown it is left out."""
    known = [
        (step, typical)
        for step, typical in others
        if step is not None and typical is not None and math.isfinite(step) and 0 < typical < math.inf
    ]
    large = [step for step, typical in known if abs(step) > LARGE * typical]
    return Moved(len(large), sum(step < 0 for step in large), len(known))


def _others(alarm: Alarm, fleet: Moved) -> str:
    if fleet.of == 0:
        return ""
    if fleet.moved == 0:
        who = f"none of {fleet.of:,} other agents moved" if fleet.of > 1 else "the only other agent did not move"
        return f"{who} by more than {LARGE:g}x its typical move"
    up = fleet.moved - fleet.down
    many = "" if fleet.moved == 1 else "all of them " if 0 in (up, fleet.down) else "most of them "
    way = "both ways" if fleet.down == up else f"{many}{'down' if fleet.down > up else 'up'}"
    others = f"{fleet.moved:,} of {fleet.of:,} other agent{'' if fleet.of == 1 else 's'}"
    whose = "its" if fleet.moved == 1 else "their"
    return f"{_market(alarm, fleet)}{others} moved by more than {LARGE:g}x {whose} typical move too, {way}"


def _market(alarm: Alarm, fleet: Moved) -> str:
    """The conclusion, where more others moved than chance explains, and most of them the same way."""
    same = fleet.down if alarm.value < 0 else fleet.moved - fleet.down
    alike = alarm.detector == "burst" or 2 * same > fleet.moved  # a burst has no way
    many = fleet.moved >= max(FEW, CHANCE * fleet.of)
    return "the market rather than this agent: " if many and alike else ""
