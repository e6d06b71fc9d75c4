"""How rare a large value is, from a fading histogram and a generalised Pareto tail: one row an agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.detector import Field, Floats, Rows, State

BINS = 128
_PER_OCTAVE = 8
_LOWEST = -6
EDGES: Floats = 2.0 ** (_LOWEST + np.arange(BINS + 1) / _PER_OCTAVE)
"""Bounds of the bins: an eighth of an octave each, 1/64 to 1,024."""
_MIDDLE = np.sqrt(EDGES[:-1] * EDGES[1:])
_EXCEEDS = 0.01
"""Share of the values that the tail is fitted to."""
_MEMORY = 40_320.0
"""Values after which one has faded to 1/e: two weeks of a sample each 30 s."""
_REFIT = 64.0
"""Values between two fits of a row."""
_CAP = 1e-6
"""A value rarer than it is learned as one as rare: a single wild one must not become what is usual."""
LEAST = 1e-300
"""What stands for a chance or a weight of nothing."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The distribution of one statistic of each row, above 0.

    The threshold u is the 99 % quantile; beyond it the excess is generalised Pareto with shape xi and scale s, by
    probability-weighted moments (Hosking and Wallis 1987), the shape drawn towards `shape` as by `weight` exceedances
    and never below `floor`, the scale such that the mean excess is kept. As in McNeil and Frey 2000.
    """

    name: str
    prior: Floats
    """Weights of a histogram to begin with, shape (BINS,)."""
    shape: float
    weight: float
    floor: float

    @property
    def fields(self) -> Sequence[Field]:
        """Columns it keeps."""
        names = ("weight", "left", "u", "above", "shape", "scale", "cap")
        start = self._fitted(self.prior[None, :])
        fitted = {name: float(each[0]) for name, each in start.items()} | {"weight": 1.0, "left": _REFIT}
        return (
            Field(f"{self.name}_counts", BINS, self.prior),
            *(Field(f"{self.name}_{name}", start=fitted[name]) for name in names),
        )

    def chance(self, state: State, rows: Rows, value: Floats) -> Floats:
        """Probability of a value at least as large, of each of some rows; 1 at and below the threshold."""
        shape = state[f"{self.name}_shape"][rows]
        u, above = state[f"{self.name}_u"][rows], state[f"{self.name}_above"][rows]
        excess = np.maximum(value - u, 0.0)
        p = above * (1.0 + shape * excess / state[f"{self.name}_scale"][rows]) ** (-1.0 / shape)
        return np.where(value > u, p, 1.0)

    def learn(self, state: State, rows: Rows, value: Floats) -> None:
        """Take one value of each of some rows in."""
        known = np.minimum(value, state[f"{self.name}_cap"][rows])
        at = ((np.log2(np.maximum(known, EDGES[0])) - _LOWEST) * _PER_OCTAVE).astype(np.intp)
        weight, left = state[f"{self.name}_weight"], state[f"{self.name}_left"]
        state[f"{self.name}_counts"][rows, np.minimum(at, BINS - 1)] += weight[rows]
        weight[rows] *= 1.0 + 1.0 / _MEMORY
        left[rows] -= 1.0
        due = rows[left[rows] <= 0]
        if len(due):
            self._refit(state, due)

    def _refit(self, state: State, rows: Rows) -> None:
        counts = np.ascontiguousarray(state[f"{self.name}_counts"][rows]) / state[f"{self.name}_weight"][rows][:, None]
        state[f"{self.name}_counts"][rows] = counts
        state[f"{self.name}_weight"][rows] = 1.0
        state[f"{self.name}_left"][rows] = _REFIT
        for name, each in self._fitted(counts).items():
            state[f"{self.name}_{name}"][rows] = each

    def _fitted(self, counts: Floats) -> dict[str, Floats]:
        """Threshold, share above it, shape and scale of histograms of shape (rows, BINS); `cap` as of _CAP."""
        above = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
        share = above / above[:, :1]
        first = np.minimum((share > _EXCEEDS).sum(axis=1), BINS - 1)
        row = np.arange(len(counts))
        u, over, many = EDGES[first], share[row, first], above[row, first]
        beyond = np.where(np.arange(BINS) >= first[:, None], counts, 0.0)
        excess = beyond * (_MIDDLE - u[:, None])
        least = np.maximum(many, LEAST)
        mean = np.cumsum(excess, axis=1)[:, -1] / least
        second = np.cumsum(excess * (above - counts / 2), axis=1)[:, -1] / least**2
        with np.errstate(all="ignore"):
            moment = 2.0 - mean / (mean - 2.0 * second)
        moment = np.where(np.isfinite(moment), np.clip(moment, -0.5, 0.95), self.shape)
        shape = np.maximum((many * moment + self.weight * self.shape) / (many + self.weight), self.floor)
        scale = np.maximum(mean * (1.0 - shape), 1e-3 * u)
        cap = u + scale / shape * ((np.maximum(over, _CAP) / _CAP) ** shape - 1.0)
        return {"u": u, "above": over, "shape": shape, "scale": scale, "cap": cap}
