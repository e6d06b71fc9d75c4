from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.values import Judged
from bot.chat import Tone
from bot.views.alarm import alarm, percent
from bot.views.chart import Plan
from monitor.desk import Alarmed
from monitor.model import Agent, CashFlow, Finding, Severity
from monitor.rule import Labels, View, rule
from tests.fake_desk import NOW, an_alert

TIMES = "\N{MULTIPLICATION SIGN}"


@rule("shock", Severity.WARN, "Sudden loss", recovered="is quiet again", statistical=True)
def shock(_view: View, _open: Collection[Labels]) -> Iterable[Finding]:
    """Find nothing."""
    return ()


def an_alarmed(
    key: str = "shock", equity: Sequence[float | None] = (100.0, 100.0, 100.0, 96.8), **more: object
) -> Alarmed:
    times = [NOW - 30.0 * each for each in range(len(equity) - 1, -1, -1)]
    made = Alarmed(
        an_alert(rule=key, severity=Severity.WARN),
        others=0,
        since=NOW - 30.0,
        time=NOW,
        value=-0.032,
        typical=0.0033,
        n=4,
        every=12 * 86_400.0,
        equity=tuple(zip(times, equity, strict=True)),
        flows=(),
    )
    return replace(made, **more)  # type: ignore[arg-type] # fields of it


def seen(found: Alarmed) -> Judged:
    shown = told(found).shown
    assert isinstance(shown, Judged)
    return shown


def told(found: Alarmed) -> Plan:
    return alarm(found, Agent("alpha"), shock, "USD", NOW)


@pytest.mark.parametrize(
    ("key", "value", "typical", "figure", "detail"),
    [
        ("shock", -0.032, 0.0033, "-3.2%", "typical ±0.33%, by chance once in 12 days"),
        ("burst", 0.0323, 0.0033, f"{TIMES}9.8", "typical ±0.33%, by chance once in 12 days"),
        ("burst", 0.0323, 0.0, "+3.2%", "by chance once in 12 days"),
        ("bleed", -0.0005, 0.0033, "-0.20%", "in 4 steps, rarer than once in 12 days"),
        ("edge", 0.31, 0.55, "31%", "of trades won, typical 55%, rarer than once in 12 days"),
        ("shock", None, None, "", "by chance once in 12 days"),
        ("burst", 1e9, 1e-9, f"{TIMES}1,000,000+", "typical ±0.0%, by chance once in 12 days"),
        ("shock", 1e9, math.inf, ">1,000,000%", "by chance once in 12 days"),
        ("shock", math.nan, math.nan, "", "by chance once in 12 days"),
    ],
)
def test_the_number_read_first_and_what_is_typical(
    key: str, value: float | None, typical: float | None, figure: str, detail: str
) -> None:
    frame = seen(an_alarmed(key, value=value, typical=typical)).frame
    assert (frame.figure, frame.detail) == (figure, detail)


def test_what_stands_in_the_picture_stands_beside_it_in_words() -> None:
    plan = told(an_alarmed(others=2))
    assert plan.message.title == "alpha · Sudden loss: -3.2%"
    assert plan.message.text == (
        "Typical ±0.33%, by chance once in 12 days. "
        "Equity and the return of each step, 1 m 30 s to 25 Nov 12:03 UTC; what was judged is marked."
    )
    assert plan.alt.startswith("alpha · Sudden loss: -3.2%. Typical")
    assert plan.name == "alpha-shock.png"
    frame = seen(an_alarmed(others=2)).frame
    assert (frame.title, frame.note, frame.tone) == ("alpha · Sudden loss", "25 Nov 12:03 UTC, +2 agents", Tone.WARN)


def test_returns_are_net_of_cash_flows() -> None:
    flow = CashFlow("alpha", NOW - 15.0, Decimal(50), "ana")
    shown = seen(an_alarmed(equity=(100.0, None, 100.0, 150.0), flows=(flow,)))
    assert shown.returns.values.tolist() == [0.0, 0.0]
    assert shown.returns.times.tolist() == [NOW - 30.0, NOW]
    assert shown.flows == ((NOW - 15.0, 50.0),)


@pytest.mark.parametrize("equity", [(), (100.0,), (None, 100.0, None), (math.nan, 100.0), (1e15, 100.0)])
def test_of_fewer_than_two_equities_nothing_is_drawn(equity: Sequence[float | None]) -> None:
    assert told(an_alarmed(equity=equity)).shown is None


def test_of_trades_no_band_of_returns_is_drawn() -> None:
    assert seen(an_alarmed("edge", typical=0.55)).typical is None
    assert seen(an_alarmed("burst")).typical == 0.0033


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_share_is_short_whatever_it_is(value: float) -> None:
    assert len(percent(value)) <= 12


@given(
    st.lists(st.none() | st.floats(), max_size=8), st.none() | st.floats(), st.none() | st.floats(), st.floats(-9, 1e15)
)
def test_any_values_make_a_window_and_returns_of_one_length(
    equity: list[float | None], value: float | None, typical: float | None, every: float
) -> None:
    shown = told(an_alarmed(equity=tuple(equity), value=value, typical=typical, every=every)).shown
    if isinstance(shown, Judged):
        assert shown.window.since < shown.window.until
        assert len(shown.returns.times) == len(shown.returns.values) == len(shown.equity.times) - 1
        assert np.isfinite(shown.equity.values).all()
        assert len(shown.frame.figure) <= 12
