"""A simulated market: fat-tailed returns whose volatility comes in clusters, around an anchor; one seed, one path."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

ANCHORS: Mapping[str, float] = MappingProxyType(
    {"BTC": 64_000.0, "ETH": 3_200.0, "SOL": 150.0, "XRP": 0.55, "DOGE": 0.12}
)
"""Asset -> the price it keeps coming back to."""

VOLATILITY = 0.0008
"""Standard deviation of one tick's return in the long run."""
FREEDOM = 4.0
"""Degrees of freedom of Student's t: tails far fatter than a normal's, with a variance."""
SHOCK, MEMORY = 0.10, 0.88
"""GARCH(1,1): how much of a tick's variance comes from the last return, and from the last variance."""
PULL = 0.004
"""Share of the distance to the anchor that one tick takes back."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset between two ticks: log distance to its anchor, and the variance of its next return."""

    anchor: float
    distance: float = 0.0
    variance: float = VOLATILITY**2
    gap: float = 1.0
    """Factor on the price while the market is torn; 1 is whole."""

    @property
    def price(self) -> float:
        """Price now, above 0."""
        return self.anchor * math.exp(self.distance) * self.gap


def step(asset: Asset, draw: random.Random) -> Asset:
    """One tick: a return with Student's t tails and GARCH variance, pulled towards the anchor."""
    move = math.sqrt(asset.variance) * student(draw)
    variance = (1 - SHOCK - MEMORY) * VOLATILITY**2 + SHOCK * move**2 + MEMORY * asset.variance
    return replace(asset, distance=asset.distance * (1 - PULL) + move, variance=variance)


def student(draw: random.Random, freedom: float = FREEDOM) -> float:
    """Draw from Student's t, scaled to a variance of 1."""
    chi_square = draw.gammavariate(freedom / 2, 2)
    return draw.gauss(0, 1) / math.sqrt(chi_square / freedom) * math.sqrt((freedom - 2) / freedom)


class Market:
    """Several assets that tick together."""

    def __init__(self, seed: int, names: tuple[str, ...] = tuple(ANCHORS)) -> None:
        self._draw = random.Random(seed)
        self._assets = {name: Asset(ANCHORS[name]) for name in names}

    def tick(self) -> Mapping[str, float]:
        """Move every asset one tick on; return the prices."""
        self._assets = {name: step(asset, self._draw) for name, asset in self._assets.items()}
        return self.prices

    @property
    def prices(self) -> Mapping[str, float]:
        """Asset -> price now."""
        return {name: asset.price for name, asset in self._assets.items()}

    def tear(self, name: str, factor: float) -> None:
        """Let an asset's price gap to `factor` of what it would be; 1 mends it."""
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"a price can only gap by a factor above 0, not {factor}")
        self._assets[name] = replace(self._assets[name], gap=factor)
