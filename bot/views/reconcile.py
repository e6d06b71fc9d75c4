"""What a change of equity is made of is told part by part, and what can be done about the part nobody can explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.chat import Button, Message, Table, Tone
from bot.format import UNKNOWN, clock, count, plain, span
from bot.line import button
from monitor.reconciliation import Reconciliation
from monitor.statement import Reconciled

_SHOWN = 40
"""Agents told one by one."""


def one(agent: str, account: Reconciliation, currency: str, now: float, *, may: bool) -> Message:
    """The reconciliation of one agent. `may`: whoever asks may record and accept."""
    found, name = account.reconciled(), plain(agent, 64)
    if found is None:
        return Message(f"{name} · not reconciled", f"{UNKNOWN}: {_lacks(account)}.")
    return Message(
        title=f"{name} · {found.money(found.rest, '+')} {currency} unexplained",
        text=_stands(found, account, now),
        tables=(_parts(found, currency),),
        buttons=(
            *(_record(agent, found) if may else ()),
            *(button("Accept", "reconcile", agent, "accept") if may and found.beyond is not None else ()),
            *button("P&L by asset", "pnl", "by", "asset", agent),
            *(button("Runbook", "runbook", "unexplained", agent) if found.stands else ()),
        ),
        footer=f"Since {clock(found.since, now)} ({span(found.until - found.since)}), as of {clock(found.until, now)}.",
        tone=Tone.WARN if found.stands else Tone.PLAIN,
    )


def offers(agent: str, account: Reconciliation) -> tuple[Button, ...]:
    """What the card of an alert offers: to record the rest where it looks like a cash flow, and to see the parts."""
    found = account.reconciled()
    return () if found is None else (*_record(agent, found), *button("What it is made of", "reconcile", agent))


def _record(agent: str, found: Reconciled) -> tuple[Button, ...]:
    if found.beyond is None or found.flow is None:
        return ()
    return button(f"Record the {'deposit' if found.rest > 0 else 'withdrawal'}", "flow", agent, *found.flow)


def every(accounts: Mapping[str, Reconciliation], currency: str, now: float) -> Message:
    """One row an agent, those first that have money nobody can explain."""
    known = {name: account.reconciled() for name, account in accounts.items()}
    order = sorted(known, key=lambda name: _rank(known[name]))
    bad = sum(1 for found in known.values() if found is not None and found.stands)
    left = len(order) - _SHOWN
    rows = tuple(_row(name, accounts[name], known[name], now) for name in order[:_SHOWN])
    return Message(
        title=f"{count(bad, 'agent')} with money that nobody can explain" if bad else _fine(list(known.values())),
        text=f"{left} not shown." if left > 0 else "",
        tables=(Table(("Agent", "Unexplained", "Limit", "Change", "Trades", "Open", "Flows", "Since"), rows),),
        footer=f"Money in {currency}. /reconcile AGENT shows the parts, and why one is {UNKNOWN}.",
        tone=Tone.WARN if bad else Tone.PLAIN,
    )


def _fine(found: Sequence[Reconciled | None]) -> str:
    unknown = found.count(None)
    if unknown == len(found):
        return "Nothing is measured yet"
    if not unknown:
        return "All money is explained"
    return f"All money of {count(len(found) - unknown, 'agent')} is explained; {unknown} not measured yet"


def question(agent: str, account: Reconciliation, currency: str) -> str | None:
    """Ask before a rest is accepted; None where there is none."""
    found = account.reconciled()
    if found is None:
        return None
    rest = f"{found.money(found.rest, '+')} {currency}"
    return (
        f"Accept that {rest} of {plain(agent, 64)} stays unexplained? If somebody moved it, record it by /flow instead."
    )


def accepted(agent: str, before: Reconciled, currency: str, now: float) -> Message:
    """Say what was accepted, and what that means."""
    return Message(
        title=f"Accepted: {before.money(before.rest, '+')} {currency} of {plain(agent, 64)} stays unexplained",
        text="The reckoning begins anew at its newest sample. Returns, drawdown and losses still count it as profit or "
        "loss; if it was money that somebody moved, record it by /flow as well.",
        footer=f"Accepted at {clock(now, now)}.",
        tone=Tone.GOOD,
    )


def _rank(found: Reconciled | None) -> tuple[int, float]:
    if found is None:
        return 2, 0.0
    return (0 if found.stands else 1), -abs(float(found.rest))


def _lacks(account: Reconciliation) -> str:
    """Why there is nothing to measure from."""
    wait = f"it is measured from {span(account.settle)} after the first trade on"
    return wait if account.why is None else f"{account.why}; {wait}" if account.tells else account.why


def _stands(found: Reconciled, account: Reconciliation, now: float) -> str:
    told = [] if account.why is None else [f"Its newest sample cannot be reconciled: {account.why}."]
    if found.limit is None:
        return "\n".join((*told, "No limit is set: nobody is told of a rest."))
    limit = f"the limit of {found.money(found.limit)}"
    if found.beyond is None:
        return "\n".join((*told, f"Within {limit}."))
    told.append(f"Beyond {limit} since {clock(found.beyond, now)}.")
    if found.step is not None:
        trade = "with a trade in it" if found.step.parts.trades else "without a trade"
        told.append(f"It came in one step at {clock(found.step.end, now)}, {trade}.")
    if not found.stands:
        told.append(f"An alert waits until it has stood for {span(account.settle)}: trades are told late.")
    return "\n".join(told)


def _parts(found: Reconciled, currency: str) -> Table:
    parts = found.parts
    lines = (
        (f"{count(parts.trades, 'trade')}, gross", parts.gross),
        ("Fees", -parts.fees),
        ("Slippage", -parts.slippage),
        ("Funding", -parts.funding),
        ("Open positions", found.unrealised),
        ("Cash flows", parts.flows),
        ("Unexplained", found.rest),
        ("Change of equity", found.equity),
    )
    return Table((f"Part, {currency}", "Money"), tuple((name, found.money(amount, "+")) for name, amount in lines))


def _row(name: str, account: Reconciliation, found: Reconciled | None, now: float) -> tuple[str, ...]:
    if found is None:
        return plain(name, 64), UNKNOWN, *[""] * 5, plain(_lacks(account), 60)
    signed = (found.rest, found.limit, found.equity, found.parts.net, found.unrealised, found.parts.flows)
    rest, limit, *others = (UNKNOWN if each is None else found.money(each, "+") for each in signed)
    return plain(name, 64), rest, limit.lstrip("+"), *others, clock(found.since, now)
