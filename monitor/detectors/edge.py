"""An edge that erodes: fewer trades win than used to, more than chance lets happen at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from monitor.detector import NEVER, Deal, Detector, Field, Flags, Floats, Found, State, found

SHARE = 0.08
"""Of an agent's budget."""
RATES: Floats = np.array([0.05, 0.1, 0.2, 0.4])
WARM = 50
"""Trades before anything is said."""
_MEMORY = 1_000.0
"""Trades over which the usual share of wins is reckoned."""
_PACE = 0.02
_TRACE = 0.2


def step(state: State, deal: Deal) -> Mapping[str, Found]:
    """An e-detector of fewer wins (as in bleed): y is 1 of a win and -1 of a loss, less what it usually is on average.

    Trades closed before the newest one known are counted and skipped.
    """
    late = deal.time < state["edge_newest"]
    state["edge_late"][late] += 1.0
    told = deal.known & ~late
    _keep_pace(state, deal, told)
    many, usual = state["edge_trades"], state["edge_usual"]
    off = np.where(deal.won, 1.0, -1.0) - (2.0 * usual - 1.0)
    ready = told & (many >= WARM) & (deal.allowed < NEVER)
    level = np.zeros(len(state))
    bets = state["edge_bets"]
    for at, rate in enumerate(RATES):
        bet = np.where(ready, (bets[:, at] + 1.0) * np.maximum(1.0 - rate * off, 0.0), np.where(told, 0.0, bets[:, at]))
        bets[:, at] = bet
        level += bet
    _trace(state, deal, told, off)
    limit = deal.allowed / np.maximum(state["edge_pace"], 1e-6) / SHARE
    odd = ready & (level / len(RATES) >= np.maximum(limit, 1.0))
    n = np.maximum(state["edge_judged"], 1.0)
    what: dict[str, Floats] = {
        "since": state["edge_since"].copy(),
        "value": state["edge_wins"] / n,
        "typical": state["edge_before"].copy(),
        "every": deal.allowed / SHARE,
    }
    named = found(np.arange(len(state)), odd, time=deal.time, n=n, **what)
    many[told] += 1.0
    share = 1.0 / np.clip(many, 1.0, _MEMORY)
    usual[:] = np.where(told, usual + share * (deal.won - usual), usual)
    state["edge_newest"][:] = np.where(told, deal.time, state["edge_newest"])
    for name in ("edge_bets", "edge_trace", "edge_wins", "edge_judged"):
        state[name][odd] = 0.0
    return {"edge": named} if odd.any() else {}


def _keep_pace(state: State, deal: Deal, told: Flags) -> None:
    """Learn how far apart trades are, in seconds."""
    many, pace = state["edge_trades"], state["edge_pace"]
    gap = np.maximum(deal.time - state["edge_newest"], 0.0)
    share = np.maximum(1.0 / np.maximum(many, 1.0), _PACE)
    pace[:] = np.where(told & (many > 0), pace + share * (gap - pace), pace)


def _trace(state: State, deal: Deal, told: Flags, off: Floats) -> None:
    """Keep since when wins have been missing: since the bet on it was last worth nothing."""
    worth = state["edge_trace"]
    new = told & (worth <= 0)
    begin = np.maximum(state["edge_newest"], 0.0)
    state["edge_since"][new] = np.where(begin > 0, begin, deal.time - 1.0)[new]
    state["edge_before"][new] = state["edge_usual"][new]
    state["edge_wins"][new] = state["edge_judged"][new] = 0.0
    state["edge_wins"][told] += deal.won[told]
    state["edge_judged"][told] += 1.0
    worth[:] = np.where(told, np.maximum(worth + np.log(np.maximum(1.0 - _TRACE * off, 1e-9)), 0.0), worth)


_NAMES: Sequence[str] = (
    "edge_trades", "edge_usual", "edge_newest", "edge_pace", "edge_late", "edge_trace", "edge_since", "edge_wins",
    "edge_judged", "edge_before",
)  # fmt: skip
detector = Detector("edge", (Field("edge_bets", len(RATES)), *map(Field, _NAMES)), trades=step)
