"""`/runbook`: what to do about a trouble, step by step, with this agent's live values."""

from __future__ import annotations

from bot.arguments import at_most
from bot.chat import Message
from bot.command import Context, UsageError, command
from bot.format import plain
from bot.views.runbook import general, listing, live, values
from monitor.alerts.alert import Alert
from monitor.desk import AgentStatus, Desk, DeskError


@command(
    "runbook",
    usage="/runbook [RULE|ALERT|AGENT] [AGENT]",
    summary="Show what to do about a trouble, step by step.",
    examples=("/runbook", "/runbook anomaly", "/runbook drawdown alpha", "/runbook 3f9c1a2b"),
)
async def runbook(ctx: Context) -> Message:
    """Answer with the list, or with one runbook for the alert or agent it is about."""
    at_most(ctx.args, 2)
    desk = ctx.desk
    if not ctx.args and ctx.about is not None:
        return _of(desk, await desk.alert(ctx.about))
    if not ctx.args:
        return listing(desk.runbooks)
    key = _key(desk, ctx.args[0])
    if key is not None:
        agent = desk.agent(ctx.args[1]) if len(ctx.args) > 1 else None
        return _about(desk, key, agent)
    at_most(ctx.args, 1)
    agent = _agent(desk, ctx.args[0])
    if agent is not None and not agent.alerts:
        return listing(desk.runbooks, f"{agent.agent.id} has no open alert: choose a runbook")
    alert = agent.alerts[0] if agent is not None else await _alert(desk, ctx.args[0])
    return _of(desk, alert)


def _key(desk: Desk, word: str) -> str | None:
    """The runbook somebody means: its key, the one that begins so, or the one with that word in its key."""
    name = word.lower().replace("-", "_")
    if name in desk.runbooks:
        return name
    for found in (
        [key for key in desk.runbooks if name and key.startswith(name)],
        [key for key in desk.runbooks if name in key.split("_")],
    ):
        if len(found) == 1:
            return found[0]
    return None


def _agent(desk: Desk, word: str) -> AgentStatus | None:
    try:
        return desk.agent(word)
    except DeskError:
        return None


async def _alert(desk: Desk, word: str) -> Alert:
    try:
        return await desk.alert(word)
    except DeskError:
        known = ", ".join(desk.runbooks)
        raise UsageError(f"{plain(word, 40)} is no runbook, no alert and no agent; the runbooks are {known}") from None


def _about(desk: Desk, key: str, agent: AgentStatus | None) -> Message:
    """A runbook by name: for the agent that was named, else for the worst open alert of its rule."""
    ours = [
        alert
        for alert in desk.alerts()
        if alert.rule in desk.rules
        and desk.rules[alert.rule].runbook == key
        and (agent is None or alert.agent == agent.agent.id)
    ]
    if ours:
        return _of(desk, ours[0])
    if agent is None and len(desk.agents) == 1:
        agent = desk.agent(next(iter(desk.agents)))
    if agent is None:
        return general(desk.runbooks[key])
    return live(desk.runbooks[key], values(agent, None, desk.currency, desk.now()), None, None)


def _of(desk: Desk, alert: Alert) -> Message:
    rule = desk.rules.get(alert.rule)
    found = desk.runbooks.get(rule.runbook if rule else alert.rule)
    if found is None:
        raise UsageError(f"there is no runbook for {plain(alert.rule, 40)}: write one into runbooks.yaml")
    if alert.agent not in desk.agents:
        return general(found)
    return live(found, values(desk.agent(alert.agent), alert, desk.currency, desk.now()), alert, rule)
