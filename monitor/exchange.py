"""What an agent tells in a currency of its own reaches the desk in the desk's, at a rate that somebody set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from monitor.model import EXACT, Agent, Position, Sample, Trade
from monitor.ports import AgentSource, Observation

MONEY = (
    "equity",
    "balance",
    "available",
    "exposure",
    "pnl_1h",
    "pnl_24h",
    "pnl_7d",
    "cost_1h",
    "cost_24h",
)
"""Figures of a sample that are money."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A source whose money is worth `rate` of the desk's currency."""

    source: AgentSource
    rate: Decimal

    async def fetch(self, agent: Agent, cursor: str | None) -> Observation:
        """One look at the agent, in the desk's currency."""
        return converted(await self.source.fetch(agent, cursor), self.rate)

    async def well(self, agent: Agent) -> str | None:
        """Why a process that was just started is not up and fit, in a few words; None when it is."""
        return await self.source.well(agent)

    async def close(self) -> None:
        """End what it began in the background."""
        await self.source.close()


def converted(seen: Observation, rate: Decimal) -> Observation:
    """The same in the desk's currency: returns and shares stay what they are, and so do sizes."""
    return replace(
        seen,
        sample=_sample(seen.sample, float(rate)),
        trades=tuple(_trade(each, rate) for each in seen.trades),
        flows=tuple(replace(each, amount=EXACT.multiply(each.amount, rate)) for each in seen.flows),
    )


def _sample(sample: Sample, rate: float) -> Sample:
    known: dict[str, Any] = {name: value * rate for name in MONEY if (value := getattr(sample, name)) is not None}
    held = sample.positions
    return replace(sample, **known, positions=held and tuple(_position(each, rate) for each in held))


def _position(held: Position, rate: float) -> Position:
    price = None if held.entry_price is None else held.entry_price * rate
    return replace(held, entry_price=price, pnl=None if held.pnl is None else held.pnl * rate)


def _trade(trade: Trade, rate: Decimal) -> Trade:
    return replace(
        trade,
        entry_price=EXACT.multiply(trade.entry_price, rate),
        exit_price=EXACT.multiply(trade.exit_price, rate),
        fees=EXACT.multiply(trade.fees, rate),
        slippage=EXACT.multiply(trade.slippage, rate),
        funding=EXACT.multiply(trade.funding, rate),
    )
