"""Rows that come uneven, late, doubled and out of order make the same grid returns as in order; a later one says so."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping
from typing import Any, Self

from monitor.grid import GRID_POINTS, TICK, added
from monitor.series import growth

LATE_STEPS = 2
"""Steps by which a row may come after a newer one."""
_HELD = 100_000
"""Rows that wait at most; the oldest then counts as in order."""


class TooLate(Exception):  # noqa: N818 -- a signal: the owner reckons anew from what is stored
    """A row came after returns that it would change: they have to be reckoned anew, with it, from stored rows."""

    def __init__(self, time: float) -> None:
        super().__init__(f"a row of {time} came too late")
        self.time = time


class Grid:
    """One equity curve on an even grid from its first row on: `push` rows, get the returns that nothing can change.

    A row waits until a newer one is more than `late` steps ahead of it. Of several rows of one time the first with a
    known equity counts, and the first flow. The returns are those of `monitor.grid.grid_returns`, bit by bit.
    """

    __slots__ = (
        "_closed", "_equity", "_flow", "_held", "_known", "_last", "_linked", "_newest", "_start", "_time",
        "late", "stale", "step",
    )  # fmt: skip

    def __init__(self, step: float, stale: float, late: int = LATE_STEPS) -> None:
        """`step` and `stale` in seconds, as of `grid_returns`. Errors: ValueError (not a number of seconds)."""
        if not (TICK <= step < math.inf and stale >= 0):
            raise ValueError(f"the step of a grid must be a number of seconds, at least a microsecond, not {step}")
        self.step, self.stale, self.late = step, stale, late
        self._held: list[tuple[float, float | None, float]] = []
        self._newest = -math.inf
        self._start: float | None = None
        self._time = self._last = -math.inf
        self._equity = math.nan
        self._flow = 0.0
        self._linked = 1.0
        self._closed = 0
        self._known = True

    def push(self, time: float, equity: float | None, flow: float = 0.0) -> list[float]:
        """Take a row; returns the returns of the steps that are now final, NaN of a gap.

        Errors: TooLate (it would change what was final), ValueError (far ahead: the gap would have too many steps).
        """
        if not math.isfinite(time):
            return []
        if time <= self._time:
            raise TooLate(time)
        known = equity if equity is not None and math.isfinite(equity) else None
        self._hold(time, known, flow if math.isfinite(flow) else 0.0)
        self._newest = max(self._newest, time)
        return self._release(self._newest - self.late * self.step - TICK / 2)

    def flush(self) -> list[float]:
        """End of the rows: the returns of every step that they close."""
        return self._release(math.inf)

    def _hold(self, time: float, equity: float | None, flow: float) -> None:
        held = self._held
        if held and time <= held[-1][0]:
            for at in range(len(held) - 1, -1, -1):
                if held[at][0] == time:
                    first = held[at]
                    held[at] = (time, equity if first[1] is None else first[1], first[2] or flow)
                    return
                if held[at][0] < time:
                    break
            insort(held, (time, equity, flow), key=lambda row: row[0])
        else:
            held.append((time, equity, flow))

    def _release(self, horizon: float) -> list[float]:
        held, count = self._held, 0
        while count < len(held) and (held[count][0] < horizon or len(held) - count > _HELD):
            count += 1
        if not count:
            return []
        made: list[float] = []
        for row in held[:count]:
            self._apply(*row, made)
        del held[:count]
        return made

    def _apply(self, time: float, equity: float | None, flow: float, made: list[float]) -> None:
        self._time = time
        if self._start is None:
            if equity is not None:
                self._start = self._last = time
                self._equity = equity
            return
        self._flow = added(self._flow, flow)
        if equity is None:
            return
        if (time - self._last) / self.step >= GRID_POINTS:
            raise ValueError(f"a gap of more than {GRID_POINTS} steps of {self.step} s is no gap; begin a new grid")
        self._close(time, -TICK / 2, self._start, made)
        grown = growth(self._equity, equity, self._flow)
        self._linked *= math.nan if grown is None else grown
        self._equity, self._flow, self._last = equity, 0.0, time
        self._close(time, TICK / 2, self._start, made)

    def _close(self, time: float, slack: float, start: float, made: list[float]) -> None:
        """Close the steps that end before a row's time, or with `slack` above 0 at it."""
        while True:
            end = start + self.step * (self._closed + 1)
            if not end - slack < time:
                return
            known = end - self._last <= self.stale + TICK / 2
            made.append(self._linked - 1.0 if self._known and known and math.isfinite(self._linked) else math.nan)
            self._linked, self._known = 1.0, known
            self._closed += 1

    def to_json(self) -> dict[str, Any]:
        """The state as JSON; None is what is not there yet."""
        state = {name.lstrip("_"): getattr(self, name) for name in self.__slots__ if name != "_held"}
        plain = {
            name: None if isinstance(each, float) and not math.isfinite(each) else each for name, each in state.items()
        }
        return {**plain, "held": [list(row) for row in self._held]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json` back. Errors: ValueError, when it is something else."""
        try:
            made = cls(float(data["step"]), float(data["stale"]), int(data["late"]))
            for name, missing in _MISSING.items():
                setattr(made, f"_{name}", missing if data[name] is None else float(data[name]))
            made._start = None if data["start"] is None else float(data["start"])
            made._closed, made._known = int(data["closed"]), bool(data["known"])
            made._held = [
                (float(time), None if worth is None else float(worth), float(flow))
                for time, worth, flow in data["held"]
            ]
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise ValueError(f"this is not a stored grid: {error}") from None
        if made._closed < 0 or (made._start is None) != math.isnan(made._equity):
            raise ValueError("this is not a stored grid: its parts do not fit together")
        return made


_MISSING = {
    "newest": -math.inf,
    "time": -math.inf,
    "last": -math.inf,
    "equity": math.nan,
    "linked": math.nan,
    "flow": 0.0,
}
