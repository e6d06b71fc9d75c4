"""Returns of agents of which nothing is wrong, by a seed: shape (samples, agents), 30 s a sample."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIGMA = 5e-4
"""Standard deviation of a move."""
ALPHA, BETA, FREEDOM = 0.059, 0.933, 6.0
"""GARCH(1,1)-t: the median fit to twenty real minute series."""
BURN_IN = 500


def gaussian(source: np.random.Generator, samples: int, agents: int) -> Floats:
    """Independent, normal."""
    return source.standard_normal((samples, agents)) * SIGMA


def t3(source: np.random.Generator, samples: int, agents: int) -> Floats:
    """Independent, Student's t with 3 degrees of freedom."""
    return source.standard_t(3, (samples, agents)) * (SIGMA / math.sqrt(3.0))


def garch(source: np.random.Generator, samples: int, agents: int) -> Floats:
    """GARCH(1,1) with t(6) innovations."""
    news = source.standard_t(FREEDOM, (BURN_IN + samples, agents)) * math.sqrt((FREEDOM - 2.0) / FREEDOM)
    variance, constant = np.full(agents, SIGMA**2), SIGMA**2 * (1.0 - ALPHA - BETA)
    for step, each in enumerate(news):
        news[step] = np.sqrt(variance) * each
        variance = constant + ALPHA * news[step] ** 2 + BETA * variance
    return news[BURN_IN:]


def market_maker(source: np.random.Generator, samples: int, agents: int) -> Floats:
    """Small noise, and now and then a fill half a spread off, which the next sample takes back."""
    off = source.choice([-1.0, 0.0, 1.0], (samples + 1, agents), p=[0.008, 0.984, 0.008])
    return source.standard_normal((samples, agents)) * 1e-4 + SIGMA * np.diff(off, axis=0)


def sparse(source: np.random.Generator, samples: int, agents: int) -> Floats:
    """A GARCH market in which the agent has a position a tenth of the time, half an hour to hours apart."""
    moves = garch(source, samples, agents)
    inside = np.zeros(agents, dtype=bool)
    for step, chance in enumerate(source.random((samples, agents))):
        inside = np.where(inside, chance > 1 / 30, chance < 1 / 270)
        moves[step] *= inside
    return moves


STREAMS: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "Gaussian": gaussian,
    "t(3)": t3,
    "GARCH": garch,
    "market maker": market_maker,
    "sparse": sparse,
}


def make(kind: str, samples: int, agents: int, seed: int) -> Floats:
    """A stream, the same for the same seed."""
    return STREAMS[kind](np.random.default_rng([seed, list(STREAMS).index(kind)]), samples, agents)
