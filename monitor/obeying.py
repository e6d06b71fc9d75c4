"""An order is obeyed when the agent then reports it and has opened or grown nothing since its last report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.model import Sample, Trade
from monitor.order import Order, OrderState
from monitor.outside import line
from monitor.positions import grown, less

CLOCKS = 5.0
"""Seconds by which the clocks of an agent and of the desk may differ."""


def proven(order: Order, sample: Sample, before: Sample | None) -> Order | None:
    """The order as the agent's new sample confirms it; None while it does not. `before`: its last answered sample.

    What was on its way to the venue when a pause came may still fill: then the next sample decides.
    """
    if order.state is OrderState.CONFIRMED or order.ended is not None:
        return None
    if sample.error is not None or sample.time <= order.requested:
        return None
    if not order.holds:
        # An agent that never says whether it is paused was started again: that it answers is all it can show.
        runs = sample.paused is False or (sample.paused is None and order.silent)
        return confirmed(order, sample) if runs else None
    last = before or sample
    quiet = sample.paused is True and grown(last.positions, last.open_positions, sample) is None
    return confirmed(order, sample) if quiet else None


def confirmed(order: Order, sample: Sample) -> Order:
    """The order with what the agent holds now."""
    return replace(
        order,
        state=OrderState.CONFIRMED,
        confirmed=sample.time,
        held=sample.positions,
        held_count=sample.open_positions,
    )


def shrunk(order: Order, sample: Sample) -> Order | None:
    """A confirmed hold of an agent that holds less by now: that is what it may hold from now on. None: it does not."""
    if not order.holds or order.state is not OrderState.CONFIRMED or sample.error is not None:
        return None
    left, many = less(order.held, sample.positions), order.held_count
    if many is not None and sample.open_positions is not None and sample.open_positions < many:
        many = sample.open_positions
    changed = replace(order, held=order.held if left is None else left, held_count=many)
    return None if changed == order else changed


def betrayed(order: Order, trades: Sequence[Trade]) -> Order | None:
    """A confirmed hold as no longer confirmed, when a trade was opened after it; None where none was."""
    if not order.holds or order.confirmed is None or order.state is not OrderState.CONFIRMED:
        return None
    late = next((each for each in trades if each.entry_time > order.confirmed + CLOCKS), None)
    if late is None:
        return None
    said = f"it opened {line(late.asset, 40)} {late.side} after the {order.action} was confirmed"
    return replace(order, state=OrderState.UNCONFIRMED, detail=said)


def broken(order: Order, sample: Sample, within: float) -> str | None:
    """How an answered sample contradicts a hold, as what the agent does; None: it does not, or it has time left."""
    sure, late = order.state is OrderState.CONFIRMED, sample.time - order.requested > within
    if sure and order.silent:
        return "answers again" if sample.time > (order.confirmed or order.requested) + 2.0 else None
    if sure and sample.paused is True:
        more = grown(order.held, order.held_count, sample)
        return None if more is None else f"reports paused and yet has opened {more}"
    if sure or late:
        says = {
            None: "does not say whether it is paused",
            True: "reports paused and trades on",
            False: "reports running",
        }
        return says[sample.paused]
    return None
