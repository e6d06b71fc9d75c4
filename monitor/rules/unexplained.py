"""Money that neither trades nor open positions nor cash flows explain, for longer than it takes to tell of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from decimal import Decimal

from monitor.model import Finding, Severity
from monitor.rule import Labels, View, breach, clear, rule
from monitor.statement import Reconciled

CLEARS_AT = Decimal("0.8")
"""Share of the limit below which an open alert clears."""


@rule("unexplained", Severity.WARN, "Money that nobody can explain", recovered="can explain its money again")
def unexplained(view: View, open_: Collection[Labels]) -> Iterable[Finding]:
    """Breach: the rest was beyond the limit for the whole settling time, with everything that was told since.

    A rest that is beyond the limit and has not settled says nothing: the trade that explains it may be on its way.
    """
    found, name = view.reconciled, view.agent.id
    if found is None or view.sample.error is not None:
        return
    if found.limit is None:
        if open_:
            yield clear(view, unexplained, f"{name} has no limit for what is unexplained any more")
    elif found.stands:
        yield breach(view, unexplained, _sentence(found, view), float(found.rest), float(found.limit))
    elif found.beyond is None and abs(found.rest) <= found.limit * (CLEARS_AT if open_ else 1):
        reason = f"the money of {name} is explained but for {found.rest:+,.2f}"
        yield clear(view, unexplained, reason, float(found.rest), float(found.limit))


def _sentence(found: Reconciled, view: View) -> str:
    parts, money = found.parts, found.money
    trades = f"{parts.trades:,} trade{'' if parts.trades == 1 else 's'}"
    return (
        f"{view.agent.id} has {money(abs(found.rest))} {'more' if found.rest > 0 else 'less'} than is explained: "
        f"equity {money(found.equity, '+')} since {_when(found.since, view.now)} is {trades} {money(parts.net, '+')} "
        f"(fees {money(parts.fees)}, slippage {money(parts.slippage)}, funding {money(parts.funding)}), "
        f"open positions {money(found.unrealised, '+')}, cash flows {money(parts.flows, '+')}, "
        f"unexplained {money(found.rest, '+')}; {_guess(found, view)}"
    )


def _guess(found: Reconciled, view: View) -> str:
    """What it may be, and what to type."""
    name, step, flow = view.agent.id, found.step, found.flow
    came = "" if step is None else f"it came in one step at {_when(step.end, view.now)}, "
    if flow is None:
        among = "with a trade in it; " if step is not None else ""
        return f"{came}{among}a trade that was not told, a fee, a cash flow? /reconcile {name}"
    return f"{came}without a trade: a {'deposit' if found.rest > 0 else 'withdrawal'}? /flow {name} {' '.join(flow)}"


def _when(time: float, now: float) -> str:
    then, today = datetime.fromtimestamp(time, UTC), datetime.fromtimestamp(now, UTC)
    return f"{then:%H:%M} UTC" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M} UTC"
