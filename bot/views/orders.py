"""What came of an order is said as it is proven: confirmed by the agent, refused, or not confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.chat import Button, Field, Message, Table, Tone
from bot.format import amount, clock, count, plain, span
from bot.line import button
from monitor.desk import AgentStatus
from monitor.model import Agent, CashFlow
from monitor.order import HOLDS, Order, OrderState
from monitor.orders import Rung

_DONE = {"pause": "paused", "stop": "stopped", "resume": "running again"}
_SHOWN = 40
"""Agents told one by one."""


def asked(agent: Agent, action: str, means: str = "") -> Message:
    """Say at once that an order is on its way, and what it means there."""
    within = span(agent.limits.confirm_within)
    waits = f"Waiting up to {within} until it reports that."
    meaning = f"That means there: {plain(means, 200)}.\n" if means else ""
    return Message(f"Asked {plain(agent.id, 64)} to {action}", f"{meaning}{waits}")


def outcome(order: Order, after: AgentStatus, left: Rung | None, now: float) -> Message:
    """Say what came of an order to pause, stop or resume; `left`: the harder way to stop it that is left."""
    if order.state is OrderState.CONFIRMED:
        return _confirmed(order, now)
    name, action = plain(order.agent, 64), order.action
    said = plain(order.detail, 300)
    again = button(f"{action.capitalize()} again", action, order.agent)
    harder = _harder(order.agent, left)
    runbook = button("Runbook", "runbook", "order_unconfirmed", order.agent)
    if order.state is OrderState.REFUSED:
        return Message(
            title=f"{name} did not take the order to {action}",
            text=f"It {said}.\nThe order is void. Try again, or act on its machine.",
            buttons=(*harder, *again, *runbook),
            tone=Tone.CRITICAL,
            loud=True,
        )
    return Message(
        title=f"NOT confirmed within {span(after.agent.limits.confirm_within)}: {name} {_reports(action, after)}",
        text=f"Do not rely on this {action}. " + (f"What came of the order: {said}." if said else ""),
        buttons=(*harder, *again, *runbook, *button("Status", "status", order.agent)),
        tone=Tone.CRITICAL,
        loud=True,
    )


def _confirmed(order: Order, now: float) -> Message:
    name, said = plain(order.agent, 64), plain(order.detail, 300)
    took = span((order.confirmed or order.requested) - order.requested)
    by = _supervisor(order) or name
    lines = [f"Before: {plain(order.cause, 200)}."] if order.cause else []
    lines += [f"It said: {said}"] if said else []
    lines += (
        [f"Until {clock(order.until, now)}: you are told then, and nobody resumes it for you."] if order.until else []
    )
    if order.holds:
        lines += [f"It holds {count(order.held_count, 'open position')}."] if order.held_count else []
        lines += ["Its process is ended: nobody watches its open positions."] if order.silent else []
    other = "pause" if order.action == "resume" else "resume"
    return Message(
        title=f"{name} is {_DONE.get(order.action, order.action)}: confirmed by {by} after {took}",
        text="\n".join(lines),
        buttons=(*button("Status", "status", order.agent), *button(other.capitalize(), other, order.agent)),
        tone=Tone.GOOD,
    )


def _supervisor(order: Order) -> str:
    """The control that saw a process end, which itself can say nothing any more."""
    return order.control.split()[-1] if order.silent and order.holds and order.control else ""


def _harder(agent: str, left: Rung | None) -> tuple[Button, ...]:
    if left is None:
        return ()
    kind = left.control.kind
    if left.action == "pause":
        return button(f"Pause by {kind}", "pause", agent, "via", kind)
    return button(f"Stop by {kind}", "stop", agent, kind)


def stop_question(status: AgentStatus, kind: str, means: str) -> Message:
    """Ask before an agent is stopped harder than by a pause."""
    sample = status.answered
    many = None if sample is None else sample.open_positions
    held = "n/a open positions" if many is None else count(many, "open position")
    return Message(
        title=f"Stop {plain(status.agent.id, 64)} by {kind}?",
        text=f"That means there: {plain(means, 200)}. It has {held}.",
    )


def asked_all(able: Sequence[str], unable: Sequence[str]) -> Message:
    """Say at once that every agent was ordered to pause."""
    rest = f" {_named(unable)} take no orders: act on their machines." if unable else ""
    return Message(f"Asked {count(len(able), 'agent')} to pause", f"Waiting until each reports that.{rest}")


def outcomes(given: Mapping[str, Order | str], unable: Sequence[str], now: float) -> Message:
    """What came of pausing every agent, those first that did not obey."""
    done = [name for name, each in given.items() if isinstance(each, Order) and each.state is OrderState.CONFIRMED]
    rest = [name for name in given if name not in done]
    rows = [_row(name, given[name], now) for name in (*rest, *done)]
    rows += [(plain(name, 64), "takes no orders", "") for name in unable]
    more = f" {len(rows) - _SHOWN} not shown." if len(rows) > _SHOWN else ""
    bad = len(rest) + len(unable)
    whole = (
        f"All {count(len(done), 'agent')} paused and confirmed" if len(done) != 1 else "1 agent paused and confirmed"
    )
    return Message(
        title=f"{count(bad, 'agent')} NOT paused, {len(done):,} confirmed" if bad else whole,
        text=("Act on those that are not paused: /stop AGENT, or on their machines." if bad else "") + more,
        tables=(Table(("Agent", "State", "After"), tuple(rows[:_SHOWN])),),
        buttons=tuple(each for name in rest[:_BUTTONS] for each in button(f"Pause {name} again", "pause", name)),
        tone=Tone.CRITICAL if bad else Tone.GOOD,
        loud=bool(bad),
    )


_BUTTONS = 5


def _row(name: str, given: Order | str, now: float) -> tuple[str, str, str]:
    if isinstance(given, str):
        return plain(name, 64), plain(given, 80), ""
    if given.state is OrderState.CONFIRMED:
        took = (given.confirmed or now) - given.requested
        return plain(name, 64), _DONE.get(given.action, given.action), span(took)
    said = plain(given.detail, 60)
    if given.state is OrderState.REFUSED:
        return plain(name, 64), f"refused: {said}", ""
    return plain(name, 64), f"NOT confirmed ({said})" if said else "NOT confirmed", ""


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(plain(each, 64) for each in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown  # noqa: PLR2004 -- as many as are named


def _reports(action: str, after: AgentStatus) -> str:
    sample = after.sample
    if sample is None or sample.error is not None:
        return "does not answer"
    if sample.paused is None:
        return "does not say whether it is paused"
    if sample.paused is (action in HOLDS):
        return "reports paused and trades on" if sample.paused else "reports running"
    return f"still reports {'paused' if sample.paused else 'running'}"


def flow(stored: CashFlow, currency: str, now: float) -> Message:
    """Say what was recorded, and what it changes."""
    way = "into" if stored.amount > 0 else "out of"
    return Message(
        title=f"Recorded {amount(stored.amount, currency)} {way} {plain(stored.agent, 64)}",
        text="Returns, drawdown and losses no longer count it as profit or loss.",
        fields=(
            Field("At", clock(stored.time, now)),
            Field("By", plain(stored.by, 40)),
            *((Field("Note", plain(stored.note, 200)),) if stored.note else ()),
        ),
        tone=Tone.GOOD,
    )


def flow_question(agent: str, money: Decimal, currency: str, at: float | None, now: float) -> str:
    """Ask before a cash flow is recorded."""
    kind, way = ("deposit", "into") if money > 0 else ("withdrawal", "out of")
    when = (
        "at the step of the last 24 h that matches, else now"
        if at is None
        else f"at {clock(at, now)} or the step around it that matches"
    )
    return f"Record a {kind} of {amount(abs(money), currency).removeprefix('+')} {way} {plain(agent, 64)}, {when}?"
