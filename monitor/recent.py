"""The last hundred returns of each agent, as the guide's detectors look at them."""

from __future__ import annotations

import numpy as np

from monitor.detector import CHOICES, NEVER, Field, Floats, Found, Rows, State, Tick, found

WINDOW = 100
"""Returns kept, the newest included."""
WARM_UP = 20
"""Returns a baseline needs."""
LARGEST = 1e100
"""A return beyond it is taken as it, so that no sum, square or quotient overflows."""
FIELDS = (Field("recent", WINDOW), Field("returns"))
"""recent: a ring; returns: how many there were."""


def learn(state: State, tick: Tick) -> None:
    """Take every known return of a tick in, zeros too."""
    rows = np.isfinite(tick.returns).nonzero()[0]
    many = state["returns"][rows]
    state["recent"][rows, (many % WINDOW).astype(np.intp)] = np.minimum(
        np.maximum(tick.returns[rows], -LARGEST), LARGEST
    )
    state["returns"][rows] = many + 1.0


def window(state: State, row: int) -> list[float]:
    """The returns of one row, the newest last."""
    many = int(state["returns"][row])
    ring: list[float] = state["recent"][row].tolist()
    return ring[:many] if many <= WINDOW else ring[many % WINDOW :] + ring[: many % WINDOW]


def judged(state: State, tick: Tick, choice: str) -> tuple[Rows, Floats, list[list[float]]]:
    """The rows that a detector of the guide is to judge, their newest return, and the returns before it, of each."""
    mine = (tick.choice == CHOICES.index(choice)) & (tick.allowed < NEVER)  # with no page allowed nothing pages
    rows = (mine & np.isfinite(tick.returns) & (state["returns"] > WARM_UP)).nonzero()[0]
    windows = [window(state, int(row)) for row in rows]
    return rows, np.asarray([each[-1] for each in windows]), [each[:-1] for each in windows]


def alarms(rows: Rows, tick: Tick, odd: list[bool], typical: list[float], every: float) -> Found:
    """What such a detector found: odd returns, against a typical one."""
    return found(
        rows,
        np.asarray(odd, dtype=np.bool_),
        time=tick.time[rows],
        since=tick.time[rows] - tick.elapsed[rows],
        value=tick.returns[rows],
        typical=np.asarray(typical, dtype=np.float64),
        n=1.0,
        every=every,
    )
