"""What happened around a finding, gathered from what is stored and what has just come, and told in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from monitor.alerts.silence import Silence
from monitor.context import LATELY, Moved, Surroundings, changes, moved, told
from monitor.contributions import Rows
from monitor.detector import Alarm
from monitor.fleet import paper
from monitor.model import CashFlow, Reset, Sample, Trade
from monitor.turn import Folded, Turn

NEAR = 600.0
"""Seconds before a time in which the sample is looked for that was the newest then."""
USUAL = 7 * 86_400.0
"""Seconds of trades by which a size is usual."""
STEPS = 3
"""Newest steps of another agent, of which the largest counts: agents are not polled at one time."""
FRESH = 3.0
"""Intervals within which another agent must have been seen."""


class Past(Protocol):
    """What is stored, as it is asked for here."""

    async def samples(self, agent: str, since: float, until: float | None = None) -> list[Sample]:
        """Samples of an agent with since <= time (< until), in order of time."""

    async def trades(self, agent: str | None, since: float, until: float | None = None) -> list[Trade]:
        """Trades closed in since <= exit_time (< until), in order of exit time."""

    async def flows(self, agent: str, since: float = 0.0) -> list[CashFlow]:
        """Cash flows with since <= time, in order of time."""

    async def resets(self, agent: str) -> list[Reset]:
        """When an agent's figures began anew, in order."""

    async def silences(self, now: float) -> list[Silence]:
        """Silences and windows that were not over at a time, those that began later too."""


async def around(folded: Folded, past: Past, turn: Turn) -> Mapping[str, str]:
    """What happened around what was found with an observation, by detector."""
    return {alarm.detector: await _told(folded, alarm, past, turn) for alarm in folded.alarms}


async def _told(folded: Folded, alarm: Alarm, past: Past, turn: Turn) -> str:
    agent, state = folded.agent, folded.state
    if state is None:
        return ""
    rows = await _rows(folded, alarm, past)
    order, ended = turn.ordered(agent.id), await past.silences(alarm.since - LATELY)
    changed = changes(
        agent,
        alarm.time,
        silences={each.id: each for each in (*ended, *turn.board.silences())}.values(),
        restarts=state.restarts,
        resets=await past.resets(agent.id),
        orders=() if order is None else (order,),
        alerts=turn.board.standing(),
        rules=turn.setup.rules,
        agents=turn.setup.agents,
    )
    return told(alarm, Surroundings(rows, changed, _others(folded, alarm, turn)))


async def _rows(folded: Folded, alarm: Alarm, past: Past) -> Rows:
    agent, seen = folded.agent, folded.seen
    mode = paper(agent, seen.sample if seen.sample.reachable else folded.before.answered)
    before = await _newest(agent.id, alarm.since, past)
    begin = alarm.since if before is None else before.time
    stored = await past.trades(agent.id, min(begin, alarm.since) - USUAL)
    trades = {each.id: each for each in (*stored, *seen.trades) if each.paper is mode or each in seen.trades}
    return Rows(
        since=alarm.since,
        until=alarm.time,
        before=before,
        after=seen.sample if seen.sample.time <= alarm.time else await _newest(agent.id, alarm.time, past),
        trades=[each for each in trades.values() if each.exit_time > begin],
        flows=await past.flows(agent.id, begin),
        earlier=[each for each in trades.values() if each.exit_time <= begin],
    )


async def _newest(agent: str, time: float, past: Past) -> Sample | None:
    """The newest sample with an equity at or before a time."""
    found = await past.samples(agent, time - NEAR, time + 1e-6)
    return next((each for each in reversed(found) if each.equity is not None), None)


def _others(folded: Folded, alarm: Alarm, turn: Turn) -> Moved:
    """How the rest of the fleet moved in the same minutes."""
    time, agents = folded.seen.sample.time, turn.setup.agents
    seen = [
        state.baseline
        for name, state in turn.states().items()
        if name != folded.agent.id
        and name in agents
        and state.sample is not None
        and time - state.sample.time <= FRESH * agents[name].interval
    ]
    if alarm.detector == "burst":
        return moved(each.lately(alarm.n) or (None, None) for each in seen)
    return moved((each.largest(STEPS), each.typical) for each in seen)
