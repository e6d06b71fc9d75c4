"""Any value that can be stored comes back equal."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.alert import Alert, State
from monitor.model import Check, Sample, Severity, Side, Trade
from monitor.ports import Change
from tests.stores import new_store

_TIMES = st.integers(0, 4_000_000_000_000_000).map(lambda micros: micros / 1e6)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_COUNTS = st.integers(-(2**63), 2**63 - 1)
_MONEY = st.decimals(allow_nan=False, allow_infinity=False)
_FIGURES = ["equity", "balance", "pnl_24h", "win_rate", "sharpe", "max_drawdown", "heartbeat_age", "uptime"]
_FIGURES += ["memory", "cpu", "venue_latency", "poll_latency"]
_SAMPLES = st.builds(
    Sample,
    agent=st.text(),
    time=_TIMES,
    error=st.none() | st.text(),
    status=st.none() | st.text(),
    paused=st.none() | st.booleans(),
    open_positions=st.none() | _COUNTS,
    errors_1h=st.none() | _COUNTS,
    checks=st.lists(st.builds(Check, st.text(), st.booleans(), st.text()), max_size=3).map(tuple),
    **{name: st.none() | _FLOATS for name in _FIGURES},
)
_TRADES = st.builds(
    Trade,
    agent=st.text(),
    id=st.text(),
    strategy=st.text(),
    asset=st.text(),
    side=st.sampled_from(Side),
    size=_MONEY,
    entry_price=_MONEY,
    exit_price=_MONEY,
    entry_time=_TIMES,
    exit_time=_TIMES,
    fees=_MONEY,
    slippage=_MONEY,
)
_ALERTS = st.builds(
    Alert,
    id=st.text(),
    fingerprint=st.text(),
    agent=st.text(),
    rule=st.text(),
    labels=st.dictionaries(st.text(), st.text(), max_size=2).map(lambda labels: tuple(sorted(labels.items()))),
    severity=st.sampled_from(Severity),
    state=st.sampled_from(State),
    version=_COUNTS,
    opened=_TIMES,
    seen=_TIMES,
    reason=st.text(),
    value=st.none() | _FLOATS,
    threshold=st.none() | _FLOATS,
    breaches=_COUNTS,
    clears=_COUNTS,
    standing=st.booleans(),
    fired=st.none() | _TIMES,
    paged=st.none() | _TIMES,
    acknowledged=st.none() | _TIMES,
    acknowledged_by=st.none() | st.text(),
    note=st.text(),
    resolved=st.none() | _TIMES,
)


@given(sample=_SAMPLES, trade=_TRADES, alert=_ALERTS)
@pytest.mark.slow
async def test_any_value_comes_back_equal_and_storing_it_twice_changes_nothing(
    sample: Sample, trade: Trade, alert: Alert
) -> None:
    change = Change(samples=[sample], trades=[trade], alerts=[alert])
    with tempfile.TemporaryDirectory() as folder:
        async with new_store(Path(folder)) as store:
            for _ in range(2):
                await store.commit(change)
                assert await store.samples(sample.agent, 0) == [sample]
                assert await store.trades(None, 0) == [trade]
                assert await store.alert(alert.id) == alert
                assert (await store.agents())[sample.agent].first_seen == sample.time
