"""What is told in another currency reaches the desk in its own, and what is no money stays what it is."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.exchange import MONEY, converted
from monitor.model import EXACT, Position, Sample, Side
from monitor.ports import Observation
from tests.stores import T0, a_sample, a_trade

HELD = Position("BTC-PERP", Side.LONG, 2.0, 1.5, -0.25, "p1")


def test_money_is_converted_and_nothing_else() -> None:
    told: dict[str, Any] = dict.fromkeys(MONEY, 2.0)
    sample = a_sample(**told, win_rate=0.5, open_positions=1, leverage=3.0, positions=(HELD,))
    seen = converted(Observation(sample, (a_trade(fees=Decimal("-0.01")),), "c1"), Decimal(50_000))
    assert all(getattr(seen.sample, name) == 100_000.0 for name in MONEY)
    assert seen.sample.positions == (replace(HELD, entry_price=75_000.0, pnl=-12_500.0),)
    plain = {name: getattr(seen.sample, name) for name in (each.name for each in fields(Sample)) if name not in MONEY}
    assert {**plain, "positions": None} == {
        **{name: getattr(sample, name) for name in plain},
        "positions": None,
    }
    assert (seen.cursor, seen.trades[0].size, seen.trades[0].fees) == ("c1", Decimal("0.10"), Decimal(-500))


def test_what_is_unknown_stays_unknown() -> None:
    unknown = Sample("alpha", T0, error="refused the connection")
    assert converted(Observation(unknown), Decimal(2)).sample == unknown


@given(st.decimals("0.00000001", 10**9, places=8), st.decimals(-1000, 1000, places=8))
def test_a_trades_net_is_converted_to_the_last_digit(rate: Decimal, fees: Decimal) -> None:
    trade = a_trade(fees=fees, slippage=Decimal("0.5"), funding=Decimal("0.125"))
    (there,) = converted(Observation(a_sample(), (trade,)), rate).trades
    with localcontext(EXACT):
        assert there.net == trade.net * rate
